//===- PackingTest.cpp - Layout of packed weights -------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "qc/TargetInfo/Packing.h"

#include <gtest/gtest.h>

#include <vector>

using namespace qc;

TEST(Packing, BytesAreInStepsOfFour) {
  // Two runs of three: each is filled up to four.
  ContractWeights shape{6, 17, 1, 3, 1};
  ASSERT_TRUE(shape.isValid());
  EXPECT_EQ(shape.packedRows(), 8);
  EXPECT_EQ(shape.panelBytes(), 128);
  EXPECT_EQ(shape.packedBytes(), 256);
  std::vector<std::byte> weights(6 * 17), packed(256);
  for (size_t i = 0; i < weights.size(); ++i)
    weights[i] = std::byte(i + 1);
  packContract(shape, weights, packed);
  for (int64_t k = 0; k < 6; ++k)
    for (int64_t n = 0; n < 17; ++n) {
      int64_t at = n / 16 * 128 + k / 3 * 64 + n % 16 * 4 + k % 3;
      EXPECT_EQ(packed[at], weights[k * 17 + n]);
      EXPECT_EQ(packedContractOffset(shape, 0, k, n), at);
    }
  EXPECT_EQ(packed[3], std::byte(0));
  EXPECT_EQ(packed[128 + 4], std::byte(0));
}

TEST(Packing, FloatsAreRowsOfSixteen) {
  ContractWeights shape{3, 20, 2, 0, 4};
  EXPECT_EQ(shape.groupBytes(), 2 * 3 * 16 * 4);
  EXPECT_EQ(packedContractOffset(shape, 1, 2, 17),
            shape.groupBytes() + 3 * 64 + 2 * 64 + 4);
}

TEST(Packing, RefusesOddShapes) {
  EXPECT_FALSE((ContractWeights{6, 4, 1, 4, 1}.isValid()));
  EXPECT_FALSE((ContractWeights{-1, 4, 1, 0, 1}.isValid()));
  EXPECT_FALSE((ContractWeights{4, 4, 0, 0, 1}.isValid()));
  EXPECT_FALSE((ContractWeights{4, 4, 1, 0, 3}.isValid()));
  EXPECT_FALSE((ContractWeights{int64_t(1) << 40, 4, 1, 0, 1}.isValid()));
}
