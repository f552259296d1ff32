// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Walking a row-major tensor row by row together with the groups its elements
// belong to; private to the reference encoder and decoder.

#ifndef QC_LIB_NUMERICS_GROUPS_H
#define QC_LIB_NUMERICS_GROUPS_H

#include "qc/Numerics/Decode.h"

namespace qc::numerics {

/// A tensor seen as rows along its last axis; rank 0 is one row of one element.
struct Rows {
  explicit Rows(std::span<const int64_t> shape) : shape(shape) {
    if (shape.empty())
      return;
    columns = static_cast<size_t>(shape.back());
    for (int64_t extent : shape.first(shape.size() - 1))
      count *= static_cast<size_t>(extent);
  }

  std::span<const int64_t> shape;
  size_t count = 1;
  size_t columns = 1;
};

/// Which group an element is in, as an index into the dense group tensor.
class GroupMap {
public:
  GroupMap(std::span<const int64_t> shape, std::span<const int64_t> group);

  /// Number of groups.
  size_t size() const { return total; }
  /// Group of the first element of row `row`.
  size_t rowBase(size_t row) const;
  /// Elements of a row that share a group; at least 1.
  size_t run() const { return lastGroup; }
  /// Group of one element.
  size_t operator()(size_t base, size_t column) const {
    return base + column / lastGroup;
  }

private:
  /// Extents, group sizes and strides in groups of all axes but the last.
  struct Axis {
    size_t extent, group, stride;
  };
  std::vector<Axis> outer;
  size_t lastGroup = 1;
  size_t total = 1;
};

} // namespace qc::numerics

#endif // QC_LIB_NUMERICS_GROUPS_H
