// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Conversions between f32 and the 16-bit floats. Done on bits, so that the
// result does not depend on the host's instructions or modes.

#ifndef QC_NUMERICS_FLOAT16_H
#define QC_NUMERICS_FLOAT16_H

#include <bit>
#include <cstdint>

namespace qc::numerics {

/// The IEEE half nearest to `x`, ties to even, with subnormals; beyond the
/// range infinity. NaN keeps sign and the upper payload and becomes quiet.
uint16_t floatToHalf(float x);

/// The value of an IEEE half; exact. NaN becomes quiet.
float halfToFloat(uint16_t half);

/// The bfloat16 nearest to `x`, ties to even, with subnormals. NaN keeps sign
/// and the upper payload and becomes quiet.
uint16_t floatToBFloat16(float x);

/// The value of a bfloat16; exact, its bits shifted up by 16.
inline float bfloat16ToFloat(uint16_t b) {
  return std::bit_cast<float>(static_cast<uint32_t>(b) << 16);
}

} // namespace qc::numerics

#endif // QC_NUMERICS_FLOAT16_H
