// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Sparse forms of every encoding: what is kept, and that all codes come back.

#include "qc/Numerics/Sparse.h"
#include "qc/Numerics/Blocks.h"
#include "qc/Numerics/Encode.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

using namespace qc::numerics;

using Shape = std::vector<int64_t>;

static SparseFormat nOfM(int64_t keep, int64_t of, int64_t axis) {
  SparseFormat format;
  format.keep = keep;
  format.of = of;
  format.axis = axis;
  return format;
}

static SparseFormat maskOf(int64_t kept) {
  SparseFormat format;
  format.kind = SparseFormat::Kind::Mask;
  format.kept = kept;
  return format;
}

static SparseFormat blocksOf(int64_t rows, int64_t columns, int64_t kept) {
  SparseFormat format = maskOf(kept);
  format.kind = SparseFormat::Kind::Blocks;
  format.blockRows = rows;
  format.blockColumns = columns;
  return format;
}

static std::vector<float> randomValues(size_t count) {
  std::mt19937 random(7);
  std::normal_distribution<float> normal;
  std::vector<float> values(count);
  for (float &value : values)
    value = normal(random);
  return values;
}

TEST(Sparse, keepsTheLargest) {
  std::vector<float> values = {1, -3, 2, 0, 5, 4, -6, 1, 2, 9};
  EXPECT_EQ(keptElements(nOfM(2, 4, 0), values, Shape{10}),
            (std::vector<uint8_t>{0, 1, 1, 0, 1, 0, 1, 0, 1, 1}));
  // Along the first axis the neighbours are 5 apart.
  EXPECT_EQ(keptElements(nOfM(1, 2, 0), values, Shape{2, 5}),
            (std::vector<uint8_t>{0, 0, 1, 0, 0, 1, 1, 0, 1, 1}));
  EXPECT_EQ(keptElements(maskOf(3), values, Shape{10}),
            (std::vector<uint8_t>{0, 0, 0, 0, 1, 0, 1, 0, 0, 1}));
  EXPECT_EQ(keptElements(blocksOf(1, 2, 2), values, Shape{2, 5}),
            (std::vector<uint8_t>{0, 0, 0, 0, 0, 1, 1, 0, 0, 1}))
      << "the last block of a row is cut short";
  // The first of equals.
  EXPECT_EQ(keptElements(nOfM(1, 2, 0), std::vector<float>{2, -2}, Shape{2}),
            (std::vector<uint8_t>{1, 0}));
  values[3] = NAN;
  EXPECT_EQ(keptElements(maskOf(1), values, Shape{10})[3], 1);
}

/// Encodes zeroed values, compacts, expands and expects the same bytes.
static void checkRoundTrip(const SparseFormat &format, const Encoded &encoded,
                           const std::vector<uint8_t> &kept,
                           const Shape &shape) {
  ASSERT_TRUE(hasZeroCode(encoded.spec));
  std::vector<ComponentData> data = compact(format, encoded.data[0], kept);
  ASSERT_EQ(data.size(), format.componentCount());
  for (const ComponentData &component : data)
    EXPECT_EQ(component.bytes.size(),
              byteSize(component.component.kind, component.component.shape));
  ElementKind kind = encoded.data[0].component.kind;
  ComponentData all = expand(format, kind, shape, data,
                             zeroCodes(encoded.spec, shape, encoded.data));
  EXPECT_EQ(all.bytes, encoded.data[0].bytes);
}

TEST(Sparse, allCodesComeBack) {
  const Shape shape{37, 21};
  for (const SparseFormat &format :
       {nOfM(2, 4, 0), nOfM(1, 4, 1), nOfM(3, 7, 0), nOfM(4, 16, 0),
        maskOf(300), maskOf(0), maskOf(37 * 21), blocksOf(1, 16, 40),
        blocksOf(4, 4, 20), blocksOf(16, 1, 0)}) {
    std::vector<float> values = randomValues(37 * 21);
    std::vector<uint8_t> kept = keptElements(format, values, shape);
    for (size_t i = 0; i < values.size(); ++i)
      values[i] = kept[i] ? values[i] : 0;
    AffineFormat bytes, nibbles;
    bytes.group = {0, 1};
    nibbles.bits = 4;
    nibbles.symmetric = false;
    nibbles.group = {8, 1};
    checkRoundTrip(format, encodeAffine(values, shape, bytes), kept, shape);
    checkRoundTrip(format, encodeAffine(values, shape, nibbles), kept, shape);
    checkRoundTrip(format, encodeFloat16(values, shape), kept, shape);
  }
}

TEST(Sparse, fewerThanThereIsRoomFor) {
  // A group without any, and an axis that ends inside of a group.
  std::vector<float> values = {0, 0, 0, 0, 0, 7};
  AffineFormat bytes;
  Encoded encoded = encodeAffine(values, Shape{6}, bytes);
  std::vector<uint8_t> kept = {0, 0, 0, 0, 0, 1};
  checkRoundTrip(nOfM(2, 4, 0), encoded, kept, {6});
  checkRoundTrip(maskOf(4), encoded, kept, {6});
  std::vector<ComponentData> data =
      compact(nOfM(2, 4, 0), encoded.data[0], kept);
  EXPECT_EQ(data[0].bytes, (std::vector<uint8_t>{0, 0, 0, 127}));
  // Positions 0 1 | 0 1, two bits each.
  EXPECT_EQ(data[1].bytes, (std::vector<uint8_t>{0b01000100}));
}

TEST(Sparse, onlyWhatHasAZero) {
  CodebookFormat signs;
  signs.bits = 1;
  signs.codebook = {-1, 1};
  EXPECT_FALSE(hasZeroCode(codebookSpec(signs)));
  signs.bits = 2;
  signs.codebook = {-1, 0, 1};
  EXPECT_TRUE(hasZeroCode(codebookSpec(signs)));
  EXPECT_FALSE(hasZeroCode(blockSpec(*findBlockFormat("q4_K"), 2, 0)));
}

TEST(Sparse, KnowsFormatsWithAnExactZero) {
  for (unsigned bits = 2; bits <= 8; ++bits)
    for (bool symmetric : {false, true})
      EXPECT_TRUE(hasZeroCode(affineSpec({bits, symmetric, {1, 32}})));
  EXPECT_TRUE(hasZeroCode(float16Spec()));
  for (const NamedCodebook &named : namedCodebooks()) {
    CodebookFormat format;
    format.codebook.assign(named.values.begin(), named.values.end());
    format.bits = format.codebook.size() > 2 ? 4 : 1;
    EXPECT_EQ(hasZeroCode(codebookSpec(format)), named.name != "binary")
        << named.name;
  }
  for (const BlockFormat &format : blockFormats()) {
    std::string name(format.name);
    bool expected = name == "q4_0" || name == "q5_0" || name == "q8_0" ||
                    name == "q3_K" || name == "q6_K" || name == "q8_K" ||
                    name == "tq1_0" || name == "tq2_0" || name == "mxfp4" ||
                    name == "nvfp4";
    EXPECT_EQ(hasZeroCode(blockSpec(format, 2, 1)), expected) << name;
  }
}
