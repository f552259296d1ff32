//===- MatrixParts.h - What the algorithms on a matrix share ----*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QC_LIB_QUANTIZATION_MATRIXPARTS_H
#define QC_LIB_QUANTIZATION_MATRIXPARTS_H

#include "qc/Quantization/Matrix.h"

namespace qc::quantization {

using RowMatrix =
    Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using MatrixView = Eigen::Map<const RowMatrix>;

/// The groups of a codec with their places in the matrix, and the choice of
/// their scales by a rule that looks at one group at a time.
class GroupScales {
public:
  /// `importance` has an entry for each column, or none.
  GroupScales(numerics::GroupCodec &codec, ScaleRule rule,
              std::span<const float> importance)
      : codec(codec), rule(rule), importance(importance) {}

  /// First column, and number of columns, of a group.
  Eigen::Index begin(size_t group) const;
  Eigen::Index width(size_t group) const;

  /// The values of a group in `matrix`, its rows one after the other.
  std::vector<float> gather(const RowMatrix &matrix, size_t band,
                            size_t group) const;

  /// Chooses the scales of a group; ScaleRule::Output counts as Importance.
  void choose(size_t band, size_t group, std::span<const float> values) const;
  /// Chooses the scales of all bands of a group of columns for the least
  /// tr(D H D^T), where H is that of these columns.
  void chooseForOutput(const RowMatrix &matrix, size_t group,
                       const Eigen::MatrixXf &hessian) const;
  /// Chooses all scales.
  void chooseAll(const RowMatrix &matrix, const Eigen::MatrixXd &hessian) const;

  /// Whether the output rule can be followed for such groups: the format has
  /// candidates to choose from, and trying them takes reasonable time.
  bool canTryCandidates() const;

  numerics::GroupCodec &codec;
  ScaleRule rule;

private:
  std::span<const float> importance;
};

class PruningMask;

/// Rounds W column by column, each error moving the columns that follow, those
/// of the zeros of `mask` too; returns what the codes decode to and the damping
/// that was needed.
struct GptqResult {
  RowMatrix decoded;
  double damping = 0;
};
GptqResult runGptq(const RowMatrix &weights, const Eigen::MatrixXd &hessian,
                   const GroupScales &scales, const GptqOptions &options,
                   PruningMask &mask);
/// The same with weights that stay in float: only zeros make errors.
GptqResult pruneByGptq(const RowMatrix &weights, const Eigen::MatrixXd &hessian,
                       const GptqOptions &options, PruningMask &mask);

/// Chooses each code once more beside all others, for the least error of the
/// outputs; `decoded` is what the codes decode to. Zeros of the mask stay.
void descend(const RowMatrix &weights, const Eigen::MatrixXd &hessian,
             const PruningMask &mask, numerics::GroupCodec &codec,
             RowMatrix decoded);

} // namespace qc::quantization

#endif // QC_LIB_QUANTIZATION_MATRIXPARTS_H
