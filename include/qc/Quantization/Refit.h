//===- Refit.h - Weights for inputs that have moved -------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Where the layers before it are rounded, a layer reads x in place of the u of
// the model in float. Weights that are fitted to give from x what W gives from
// u make up for a part of the errors of those layers.
//
//===----------------------------------------------------------------------===//

#ifndef QC_QUANTIZATION_REFIT_H
#define QC_QUANTIZATION_REFIT_H

#include "qc/Quantization/Matrix.h"

#include <Eigen/Cholesky>

namespace qc::quantization {

/// How values differ from those of the model in float, along the inputs x of a
/// layer: the sum of (before - now) x^T over rows.
class Drift {
public:
  Drift(int64_t values, int64_t channels)
      : products(Eigen::MatrixXd::Zero(values, channels)) {}

  /// Adds rows of as many values, and of as many channels x, as it has.
  void add(std::span<const float> now, std::span<const float> before,
           std::span<const float> x);
  const Eigen::MatrixXd &sum() const { return products; }

private:
  Eigen::MatrixXd products;
};

/// Fits the layers that read one x.
class Refit {
public:
  /// `hessian` is the sum of x x^T, `inputs` the drift of x itself; d is
  /// `damping` times the mean of the diagonal of the first.
  Refit(const Eigen::MatrixXd &hessian, const Eigen::MatrixXd &inputs,
        double damping = 0.1);

  /// W' of the least sum of |W' x + r - (W u + s)|^2 + d |W' - W|^2, row-major,
  /// where the model adds r to the result, s in float; `residual` is the drift
  /// of r, null where it adds nothing.
  std::vector<float> fit(const WeightMatrix &weights,
                         const Eigen::MatrixXd *residual = nullptr) const;

private:
  Eigen::MatrixXd drift;
  Eigen::LLT<Eigen::MatrixXd> damped;
};

} // namespace qc::quantization

#endif // QC_QUANTIZATION_REFIT_H
