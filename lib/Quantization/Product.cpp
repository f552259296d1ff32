//===- Product.cpp - Products of f32 matrices -----------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A tile of sums stays in registers while the rows run. The build is for any
// processor of the architecture; these loops are what the time of calibration
// goes into, so they are compiled for wider vectors too.
//
//===----------------------------------------------------------------------===//

#include "Product.h"

#include <algorithm>
#include <vector>

using namespace qc;
using namespace qc::quantization;

static constexpr int64_t tileRows = 4;

/// c[i, j] += sums over k rows of a tile of `rows` by `columns`, which are
/// columns of a and the first of a packed strip [k][tileColumns].
template <int64_t tileColumns>
__attribute__((always_inline)) static inline void
multiplyTile(int64_t k, MatrixPart a, int64_t rows, const float *strip,
             int64_t columns, float *c, int64_t stride) {
  int64_t at[tileRows];
  for (int64_t i = 0; i < tileRows; ++i)
    at[i] = std::min(i, rows - 1);
  float sums[tileRows][tileColumns] = {};
  for (int64_t r = 0; r < k; ++r)
#pragma clang loop unroll(full)
    for (int64_t i = 0; i < tileRows; ++i) {
      float factor = a.data[r * a.stride + at[i]];
#pragma clang loop vectorize(enable) interleave(enable)
      for (int64_t j = 0; j < tileColumns; ++j)
        sums[i][j] += factor * strip[r * tileColumns + j];
    }
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < columns; ++j)
      c[i * stride + j] += sums[i][j];
}

namespace {
struct Tile {
  int64_t columns;
  void (*multiply)(int64_t, MatrixPart, int64_t, const float *, int64_t,
                   float *, int64_t);
};
} // namespace

/// multiplyTile compiled with an attribute.
#define QC_TILE(NAME, COLUMNS, ATTRIBUTE)                                      \
  ATTRIBUTE static void NAME(int64_t k, MatrixPart a, int64_t rows,            \
                             const float *strip, int64_t columns, float *c,    \
                             int64_t stride) {                                 \
    multiplyTile<COLUMNS>(k, a, rows, strip, columns, c, stride);              \
  }

QC_TILE(multiplyPlain, 8, )
#if defined(__x86_64__)
QC_TILE(multiplyAVX2, 16, __attribute__((target("avx2"))))
QC_TILE(multiplyAVX512, 32, __attribute__((target("avx512f"))))
static Tile chooseTile() {
  if (__builtin_cpu_supports("avx512f"))
    return {32, multiplyAVX512};
  return __builtin_cpu_supports("avx2") ? Tile{16, multiplyAVX2}
                                        : Tile{8, multiplyPlain};
}
#else
static Tile chooseTile() { return {8, multiplyPlain}; }
#endif
#undef QC_TILE

void quantization::addTransposedProduct(int64_t m, int64_t n, int64_t k,
                                        MatrixPart a, MatrixPart b, float *c,
                                        int64_t stride) {
  Tile tile = chooseTile();
  std::vector<float> strip(k * tile.columns);
  for (int64_t column = 0; column < n; column += tile.columns) {
    int64_t columns = std::min(tile.columns, n - column);
    for (int64_t r = 0; r < k; ++r)
      std::copy_n(b.data + r * b.stride + column, columns,
                  strip.begin() + r * tile.columns);
    for (int64_t row = 0; row < m; row += tileRows)
      tile.multiply(k, {a.data + row, a.stride}, std::min(tileRows, m - row),
                    strip.data(), columns, c + row * stride + column, stride);
  }
}
