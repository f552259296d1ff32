// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Group codecs against the reference encoders: chosen and rounded group by
// group, a matrix has the same components bit for bit, in both orders of its
// axes; single values get the nearest code.

#include "qc/Numerics/GroupCodec.h"

#include <cmath>
#include <gtest/gtest.h>
#include <random>

using namespace qc::numerics;

namespace group_codec_test {

namespace {
struct Case {
  std::string name;
  GroupFormat format;
};
} // namespace

static constexpr size_t rows = 5, columns = 512;

static std::vector<float> makeValues(unsigned seed) {
  std::mt19937 random(seed);
  std::vector<float> values(rows * columns);
  for (float &v : values) {
    v = -6.0f;
    for (int k = 0; k < 12; ++k)
      v += static_cast<float>(random() % 65536) / 65536.0f;
  }
  return values;
}

/// A format whose groups are `down` rows and `across` columns of the matrix.
static std::vector<int64_t> groupOf(int64_t down, int64_t across,
                                    bool transposed) {
  return transposed ? std::vector{across, down} : std::vector{down, across};
}

static std::vector<Case> allCases(bool transposed) {
  std::vector<Case> cases;
  for (auto [down, across] : {std::pair<int64_t, int64_t>{1, 64},
                              {1, 0},
                              {2, 48},
                              {0, 0},
                              {1, 100}}) {
    std::vector<int64_t> group = groupOf(down, across, transposed);
    std::string suffix =
        " " + std::to_string(down) + "x" + std::to_string(across);
    for (unsigned bits : {2u, 3u, 4u, 8u})
      for (bool symmetric : {false, true})
        cases.push_back(
            {"i" + std::to_string(bits) + (symmetric ? "" : "z") + suffix,
             AffineFormat{bits, symmetric, group, ElementKind::F16}});
    for (const NamedCodebook &named : namedCodebooks()) {
      CodebookFormat format;
      format.codebook.assign(named.values.begin(), named.values.end());
      format.group = group;
      cases.push_back({std::string(named.name) + suffix, format});
      format.nested = 16;
      cases.push_back({std::string(named.name) + "_dq" + suffix, format});
    }
    for (const Minifloat &element : minifloats())
      for (GroupScale scale :
           {GroupScale::F32, GroupScale::E8M0, GroupScale::E4M3})
        cases.push_back(
            {std::string(element.name) + std::string(name(scale)) + suffix,
             MinifloatFormat{element, group, scale}});
  }
  for (const BlockFormat &format : blockFormats())
    cases.push_back({std::string(format.name), &format});
  return cases;
}

static Encoded reference(const GroupFormat &format,
                         std::span<const float> values,
                         const MatrixShape &shape, ClipMode clip) {
  std::vector<int64_t> sizes = shape.tensor();
  if (const auto *affine = std::get_if<AffineFormat>(&format))
    return encodeAffine(values, sizes, *affine, clip);
  if (const auto *codebook = std::get_if<CodebookFormat>(&format))
    return encodeCodebook(values, sizes, *codebook, clip);
  if (const auto *minifloat = std::get_if<MinifloatFormat>(&format))
    return encodeMinifloat(values, sizes, *minifloat);
  const BlockFormat &block = *std::get<const BlockFormat *>(format);
  size_t axis = shape.transposed ? 0 : 1;
  return {blockSpec(block, 2, axis), encodeBlocks(block, values, sizes, axis)};
}

static std::vector<float> transpose(std::span<const float> values) {
  std::vector<float> result(values.size());
  for (size_t r = 0; r < rows; ++r)
    for (size_t c = 0; c < columns; ++c)
      result[c * rows + r] = values[r * columns + c];
  return result;
}

/// The values of a group, row by row.
static std::vector<float> gather(const GroupCodec &codec,
                                 std::span<const float> values, size_t band,
                                 size_t group) {
  std::vector<float> result;
  size_t lastRow = std::min((band + 1) * codec.groupRows(), rows);
  size_t lastColumn = std::min((group + 1) * codec.groupColumns(), columns);
  for (size_t r = band * codec.groupRows(); r < lastRow; ++r)
    for (size_t c = group * codec.groupColumns(); c < lastColumn; ++c)
      result.push_back(values[r * columns + c]);
  return result;
}

template <typename Fn> static void forEachGroup(GroupCodec &codec, Fn fn) {
  for (size_t band = 0; band < codec.bands(); ++band)
    for (size_t group = 0; group < codec.groups(); ++group)
      fn(band, group);
}

static void chooseAll(GroupCodec &codec, std::span<const float> values,
                      const ScaleChoice &choice) {
  forEachGroup(codec, [&](size_t band, size_t group) {
    codec.chooseScales(band, group, gather(codec, values, band, group), choice);
  });
  codec.finishScales();
}

TEST(GroupCodec, roundsAsTheReferenceEncoders) {
  std::vector<float> values = makeValues(1);
  for (bool transposed : {false, true})
    for (const Case &c : allCases(transposed))
      for (ClipMode clip : {ClipMode::MinMax, ClipMode::Mse}) {
        bool isMinifloat = std::holds_alternative<MinifloatFormat>(c.format);
        bool isBlock = std::holds_alternative<const BlockFormat *>(c.format);
        if (clip == ClipMode::Mse && (isMinifloat || isBlock))
          continue; // Their reference encoders have one way to choose.
        MatrixShape shape{rows, columns, transposed};
        ASSERT_EQ(verifyGroupFormat(c.format, shape), "") << c.name;
        std::unique_ptr<GroupCodec> codec = makeGroupCodec(c.format, shape);
        chooseAll(*codec, values, {.clip = clip});
        forEachGroup(*codec, [&](size_t band, size_t group) {
          codec->encodeGroup(band, group, gather(*codec, values, band, group));
        });
        Encoded found = codec->take();
        Encoded expected = reference(
            c.format, transposed ? transpose(values) : values, shape, clip);
        ASSERT_EQ(found.data.size(), expected.data.size()) << c.name;
        for (size_t k = 0; k < found.data.size(); ++k) {
          EXPECT_EQ(found.data[k].component, expected.data[k].component);
          EXPECT_EQ(found.data[k].bytes, expected.data[k].bytes)
              << c.name << " " << found.data[k].component.name
              << (transposed ? " transposed" : "");
        }
      }
}

TEST(GroupCodec, encodeReturnsWhatTheCodeDecodesTo) {
  std::vector<float> values = makeValues(2), others = makeValues(3);
  for (bool transposed : {false, true})
    for (const Case &c : allCases(transposed)) {
      MatrixShape shape{rows, columns, transposed};
      std::unique_ptr<GroupCodec> codec = makeGroupCodec(c.format, shape);
      chooseAll(*codec, values, {});
      std::vector<float> expected(values.size());
      for (size_t r = 0; r < rows; ++r)
        for (size_t column = 0; column < columns; ++column)
          expected[r * columns + column] =
              codec->encode(r, column, others[r * columns + column]);
      Encoded encoded = codec->take();
      std::vector<float> decoded =
          decode(encoded.spec, shape.tensor(), encoded.data);
      EXPECT_EQ(decoded, transposed ? transpose(expected) : expected) << c.name;
    }
}

TEST(GroupCodec, encodeTakesTheNearestCode) {
  std::vector<float> values = makeValues(4);
  for (const Case &c : allCases(false)) {
    std::unique_ptr<GroupCodec> codec =
        makeGroupCodec(c.format, {rows, columns, false});
    chooseAll(*codec, values, {});
    // All that the codes of one element can be.
    std::vector<float> levels;
    for (int k = -4000; k <= 4000; ++k)
      levels.push_back(codec->encode(1, 77, static_cast<float>(k) / 500));
    for (float v : makeValues(5)) {
      float error = std::fabs(codec->encode(1, 77, v) - v), least = error;
      for (float level : levels)
        least = std::min(least, std::fabs(level - v));
      ASSERT_LE(error, least * 1.0001f + 1e-6f) << c.name << " " << v;
    }
  }
}

/// Weighted squared error of a matrix whose scales are chosen so.
static double errorOf(const GroupFormat &format, std::span<const float> values,
                      std::span<const float> weights,
                      const ScaleChoice &choice) {
  std::unique_ptr<GroupCodec> codec =
      makeGroupCodec(format, {rows, columns, false});
  forEachGroup(*codec, [&](size_t band, size_t group) {
    ScaleChoice own = choice;
    if (!own.weights.empty())
      own.weights =
          weights.subspan(group * codec->groupColumns(),
                          std::min(codec->groupColumns(),
                                   columns - group * codec->groupColumns()));
    codec->chooseScales(band, group, gather(*codec, values, band, group), own);
  });
  codec->finishScales();
  double error = 0;
  for (size_t r = 0; r < rows; ++r)
    for (size_t c = 0; c < columns; ++c) {
      float v = values[r * columns + c];
      double difference = codec->encode(r, c, v) - v;
      error += weights[c] * difference * difference;
    }
  return error;
}

TEST(GroupCodec, searchFollowsTheWeights) {
  std::vector<float> values = makeValues(6), ones(columns, 1.0f), weights;
  for (float v : makeValues(7))
    if (weights.size() < columns)
      weights.push_back(std::exp(2 * v));
  for (const Case &c : allCases(false)) {
    // The searches try many scales, not all; scales of scales round them.
    double slack = c.name.find("dq") != std::string::npos ? 1.05 : 1.002;
    double range = errorOf(c.format, values, ones, {});
    double mse = errorOf(c.format, values, ones, {.clip = ClipMode::Mse});
    EXPECT_LE(mse, range * slack) << c.name;
    double plain = errorOf(c.format, values, weights, {.clip = ClipMode::Mse});
    double weighted = errorOf(c.format, values, weights,
                              {.clip = ClipMode::Mse, .weights = weights});
    EXPECT_LE(weighted, plain * slack) << c.name;
  }
}

TEST(GroupCodec, namesWhatDoesNotFit) {
  EXPECT_EQ(verifyGroupFormat(findBlockFormat("q4_K"), {4, 352, false}),
            "found rows of 352, expected whole blocks of 256 for q4_K");
  EXPECT_EQ(verifyGroupFormat(AffineFormat{.group = {1, 2, 3}}, {4, 8, false}),
            "found groups of 3 axes, expected 2");
  EXPECT_EQ(verifyGroupFormat(AffineFormat{}, {4, 8, false}), "");
}

} // namespace group_codec_test
