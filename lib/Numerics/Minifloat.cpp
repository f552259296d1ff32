// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Conversions between f32 and floats of 4 to 8 bits.

#include "qc/Numerics/Minifloat.h"

#include "qc/Numerics/Rounding.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

namespace qc::numerics {

using Specials = Minifloat::Specials;

static constexpr Minifloat all[] = {
    {"e4m3", 4, 3, Specials::NaN},  {"e5m2", 5, 2, Specials::Infinity},
    {"e2m3", 2, 3, Specials::None}, {"e3m2", 3, 2, Specials::None},
    {"e2m1", 2, 1, Specials::None},
};

std::span<const Minifloat> minifloats() { return all; }

const Minifloat *findMinifloat(std::string_view name) {
  for (const Minifloat &format : all)
    if (format.name == name)
      return &format;
  return nullptr;
}

int Minifloat::largestExponent() const {
  int field = (1 << exponentBits) - 1;
  return field - bias() - (specials == Specials::Infinity ? 1 : 0);
}

float Minifloat::largest() const {
  // Units in the last place of the largest exponent.
  int units = (2 << mantissaBits) - 1 - (specials == Specials::NaN ? 1 : 0);
  return std::ldexp(static_cast<float>(units),
                    largestExponent() - static_cast<int>(mantissaBits));
}

float minifloatToFloat(const Minifloat &format, uint8_t code) {
  unsigned sign = code >> (format.bits() - 1) & 1;
  unsigned rest = code & ((1u << (format.bits() - 1)) - 1);
  unsigned mantissa = rest & ((1u << format.mantissaBits) - 1);
  unsigned exponent = rest >> format.mantissaBits;
  unsigned most = (1u << format.exponentBits) - 1;
  float value;
  int unit = 1 - format.bias() - static_cast<int>(format.mantissaBits);
  if (format.specials == Specials::NaN &&
      rest == (1u << (format.bits() - 1)) - 1)
    value = std::numeric_limits<float>::quiet_NaN();
  else if (format.specials == Specials::Infinity && exponent == most)
    value = mantissa ? std::numeric_limits<float>::quiet_NaN()
                     : std::numeric_limits<float>::infinity();
  else if (exponent == 0)
    value = std::ldexp(static_cast<float>(mantissa), unit);
  else
    value =
        std::ldexp(static_cast<float>(mantissa + (1u << format.mantissaBits)),
                   unit + static_cast<int>(exponent) - 1);
  return sign ? -value : value;
}

uint8_t floatToMinifloat(const Minifloat &format, float x) {
  unsigned signBit = 1u << (format.bits() - 1);
  unsigned sign = std::signbit(x) ? signBit : 0;
  if (std::isnan(x)) {
    if (format.specials == Specials::None)
      return 0;
    return static_cast<uint8_t>(sign | (signBit - 1));
  }
  float a = std::min(std::fabs(x), format.largest());
  int least = 1 - format.bias();
  int exponent = a > 0.0f ? std::max(std::ilogb(a), least) : least;
  int unit = exponent - static_cast<int>(format.mantissaBits);
  // Units of 2^unit: exact to scale, then one rounding. One that rounds up to
  // the next exponent carries into its field.
  auto units = static_cast<unsigned>(
      roundHalfEven(static_cast<float>(std::ldexp(double(a), -unit))));
  unsigned code =
      units + (static_cast<unsigned>(exponent - least) << format.mantissaBits);
  return static_cast<uint8_t>(sign | code);
}

Value emitMinifloat(Program &p, const Minifloat &format, Value code) {
  int shift = 23 - static_cast<int>(format.mantissaBits);
  int signBit = 1 << (format.bits() - 1);
  Value rest = p.iand(code, p.constI(signBit - 1));
  Value sign = p.ishl(p.iand(code, p.constI(signBit)),
                      p.constI(32 - static_cast<int>(format.bits())));
  // As the bits of an f32 the exponent lacks the difference of the biases; the
  // product with that power of two is exact and makes subnormals right.
  Value value = p.mul(p.bitcastToF32(p.ishl(rest, p.constI(shift))),
                      p.constF(std::ldexp(1.0f, 127 - format.bias())));
  Value bits = p.bitcastToI32(value);
  if (format.specials == Specials::NaN)
    bits =
        p.select(p.eq(rest, p.constI(signBit - 1)), p.constI(0x7fc00000), bits);
  if (format.specials == Specials::Infinity) {
    int most = ((1 << format.exponentBits) - 1) << format.mantissaBits;
    Value special = p.ior(p.ishl(rest, p.constI(shift)), p.constI(0x7f800000));
    bits = p.select(p.lt(rest, p.constI(most)), bits, special);
  }
  return p.bitcastToF32(p.ior(bits, sign));
}

} // namespace qc::numerics
