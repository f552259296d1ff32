//===- Gemm.cpp - Products of matrices, summed in double ------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A tile of 4 rows and 8 columns of sums stays in registers while k runs; the
// columns of b are converted to double once for all rows.
//
//===----------------------------------------------------------------------===//

#include "Gemm.h"

#include <algorithm>

using namespace qc;

static constexpr int64_t tileRows = 4, tileColumns = 8;

/// All rows of a strip of `tileColumns` columns, `b` packed [k][tileColumns].
QC_WIDE_LOOP static void runStrip(int64_t m, int64_t k, const float *a,
                                  int64_t aRow, const double *b, double *c,
                                  int64_t cRow, int64_t columns) {
  for (int64_t row = 0; row < m; row += tileRows) {
    int64_t rows = std::min(tileRows, m - row);
    const float *x[tileRows];
    double sums[tileRows][tileColumns] = {};
    for (int64_t i = 0; i < tileRows; ++i) {
      x[i] = a + (row + std::min(i, rows - 1)) * aRow;
      for (int64_t j = 0; j < columns && i < rows; ++j)
        sums[i][j] = c[(row + i) * cRow + j];
    }
    for (int64_t step = 0; step < k; ++step)
      for (int64_t i = 0; i < tileRows; ++i) {
        double factor = x[i][step];
        for (int64_t j = 0; j < tileColumns; ++j)
          sums[i][j] += factor * b[step * tileColumns + j];
      }
    for (int64_t i = 0; i < rows; ++i)
      for (int64_t j = 0; j < columns; ++j)
        c[(row + i) * cRow + j] = sums[i][j];
  }
}

void evaluator::gemm(int64_t m, int64_t n, int64_t k, const float *a,
                     int64_t aRow, const float *b, int64_t bRow, double *c) {
  std::vector<double> packed(k * tileColumns);
  for (int64_t first = 0; first < n; first += tileColumns) {
    int64_t columns = std::min(tileColumns, n - first);
    for (int64_t step = 0; step < k; ++step) {
      const float *from = b + step * bRow + first;
      double *to = packed.data() + step * tileColumns;
      for (int64_t j = 0; j < columns; ++j)
        to[j] = from[j];
      std::fill(to + columns, to + tileColumns, 0.0);
    }
    runStrip(m, k, a, aRow, packed.data(), c + first, n, columns);
  }
}

void evaluator::SumBuffer::load(const HostTensor &tensor, int64_t first) {
  auto size = static_cast<int64_t>(sums.size());
  if (tensor.dtype() == DType::F32) {
    const float *from = tensor.as<float>().data() + first;
    std::copy(from, from + size, sums.begin());
  } else {
    const int32_t *from = tensor.as<int32_t>().data() + first;
    std::copy(from, from + size, sums.begin());
  }
}

void evaluator::SumBuffer::store(HostTensor &tensor, int64_t first) const {
  if (tensor.dtype() == DType::F32)
    std::transform(sums.begin(), sums.end(),
                   tensor.mutableData<float>().begin() + first,
                   [](double sum) { return static_cast<float>(sum); });
  else
    std::transform(sums.begin(), sums.end(),
                   tensor.mutableData<int32_t>().begin() + first, wrapToI32);
}
