// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the reference encoders share: ranges of groups, components to fill;
// private to Numerics.

#ifndef QC_LIB_NUMERICS_ENCODEPARTS_H
#define QC_LIB_NUMERICS_ENCODEPARTS_H

#include "Groups.h"

namespace qc::numerics {

/// Components of `spec` with their bytes 0.
std::vector<ComponentData> allocate(const DecodeSpec &spec,
                                    std::span<const int64_t> shape);

/// Stores 8-bit or narrower codes.
void storeCodes(std::span<const uint8_t> codes, ComponentData &data);

/// Stores floats as f32, f16 or bf16.
void storeScales(std::span<const float> scales, ComponentData &data);

/// Calls fn(element index, group) for all elements in order.
template <typename Fn>
void forEachElement(const Rows &rows, const GroupMap &map, Fn fn) {
  for (size_t r = 0; r < rows.count; ++r) {
    size_t base = map.rowBase(r);
    for (size_t c = 0; c < rows.columns; ++c)
      fn(r * rows.columns + c, map(base, c));
  }
}

struct Range {
  float lo = 0.0f, hi = 0.0f;
};

/// Extremes of each group, 0 included; NaN does not count.
std::vector<Range> groupRanges(std::span<const float> values, const Rows &rows,
                               const GroupMap &map);

/// The values of each group in their order.
std::vector<std::vector<float>> groupMembers(std::span<const float> values,
                                             const Rows &rows,
                                             const GroupMap &map);

} // namespace qc::numerics

#endif // QC_LIB_NUMERICS_ENCODEPARTS_H
