// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The sums of GroupSums.h for activations with a scale for each wide block, as
// large as the groups of the weights' outermost scales. What is below those in
// the tree of scales are whole numbers, which multiply in integers:
//
//   y[m, n] = sum over blocks b, ascending, of
//             f32(I) * (D[b, n] * s[m, b]) + f32(J) * (M[b, n] * s[m, b])
//   I = sum of (code - zero point) * c * q over the block,  J = sum of o * q
//
// from y = +0, each product and each sum rounded to f32; the second term only
// where the format has an offset. S = c * D and O = o * M are the format's
// scale and offset, c and o the whole numbers (1 where there are none). I and J
// fit 32 bits, so every target gives the same bits.

#ifndef QC_NUMERICS_WIDESUMS_H
#define QC_NUMERICS_WIDESUMS_H

#include "qc/Numerics/GroupSums.h"

namespace qc::numerics {

/// Whole numbers: first + step * stored bits, and the ends of them all.
struct WholeNumbers {
  int32_t first = 1, step = 0;
  int32_t least = 1, largest = 1;
};

/// How the tree of scales of [K, N] weights is cut.
struct WideSums {
  /// Elements along K of a block: 64, 128 or 256.
  int64_t width = 256;
  /// The spec with D and M as its scale and offset, and the one with c and o,
  /// each none where there are no such numbers. Those are below 2^8.
  DecodeSpec roots, factors;
  /// What the stored bits of c and o mean.
  WholeNumbers scaleNumbers, offsetNumbers;
};

/// The widest blocks there are; nothing where scales differ within 64 elements,
/// or groupSums(spec) is nothing.
std::optional<WideSums> wideSums(const DecodeSpec &spec);

/// [K, N] weights as the sums read them: for each element (code - zero point) *
/// c and o, and D and M of its block; the latter of each empty where the format
/// has no offset.
struct WideWeights {
  int64_t k = 0, n = 0, width = 256;
  std::vector<int32_t> integers, offsetFactors;
  std::vector<float> scales, offsets;
};

/// `data` must verify, and wideSums(spec) be something.
WideWeights wideWeights(const DecodeSpec &spec, int64_t k, int64_t n,
                        std::span<const ComponentData> data);

/// One row: codes q [K] with a scale for each block, to n sums.
void sumWide(const WideWeights &weights, std::span<const int8_t> q,
             std::span<const float> scales, std::span<float> y);

} // namespace qc::numerics

#endif // QC_NUMERICS_WIDESUMS_H
