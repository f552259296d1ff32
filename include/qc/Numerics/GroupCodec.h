// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A format as an algorithm on a matrix of weights sees it: scales that are
// chosen for one group at a time, and the code of one value with scales that
// are fixed. Rounding to nearest chooses all and rounds all; algorithms that
// let the error of one weight move the next (GPTQ) do both in turns.

#ifndef QC_NUMERICS_GROUPCODEC_H
#define QC_NUMERICS_GROUPCODEC_H

#include "qc/Numerics/Blocks.h"
#include "qc/Numerics/Minifloat.h"

#include <memory>
#include <variant>

namespace qc::numerics {

/// Any format whose scales belong to groups. The groups are those of the
/// encoded tensor; blocks of GGML run along the columns of the matrix.
using GroupFormat = std::variant<AffineFormat, CodebookFormat, MinifloatFormat,
                                 const BlockFormat *>;

/// A matrix whose rows are the weights of one output each.
struct MatrixShape {
  size_t rows = 0, columns = 0;
  /// The encoded tensor is [columns, rows] instead of [rows, columns].
  bool transposed = false;

  std::vector<int64_t> tensor() const;
};

/// How the scales of a group are chosen.
struct ScaleChoice {
  /// MinMax: as the reference encoders do it; Mse: for the least squared error.
  ClipMode clip = ClipMode::MinMax;
  /// What each column of the group counts for under Mse; empty: all alike.
  std::span<const float> weights = {};
  /// Instead of `clip`: the candidate of this number, see candidates().
  std::optional<unsigned> candidate = {};
};

/// Scales and codes of one matrix in the making. A group is the least part of
/// it whose scales are chosen together, for GGML a whole block: groupRows() by
/// groupColumns() elements, the last ones smaller.
class GroupCodec {
public:
  virtual ~GroupCodec() = default;
  GroupCodec(const GroupCodec &) = delete;
  GroupCodec &operator=(const GroupCodec &) = delete;

  const MatrixShape &shape() const { return matrix; }
  size_t groupRows() const { return rowsOfGroup; }
  size_t groupColumns() const { return columnsOfGroup; }
  /// Number of groups downwards and along a row.
  size_t bands() const { return numBands; }
  size_t groups() const { return numGroups; }

  /// True where the scales of a group depend on those of all others: then all
  /// are chosen before the first code, with finishScales() in between.
  virtual bool needsAllScales() const { return false; }
  /// Candidates of a group's scales that one can ask for by number; 0 is what
  /// MinMax gives. 1 where the format only has its own search.
  virtual unsigned candidates() const { return 1; }

  /// Chooses the scales of a group for `values`, its rows one after the other.
  virtual void chooseScales(size_t band, size_t group,
                            std::span<const float> values,
                            const ScaleChoice &choice) = 0;
  /// Called once all scales are chosen.
  virtual void finishScales() {}

  /// Gives an element the code that decodes nearest to `value` with the scales
  /// of its group; returns what it decodes to. NaN is as the reference encoders
  /// treat it.
  virtual float encode(size_t row, size_t column, float value) = 0;

  /// Encodes a whole group for which scales were just chosen from these very
  /// values: as the reference encoders do it, bit for bit.
  virtual void encodeGroup(size_t band, size_t group,
                           std::span<const float> values);

  /// The components of the tensor once each element has its code; the codec is
  /// of no use afterwards.
  virtual Encoded take() = 0;

protected:
  GroupCodec(const MatrixShape &shape, size_t groupRows, size_t groupColumns);

  /// Place in the tensor of scales and in that of codes.
  size_t scaleIndex(size_t band, size_t group) const {
    return matrix.transposed ? group * numBands + band
                             : band * numGroups + group;
  }
  size_t scaleIndexOf(size_t row, size_t column) const {
    return scaleIndex(row / rowsOfGroup, column / columnsOfGroup);
  }
  size_t codeIndex(size_t row, size_t column) const {
    return matrix.transposed ? column * matrix.rows + row
                             : row * matrix.columns + column;
  }

  MatrixShape matrix;
  std::vector<uint8_t> codes;

private:
  size_t rowsOfGroup, columnsOfGroup, numBands, numGroups;
};

/// What keeps a matrix of that shape from having the format, as "found X,
/// expected Y"; an empty string if nothing does.
std::string verifyGroupFormat(const GroupFormat &format,
                              const MatrixShape &shape);

/// The format must suit the shape.
std::unique_ptr<GroupCodec> makeGroupCodec(const GroupFormat &format,
                                           const MatrixShape &shape);

} // namespace qc::numerics

#endif // QC_NUMERICS_GROUPCODEC_H
