// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Products of weights in groups with activations that have a scale for each
// block of 32 along the sum, in integers as far as they go:
//
//   y[m, n] = sum over segments g, ascending, of
//             f32(I) * (S[g, n] * s[m, b]) + O[g, n] * (s[m, b] * f32(X))
//   I = sum of (code - zero point) * q over the segment,  X = sum of q
//
// from y = +0, each product and each sum rounded to f32; the second term only
// where the format has an offset. A segment is the largest stretch of 16 or 32
// in which every scale, every zero point and s are constant. I and X are exact,
// so every target gives the same bits.

#ifndef QC_NUMERICS_GROUPSUMS_H
#define QC_NUMERICS_GROUPSUMS_H

#include "qc/Numerics/Decode.h"

namespace qc::numerics {

/// Activations that share a scale.
inline constexpr int64_t activationBlock = 32;

/// How the integer codes of [K, N] weights with groups along K are summed.
struct GroupSums {
  /// Elements of a segment: 16 or 32.
  int64_t segment = activationBlock;
  /// The integer of a code is `byte - bias`, the byte being `code ^ flip` or
  /// the code's entry in the table; signed where codes have 8 bits or there is
  /// a table, else unsigned and below 128.
  int32_t bias = 0;
  int32_t flip = 0;
  bool isSigned = false;
  std::vector<int8_t> table = {};
};

/// Nothing where the codes are no integers or the groups do not suit.
std::optional<GroupSums> groupSums(const DecodeSpec &spec);

/// [K, N] weights as the sums read them: `integers` with zero points taken
/// off, and for each element the S and the O (empty if there is none) of its
/// group.
struct GroupWeights {
  int64_t k = 0, n = 0, segment = activationBlock;
  std::vector<int32_t> integers;
  std::vector<float> scales, offsets;
};

/// `data` must verify, and groupSums(spec) be something.
GroupWeights groupWeights(const DecodeSpec &spec, int64_t k, int64_t n,
                          std::span<const ComponentData> data);

/// One row: codes q [K] with a scale for each block, to n sums.
void sumGroups(const GroupWeights &weights, std::span<const int8_t> q,
               std::span<const float> scales, std::span<float> y);

} // namespace qc::numerics

#endif // QC_NUMERICS_GROUPSUMS_H
