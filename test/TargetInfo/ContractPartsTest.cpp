//===- ContractPartsTest.cpp - Cutting contractions -----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "qc/TargetInfo/ContractParts.h"

#include <gtest/gtest.h>

using namespace qc;

TEST(ContractParts, CoversEverythingOnce) {
  for (int64_t m : {0, 1, 5, 49, 196, 3136, 100000})
    for (int64_t n : {0, 1, 17, 64, 1000, 32000})
      for (int64_t k : {1, 64, 4608})
        for (int64_t groups : {1, 32})
          for (int64_t rowStep : {tileRowStep, slabRowStep}) {
            ContractParts p = chooseContractParts(m, n, k, groups, rowStep);
            EXPECT_GE(p.mChunk * p.mParts, m);
            EXPECT_GE(p.nChunk * p.nParts, n);
            EXPECT_LT(p.mChunk * (p.mParts - 1), std::max<int64_t>(m, 1));
            EXPECT_LT(p.nChunk * (p.nParts - 1), std::max<int64_t>(n, 1));
            EXPECT_EQ(p.mChunk % rowStep, 0);
            EXPECT_EQ(p.nChunk % 16, 0);
            EXPECT_LE(p.mParts * p.nParts, 128);
          }
}

TEST(ContractParts, SmallWorkIsOnePart) {
  EXPECT_EQ(chooseContractParts(1, 64, 64, 1).parts(1), 1);
}

TEST(ContractParts, LargeWorkIsManyParts) {
  EXPECT_GE(chooseContractParts(49, 512, 512, 1).parts(1), 8);
  EXPECT_GE(chooseContractParts(3136, 64, 576, 1).parts(1), 12);
  EXPECT_GE(chooseContractParts(512, 4096, 4096, 1).parts(1), 48);
  // One row can only be cut along its columns.
  ContractParts row = chooseContractParts(1, 32000, 4096, 1);
  EXPECT_EQ(row.mParts, 1);
  EXPECT_GE(row.nParts, 12);
}
