//===- InputStatistics.h - What is known of a layer's inputs ----*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Sums over the rows x that a matrix product reads when the model runs on
// calibration data: what the algorithms on weights know of the data. Rows come
// in any number of pieces; the sums depend on their order alone.
//
//===----------------------------------------------------------------------===//

#ifndef QC_QUANTIZATION_INPUTSTATISTICS_H
#define QC_QUANTIZATION_INPUTSTATISTICS_H

#include <Eigen/Core>

#include <cstdint>
#include <span>
#include <vector>

namespace qc::quantization {

class InputStatistics {
public:
  /// Without the Hessian only sums by channel are kept.
  explicit InputStatistics(int64_t channels, bool withHessian = true);

  /// Adds rows of `channels` values each.
  void add(std::span<const float> rows);
  /// Adds the rows that `other` saw.
  void merge(const InputStatistics &other);
  /// What it would be of rows whose channel c is divided by scales[c] > 0.
  InputStatistics dividedBy(std::span<const float> scales) const;

  int64_t channels() const { return numChannels; }
  uint64_t rows() const { return count; }
  /// The sum of x x^T over the rows, both halves; empty without it.
  Eigen::MatrixXd hessian() const;
  bool hasHessian() const { return products.size() != 0 || numChannels == 0; }

  /// Mean of x^2, mean of |x| and largest |x| of each channel; 0 without rows.
  std::vector<float> meanSquares() const;
  std::vector<float> meanMagnitudes() const;
  std::span<const float> largestMagnitudes() const { return maxima; }
  /// Sum of x^2, for files that keep it so.
  std::span<const double> sumSquares() const { return squares; }

private:
  /// Adds the products of `rows` to `sum`, lower half.
  static void addProducts(std::span<const float> rows, Eigen::MatrixXd &sum);

  int64_t numChannels;
  uint64_t count = 0;
  std::vector<double> squares, magnitudes;
  std::vector<float> maxima;
  /// Lower half of the sum of x x^T over the rows that are not pending.
  Eigen::MatrixXd products;
  /// Rows are multiplied so many at a time in f32, the products added as f64.
  std::vector<float> pending;
};

} // namespace qc::quantization

#endif // QC_QUANTIZATION_INPUTSTATISTICS_H
