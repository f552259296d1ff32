// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The 16-bit float conversions, on bits.

#include "qc/Numerics/Float16.h"

namespace qc::numerics {

/// `v` shifted right by `shift` (1..31), rounded to nearest, ties to even.
static uint32_t shiftRounded(uint32_t v, unsigned shift) {
  uint32_t half = 1u << (shift - 1);
  uint32_t odd = (v >> shift) & 1;
  return (v + (half - 1) + odd) >> shift;
}

uint16_t floatToHalf(float x) {
  uint32_t bits = std::bit_cast<uint32_t>(x);
  uint32_t sign = (bits >> 16) & 0x8000;
  uint32_t magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000)
    return sign | 0x7e00 | ((magnitude >> 13) & 0x3ff);
  // 65520 and above round to infinity.
  if (magnitude >= 0x477ff000)
    return sign | 0x7c00;
  // 2^-14 and above are normal: move the exponent's bias from 127 to 15; a
  // carry out of the mantissa steps the exponent, as it should.
  if (magnitude >= 0x38800000)
    return sign | shiftRounded(magnitude - 0x38000000, 13);
  // 2^-25 and below round to 0 (2^-25 is a tie, and 0 is even).
  if (magnitude <= 0x33000000)
    return sign;
  // Subnormal: units of 2^-24.
  uint32_t mantissa = (magnitude & 0x7fffff) | 0x800000;
  return sign | shiftRounded(mantissa, 126 - (magnitude >> 23));
}

float halfToFloat(uint16_t half) {
  uint32_t sign = static_cast<uint32_t>(half & 0x8000) << 16;
  uint32_t exponent = (half >> 10) & 0x1f;
  uint32_t mantissa = half & 0x3ff;
  if (exponent == 31) {
    uint32_t quiet = mantissa ? 0x400000 : 0;
    return std::bit_cast<float>(sign | 0x7f800000 | quiet | mantissa << 13);
  }
  if (exponent == 0) {
    float magnitude = static_cast<float>(mantissa) * 0x1p-24f;
    return std::bit_cast<float>(sign | std::bit_cast<uint32_t>(magnitude));
  }
  return std::bit_cast<float>(sign | (exponent + 112) << 23 | mantissa << 13);
}

uint16_t floatToBFloat16(float x) {
  uint32_t bits = std::bit_cast<uint32_t>(x);
  if ((bits & 0x7fffffff) > 0x7f800000)
    return (bits >> 16) | 0x40;
  return shiftRounded(bits & 0x7fffffff, 16) | (bits >> 16 & 0x8000);
}

} // namespace qc::numerics
