// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Codebooks: searched scales, scales that are codes themselves, and which
// tables decode to integers.

#include "qc/Numerics/Encode.h"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <random>

using namespace qc::numerics;

using Shape = std::vector<int64_t>;

static CodebookFormat formatOf(std::string_view name, unsigned bits,
                               Shape group) {
  CodebookFormat format;
  for (const NamedCodebook &named : namedCodebooks())
    if (named.name == name)
      format.codebook.assign(named.values.begin(), named.values.end());
  format.bits = bits;
  format.group = std::move(group);
  return format;
}

static std::vector<float> normalValues(size_t n, unsigned seed) {
  std::mt19937 rng(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(n);
  for (float &v : values)
    v = 0.02f * normal(rng);
  return values;
}

static double errorOf(std::span<const float> values, const Shape &shape,
                      const CodebookFormat &format, ClipMode clip) {
  Encoded e = encodeCodebook(values, shape, format, clip);
  EXPECT_EQ(verify(e.spec, shape, e.data), "");
  std::vector<float> back = decode(e.spec, shape, e.data);
  double error = 0, sum = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    error += (back[i] - values[i]) * (back[i] - values[i]);
    sum += values[i] * values[i];
  }
  return error / sum;
}

TEST(Codebook, binaryScaleIsTheMeanMagnitude) {
  std::vector<float> values{1.0f, -3.0f, 2.0f, 2.0f};
  Encoded e = encodeCodebook(values, Shape{4}, formatOf("binary", 1, {4}),
                             ClipMode::Mse);
  EXPECT_EQ(decode(e.spec, Shape{4}, e.data),
            (std::vector<float>{2.0f, -2.0f, 2.0f, 2.0f}));
  EXPECT_TRUE(e.spec.codeToInt);
}

TEST(Codebook, ternaryDropsSmallValues) {
  std::vector<float> values{1.0f, -1.2f, 0.1f, -0.1f, 0.0f, 0.8f};
  Encoded e = encodeCodebook(values, Shape{6}, formatOf("ternary", 2, {6}),
                             ClipMode::Mse);
  std::vector<float> back = decode(e.spec, Shape{6}, e.data);
  EXPECT_NEAR(back[0], 1.0f, 1e-6f);
  EXPECT_EQ(back[1], -back[0]);
  EXPECT_EQ(back[2], 0.0f);
  EXPECT_EQ(back[5], back[0]);
}

TEST(Codebook, searchIsNearTheTheoryOfNormalValues) {
  std::vector<float> values = normalValues(64 * 1024, 3);
  Shape shape{64, 1024};
  // Lloyd-Max quantizers of 2 and 3 levels: 0.363 and 0.190 of the variance.
  EXPECT_NEAR(
      errorOf(values, shape, formatOf("binary", 1, {1, 0}), ClipMode::Mse),
      0.363, 0.005);
  EXPECT_NEAR(
      errorOf(values, shape, formatOf("ternary", 2, {1, 0}), ClipMode::Mse),
      0.190, 0.005);
  for (const char *name : {"nf4", "fp4"}) {
    CodebookFormat format = formatOf(name, 4, {1, 64});
    EXPECT_LT(errorOf(values, shape, format, ClipMode::Mse),
              errorOf(values, shape, format, ClipMode::MinMax));
  }
}

TEST(Codebook, dynamicTableIsSymmetricButForItsEnd) {
  std::vector<float> table = dynamicCodebook();
  ASSERT_EQ(table.size(), 256u);
  EXPECT_TRUE(std::is_sorted(table.begin(), table.end()));
  EXPECT_EQ(table[127], 0.0f);
  EXPECT_EQ(table[255], 1.0f);
  for (int k = 0; k < 127; ++k)
    EXPECT_EQ(table[k], -table[254 - k]);
  // 64 steps of [0.1, 1]: the topmost is half a step below 1.
  EXPECT_FLOAT_EQ(table[254], 1.0f - 0.9f / 128);
  EXPECT_FLOAT_EQ(table[128], 0.55e-6f);
}

TEST(Codebook, doubleQuantizationCostsLittle) {
  std::vector<float> values = normalValues(16 * 4096, 7);
  Shape shape{16, 4096};
  CodebookFormat plain = formatOf("nf4", 4, {1, 64});
  CodebookFormat nested = plain;
  nested.nested = 256;
  double before = errorOf(values, shape, plain, ClipMode::MinMax);
  double after = errorOf(values, shape, nested, ClipMode::MinMax);
  EXPECT_LT(after, 1.02 * before);
  EXPECT_EQ(bitsPerWeight(codebookSpec(plain), shape), 4.5);
  EXPECT_EQ(bitsPerWeight(codebookSpec(nested), shape),
            4 + 8.0 / 64 + 32.0 / 4096 + 32.0 / (16 * 4096));
}

TEST(Codebook, doubleQuantizationOfOddShapes) {
  for (Shape shape : {Shape{5, 70}, Shape{70, 5}, Shape{3, 1}})
    for (Shape group : {Shape{16, 1}, Shape{1, 16}, Shape{0, 1}, Shape{}}) {
      CodebookFormat format = formatOf("fp4", 4, group);
      format.nested = 3;
      std::vector<float> values =
          normalValues(static_cast<size_t>(shape[0] * shape[1]), 9);
      values[0] = 0.0f;
      EXPECT_LT(errorOf(values, shape, format, ClipMode::MinMax), 0.1);
    }
}
