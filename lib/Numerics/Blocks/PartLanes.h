// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The parts of a block side by side, one in each lane of a vector: what Part
// does, for all parts at a time and bit for bit; private to Blocks.

#ifndef QC_LIB_NUMERICS_BLOCKS_PARTLANES_H
#define QC_LIB_NUMERICS_BLOCKS_PARTLANES_H

#include "SearchPart.h"

namespace qc::numerics::blocks {

/// Parts that are searched at a time, and the most elements of one.
inline constexpr size_t numLanes = 8, maxPartElements = 32;

using FloatLanes = float __attribute__((vector_size(numLanes * 4)));
using DoubleLanes = double __attribute__((vector_size(numLanes * 8)));

/// Eight parts: element i of part p is lane p of entry i.
struct LaneSet {
  FloatLanes values[maxPartElements], weights[maxPartElements];
  /// The levels of the last round().
  FloatLanes trial[maxPartElements];
};

/// A Line for each lane.
struct LineLanes {
  FloatLanes scale, offset;
};

class PartLanes {
public:
  /// Parts of `group` elements each, at most maxPartElements.
  PartLanes(const Levels &levels, size_t group, std::span<const float> values,
            std::span<const float> weights);

  /// Number of parts.
  size_t size() const { return count; }
  /// Part::round of each part with its line.
  void round(std::span<const Line> lines, std::span<float> errors);
  /// Part::fit of each part.
  void fit(bool hasOffset, std::span<Line> lines);
  /// Part::sums of part `j`.
  Part::Sums sums(size_t j) const;
  /// Level i of part j in the last round().
  float level(size_t j, size_t i) const {
    return sets[j / numLanes].trial[i][j % numLanes];
  }
  size_t elements() const { return group; }

private:
  void fitSet(LaneSet &set, bool hasOffset, LineLanes &best);
  void descend(LaneSet &set, LineLanes line, bool hasOffset,
               const FloatLanes &active, LineLanes &best, FloatLanes &least);

  const Levels &levels;
  size_t group, count;
  std::vector<LaneSet> sets;
};

} // namespace qc::numerics::blocks

#endif // QC_LIB_NUMERICS_BLOCKS_PARTLANES_H
