//===- CoordinateDescent.cpp - Codes that are chosen once more ------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Behdin et al., "QuantEase: Optimization-based Quantization for Language
// Models", 2023 (arXiv:2309.01885). With the error E = W - Q of a row, the code
// of column j that is best beside all others is that nearest to
// q_j + (E H)_j / H_jj. Column after column, the error only gets less. A ridge
// on H keeps the codes from fitting the calibration data alone.
//
//===----------------------------------------------------------------------===//

#include "MatrixParts.h"
#include "Product.h"
#include "PruningMask.h"

using namespace qc;
using namespace qc::quantization;
using Eigen::Index;

/// After so many rounds over all columns few codes still change.
static constexpr unsigned mostRounds = 8;

/// In parts of the mean of the diagonal of H.
static constexpr double ridge = 0.3;

/// H in f32 in units of the mean of its diagonal, with the ridge.
static RowMatrix withRidge(const Eigen::MatrixXd &hessian) {
  double mean = hessian.diagonal().mean();
  Eigen::MatrixXd result = hessian / (mean > 0 ? mean : 1.0);
  result.diagonal().array() += ridge;
  return result.cast<float>();
}

void quantization::descend(const RowMatrix &weights,
                           const Eigen::MatrixXd &hessian,
                           const PruningMask &mask, numerics::GroupCodec &codec,
                           RowMatrix decoded) {
  Index rows = weights.rows(), columns = weights.cols();
  RowMatrix inner = withRidge(hessian);
  // Transposed, as the product wants it.
  Eigen::MatrixXf errors = weights - decoded;
  RowMatrix slope = RowMatrix::Zero(rows, columns);
  addTransposedProduct(rows, columns, columns, {errors.data(), rows},
                       {inner.data(), columns}, slope.data(), columns);
  for (Index r = 0; r < rows; ++r) {
    bool changes = true;
    for (unsigned round = 0; changes && round < mostRounds; ++round) {
      changes = false;
      for (Index c = 0; c < columns; ++c) {
        if (mask.isZero(r, c))
          continue;
        float old = decoded(r, c);
        float next = codec.encode(r, c, old + slope(r, c) / inner(c, c));
        if (next == old)
          continue;
        decoded(r, c) = next;
        changes = true;
        const float *h = inner.row(c).data();
        float *s = slope.row(r).data(), moved = next - old;
        for (Index j = 0; j < columns; ++j)
          s[j] -= moved * h[j];
      }
    }
  }
}
