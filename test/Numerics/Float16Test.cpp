// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// 16-bit float conversions: every half and bfloat16, every neighbourhood of a
// rounding boundary.

#include "qc/Numerics/Float16.h"

#include <cmath>
#include <gtest/gtest.h>
#include <limits>

using namespace qc::numerics;

/// The value of a half by its definition.
static double halfByDefinition(uint16_t h) {
  int exponent = h >> 10 & 0x1f, mantissa = h & 0x3ff;
  double magnitude = exponent ? std::ldexp(1024.0 + mantissa, exponent - 25)
                              : std::ldexp(static_cast<double>(mantissa), -24);
  return h & 0x8000 ? -magnitude : magnitude;
}

TEST(Half, everyValueIsExactAndComesBack) {
  for (uint32_t h = 0; h < 0x10000; ++h) {
    float f = halfToFloat(static_cast<uint16_t>(h));
    if ((h & 0x7c00) == 0x7c00) {
      EXPECT_EQ(std::isnan(f), (h & 0x3ff) != 0);
      EXPECT_EQ(std::isinf(f), (h & 0x3ff) == 0);
      uint16_t quiet = static_cast<uint16_t>(h & 0x3ff ? h | 0x200 : h);
      EXPECT_EQ(floatToHalf(f), quiet);
      continue;
    }
    EXPECT_EQ(f, halfByDefinition(static_cast<uint16_t>(h)));
    EXPECT_EQ(std::signbit(f), h >= 0x8000);
    EXPECT_EQ(floatToHalf(f), h);
  }
}

TEST(Half, roundsToNearestEven) {
  for (uint32_t h = 0; h < 0x7bff; ++h) {
    float low = halfToFloat(static_cast<uint16_t>(h));
    float high = halfToFloat(static_cast<uint16_t>(h + 1));
    float middle = low + (high - low) * 0.5f;
    EXPECT_EQ(floatToHalf(middle), h & 1 ? h + 1 : h);
    EXPECT_EQ(floatToHalf(std::nextafter(middle, high)), h + 1);
    EXPECT_EQ(floatToHalf(std::nextafter(middle, low)), h);
    EXPECT_EQ(floatToHalf(-middle), 0x8000 | (h & 1 ? h + 1 : h));
  }
}

TEST(Half, overflowAndUnderflow) {
  EXPECT_EQ(floatToHalf(65504.0f), 0x7bff);
  EXPECT_EQ(floatToHalf(std::nextafter(65520.0f, 0.0f)), 0x7bff);
  EXPECT_EQ(floatToHalf(65520.0f), 0x7c00);
  EXPECT_EQ(floatToHalf(1e30f), 0x7c00);
  EXPECT_EQ(floatToHalf(-std::numeric_limits<float>::infinity()), 0xfc00);
  EXPECT_EQ(floatToHalf(1e-40f), 0);
  EXPECT_EQ(floatToHalf(-1e-40f), 0x8000);
}

TEST(BFloat16, everyValueComesBackAndTiesGoToEven) {
  for (uint32_t b = 0; b < 0x7f80; ++b) {
    float low = bfloat16ToFloat(static_cast<uint16_t>(b));
    EXPECT_EQ(floatToBFloat16(low), b);
    uint32_t bits = b << 16;
    EXPECT_EQ(floatToBFloat16(std::bit_cast<float>(bits | 0x7fff)), b);
    EXPECT_EQ(floatToBFloat16(std::bit_cast<float>(bits | 0x8000)),
              b & 1 ? b + 1 : b);
    EXPECT_EQ(floatToBFloat16(std::bit_cast<float>(bits | 0x8001)), b + 1);
    EXPECT_EQ(floatToBFloat16(std::bit_cast<float>(bits | 0x80008001u)),
              0x8000 | (b + 1));
  }
}

TEST(BFloat16, infinityAndNaN) {
  float inf = std::numeric_limits<float>::infinity();
  EXPECT_EQ(floatToBFloat16(inf), 0x7f80);
  EXPECT_EQ(floatToBFloat16(-inf), 0xff80);
  // A NaN whose upper payload is 0 must not become an infinity.
  EXPECT_EQ(floatToBFloat16(std::bit_cast<float>(0x7f800001u)), 0x7fc0);
  EXPECT_EQ(floatToHalf(std::bit_cast<float>(0xff800001u)), 0xfe00);
}
