// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the reference encoders share: ranges of groups, components to fill;
// private to Numerics.

#ifndef QC_LIB_NUMERICS_ENCODEPARTS_H
#define QC_LIB_NUMERICS_ENCODEPARTS_H

#include "Groups.h"

#include <algorithm>

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
  size_t i = 0;
  for (size_t r = 0; r < rows.count; ++r) {
    size_t group = map.rowBase(r), end = i + rows.columns;
    for (; i < end; ++group)
      for (size_t stop = std::min(i + map.run(), end); i < stop; ++i)
        fn(i, group);
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
