// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The numeric contract, checked against exact arithmetic and named cases.

#include "qc/Numerics/Rounding.h"

#include <bit>
#include <cfenv>
#include <gtest/gtest.h>
#include <limits>
#include <random>

using namespace qc::numerics;

namespace rounding_test {

static constexpr float inf = std::numeric_limits<float>::infinity();
static constexpr float quietNaN = std::numeric_limits<float>::quiet_NaN();

static float randomBits(std::mt19937 &rng) {
  return std::bit_cast<float>(static_cast<uint32_t>(rng()));
}

TEST(RoundHalfEven, agreesWithTheProcessorInItsDefaultMode) {
  std::mt19937 rng(1);
  for (int i = 0; i < 200000; ++i) {
    float x = randomBits(rng);
    float y = static_cast<float>(rng() % 20001) * 0.25f - 2500.0f;
    for (float v : {x, y, -y}) {
      if (std::isnan(v))
        continue;
      EXPECT_EQ(std::bit_cast<uint32_t>(roundHalfEven(v)),
                std::bit_cast<uint32_t>(std::nearbyint(v)))
          << v;
    }
  }
}

TEST(RoundHalfEven, namedCases) {
  EXPECT_EQ(roundHalfEven(0.5f), 0.0f);
  EXPECT_EQ(roundHalfEven(1.5f), 2.0f);
  EXPECT_EQ(roundHalfEven(2.5f), 2.0f);
  EXPECT_EQ(roundHalfEven(-2.5f), -2.0f);
  EXPECT_EQ(roundHalfEven(0.49999997f), 0.0f);
  EXPECT_EQ(roundHalfEven(8388607.5f), 8388608.0f);
  EXPECT_EQ(roundHalfEven(8388609.0f), 8388609.0f);
  EXPECT_EQ(roundHalfEven(inf), inf);
  EXPECT_EQ(roundHalfEven(-inf), -inf);
  EXPECT_TRUE(std::isnan(roundHalfEven(quietNaN)));
  EXPECT_TRUE(std::signbit(roundHalfEven(-0.25f)));
  EXPECT_TRUE(std::signbit(roundHalfEven(-0.0f)));
}

TEST(RoundHalfEven, doesNotDependOnTheRoundingMode) {
  std::fesetround(FE_UPWARD);
  float up = roundHalfEven(2.5f), low = roundHalfEven(2.25f);
  std::fesetround(FE_TONEAREST);
  EXPECT_EQ(up, 2.0f);
  EXPECT_EQ(low, 2.0f);
}

TEST(Quantize, namedCases) {
  EXPECT_EQ(quantize(0.0f, 0.1f, 7, -128, 127), 7);
  EXPECT_EQ(quantize(quietNaN, 0.1f, 7, -128, 127), 7);
  EXPECT_EQ(quantize(inf, 0.1f, 7, -128, 127), 127);
  EXPECT_EQ(quantize(-inf, 0.1f, 7, -128, 127), -128);
  EXPECT_EQ(quantize(1e30f, 1e-30f, 0, -128, 127), 127);
  EXPECT_EQ(quantize(0.0f, 0.0f, 3, 0, 255), 3);
  // Ties are settled before the zero point is added.
  EXPECT_EQ(quantize(2.5f, 1.0f, 1, -128, 127), 3);
  EXPECT_EQ(quantize(-1000.0f, 1.0f, 128, 0, 255), 0);
}

TEST(Quantize, agreesWithDouble) {
  std::mt19937 rng(2);
  for (int i = 0; i < 100000; ++i) {
    float scale = 0.001f + static_cast<float>(rng() % 1000) * 0.01f;
    float x = (static_cast<float>(rng() % 40001) - 20000.0f) * 0.01f;
    int32_t zero = static_cast<int32_t>(rng() % 256) - 128;
    double r = std::nearbyint(static_cast<double>(x / scale)) + zero;
    EXPECT_EQ(quantize(x, scale, zero, -128, 127),
              static_cast<int32_t>(std::min(127.0, std::max(-128.0, r))));
  }
}

TEST(Dequantize, isOneSubtractionAndOneProduct) {
  EXPECT_EQ(dequantize(5, 0.1f, 2), 3.0f * 0.1f);
  EXPECT_EQ(dequantize(-128, 0.5f, 127), -127.5f);
}

TEST(Requantize, clampsBeforeConverting) {
  Requantize r = makeRequantize(1e20f, 10, -128, 127);
  EXPECT_EQ(requantize(2000000000, r), 127);
  EXPECT_EQ(requantize(-2000000000, r), -128);
  EXPECT_EQ(requantize(0, r), 10);
  r = makeRequantize(0.5f, 0, -128, 127);
  EXPECT_EQ(requantize(5, r), 2);
  EXPECT_EQ(requantize(7, r), 4);
  EXPECT_EQ(requantize(-5, r), -2);
}

TEST(Requantize, residualIsMultipliedThenAdded) {
  // float(acc) * m = 2.5 exactly; the residual's product must be rounded by
  // itself: with fma the sum would fall just off the tie.
  float third = 1.0f / 3.0f;
  Requantize r = makeRequantize(0.5f, 0, -128, 127);
  volatile float product = 3.0f * third;
  volatile float sum = 2.5f + product;
  EXPECT_EQ(requantize(5, 13, 10, third, r),
            static_cast<int32_t>(roundHalfEven(sum)));
  EXPECT_EQ(requantize(5, 10, 10, third, r), 2);
  EXPECT_EQ(requantize(0, 127, -128, 100.0f, r), 127);
}

TEST(Bias, fitsOrStaysFloat) {
  bool fits = false;
  EXPECT_EQ(quantizeBias(1.0f, 0.1f, 0.01f, fits), 1000);
  EXPECT_TRUE(fits);
  EXPECT_EQ(quantizeBias(1e9f, 1e-4f, 1e-4f, fits), 0);
  EXPECT_FALSE(fits);
  quantizeBias(quietNaN, 1.0f, 1.0f, fits);
  EXPECT_FALSE(fits);
  EXPECT_EQ(quantizeBias(-2147483648.0f, 1.0f, 1.0f, fits),
            std::numeric_limits<int32_t>::min());
  EXPECT_TRUE(fits);
  quantizeBias(2147483648.0f, 1.0f, 1.0f, fits);
  EXPECT_FALSE(fits);
}

TEST(Accumulator, boundIsExact) {
  // 255 * 127 * 66311 = 2147481735; 1912 more are 2^31 - 1.
  EXPECT_TRUE(accumulatorFits(66311, 255, 127, 1912));
  EXPECT_FALSE(accumulatorFits(66311, 255, 127, 1913));
  EXPECT_FALSE(accumulatorFits(66312, 255, 127, 0));
  EXPECT_FALSE(accumulatorFits(std::numeric_limits<int64_t>::max(),
                               std::numeric_limits<int32_t>::max(),
                               std::numeric_limits<int32_t>::max(), 0));
  EXPECT_TRUE(accumulatorFits(std::numeric_limits<int64_t>::max(), 0, 127, 5));
  EXPECT_FALSE(accumulatorFits(1, 1, 1, int64_t(1) << 31));
  EXPECT_FALSE(accumulatorFits(-1, 1, 1, 0));
}

TEST(FoldMultiplier, roundsTwice) {
  volatile float product = 0.1f * 0.3f;
  EXPECT_EQ(foldMultiplier(0.1f, 0.3f, 0.7f), product / 0.7f);
}

TEST(ChooseAffine, zeroIsExactAndTheRangeIsCovered) {
  ScaleZero p = chooseAffine(-1.0f, 3.0f, -128, 127, false);
  EXPECT_EQ(p.scale, 4.0f / 255.0f);
  EXPECT_EQ(p.zeroPoint, -64);
  EXPECT_EQ(quantize(0.0f, p.scale, p.zeroPoint, -128, 127), p.zeroPoint);
  // A range without 0 is widened.
  p = chooseAffine(2.0f, 4.0f, 0, 255, false);
  EXPECT_EQ(p.scale, 4.0f / 255.0f);
  EXPECT_EQ(p.zeroPoint, 0);
  p = chooseAffine(-4.0f, -2.0f, 0, 255, false);
  EXPECT_EQ(p.zeroPoint, 255);
}

TEST(ChooseAffine, symmetric) {
  ScaleZero p = chooseAffine(-2.54f, 1.0f, -127, 127, true);
  EXPECT_EQ(p.scale, 2.54f / 127.0f);
  EXPECT_EQ(p.zeroPoint, 0);
  p = chooseAffine(-1.0f, 1.27f, 0, 255, true);
  EXPECT_EQ(p.scale, 1.27f / 127.0f);
  EXPECT_EQ(p.zeroPoint, 128);
}

TEST(ChooseAffine, degenerateRanges) {
  for (bool symmetric : {false, true}) {
    ScaleZero p = chooseAffine(0.0f, 0.0f, -127, 127, symmetric);
    EXPECT_EQ(p.scale, 1.0f);
    EXPECT_EQ(p.zeroPoint, 0);
    p = chooseAffine(quietNaN, quietNaN, -127, 127, symmetric);
    EXPECT_EQ(p.scale, 1.0f);
    p = chooseAffine(-inf, inf, -127, 127, symmetric);
    EXPECT_TRUE(std::isfinite(p.scale));
    p = chooseAffine(-1e-45f, 1e-45f, -127, 127, symmetric);
    EXPECT_EQ(p.scale, std::numeric_limits<float>::min());
  }
}

} // namespace rounding_test
