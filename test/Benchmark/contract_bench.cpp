//===- contract_bench.cpp - Speed of the contract kernel ------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// GOP/s (two operations a product) of one core, for the shapes of common
// networks: a matrix product M x N x K, or a 3x3 convolution in place. q4 are
// float activations and 4-bit weights in groups of 32.
//
//===----------------------------------------------------------------------===//

#include "../Target/KernelHarness.h"
#include "qc/Numerics/Encode.h"
#include "qc/TargetInfo/ContractParts.h"
#include "qc/TargetInfo/EncodedPacking.h"
#include "qc/TargetInfo/KernelSlots.h"
#include "qc/TargetInfo/Packing.h"

#include <benchmark/benchmark.h>

using namespace qc;
using namespace qc::test;
namespace S = qc::slots::contract;

static void runContract(benchmark::State &state, const std::string &levelName,
                        const std::string &x, int64_t m, int64_t n, int64_t k,
                        int64_t kernel) {
  CpuLevel level;
  for (const CpuLevel &known : hostLevels())
    if (known.name == levelName)
      level = known;
  if (level.name.empty())
    return state.SkipWithError("this machine lacks the level");
  bool ints = x == "u8" || x == "i8", encoded = x == "q4";
  KernelKey key{"contract", {x, "i8", x}, {"bias"}};
  if (!ints)
    key.types = {"f32", encoded ? "q4" : "f32", "f32"};
  numerics::AffineFormat format;
  format.bits = 4;
  format.group = {32, 1};
  format.scaleKind = numerics::ElementKind::F16;
  numerics::DecodeSpec spec = numerics::affineSpec(format);
  KernelFunction function =
      compileKernel(key, level, encoded ? &spec : nullptr);
  int64_t size = 1;
  while (size * size < m)
    ++size;
  int64_t c = k / (kernel * kernel), wide = size + kernel - 1;
  int64_t rows = kernel > 1 ? size : m, columns = kernel > 1 ? size : 1;
  int64_t es = ints ? 1 : 4;
  std::vector<char> input(kernel > 1 ? wide * wide * c * es : m * k * es, 60);
  std::vector<char> output(m * n * es);
  ContractWeights shape{k, n, 1, kernel > 1 ? kernel * c : k, unsigned(es)};
  int64_t weightBytes =
      encoded ? encodedGroupBytes(spec, k, n) : shape.packedBytes();
  std::vector<char> weights(weightBytes, 60);
  std::vector<float> bias(n), multiplier(n, 0.01f);
  ContractParts parts = chooseContractParts(m, n, k, 1);
  Slots slots(S::Count);
  slots.set(S::X, input.data());
  slots.set(S::W, weights.data());
  slots.set(S::Y, output.data());
  slots.set(S::Bias, bias.data());
  slots.set(S::Multiplier, multiplier.data());
  slots.set(S::Batch, 1);
  slots.set(S::Rows, rows);
  slots.set(S::Columns, columns);
  slots.set(S::XRow, kernel > 1 ? wide * c : k);
  slots.set(S::XColumn, c);
  slots.set(S::KernelH, kernel);
  slots.set(S::XKernelH, wide * c);
  slots.set(S::KernelW, 1);
  slots.set(S::Run, kernel * c);
  slots.set(S::N, n);
  slots.set(S::Groups, 1);
  slots.set(S::WGroupBytes, weightBytes);
  slots.set(S::YRow, n);
  slots.set(S::MChunk, parts.mChunk);
  slots.set(S::NChunk, parts.nChunk);
  slots.set(S::MParts, parts.mParts);
  slots.set(S::NParts, parts.nParts);
  slots.setFloat(S::Low, -128);
  slots.setFloat(S::High, 127);
  for (auto _ : state)
    runParts(function, slots, parts.parts(1));
  state.counters["GOP/s"] =
      benchmark::Counter(2e-9 * double(m) * double(n) * double(k),
                         benchmark::Counter::kIsIterationInvariantRate);
}

int main(int argc, char **argv) {
  struct Shape {
    int64_t m, n, k, kernel;
  };
  const Shape shapes[] = {{3136, 64, 576, 3},   {196, 256, 2304, 3},
                          {49, 512, 4608, 3},   {3136, 256, 64, 1},
                          {3136, 64, 256, 1},   {196, 1024, 256, 1},
                          {12544, 64, 147, 7},  {1, 1000, 2048, 1},
                          {512, 1024, 1024, 1}, {1, 4096, 4096, 1}};
  for (const CpuLevel &level : hostLevels())
    for (const char *x : {"u8", "f32", "q4"})
      for (const Shape &s : shapes) {
        std::string name = level.name + "/" + x;
        for (int64_t v : {s.m, s.n, s.k, s.kernel})
          name += "/" + std::to_string(v);
        benchmark::RegisterBenchmark(
            name.c_str(), [=, level = level.name](benchmark::State &state) {
              runContract(state, level, x, s.m, s.n, s.k, s.kernel);
            });
      }
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
