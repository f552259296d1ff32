//===- Refit.cpp - Weights for inputs that have moved ---------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "qc/Quantization/Refit.h"
#include "MatrixParts.h"
#include "Product.h"

#include <algorithm>
#include <cassert>

using namespace qc::quantization;
using Eigen::MatrixXd;

void Drift::add(std::span<const float> now, std::span<const float> before,
                std::span<const float> x) {
  // So many rows are multiplied in f32 before they are added in f64.
  constexpr int64_t chunkRows = 256;
  int64_t values = products.rows(), channels = products.cols();
  int64_t rows = channels ? static_cast<int64_t>(x.size()) / channels : 0;
  assert(static_cast<int64_t>(now.size()) == rows * values &&
         before.size() == now.size() && "expected the same rows");
  RowMatrix moved, sums;
  for (int64_t at = 0; at < rows; at += chunkRows) {
    int64_t count = std::min(chunkRows, rows - at);
    moved = MatrixView(before.data() + at * values, count, values) -
            MatrixView(now.data() + at * values, count, values);
    sums.setZero(values, channels);
    addTransposedProduct(values, channels, count, {moved.data(), values},
                         {x.data() + at * channels, channels}, sums.data(),
                         channels);
    products += sums.cast<double>();
  }
}

static MatrixXd dampedHessian(MatrixXd hessian, double damping) {
  double mean = hessian.size() != 0 ? hessian.diagonal().mean() : 0;
  hessian.diagonal().array() += damping * (mean > 0 ? mean : 1.0);
  return hessian;
}

Refit::Refit(const MatrixXd &hessian, const MatrixXd &inputs, double damping)
    : drift(inputs), damped(dampedHessian(hessian, damping)) {}

std::vector<float> Refit::fit(const WeightMatrix &weights,
                              const MatrixXd *residual) const {
  // (W D + R) (H + d I)^-1, transposed.
  Eigen::MatrixXf columns =
      MatrixView(weights.values.data(), weights.rows, weights.columns);
  RowMatrix right = drift.cast<float>();
  RowMatrix wanted = RowMatrix::Zero(weights.rows, weights.columns);
  addTransposedProduct(weights.rows, weights.columns, weights.columns,
                       {columns.data(), weights.rows},
                       {right.data(), weights.columns}, wanted.data(),
                       weights.columns);
  MatrixXd change = wanted.transpose().cast<double>();
  if (residual)
    change += residual->transpose();
  damped.solveInPlace(change);
  std::vector<float> result(weights.values.begin(), weights.values.end());
  for (int64_t r = 0; r < weights.rows; ++r)
    for (int64_t c = 0; c < weights.columns; ++c)
      result[r * weights.columns + c] += static_cast<float>(change(c, r));
  return result;
}
