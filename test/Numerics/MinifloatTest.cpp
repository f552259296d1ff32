// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Small floats as programs, and tensors of them with scales. What single codes
// mean is compared with ml_dtypes in minifloat.test.

#include "qc/Numerics/Minifloat.h"

#include <bit>
#include <cmath>
#include <gtest/gtest.h>
#include <limits>
#include <random>

using namespace qc::numerics;

using Shape = std::vector<int64_t>;

TEST(Minifloat, programsGiveTheValuesOfAllCodes) {
  for (const Minifloat &format : minifloats()) {
    Program p;
    Value code = p.input(Kind::I32);
    p.output(emitMinifloat(p, format, code));
    for (int c = 0; c < 1 << format.bits(); ++c) {
      Lane in = Lane::ofInt(c);
      float found = p.evaluate({&in, 1}).f;
      float expected = minifloatToFloat(format, static_cast<uint8_t>(c));
      if (std::isnan(expected))
        EXPECT_TRUE(std::isnan(found)) << format.name << " " << c;
      else
        EXPECT_EQ(std::bit_cast<uint32_t>(found),
                  std::bit_cast<uint32_t>(expected))
            << format.name << " " << c;
    }
  }
}

TEST(Minifloat, ranges) {
  EXPECT_EQ(findMinifloat("e4m3")->largest(), 448.0f);
  EXPECT_EQ(findMinifloat("e5m2")->largest(), 57344.0f);
  EXPECT_EQ(findMinifloat("e2m3")->largest(), 7.5f);
  EXPECT_EQ(findMinifloat("e3m2")->largest(), 28.0f);
  EXPECT_EQ(findMinifloat("e2m1")->largest(), 6.0f);
  EXPECT_EQ(findMinifloat("e2m1")->largestExponent(), 2);
  EXPECT_EQ(findMinifloat("e8m0"), nullptr);
}

static MinifloatFormat formatOf(std::string_view element, Shape group,
                                GroupScale scale) {
  return {*findMinifloat(element), std::move(group), scale};
}

TEST(EncodeMinifloat, mxfp4TakesThePowerOfTwo) {
  // 7 = 1.75 * 2^2: the scale is 2^(2 - 2), and 7 saturates to 6. Then 0.75:
  // 2^(-1 - 2), so 0.75 is 6 of it.
  std::vector<float> values{7.0f, -2.6f, 0.0f, 0.75f, 0.05f, -0.75f};
  MinifloatFormat format = formatOf("e2m1", {3}, GroupScale::E8M0);
  Encoded e = encodeMinifloat(values, Shape{6}, format);
  ASSERT_EQ(verify(e.spec, Shape{6}, e.data), "");
  EXPECT_EQ(e.data[1].bytes, (std::vector<uint8_t>{127, 124}));
  EXPECT_EQ(decode(e.spec, Shape{6}, e.data),
            (std::vector<float>{6.0f, -3.0f, 0.0f, 0.75f, 0.0625f, -0.75f}));
}

TEST(EncodeMinifloat, nvfp4HasScalesOnTwoLevels) {
  std::vector<float> values(32, 0.0f);
  values[0] = 12.0f;
  values[1] = -5.0f;
  values[16] = 3.0f;
  MinifloatFormat format = formatOf("e2m1", {16}, GroupScale::E4M3);
  Encoded e = encodeMinifloat(values, Shape{32}, format);
  ASSERT_EQ(verify(e.spec, Shape{32}, e.data), "");
  ASSERT_EQ(e.data.size(), 3u);
  EXPECT_EQ(e.data[1].component.name, "tensor_scale");
  EXPECT_EQ(e.data[2].bytes, (std::vector<uint8_t>{0x7e, 0x6e}));
  std::vector<float> back = decode(e.spec, Shape{32}, e.data);
  EXPECT_NEAR(back[0], 12.0f, 1e-5f);
  EXPECT_NEAR(back[1], -4.0f, 1e-5f);
  EXPECT_NEAR(back[16], 3.0f, 1e-5f);
  EXPECT_EQ(bitsPerWeight(e.spec, Shape{1024}), 4.0 + 8.0 / 16 + 32.0 / 1024);
}

TEST(EncodeMinifloat, errorIsWithinHalfAStepOfTheLargestValue) {
  std::mt19937 rng(5);
  std::normal_distribution<float> normal;
  Shape shape{7, 44};
  std::vector<float> values(7 * 44);
  for (float &v : values)
    v = normal(rng);
  for (const Minifloat &element : minifloats())
    for (GroupScale scale : {GroupScale::F32, GroupScale::F16, GroupScale::BF16,
                             GroupScale::E8M0, GroupScale::E4M3})
      for (Shape group : {Shape{1, 32}, Shape{0, 1}, Shape{}}) {
        MinifloatFormat format{element, group, scale};
        Encoded e = encodeMinifloat(values, shape, format);
        ASSERT_EQ(verify(e.spec, shape, e.data), "");
        std::vector<float> back = decode(e.spec, shape, e.data);
        // A value in the upper half of an exponent is off by half a unit; MX
        // saturates up to an eighth (2 bits of mantissa or more: less).
        double error = 0, sum = 0;
        for (size_t i = 0; i < values.size(); ++i) {
          error += (back[i] - values[i]) * (back[i] - values[i]);
          sum += values[i] * values[i];
        }
        double unit = std::ldexp(1.0, -static_cast<int>(element.mantissaBits));
        EXPECT_LT(std::sqrt(error / sum), 0.4 * unit) << element.name;
      }
}

TEST(EncodeMinifloat, oddValues) {
  float inf = std::numeric_limits<float>::infinity();
  float quietNaN = std::numeric_limits<float>::quiet_NaN();
  std::vector<float> values{quietNaN, 1.0f, inf, -inf, 0.0f, -0.0f, 1e-45f, 0};
  for (const Minifloat &element : minifloats())
    for (GroupScale scale : {GroupScale::F32, GroupScale::F16, GroupScale::BF16,
                             GroupScale::E8M0, GroupScale::E4M3}) {
      MinifloatFormat format{element, {2}, scale};
      Encoded e = encodeMinifloat(values, Shape{8}, format);
      std::vector<float> back = decode(e.spec, Shape{8}, e.data);
      EXPECT_EQ(back[0], 0.0f);
      EXPECT_GT(back[2], 10.0f);
      EXPECT_EQ(back[3], -back[2]);
      EXPECT_EQ(back[4], 0.0f);
      EXPECT_EQ(back[7], 0.0f);
      for (float v : back)
        EXPECT_TRUE(std::isfinite(v)) << element.name << name(scale);
    }
}
