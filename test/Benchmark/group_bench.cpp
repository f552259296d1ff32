//===- group_bench.cpp - Speed of the group_contract kernel ---------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// GOP/s (two operations a product) of one core: M rows of activations in 8 bits
// times 2048 x 2048 weights, in the formats that are tuned and some others;
// with blocks of 32 activations, and `wide`, blocks as the scales of the
// weights.
//
//===----------------------------------------------------------------------===//

#include "../Target/KernelHarness.h"
#include "qc/Numerics/Blocks.h"
#include "qc/Numerics/Encode.h"
#include "qc/Numerics/WideSums.h"
#include "qc/TargetInfo/ContractParts.h"
#include "qc/TargetInfo/GroupPacking.h"
#include "qc/TargetInfo/KernelSlots.h"

#include <benchmark/benchmark.h>

using namespace qc;
using namespace qc::test;
namespace S = qc::slots::contract;

static void runGroups(benchmark::State &state, const CpuLevel &level,
                      const std::string &format,
                      const numerics::DecodeSpec &spec, int64_t m, bool wide) {
  constexpr int64_t n = 2048, k = 2048;
  KernelKey key{"group_contract", {"f32", format, "f32"}, {}};
  if (wide)
    key.flags.push_back("wide");
  KernelFunction function = compileKernel(key, level, &spec);
  if (!function)
    return state.SkipWithError("no kernel");
  // Halves and floats of these bytes are plain numbers.
  std::vector<uint8_t> weights(groupPackedBytes(spec, k, n), 0x3c);
  std::vector<int8_t> codes(m * k, 3);
  std::vector<float> scales(m * k / groupChunk, 1), y(m * n);
  std::vector<int32_t> sums(m * k / 16, 48);
  ContractParts parts = chooseContractParts(m, n, k, 1, slabRowStep);
  Slots slots(S::Count);
  slots.set(S::X, codes.data());
  slots.set(S::W, weights.data());
  slots.set(S::RowScale, scales.data());
  slots.set(S::Scratch, sums.data());
  slots.set(S::Y, y.data());
  slots.set(S::Columns, m);
  slots.set(S::XColumn, k);
  slots.set(S::Run, k);
  slots.set(S::N, n);
  slots.set(S::YRow, n);
  slots.set(S::MChunk, parts.mChunk);
  slots.set(S::NChunk, parts.nChunk);
  slots.set(S::MParts, parts.mParts);
  slots.set(S::NParts, parts.nParts);
  for (auto _ : state)
    runParts(function, slots, parts.parts(1));
  state.counters["GOP/s"] =
      benchmark::Counter(2e-9 * double(m) * double(n) * double(k),
                         benchmark::Counter::kIsIterationInvariantRate);
}

int main(int argc, char **argv) {
  std::map<std::string, numerics::DecodeSpec> specs;
  for (const numerics::BlockFormat &format : numerics::blockFormats())
    specs[std::string(format.name)] = numerics::blockSpec(format, 2, 0);
  numerics::AffineFormat affine;
  affine.bits = 4;
  affine.symmetric = false;
  affine.group = {128, 1};
  affine.scaleKind = numerics::ElementKind::F16;
  specs["w4-g128"] = numerics::affineSpec(affine);
  for (const CpuLevel &level : hostLevels())
    for (const char *format :
         {"q4_0", "q4_K", "q8_0", "q2_K", "tq2_0", "w4-g128", "q3_K", "q5_K",
          "q6_K", "iq4_xs", "iq4_nl"})
      for (int64_t m : {1, 4, 8, 128})
        for (bool wide : {false, true})
          if (!wide || numerics::wideSums(specs.at(format)))
            benchmark::RegisterBenchmark(
                (level.name + "/" + format + (wide ? "/wide/" : "/") +
                 std::to_string(m))
                    .c_str(),
                [=, spec = specs.at(format)](benchmark::State &state) {
                  runGroups(state, level, format, spec, m, wide);
                });
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
