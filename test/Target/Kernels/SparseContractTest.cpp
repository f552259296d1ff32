//===- SparseContractTest.cpp - Products with sparse weights --------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Every form of sparse weights on every level: outputs equal those of contract
// with the same zeros bit for bit, with tails of every kind.
//
//===----------------------------------------------------------------------===//

#include "OnLevels.h"

#include "qc/TargetInfo/KernelSlots.h"
#include "qc/TargetInfo/Packing.h"
#include "qc/TargetInfo/SparsePacking.h"

using namespace qc;
using namespace qc::test;
using numerics::SparseFormat;
namespace S = qc::slots::contract;

namespace {
/// A product in both layouts.
struct Problem {
  SparseWeights sparse;
  int64_t m;
  bool isSigned;
  std::vector<int8_t> codes;
  std::vector<numerics::ComponentData> data;
  std::unique_ptr<GuardedBytes> x, dense, packed, scales, correction, rowScales;

  Problem(const std::string &form, bool isSigned, int64_t m, int64_t n,
          int64_t k);
  Slots slots(GuardedBytes &weights, GuardedBytes &y) const;
  std::vector<GuardedBytes *> buffers(GuardedBytes &w, GuardedBytes &y) const {
    return {x.get(), &w, scales.get(), correction.get(), rowScales.get(), &y};
  }
};
} // namespace

/// Weights of which a form keeps some, and what it makes of them.
static std::vector<numerics::ComponentData>
makeWeights(SparseWeights &sparse, Random &random, std::vector<int8_t> &codes) {
  int64_t k = sparse.k, n = sparse.n;
  if (sparse.format.kind == SparseFormat::Kind::Mask)
    sparse.format.kept = k * n / 2 + 1;
  if (sparse.format.kind == SparseFormat::Kind::Blocks)
    sparse.format.kept = sparse.panels() * k / 2 + 1;
  codes = randomCodes<int8_t>(random, k * n, -127, 127);
  std::vector<float> values(codes.begin(), codes.end());
  const int64_t shape[] = {k, n};
  std::vector<uint8_t> kept =
      numerics::keptElements(sparse.format, values, shape);
  for (size_t i = 0; i < codes.size(); ++i)
    codes[i] = kept[i] ? codes[i] : 0;
  numerics::ComponentData all{{"data", numerics::ElementKind::U8, {k, n}},
                              std::vector<uint8_t>(codes.begin(), codes.end())};
  return numerics::compact(sparse.format, all, kept);
}

Problem::Problem(const std::string &form, bool isSigned, int64_t m, int64_t n,
                 int64_t k)
    : m(m), isSigned(isSigned) {
  Random random(static_cast<uint32_t>(m * 7919 + n * 31 + k));
  EXPECT_TRUE(SparseWeights::parse(form, sparse.format)) << form;
  sparse.k = k;
  sparse.n = n;
  data = makeWeights(sparse, random, codes);
  EXPECT_EQ(sparse.keyType(), form);
  packed = std::make_unique<GuardedBytes>(sparse.packedBytes());
  packSparse(sparse, data, {}, {packed->as<uint8_t>(), packed->bytes()});
  ContractWeights shape;
  shape.k = k;
  shape.n = n;
  dense = std::make_unique<GuardedBytes>(shape.packedBytes());
  packContract(shape, std::as_bytes(std::span(codes)),
               {dense->as<std::byte>(), dense->bytes()});
  x = guarded(randomCodes<int8_t>(random, m * k, -128, 127));
  scales = guarded(randomFloats(random, n, 0.01f, 0.02f));
  rowScales = guarded(randomFloats(random, m, 0.01f, 0.02f));
  std::vector<int32_t> sums(n);
  for (int64_t i = 0; i < k * n; ++i)
    sums[i % n] -= isSigned ? 0 : 128 * codes[i];
  correction = guarded(sums);
}

Slots Problem::slots(GuardedBytes &weights, GuardedBytes &y) const {
  Slots slots(S::Count);
  ContractWeights shape;
  shape.k = sparse.k;
  shape.n = sparse.n;
  slots.set(S::X, x->as<char>());
  slots.set(S::W, weights.as<char>());
  slots.set(S::Multiplier, scales->as<char>());
  slots.set(S::RowScale, rowScales->as<char>());
  slots.set(S::WZero, correction->as<char>());
  slots.set(S::Y, y.as<char>());
  slots.set(S::Batch, 1);
  slots.set(S::Rows, 1);
  slots.set(S::Columns, m);
  slots.set(S::XColumn, sparse.k);
  slots.set(S::KernelH, 1);
  slots.set(S::KernelW, 1);
  slots.set(S::Run, sparse.k);
  slots.set(S::N, sparse.n);
  slots.set(S::Groups, 1);
  slots.set(S::WGroupBytes, shape.groupBytes());
  slots.set(S::YRow, sparse.n);
  // Parts that cut rows and columns.
  slots.set(S::MChunk, 60);
  slots.set(S::NChunk, 64);
  slots.set(S::MParts, partsOf(m, 60));
  slots.set(S::NParts, partsOf(sparse.n, 64));
  return slots;
}

static int64_t partsOf(const Problem &p) {
  return qc::test::partsOf(p.m, 60) * qc::test::partsOf(p.sparse.n, 64);
}

/// As onHostLevels, and with vpexpandb where that may be used.
static void onSparseLevels(const std::string &text,
                           const std::function<void(TestKernel &)> &body) {
  onHostLevels(text, body);
  if (hostArch() != Arch::X86_64 || text.find("i8_mask") == text.npos)
    return;
  std::string error;
  CpuLevel level =
      parseTarget("x86-64-v4+vnni+avx512vbmi2", error)->levels.front();
  level.name = "avx512vbmi2";
  KernelKey key = *KernelKey::parse(text);
  // Kept for an emulated machine.
  if (!hostRuns(hostArch(), level)) {
    if (std::getenv("QC_KERNEL_OBJECTS"))
      compileOrFindObject(key, level, nullptr);
    return;
  }
  SCOPED_TRACE(text + " on " + level.name);
  TestKernel test(compileKernel(key, level));
  body(test);
}

static void check(const std::string &form, int64_t m, int64_t n, int64_t k) {
  SCOPED_TRACE(form + " " + std::to_string(m) + "x" + std::to_string(n) + "x" +
               std::to_string(k));
  bool isSigned = hostArch() == Arch::AArch64;
  std::string x = isSigned ? "i8" : "u8";
  Problem problem(form, isSigned, m, n, k);
  std::string flags = isSigned ? ":row_scale" : ":row_scale,correction";
  auto expected = blank<float>(m * n);
  auto reference = KernelKey::parse("contract:" + x + ",i8,f32" + flags);
  runParts(compileKernel(*reference, hostLevels().front()),
           problem.slots(*problem.dense, *expected), partsOf(problem));
  std::vector<float> values(expected->as<float>(),
                            expected->as<float>() + m * n);
  onSparseLevels("sparse_contract:" + x + "," + form + ",f32" + flags,
                 [&](TestKernel &kernel) {
                   auto y = blank<float>(m * n);
                   kernel.run(problem.slots(*problem.packed, *y),
                              partsOf(problem),
                              problem.buffers(*problem.packed, *y));
                   expectSame(*y, values);
                 });
}

static const char *const forms[] = {"i8_2of4", "i8_1of4", "i8_4of8", "i8_mask",
                                    "i8_16x1"};

TEST(SparseContract, EveryRow) {
  for (const char *form : forms)
    for (int64_t m : {1, 2, 3, 4, 7, 8, 9, 31, 33, 61, 131})
      check(form, m, 33, 70);
}

TEST(SparseContract, EveryColumnAndDepth) {
  for (const char *form : forms) {
    for (int64_t n : {1, 15, 16, 17, 100})
      check(form, 5, n, 64);
    // Panels that one row meets abreast.
    for (int64_t n : {63, 64, 200})
      for (int64_t k : {1, 3, 18, 64, 119, 520})
        check(form, 1, n, k);
    for (int64_t k : {1, 3, 4, 15, 16, 17, 63, 65, 100, 511, 513, 1100}) {
      check(form, 2, 18, k);
      check(form, 40, 18, k);
    }
  }
}

TEST(SparseContract, EveryNofM) {
  // Positions of one bit, twelve steps a block, of four bits.
  for (const char *form : {"i8_1of2", "i8_3of4", "i8_8of16"})
    for (int64_t k : {1, 37, 128, 200})
      check(form, 4, 20, k);
}

TEST(SparseContract, AArch64) {
  if (!canRunAArch64())
    GTEST_SKIP() << "no cross compiler or no qemu-aarch64-static";
  constexpr int64_t m = 37, n = 35;
  for (const CpuLevel &level : knownLevels(Arch::AArch64)) {
    ForeignKernel dense(*KernelKey::parse("contract:i8,i8,f32:row_scale"),
                        level);
    for (const char *form : forms) {
      SCOPED_TRACE(std::string(form) + " on " + level.name);
      Problem problem(form, /*isSigned=*/true, m, n, 90);
      auto y = blank<float>(m * n), expected = blank<float>(m * n);
      auto slots = problem.slots(*problem.dense, *expected);
      ASSERT_TRUE(dense.run(slots, slots.size(), partsOf(problem),
                            problem.buffers(*problem.dense, *expected)));
      ForeignKernel sparse(*KernelKey::parse("sparse_contract:i8," +
                                             std::string(form) +
                                             ",f32:row_scale"),
                           level);
      slots = problem.slots(*problem.packed, *y);
      ASSERT_TRUE(sparse.run(slots, slots.size(), partsOf(problem),
                             problem.buffers(*problem.packed, *y)));
      expectSame(*y, std::vector<float>(expected->as<float>(),
                                        expected->as<float>() + m * n));
    }
  }
}

/// Float rows: within the rounding of sums in any order.
static void checkFloats(const std::string &form, int64_t m, int64_t n,
                        int64_t k) {
  SCOPED_TRACE(form + " " + std::to_string(m) + "x" + std::to_string(n) + "x" +
               std::to_string(k));
  Problem problem(form, /*isSigned=*/true, m, n, k);
  Random random(7);
  std::vector<float> values = randomFloats(random, m * k, -1, 1);
  problem.x = guarded(values);
  const auto *scales = problem.scales->as<float>();
  packSparse(problem.sparse, problem.data, {scales, size_t(n)},
             {problem.packed->as<uint8_t>(), problem.packed->bytes()});
  std::vector<double> expected(m * n), sizes(m * n);
  for (int64_t i = 0; i < m * n; ++i)
    for (int64_t j = 0; j < k; ++j) {
      double term = double(values[i / n * k + j]) *
                    problem.codes[j * n + i % n] * scales[i % n];
      expected[i] += term;
      sizes[i] += std::abs(term);
    }
  onSparseLevels(
      "sparse_contract:f32," + form + ",f32", [&](TestKernel &kernel) {
        auto y = blank<float>(m * n);
        kernel.run(problem.slots(*problem.packed, *y), partsOf(problem),
                   problem.buffers(*problem.packed, *y));
        for (int64_t i = 0; i < m * n; ++i)
          ASSERT_NEAR(y->as<float>()[i], expected[i], 1e-6 * sizes[i]) << i;
      });
}

TEST(SparseContract, FloatRows) {
  for (const char *form : {"i8_2of4", "i8_1of4"})
    for (int64_t k : {1, 5, 31, 64, 100})
      for (int64_t m : {1, 2, 5, 50})
        checkFloats(form, m, m == 1 ? 137 : 37, k);
}

TEST(SparseContract, TakesTheBitsThatItPromises) {
  for (const char *form : forms) {
    SparseWeights sparse;
    ASSERT_TRUE(SparseWeights::parse(form, sparse.format));
    sparse.k = sparse.n = 1024;
    if (sparse.format.kind != SparseFormat::Kind::NofM)
      sparse.format.kept = 512 * (sparse.format.kind == SparseFormat::Kind::Mask
                                      ? sparse.n
                                      : sparse.panels());
    size_t promised = 0;
    const int64_t shape[] = {sparse.k, sparse.n};
    for (const numerics::Component &component : numerics::sparseComponents(
             sparse.format, numerics::ElementKind::U8, shape))
      promised += numerics::byteSize(component.kind, component.shape);
    EXPECT_LE(double(sparse.packedBytes()), 1.03 * double(promised)) << form;
  }
}
