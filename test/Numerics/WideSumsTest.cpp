// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How trees of scales are cut, and the sums against products of decoded values.

#include "qc/Numerics/WideSums.h"
#include "qc/Numerics/Blocks.h"
#include "qc/Numerics/Encode.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <random>

using namespace qc::numerics;

static DecodeSpec specOf(std::string_view format) {
  return blockSpec(*findBlockFormat(format), 2, 0);
}

static DecodeSpec affine(int64_t group, ElementKind scale = ElementKind::F16) {
  AffineFormat format;
  format.bits = 4;
  format.symmetric = false;
  format.group = {group, 1};
  format.scaleKind = scale;
  return affineSpec(format);
}

TEST(WideSums, WidthsOfFormats) {
  std::map<std::string, int64_t> widths;
  for (const BlockFormat &format : blockFormats())
    if (auto wide = wideSums(blockSpec(format, 2, 0)))
      widths[std::string(format.name)] = wide->width;
  const std::map<std::string, int64_t> expected = {
      {"q2_K", 256}, {"q3_K", 256},   {"q4_K", 256},  {"q5_K", 256},
      {"q6_K", 256}, {"iq4_xs", 256}, {"tq1_0", 256}, {"tq2_0", 256}};
  EXPECT_EQ(widths, expected);
  EXPECT_EQ(wideSums(affine(64))->width, 64);
  EXPECT_EQ(wideSums(affine(128))->width, 128);
  EXPECT_EQ(wideSums(affine(192))->width, 64);
  EXPECT_EQ(wideSums(affine(1024))->width, 256);
  EXPECT_EQ(wideSums(affine(0))->width, 256);
  EXPECT_FALSE(wideSums(affine(32)));
  EXPECT_FALSE(wideSums(affine(96)));
  EXPECT_FALSE(wideSums(float16Spec()));
}

TEST(WideSums, WhereTheTreeIsCut) {
  WideSums q4 = *wideSums(specOf("q4_K"));
  EXPECT_TRUE(q4.factors.scale && q4.factors.offset);
  EXPECT_EQ(q4.roots.scales[*q4.roots.scale].name, "scale");
  EXPECT_EQ(q4.roots.scales[*q4.roots.offset].name, "min");
  WideSums q6 = *wideSums(specOf("q6_K"));
  EXPECT_TRUE(q6.factors.scale && !q6.factors.offset);
  WideSums tq2 = *wideSums(specOf("tq2_0"));
  EXPECT_FALSE(tq2.factors.scale);
  // Numbers that are no integers stay with the root, and their groups count.
  DecodeSpec halves = specOf("q4_K");
  Program half;
  half.output(half.mul(half.toF32(half.input(Kind::I32)), half.constF(0.5f)));
  halves.scales[*halves.scale].toFloat = half;
  EXPECT_FALSE(wideSums(halves));
}

/// Products of decoded weights with q * scale in double.
static void checkSums(const DecodeSpec &spec,
                      const std::vector<ComponentData> &data, int64_t k,
                      int64_t n, const std::vector<int8_t> &q) {
  const int64_t shape[] = {k, n};
  WideWeights weights = wideWeights(spec, k, n, data);
  std::vector<float> scales, y(n);
  for (int64_t b = 0; b < k; b += weights.width)
    scales.push_back(0.01f * static_cast<float>(1 + b / weights.width));
  sumWide(weights, q, scales, y);
  std::vector<float> values = decode(spec, shape, data);
  for (int64_t column = 0; column < n; ++column) {
    double sum = 0, magnitude = 0;
    for (int64_t i = 0; i < k; ++i) {
      double term = double(values[i * n + column]) * q[i] *
                    double(scales[i / weights.width]);
      sum += term;
      magnitude += std::fabs(term);
    }
    EXPECT_LE(std::fabs(y[column] - sum), 1e-6 * magnitude) << column;
  }
}

TEST(WideSums, SumsOfDecodedValues) {
  constexpr int64_t k = 512, n = 3;
  const int64_t shape[] = {k, n};
  std::mt19937 random(7);
  std::normal_distribution<float> normal;
  std::vector<float> values(k * n);
  for (float &value : values)
    value = normal(random);
  std::vector<int8_t> q(k);
  for (int8_t &each : q)
    each = static_cast<int8_t>(static_cast<int>(random() % 255) - 127);
  for (const BlockFormat &format : blockFormats()) {
    DecodeSpec spec = blockSpec(format, 2, 0);
    if (!wideSums(spec))
      continue;
    SCOPED_TRACE(format.name);
    checkSums(spec, encodeBlocks(format, values, shape, 0), k, n, q);
  }
  AffineFormat format;
  format.bits = 4;
  format.symmetric = false;
  format.group = {128, 1};
  Encoded encoded = encodeAffine(values, shape, format);
  checkSums(encoded.spec, encoded.data, k, n, q);
}

TEST(WideSums, LargestSumsFit) {
  // All bits set: the largest codes, numbers and scales that are no NaN.
  constexpr int64_t k = 256, n = 1;
  const int64_t shape[] = {k, n};
  for (const BlockFormat &format : blockFormats()) {
    DecodeSpec spec = blockSpec(format, 2, 0);
    if (!wideSums(spec))
      continue;
    SCOPED_TRACE(format.name);
    std::vector<ComponentData> data;
    for (const Component &component : components(spec, shape)) {
      size_t size = byteSize(component.kind, component.shape);
      bool isHalf = component.kind == ElementKind::F16;
      data.push_back({component, std::vector<uint8_t>(size, 0xff)});
      for (size_t i = 0; isHalf && i < size; ++i)
        data.back().bytes[i] = 0x3c;
    }
    for (int q : {127, -127})
      checkSums(spec, data, k, n, std::vector<int8_t>(k, int8_t(q)));
  }
}
