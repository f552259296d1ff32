//===- BatchMatmulBytesTest.cpp - Products of run-time 8-bit matrices -----===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "OnLevels.h"

#include "qc/Numerics/Rounding.h"
#include "qc/TargetInfo/KernelSlots.h"

using namespace qc;
using namespace qc::test;

namespace batch_matmul_bytes_test {

using namespace qc::slots::batch_matmul;

namespace {
struct Shape {
  int64_t batch0, batch1, m, n, k;
  /// Which of B's axes is contiguous.
  enum Layout { Rows, Columns, Neither } b = Rows;
  /// Codes rather than f32 come out.
  bool toCodes = true;
  int64_t chunk = 5;
};

/// Operands with rows apart, and what the kernel is told of them.
struct Case {
  explicit Case(const Shape &s);
  int64_t at(int64_t batch, int64_t row, int64_t column, int64_t rowStride,
             int64_t columnStride, int64_t matrix) const {
    return batch * matrix + row * rowStride + column * columnStride;
  }
  int32_t sum(int64_t batch, int64_t row, int64_t column) const;

  const Shape &s;
  int64_t aRow, bRow, bColumn, aMatrix, bMatrix, yRow, yMatrix, batches;
  int32_t offset = hostArch() == Arch::X86_64 ? 128 : 0;
  int32_t aZero = -7, yZero = 3;
  float alpha;
  std::vector<int8_t> a, b;
};
} // namespace

Case::Case(const Shape &s)
    : s(s), aRow(s.k + 3), bRow(s.b == Shape::Rows      ? s.n + 5
                                : s.b == Shape::Columns ? 1
                                                        : 2 * s.n + 1),
      bColumn(s.b == Shape::Rows      ? 1
              : s.b == Shape::Columns ? s.k + 2
                                      : 2),
      aMatrix(s.m * aRow), bMatrix((s.k + 5) * (2 * s.n + 5)), yRow(s.n + 2),
      yMatrix(s.m * yRow), batches(s.batch0 * s.batch1),
      alpha(1.0f / (40.0f * std::sqrt(float(s.k)))) {
  Random random(s.m * 100 + s.n * 10 + s.k);
  // Both end with their last element.
  a = randomCodes<int8_t>(random, batches * aMatrix - 3, -128, 127);
  b = randomCodes<int8_t>(random,
                          (batches - 1) * bMatrix + (s.k - 1) * bRow +
                              (s.n - 1) * bColumn + 1,
                          -128, 127);
}

int32_t Case::sum(int64_t batch, int64_t row, int64_t column) const {
  int32_t sum = 0;
  for (int64_t k = 0; k < s.k; ++k)
    sum += (a[at(batch, row, k, aRow, 1, aMatrix)] - aZero) *
           b[at(batch, k, column, bRow, bColumn, bMatrix)];
  return sum;
}

template <typename T>
static std::vector<T> expectedOf(const Case &c, T filler, int32_t offset) {
  std::vector<T> y(c.batches * c.yMatrix - 2, filler);
  numerics::Requantize step;
  step.multiplier = c.alpha;
  step.zeroPoint = c.yZero;
  step.lo = float(-128 - c.yZero);
  step.hi = float(127 - c.yZero);
  for (int64_t batch = 0; batch < c.batches; ++batch)
    for (int64_t i = 0; i < c.s.m; ++i)
      for (int64_t j = 0; j < c.s.n; ++j) {
        int32_t sum = c.sum(batch, i, j);
        T &out = y[batch * c.yMatrix + i * c.yRow + j];
        if constexpr (std::is_same_v<T, float>)
          out = float(sum) * c.alpha;
        else
          out = T(numerics::requantize(sum, step) + offset);
      }
  return y;
}

static Slots slotsOf(const Case &c, int32_t offset, int64_t mParts) {
  const Shape &s = c.s;
  Slots slots(Count);
  const std::pair<unsigned, int64_t> sizes[] = {
      {Batch0, s.batch0},
      {Batch1, s.batch1},
      {M, s.m},
      {N, s.n},
      {K, s.k},
      {ABatch0, c.aMatrix * s.batch1},
      {ABatch1, c.aMatrix},
      {ARow, c.aRow},
      {AColumn, 1},
      {BBatch0, c.bMatrix * s.batch1},
      {BBatch1, c.bMatrix},
      {BRow, c.bRow},
      {BColumn, c.bColumn},
      {YBatch0, c.yMatrix * s.batch1},
      {YBatch1, c.yMatrix},
      {YRow, c.yRow},
      {MChunk, s.chunk},
      {MParts, mParts},
      {ScratchBytes, (s.n + 15) / 16 * (64 * ((s.k + 3) / 4) + 128)},
      {AZero, c.aZero + offset},
      {YZero, c.yZero + offset}};
  for (auto [slot, value] : sizes)
    slots.set(slot, value);
  slots.setFloat(Alpha, c.alpha);
  slots.setFloat(Low, float(-128 - c.yZero));
  slots.setFloat(High, float(127 - c.yZero));
  return slots;
}

static void check(const Shape &s, bool isAArch64) {
  Case c(s);
  int32_t offset = isAArch64 ? 0 : 128;
  std::string type = isAArch64 ? "i8" : "u8";
  auto stored = [&](std::vector<int8_t> codes) {
    for (int8_t &code : codes)
      code = int8_t(code + offset);
    return codes;
  };
  auto run = [&](TestKernel &kernel) {
    int64_t mParts = partsOf(s.m, s.chunk), parts = c.batches * mParts;
    Slots slots = slotsOf(c, offset, mParts);
    int64_t scratchBytes = slots.data()[ScratchBytes];
    auto a = guarded(stored(c.a)), b = guarded(stored(c.b));
    auto scratch = blank<char>(parts * scratchBytes);
    auto floats = expectedOf<float>(c, 99.0f, 0);
    auto codes = expectedOf<int8_t>(c, 99, offset);
    auto y = s.toCodes ? guarded(std::vector<int8_t>(codes.size(), 99))
                       : guarded(std::vector<float>(floats.size(), 99.0f));
    slots.set(A, a->as<void>());
    slots.set(B, b->as<void>());
    slots.set(Y, y->as<void>());
    slots.set(Scratch, scratch->as<void>());
    kernel.run(slots, parts, {a.get(), b.get(), y.get(), scratch.get()});
    s.toCodes ? expectSame(*y, codes) : expectSame(*y, floats);
  };
  std::string key = "batch_matmul:" + type + "," + type + "," +
                    (s.toCodes ? type : std::string("f32"));
  if (isAArch64)
    return onAArch64(*KernelKey::parse(key), run);
  onHostLevels(key, run);
}

static void check(const Shape &shape) {
  check(shape, hostArch() == Arch::AArch64);
  if (hostArch() != Arch::AArch64)
    check(shape, true);
}

TEST(BatchMatmulBytes, EveryColumnTail) {
  for (int64_t n = 1; n <= 70; n += n < 34 ? 1 : 9)
    for (Shape::Layout b : {Shape::Rows, Shape::Columns, Shape::Neither})
      check({1, 2, 9, n, 21, b, n % 2 == 0});
}

TEST(BatchMatmulBytes, EveryDepth) {
  for (int64_t k = 1; k <= 70; k += k < 34 ? 1 : 9)
    for (Shape::Layout b : {Shape::Rows, Shape::Columns})
      check({1, 1, 7, 33, k, b, k % 2 == 0, 100});
}

TEST(BatchMatmulBytes, Heads) {
  check({2, 3, 20, 64, 20, Shape::Rows, true, 8});
  check({2, 3, 20, 20, 64, Shape::Columns, false, 8});
  check({1, 2, 200, 200, 64, Shape::Columns, false, 384});
  check({1, 2, 200, 64, 200, Shape::Rows, true, 384});
  check({1, 1, 1, 64, 300, Shape::Rows, true, 384});
}

} // namespace batch_matmul_bytes_test
