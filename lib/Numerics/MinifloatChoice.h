// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The scales of a format of small floats; private to Numerics.

#ifndef QC_LIB_NUMERICS_MINIFLOATCHOICE_H
#define QC_LIB_NUMERICS_MINIFLOATCHOICE_H

#include "EncodeParts.h"

#include "qc/Numerics/Minifloat.h"

namespace qc::numerics {

/// The scales of all groups as values, and as they are stored.
struct MinifloatScales {
  float tensor = 1.0f;
  std::vector<float> values;
  /// Of E8M0 and E4M3 scales only.
  std::vector<uint8_t> codes;
};

/// The largest magnitude of a range, kept so small that a scale that is rounded
/// up decodes to finite values.
float largestMagnitude(Range range);

/// The scales for the largest magnitude of each group.
MinifloatScales chooseMinifloatScales(const MinifloatFormat &format,
                                      std::span<const float> amaxes);

/// Stores scales in the components after the codes.
void storeMinifloatScales(const MinifloatFormat &format,
                          const MinifloatScales &scales,
                          std::vector<ComponentData> &data);

/// The code of a value for a scale.
uint8_t encodeMinifloat(const MinifloatFormat &format, float value,
                        float scale);

} // namespace qc::numerics

#endif // QC_LIB_NUMERICS_MINIFLOATCHOICE_H
