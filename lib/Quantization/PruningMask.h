//===- PruningMask.h - The zeros of a matrix that is rounded ----*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QC_LIB_QUANTIZATION_PRUNINGMASK_H
#define QC_LIB_QUANTIZATION_PRUNINGMASK_H

#include "MatrixParts.h"

namespace qc::quantization {

/// Which weights become zero: none, some that are known beforehand, or, as
/// SparseGPT has it, those that are worth least once the columns before them
/// are done. Columns are asked for in ascending order.
class PruningMask {
public:
  PruningMask() = default;
  /// By Magnitude, or by Wanda with the mean squares of the inputs; with
  /// SparseGpt none yet.
  PruningMask(const PruningOptions &options, const RowMatrix &weights,
              std::span<const float> meanSquares);

  bool empty() const { return zeros.size() == 0; }
  bool isZero(Eigen::Index row, Eigen::Index column) const {
    return !empty() && zeros(row, column);
  }
  /// Consecutive columns that are chosen together.
  Eigen::Index unit() const { return empty() ? 1 : pattern.unit(); }
  /// The matrix with its zeros.
  RowMatrix applyTo(const RowMatrix &weights) const;

  //===-- In the loop of GPTQ --------------------------------------------===//

  /// What the square of a weight of each column is worth.
  void setWorth(Eigen::VectorXf perColumn) { worth = std::move(perColumn); }
  /// Chooses the zeros of a block of columns, from what `moved` has become.
  void enterBlock(const RowMatrix &moved, Eigen::Index end);
  /// Guesses those of columns that are not chosen yet and share scales with
  /// this one.
  void enterGroup(const RowMatrix &moved, Eigen::Index begin, Eigen::Index end);
  /// Whether a run begins with this column, whose zeros are chosen row by row.
  bool beginsRun(Eigen::Index column) const {
    return choosesRuns && column % pattern.run == 0;
  }
  void chooseRun(Eigen::Index row, Eigen::Index column, const float *values);

private:
  void choose(const RowMatrix &moved, Eigen::Index begin, Eigen::Index end);

  numerics::Sparsity pattern;
  bool choosesRuns = false, choosesBlocks = false;
  /// Columns whose zeros are chosen.
  Eigen::Index chosen = 0;
  Eigen::VectorXf worth;
  Eigen::Matrix<uint8_t, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor> zeros;
};

} // namespace qc::quantization

#endif // QC_LIB_QUANTIZATION_PRUNINGMASK_H
