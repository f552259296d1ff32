//===- EncodedPackingTest.cpp - Layout of encoded weights -----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "qc/TargetInfo/EncodedPacking.h"

#include "qc/Numerics/Encode.h"
#include "qc/Numerics/Packing.h"

#include <gtest/gtest.h>

#include <cstring>

using namespace qc;
using namespace qc::numerics;

static Encoded encoded(std::span<const int64_t> shape, bool transposed) {
  AffineFormat format;
  format.bits = 3;
  format.group =
      transposed ? std::vector<int64_t>{1, 4} : std::vector<int64_t>{4, 1};
  std::vector<float> values(shape[0] * shape[1]);
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = float(i * 37 % 19) - 9;
  return encodeAffine(values, shape, format);
}

static void check(bool transposed) {
  const int64_t k = 6, n = 18;
  const int64_t plain[] = {k, n}, turned[] = {n, k};
  Encoded tensor = encoded(transposed ? turned : plain, transposed);
  DecodeSpec spec = contractSpec(tensor.spec, transposed);
  std::vector<EncodedRegion> regions = encodedRegions(spec);
  ASSERT_EQ(regions.size(), 2u);
  EXPECT_EQ(regions[0].rowBytes(), 6);
  EXPECT_EQ(regions[1].groupK, 4);
  // Two panels of six rows of codes and two rows of scales.
  ASSERT_EQ(encodedGroupBytes(spec, k, n), 2 * 6 * 6 + 2 * 2 * 64);
  std::vector<uint8_t> packed(encodedGroupBytes(spec, k, n));
  packEncoded(tensor.spec, transposed, k, n, 1, tensor.data, packed);
  size_t rowBytes = packedRowBytes(transposed ? k : n, 3);
  for (int64_t i = 0; i < k; ++i)
    for (int64_t j = 0; j < n; ++j) {
      int64_t row = transposed ? j : i, column = transposed ? i : j;
      EXPECT_EQ(
          unpackOne(packed.data() + (j / 16 * 6 + i) * 6, 3, j % 16),
          unpackOne(tensor.data[0].bytes.data() + row * rowBytes, 3, column));
      int64_t scale = transposed ? j * 2 + i / 4 : i / 4 * n + j;
      EXPECT_EQ(std::memcmp(packed.data() + 72 + (j / 16 * 2 + i / 4) * 64 +
                                j % 16 * 4,
                            tensor.data[1].bytes.data() + scale * 4, 4),
                0);
    }
}

TEST(EncodedPacking, RegionsOfPanels) { check(false); }
TEST(EncodedPacking, TransposedIsTheSame) { check(true); }
