//===- sparse_bench.cpp - Speed of products with sparse weights -----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Dense and sparse INT8 products in turns on one core, weights 4096 x 4096
// (or QC_SPARSE_SIZE): the median time of each, how much faster than dense, and
// the bytes of weights read in a second, beside what plain reads reach. With
// QC_SPARSE_FLOATS activations are floats, and the forms those that such have.
//
// Usage: sparse_bench [M...]   (1 and 128)
//
//===----------------------------------------------------------------------===//

#include "../Target/KernelHarness.h"
#include "qc/Numerics/Encode.h"
#include "qc/TargetInfo/ContractParts.h"
#include "qc/TargetInfo/EncodedPacking.h"
#include "qc/TargetInfo/KernelSlots.h"
#include "qc/TargetInfo/Packing.h"
#include "qc/TargetInfo/SparsePacking.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <numeric>

using namespace qc;
using namespace qc::test;
using numerics::SparseFormat;
namespace S = qc::slots::contract;

namespace {
/// Packed weights and the kernel that reads them.
struct Contender {
  std::string name;
  KernelFunction kernel;
  std::vector<uint8_t> weights;
  std::vector<double> times = {};
};
} // namespace

static SparseWeights makeSparse(const std::string &form, double density,
                                int64_t n, int64_t k) {
  SparseWeights sparse;
  SparseWeights::parse(form, sparse.format);
  sparse.k = k;
  sparse.n = n;
  bool blocks = sparse.format.kind == SparseFormat::Kind::Blocks;
  sparse.format.kept =
      int64_t(density * double(blocks ? sparse.panels() * k : n * k));
  return sparse;
}

static std::vector<uint8_t> packRandom(const SparseWeights &sparse) {
  Random random(5);
  std::vector<float> values(sparse.n * sparse.k);
  std::vector<uint8_t> codes(values.size());
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] = float(random.integer(1, 127));
    codes[i] = uint8_t(values[i]);
  }
  const int64_t shape[] = {sparse.k, sparse.n};
  auto kept = numerics::keptElements(sparse.format, values, shape);
  numerics::ComponentData all{
      {"data", numerics::ElementKind::U8, {sparse.k, sparse.n}}, codes};
  std::vector<uint8_t> packed(sparse.packedBytes());
  packSparse(sparse, numerics::compact(sparse.format, all, kept), {}, packed);
  return packed;
}

/// The same with float activations, whose dense kernel decodes weights.
static std::vector<Contender> floatContenders(const CpuLevel &level, int64_t n,
                                              int64_t k) {
  numerics::AffineFormat format;
  format.group = {0, 1};
  numerics::DecodeSpec spec = numerics::affineSpec(format);
  std::vector<Contender> all;
  // Scales of these bytes are plain numbers.
  all.push_back(
      {"dense w8",
       compileKernel(*KernelKey::parse("contract:f32,i8,f32"), level, &spec),
       std::vector<uint8_t>(encodedGroupBytes(spec, k, n), 0x3c)});
  for (auto [name, form] : {std::pair("2:4", "i8_2of4"), {"1:4", "i8_1of4"}})
    all.push_back({name,
                   compileKernel(*KernelKey::parse("sparse_contract:f32," +
                                                   std::string(form) + ",f32"),
                                 level),
                   packRandom(makeSparse(form, 1, n, k))});
  return all;
}

static std::vector<Contender> contenders(const CpuLevel &level, int64_t n,
                                         int64_t k) {
  std::string x = hostArch() == Arch::AArch64 ? "i8" : "u8";
  auto kernel = [&](const std::string &text) {
    return compileKernel(*KernelKey::parse(text), level);
  };
  std::vector<Contender> all;
  ContractWeights dense;
  dense.k = k;
  dense.n = n;
  all.push_back({"dense", kernel("contract:" + x + ",i8,i32"),
                 std::vector<uint8_t>(dense.packedBytes(), 3)});
  const std::tuple<const char *, const char *, double> forms[] = {
      {"2:4", "i8_2of4", 0.5},        {"1:4", "i8_1of4", 0.25},
      {"4:8", "i8_4of8", 0.5},        {"mask 50 %", "i8_mask", 0.5},
      {"mask 75 %", "i8_mask", 0.25}, {"16x1 50 %", "i8_16x1", 0.5},
      {"16x1 75 %", "i8_16x1", 0.25}};
  for (auto [name, form, density] : forms)
    all.push_back({name, kernel("sparse_contract:" + x + "," + form + ",i32"),
                   packRandom(makeSparse(form, density, n, k))});
  return all;
}

static Slots slotsFor(const Contender &of, int64_t m, int64_t n, int64_t k,
                      const std::vector<uint8_t> &x, std::vector<int32_t> &y) {
  Slots slots(S::Count);
  slots.set(S::X, x.data());
  slots.set(S::W, of.weights.data());
  slots.set(S::Y, y.data());
  slots.set(S::Batch, 1);
  slots.set(S::Rows, 1);
  slots.set(S::Columns, m);
  slots.set(S::XColumn, k);
  slots.set(S::KernelH, 1);
  slots.set(S::KernelW, 1);
  slots.set(S::Run, k);
  slots.set(S::N, n);
  slots.set(S::YRow, n);
  ContractParts parts = chooseContractParts(m, n, k, 1);
  slots.set(S::MChunk, parts.mChunk);
  slots.set(S::NChunk, parts.nChunk);
  slots.set(S::MParts, parts.mParts);
  slots.set(S::NParts, parts.nParts);
  return slots;
}

template <typename BodyT> static double secondsOf(BodyT body) {
  auto begin = std::chrono::steady_clock::now();
  body();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin)
      .count();
}

static double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + values.size() / 2,
                   values.end());
  return values[values.size() / 2];
}

int main(int argc, char **argv) {
  const char *size = std::getenv("QC_SPARSE_SIZE");
  const int64_t n = size ? std::atoll(size) : 4096, k = n;
  std::vector<int64_t> batches;
  for (int i = 1; i < argc; ++i)
    batches.push_back(std::atoll(argv[i]));
  if (batches.empty())
    batches = {1, 128};
  CpuLevel level = hostTarget().levels.back();
  bool floats = std::getenv("QC_SPARSE_FLOATS");
  std::vector<Contender> all =
      floats ? floatContenders(level, n, k) : contenders(level, n, k);
  // More than any cache holds: reading it also puts the weights out of them.
  std::vector<uint64_t> other(size_t(96) << 17, 1);
  for (int64_t m : batches) {
    std::vector<uint8_t> x(m * k * 4, floats ? 0x3c : 131);
    std::vector<int32_t> y(m * n);
    std::vector<double> reads;
    uint64_t sum = 0;
    ContractParts parts = chooseContractParts(m, n, k, 1);
    int rounds = m == 1 ? 41 : 9;
    for (int round = 0; round < rounds; ++round)
      for (Contender &each : all) {
        reads.push_back(secondsOf([&] {
          sum += std::accumulate(other.begin(), other.end(), uint64_t(0));
        }));
        Slots slots = slotsFor(each, m, n, k, x, y);
        each.times.push_back(
            secondsOf([&] { runParts(each.kernel, slots, parts.parts(1)); }));
      }
    std::printf("%s, %lld x %lld, M = %lld; plain reads %.1f GB/s%s\n",
                level.name.c_str(), (long long)k, (long long)n, (long long)m,
                double(other.size()) * 8e-9 / median(reads), sum ? "" : " ");
    double dense = median(all.front().times);
    for (Contender &each : all) {
      double time = median(each.times);
      std::printf("  %-10s %9.3f ms  %5.2f x  %5.1f GB/s  %5.2f bits\n",
                  each.name.c_str(), 1e3 * time, dense / time,
                  1e-9 * double(each.weights.size()) / time,
                  8.0 * double(each.weights.size()) / double(n * k));
      each.times.clear();
    }
  }
}
