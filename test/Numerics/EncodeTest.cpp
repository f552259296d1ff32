// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The reference encoders: what they store decodes to within half a step, for
// every width, grouping and storage of the scales.

#include "qc/Numerics/Encode.h"

#include "qc/Numerics/Float16.h"

#include <cmath>
#include <gtest/gtest.h>
#include <limits>
#include <random>

using namespace qc::numerics;

namespace encode_test {

using Shape = std::vector<int64_t>;

static std::vector<float> normalValues(size_t n, unsigned seed) {
  std::mt19937 rng(seed);
  std::vector<float> values(n);
  for (float &v : values) {
    v = -6.0f;
    for (int k = 0; k < 12; ++k)
      v += static_cast<float>(rng() % 65536) / 65536.0f;
  }
  return values;
}

static double squaredError(std::span<const float> a, std::span<const float> b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i)
    sum += (double(a[i]) - b[i]) * (double(a[i]) - b[i]);
  return sum;
}

namespace {
struct Case {
  unsigned bits;
  bool symmetric;
  Shape group;
  ElementKind scaleKind;
};
} // namespace

static std::vector<Case> allCases() {
  std::vector<Case> cases;
  for (unsigned bits = 1; bits <= 8; ++bits)
    for (bool symmetric : {false, true})
      for (Shape group : {Shape{}, Shape{1, 0}, Shape{1, 8}, Shape{3, 16}})
        for (ElementKind kind :
             {ElementKind::F32, ElementKind::F16, ElementKind::BF16})
          if (!symmetric || bits >= 2)
            cases.push_back({bits, symmetric, group, kind});
  return cases;
}

TEST(EncodeAffine, errorIsWithinTheStep) {
  Shape shape{7, 37};
  std::vector<float> values = normalValues(7 * 37, 11);
  for (const Case &c : allCases()) {
    AffineFormat format{c.bits, c.symmetric, c.group, c.scaleKind};
    Encoded e = encodeAffine(values, shape, format);
    ASSERT_EQ(verify(e.spec, shape, e.data), "");
    std::vector<float> back = decode(e.spec, shape, e.data);
    // The widest range has a step of at most 12 / levels; a rounded scale and
    // zero point may leave the end of the range out by another one.
    float levels = static_cast<float>((1 << c.bits) - 1 - c.symmetric);
    for (size_t i = 0; i < values.size(); ++i)
      EXPECT_NEAR(values[i], back[i], 1.02f * 12.0f / levels);
    for (int32_t q : decodeInt(e.spec, shape, e.data))
      EXPECT_LE(std::abs(q), (1 << c.bits) - 1);
  }
}

TEST(EncodeAffine, symmetricCodesAvoidTheLowestInteger) {
  std::vector<float> values{-1.0f, 0.5f, 1.0f, 0.0f};
  Encoded e = encodeAffine(values, Shape{4}, {.bits = 8, .symmetric = true});
  EXPECT_EQ(decodeInt(e.spec, Shape{4}, e.data),
            (std::vector<int32_t>{-127, 64, 127, 0}));
  e = encodeAffine(values, Shape{4}, {.bits = 2, .symmetric = true});
  EXPECT_EQ(decode(e.spec, Shape{4}, e.data),
            (std::vector<float>{-1.0f, 0.0f, 1.0f, 0.0f}));
}

TEST(EncodeAffine, zeroIsExactInAsymmetricGroups) {
  std::vector<float> values = normalValues(64, 13);
  for (size_t i = 0; i < 64; i += 4)
    values[i] = 0.0f;
  for (unsigned bits = 1; bits <= 8; ++bits) {
    AffineFormat format{bits, false, {8}, ElementKind::F16};
    Encoded e = encodeAffine(values, Shape{64}, format);
    std::vector<float> back = decode(e.spec, Shape{64}, e.data);
    for (size_t i = 0; i < 64; i += 4)
      EXPECT_EQ(back[i], 0.0f);
  }
}

TEST(EncodeAffine, clippingByErrorNeverLosesAndOftenWins) {
  std::vector<float> values = normalValues(4096, 17);
  Shape shape{16, 256};
  for (unsigned bits : {2u, 3u, 4u}) {
    AffineFormat format{bits, true, {1, 64}, ElementKind::F32};
    Encoded plain = encodeAffine(values, shape, format);
    Encoded clipped = encodeAffine(values, shape, format, ClipMode::Mse);
    double before = squaredError(values, decode(plain.spec, shape, plain.data));
    double after =
        squaredError(values, decode(clipped.spec, shape, clipped.data));
    EXPECT_LT(after, before);
  }
}

TEST(EncodeAffine, symmetricCodesUseTheLowestWhereItPays) {
  // All of [-2^(b-1), 2^(b-1) - 1] times a scale that is 7/8 of the largest
  // magnitude over 2^(b-1) - 1, one of those that are tried, for b = 4.
  for (unsigned bits : {4u, 8u}) {
    int low = -(1 << (bits - 1));
    std::vector<float> values;
    for (int q = low; q < -low; ++q)
      values.push_back(0.25f * static_cast<float>(q));
    Shape shape{static_cast<int64_t>(values.size())};
    AffineFormat format{bits, true, {shape[0]}, ElementKind::F16};
    Encoded clipped = encodeAffine(values, shape, format, ClipMode::Mse);
    std::vector<float> back = decode(clipped.spec, shape, clipped.data);
    // 8 bits do without it.
    EXPECT_EQ(back == values, bits == 4);
  }
}

TEST(EncodeAffine, oddValues) {
  float inf = std::numeric_limits<float>::infinity();
  float quietNaN = std::numeric_limits<float>::quiet_NaN();
  std::vector<float> values{quietNaN, inf,  -inf,   1.0f,
                            0.0f,     0.0f, 1e-45f, 1e-40f};
  for (bool symmetric : {false, true})
    for (ElementKind kind :
         {ElementKind::F32, ElementKind::F16, ElementKind::BF16}) {
      AffineFormat format{8, symmetric, {2}, kind};
      for (ClipMode clip : {ClipMode::MinMax, ClipMode::Mse}) {
        Encoded e = encodeAffine(values, Shape{8}, format, clip);
        ASSERT_EQ(verify(e.spec, Shape{8}, e.data), "");
        std::vector<float> back = decode(e.spec, Shape{8}, e.data);
        EXPECT_EQ(back[0], 0.0f);
        EXPECT_GT(back[1], 1e6f);
        EXPECT_LT(back[2], -1e6f);
        EXPECT_EQ(back[4], 0.0f);
        EXPECT_LT(std::fabs(back[7]), 1e-5f);
      }
    }
}

TEST(EncodeAffine, emptyAndScalarTensors) {
  Encoded e = encodeAffine({}, Shape{0, 5}, {.bits = 4, .group = {1, 2}});
  EXPECT_EQ(verify(e.spec, Shape{0, 5}, e.data), "");
  EXPECT_TRUE(decode(e.spec, Shape{0, 5}, e.data).empty());
  float one = 1.0f;
  e = encodeAffine({&one, 1}, Shape{}, {.bits = 4});
  EXPECT_EQ(decode(e.spec, Shape{}, e.data), std::vector<float>{1.0f});
}

TEST(EncodeCodebook, findsTheNearestEntryOfScaledValues) {
  CodebookFormat format;
  format.bits = 2;
  format.codebook = {-1.0f, 0.0f, 0.25f, 1.0f};
  format.group = {4};
  std::vector<float> values{2.0f, -2.0f, 0.4f, 0.25f, 0.0f, 0.0f, 0.0f};
  Encoded e = encodeCodebook(values, Shape{7}, format);
  EXPECT_EQ(verify(e.spec, Shape{7}, e.data), "");
  // 0.25 is half way between 0 and 0.5: the lower index.
  EXPECT_EQ(decode(e.spec, Shape{7}, e.data),
            (std::vector<float>{2.0f, -2.0f, 0.5f, 0.0f, 0.0f, 0.0f, 0.0f}));
}

TEST(EncodeCodebook, oddValues) {
  float inf = std::numeric_limits<float>::infinity();
  float quietNaN = std::numeric_limits<float>::quiet_NaN();
  CodebookFormat format;
  format.codebook = {-1.0f, -0.5f, 0.0f, 0.5f, 1.0f};
  std::vector<float> values{quietNaN, inf, -inf};
  Encoded e = encodeCodebook(values, Shape{3}, format);
  std::vector<float> back = decode(e.spec, Shape{3}, e.data);
  EXPECT_EQ(back[0], 0.0f);
  EXPECT_GT(back[1], 1e38f);
  EXPECT_LT(back[2], -1e38f);
}

TEST(EncodeFloat, sixteenBits) {
  std::vector<float> values = normalValues(100, 19);
  Shape shape{10, 10};
  Encoded half = encodeFloat16(values, shape);
  Encoded brain = encodeBFloat16(values, shape);
  std::vector<float> a = decode(half.spec, shape, half.data);
  std::vector<float> b = decode(brain.spec, shape, brain.data);
  for (size_t i = 0; i < values.size(); ++i) {
    EXPECT_EQ(a[i], halfToFloat(floatToHalf(values[i])));
    EXPECT_EQ(b[i], bfloat16ToFloat(floatToBFloat16(values[i])));
  }
  EXPECT_EQ(bitsPerWeight(half.spec, shape), 16.0);
}

TEST(RoundScale, staysPositiveAndFinite) {
  EXPECT_EQ(roundScale(1e-30f, ElementKind::F16), 0x1p-24f);
  EXPECT_EQ(roundScale(1e30f, ElementKind::F16), 65504.0f);
  EXPECT_EQ(roundScale(3.4e38f, ElementKind::BF16), 0x1.fep127f);
  EXPECT_EQ(roundScale(0.1f, ElementKind::F32), 0.1f);
  EXPECT_EQ(roundScale(0.1f, ElementKind::F16), halfToFloat(0x2e66));
}

} // namespace encode_test
