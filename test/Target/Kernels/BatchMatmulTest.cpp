//===- BatchMatmulTest.cpp - Products of two run-time matrices ------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "OnLevels.h"

#include "qc/TargetInfo/KernelSlots.h"

#include <cmath>

using namespace qc;
using namespace qc::test;

namespace batch_matmul_test {

using namespace qc::slots::batch_matmul;

namespace {
struct Shape {
  int64_t batch0, batch1, m, n, k;
  /// B as [n][k] rather than [k][n]; A as [k][m]; A the same for all batch1.
  bool bTransposed = false, aTransposed = false, aShared = false;
  int64_t chunk = 5;
};
} // namespace

static void check(const Shape &s) {
  Random random(s.m * 100 + s.n * 10 + s.k);
  // Rows have three more elements than they need.
  int64_t aRow = s.aTransposed ? 1 : s.k + 3;
  int64_t aColumn = s.aTransposed ? s.m + 3 : 1;
  int64_t bRow = s.bTransposed ? 1 : s.n + 3;
  int64_t bColumn = s.bTransposed ? s.k + 3 : 1;
  int64_t aBatch = (s.k + 3) * (s.m + 3), bBatch = (s.k + 3) * (s.n + 3);
  int64_t aBatch1 = s.aShared ? 0 : aBatch;
  int64_t aBatch0 = s.aShared ? aBatch : aBatch * s.batch1;
  int64_t bBatch0 = bBatch * s.batch1, yRow = s.n + 2;
  auto a = randomFloats(random, s.batch0 * s.batch1 * aBatch, -1, 1);
  // B ends with its last element.
  int64_t bLast =
      bBatch0 * s.batch0 - bBatch + (s.k - 1) * bRow + (s.n - 1) * bColumn + 1;
  auto b = randomFloats(random, bLast, -1, 1);
  int64_t yBatch = s.m * yRow;
  std::vector<float> before(s.batch0 * s.batch1 * yBatch - 2, 99.0f);
  onLevels(
      s.aTransposed ? "batch_matmul:f32,f32,f32:a_strided"
                    : "batch_matmul:f32,f32,f32",
      [&](TestKernel &kernel) {
        int64_t mParts = partsOf(s.m, s.chunk);
        int64_t parts = s.batch0 * s.batch1 * mParts;
        auto inA = guarded(a), inB = guarded(b), out = guarded(before);
        auto scratch = blank<float>(parts * s.k * 32);
        Slots slots(Count);
        slots.set(A, inA->as<void>());
        slots.set(B, inB->as<void>());
        slots.set(Y, out->as<void>());
        slots.set(Scratch, scratch->as<void>());
        const std::pair<unsigned, int64_t> sizes[] = {
            {Batch0, s.batch0},
            {Batch1, s.batch1},
            {M, s.m},
            {N, s.n},
            {K, s.k},
            {ABatch0, aBatch0},
            {ABatch1, aBatch1},
            {ARow, aRow},
            {AColumn, aColumn},
            {BBatch0, bBatch0},
            {BBatch1, bBatch},
            {BRow, bRow},
            {BColumn, bColumn},
            {YBatch0, yBatch * s.batch1},
            {YBatch1, yBatch},
            {YRow, yRow},
            {MChunk, s.chunk},
            {MParts, mParts},
            {ScratchBytes, s.k * 128}};
        for (auto [slot, value] : sizes)
          slots.set(slot, value);
        slots.setFloat(Alpha, 0.125f);
        kernel.run(slots, parts,
                   {inA.get(), inB.get(), out.get(), scratch.get()});
        const float *y = out->as<float>();
        for (size_t i = 0; i < before.size(); ++i) {
          int64_t batch = i / yBatch, row = i % yBatch / yRow, col = i % yRow;
          if (col >= s.n) {
            ASSERT_EQ(y[i], 99.0f);
            continue;
          }
          int64_t b0 = batch / s.batch1, b1 = batch % s.batch1;
          double sum = 0;
          for (int64_t k = 0; k < s.k; ++k)
            sum +=
                double(
                    a[b0 * aBatch0 + b1 * aBatch1 + row * aRow + k * aColumn]) *
                b[b0 * bBatch0 + b1 * bBatch + k * bRow + col * bColumn];
          ASSERT_NEAR(y[i], sum * 0.125, 1e-6 * (s.k + 1))
              << batch << ", " << row << ", " << col;
        }
      });
}

TEST(BatchMatmul, EveryColumnTail) {
  for (int64_t n = 1; n <= 70; n += n < 34 ? 1 : 9)
    for (bool bTransposed : {false, true})
      check({1, 2, 9, n, 11, bTransposed});
}

TEST(BatchMatmul, EveryRowTailAndDepth) {
  for (int64_t m = 1; m <= 17; ++m)
    check({1, 1, m, 33, 2 * m - 1, m % 2 == 0, false, false, 100});
}

TEST(BatchMatmul, Shapes) {
  check({2, 3, 6, 40, 8, true, true});
  check({2, 3, 6, 40, 8, false, true});
  check({3, 4, 7, 64, 32, false, false, true});
  check({1, 12, 20, 64, 20, false, false, false, 8});
  check({1, 12, 20, 20, 64, true, false, false, 8});
  check({1, 2, 1, 100, 64, true});
}

} // namespace batch_matmul_test
