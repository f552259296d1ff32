// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Floats of 4 to 8 bits, and formats that keep a tensor in them with scales for
// groups: FP8, the MX formats of the Open Compute Project, NVFP4.

#ifndef QC_NUMERICS_MINIFLOAT_H
#define QC_NUMERICS_MINIFLOAT_H

#include "qc/Numerics/Encode.h"

namespace qc::numerics {

/// A sign, then exponent, then mantissa.
struct Minifloat {
  enum class Specials : uint8_t {
    None,     // all codes are numbers
    NaN,      // all bits of exponent and mantissa set
    Infinity, // as in IEEE 754: the largest exponent
  };
  std::string_view name;
  unsigned exponentBits = 0, mantissaBits = 0;
  Specials specials = Specials::None;

  unsigned bits() const { return 1 + exponentBits + mantissaBits; }
  int bias() const { return (1 << (exponentBits - 1)) - 1; }
  /// Largest finite value, and the exponent of its leading bit.
  float largest() const;
  int largestExponent() const;
};

/// e4m3, e5m2, e2m3, e3m2, e2m1.
std::span<const Minifloat> minifloats();
const Minifloat *findMinifloat(std::string_view name);

/// The value of a code; exact.
float minifloatToFloat(const Minifloat &format, uint8_t code);
/// The code nearest to `x`, ties to even; beyond the range the largest finite
/// one. NaN gives NaN where there is one, else 0.
uint8_t floatToMinifloat(const Minifloat &format, float x);
/// The value of an i32 code as a program.
Value emitMinifloat(Program &p, const Minifloat &format, Value code);

/// How the scale of a group is kept.
enum class GroupScale : uint8_t {
  F32,
  F16,
  BF16,
  E8M0, // 2^(e - 127), the largest power of two that MX allows; 255 is NaN
  E4M3, // a float of 8 bits times one f32 of the tensor
};

/// "f32", "e8m0" ...
std::string_view name(GroupScale scale);
std::optional<GroupScale> parseGroupScale(std::string_view name);

struct MinifloatFormat {
  Minifloat element;
  std::vector<int64_t> group = {};
  GroupScale scale = GroupScale::F32;
};

/// value = element * scale.
DecodeSpec minifloatSpec(const MinifloatFormat &format);

/// E8M0 scales are the power of two of the largest magnitude less that of the
/// largest element (OCP Microscaling 1.0, section 6.3); others meet the largest
/// magnitude with the largest element, E4M3 ones with the tensor's largest
/// scale at 448. Elements are rounded with the scale as stored. NaN counts as
/// 0.
Encoded encodeMinifloat(std::span<const float> values,
                        std::span<const int64_t> shape,
                        const MinifloatFormat &format);

} // namespace qc::numerics

#endif // QC_NUMERICS_MINIFLOAT_H
