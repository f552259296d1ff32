//===- StatisticsTest.cpp - Counting does not depend on order -------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "qc/Quantization/Statistics.h"
#include "gtest/gtest.h"

#include <algorithm>
#include <cmath>
#include <random>

using namespace qc::quantization;

static std::vector<float> makeValues(size_t count, uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(count);
  for (float &x : values)
    x = normal(random) * std::pow(10.0f, static_cast<float>(random() % 9));
  return values;
}

TEST(Statistics, ExactSumOfCancellingValues) {
  ExactSum sum;
  for (float x : {1e30f, 1.0f, 1e-30f, -1e30f, -1.0f})
    sum.add(x);
  EXPECT_EQ(sum.get(), double(1e-30f));
}

TEST(Statistics, ExactSumOfExtremes) {
  ExactSum sum;
  float least = std::numeric_limits<float>::denorm_min();
  sum.add(least);
  sum.add(least);
  EXPECT_EQ(sum.get(), 2.0 * least);
  float largest = std::numeric_limits<float>::max();
  sum.add(largest);
  sum.add(largest);
  EXPECT_EQ(sum.get(), 2.0 * largest);
}

TEST(Statistics, SumsDoNotDependOnOrder) {
  std::vector<float> values = makeValues(4096, 1);
  ExactSum forward, backward;
  for (float x : values)
    forward.add(x);
  std::reverse(values.begin(), values.end());
  for (float x : values)
    backward.add(x);
  EXPECT_TRUE(forward.bins == backward.bins);
}

TEST(Statistics, MergingEqualsOneRun) {
  std::vector<float> values = makeValues(4096, 2);
  std::span<const float> all = values;
  Statistics whole, first, second;
  whole.tensors["x"].add(all, 16);
  first.tensors["x"].add(all.first(1024), 16);
  second.tensors["x"].add(all.subspan(1024), 16);
  second.merge(first);
  EXPECT_EQ(whole.write(), second.write());
}

TEST(Statistics, CountsByUpperHalf) {
  TensorStatistics statistics;
  std::vector<float> values = {1.0f, 1.001f, 2.0f, -1.0f, 0.0f, -0.0f};
  statistics.add(values, 0);
  EXPECT_EQ(statistics.getCount(), 6u);
  std::vector<TensorStatistics::Bin> expected = {
      {0x0000, 1}, {0x3f80, 2}, {0x4000, 1}, {0x8000, 1}, {0xbf80, 1}};
  EXPECT_EQ(statistics.histogram, expected);
  EXPECT_EQ(statistics.min, -1.0f);
  EXPECT_EQ(statistics.max, 2.0f);
}

TEST(Statistics, NonFiniteValuesCountApart) {
  TensorStatistics statistics;
  std::vector<float> values = {NAN, INFINITY, -INFINITY, 3.0f};
  statistics.add(values, 2);
  EXPECT_EQ(statistics.getCount(), 1u);
  EXPECT_EQ(statistics.nonFinite, 3u);
  EXPECT_EQ(statistics.max, 3.0f);
}

TEST(Statistics, MeansByChannel) {
  TensorStatistics statistics;
  std::vector<float> values = {1, 10, 2, 20, 3, 30};
  statistics.add(values, 2);
  EXPECT_EQ(statistics.getMean(0), 2.0);
  EXPECT_EQ(statistics.getMean(1), 20.0);
  EXPECT_EQ(statistics.getMean(2), 0.0);
}
