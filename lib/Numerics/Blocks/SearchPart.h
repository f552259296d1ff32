// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The least squares problem of one part of a block: levels times a scale minus
// an offset; private to Blocks.

#ifndef QC_LIB_NUMERICS_BLOCKS_SEARCHPART_H
#define QC_LIB_NUMERICS_BLOCKS_SEARCHPART_H

#include "qc/Numerics/Blocks.h"

namespace qc::numerics::blocks {

/// The values that codes stand for.
class Levels {
public:
  explicit Levels(const BlockFormat &format);
  /// Entries of a codebook, not all equal.
  explicit Levels(std::span<const float> codebook) { setEntries(codebook); }

  /// The level nearest to each of `values`, as a float.
  void round(std::span<const float> values, std::span<float> levels) const;
  /// The code of a level that round() gave.
  uint16_t code(float level) const;

  float lowest, highest;
  /// The levels of a codebook in order and the limits between neighbours; both
  /// empty for a run of integers.
  std::span<const float> sorted() const { return entries; }
  std::span<const float> between() const { return limits; }

private:
  void setEntries(std::span<const float> codebook);

  std::vector<float> entries, limits;
  /// Of the entries.
  std::vector<uint16_t> codes;
  int bias = 0, mask = 0xffff;
};

/// scale * level - offset.
struct Line {
  float scale = 0.0f, offset = 0.0f;
};

/// One part: its values, their weights, and room for the levels of a trial.
class Part {
public:
  Part(const Levels &levels, std::span<const float> values,
       std::span<const float> weights)
      : levels(levels), values(values), weights(weights), scaled(values.size()),
        trial(values.size()) {}

  /// Rounds to the levels of `line`; returns the weighted squared error.
  float round(Line line);
  /// The levels of the last round().
  std::span<const float> rounded() const { return trial; }
  /// The line of least error for levels that a grid of scales gives; with
  /// `hasOffset` one with an offset that is not negative. Without it the scale
  /// may be negative, unless `positive` is asked for.
  Line fit(bool hasOffset, bool positive = false);

  /// Sums over the last round() for normal equations.
  struct Sums {
    double w = 0, l = 0, ll = 0, x = 0, xl = 0;
  };
  Sums sums() const;

private:
  /// The best line for the levels of the last round().
  Line solve(bool hasOffset) const;
  /// Rounds to `line`, solves, and again while that helps; keeps the best.
  void descend(Line line, bool hasOffset, Line &best, float &least);

  const Levels &levels;
  std::span<const float> values, weights;
  std::vector<float> scaled, trial;
};

} // namespace qc::numerics::blocks

#endif // QC_LIB_NUMERICS_BLOCKS_SEARCHPART_H
