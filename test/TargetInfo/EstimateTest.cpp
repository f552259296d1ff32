//===- EstimateTest.cpp - How long a layer should take --------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "qc/TargetInfo/Estimate.h"

#include <gtest/gtest.h>

using namespace qc;

static CpuLevel bestOf(const char *text) {
  std::string error;
  auto target = parseTarget(text, error);
  EXPECT_TRUE(target) << error;
  return target->levels.back();
}

static double time(const CpuLevel &level, double rows, bool integer,
                   double decoded = 0) {
  double weights = 256 * 256;
  LayerWork work{rows * weights, rows, integer ? weights : 4 * weights,
                 decoded * weights, integer};
  return estimateMilliseconds(level, work);
}

TEST(Estimate, EightBitsAreFasterWhereThereIsAUnit) {
  CpuLevel sdot = bestOf("aarch64+dotprod"), plain = bestOf("cortex-a53");
  EXPECT_LT(time(sdot, 128, true), 0.3 * time(sdot, 128, false));
  EXPECT_LT(time(sdot, 128, true), time(plain, 128, true));
  EXPECT_LT(time(bestOf("x86-64-v4+vnni"), 128, true),
            time(bestOf("x86-64-v3"), 128, true));
}

TEST(Estimate, WorkTakesTime) {
  CpuLevel level = bestOf("aarch64+dotprod");
  EXPECT_LT(time(level, 64, false), time(level, 128, false));
  // Decoding costs, but not as much as the products of many rows.
  EXPECT_LT(time(level, 128, false), time(level, 128, false, 1));
  EXPECT_LT(time(level, 128, false, 1), 1.5 * time(level, 128, false));
}

TEST(Estimate, OneRowWaitsForTheWeights) {
  CpuLevel level = bestOf("x86-64-v4+vnni");
  EXPECT_GT(time(level, 1, false), 3 * time(level, 1, true));
}
