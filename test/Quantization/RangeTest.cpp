//===- RangeTest.cpp - Ranges of counted values ---------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "qc/Quantization/Range.h"
#include "gtest/gtest.h"

#include <cmath>
#include <random>

using namespace qc::quantization;

static TensorStatistics count(std::span<const float> values) {
  TensorStatistics statistics;
  statistics.add(values, 0);
  return statistics;
}

static std::vector<float> makeNormal(size_t count, float outlier) {
  std::mt19937 random(7);
  std::normal_distribution<float> normal;
  std::vector<float> values(count);
  for (float &x : values)
    x = normal(random);
  values.push_back(outlier);
  return values;
}

static Range choose(const TensorStatistics &statistics,
                    llvm::StringRef observer) {
  llvm::Expected<Observer> parsed = Observer::parse(observer);
  EXPECT_TRUE(bool(parsed));
  return chooseRange(statistics, *parsed, -128, 127);
}

TEST(Range, MinMaxIsExactAndHoldsZero) {
  std::vector<float> values = {1.5f, 3.25f};
  Range range = choose(count(values), "minmax");
  EXPECT_EQ(range.low, 0.0f);
  EXPECT_EQ(range.high, 3.25f);
}

TEST(Range, NoValues) {
  Range range = choose(TensorStatistics(), "mse");
  EXPECT_EQ(range.low, 0.0f);
  EXPECT_EQ(range.high, 0.0f);
}

TEST(Range, OnlyZeros) {
  std::vector<float> values(8, 0.0f);
  for (llvm::StringRef observer : {"minmax", "percentile:99", "mse", "entropy"})
    EXPECT_EQ(choose(count(values), observer).high, 0.0f) << observer.str();
}

TEST(Range, PercentileDropsAnOutlier) {
  std::vector<float> values = makeNormal(100000, 1000.0f);
  Range range = choose(count(values), "percentile:99.99");
  EXPECT_GT(range.high, 3.5f);
  EXPECT_LT(range.high, 5.0f);
  EXPECT_LT(range.low, -3.5f);
}

TEST(Range, HundredPercentIsMinMax) {
  std::vector<float> values = makeNormal(1000, 50.0f);
  EXPECT_EQ(choose(count(values), "percentile:100").high, 50.0f);
}

/// Mean squared error of quantizing `values` to `range`.
static double getError(std::span<const float> values, Range range) {
  auto affine =
      qc::numerics::chooseAffine(range.low, range.high, -128, 127, false);
  double error = 0;
  for (float x : values) {
    int32_t code =
        qc::numerics::quantize(x, affine.scale, affine.zeroPoint, -128, 127);
    double difference = double(x) - qc::numerics::dequantize(code, affine.scale,
                                                             affine.zeroPoint);
    error += difference * difference;
  }
  return error / static_cast<double>(values.size());
}

TEST(Range, MseIsNoWorseThanMinMax) {
  for (float outlier : {0.0f, 8.0f, 20.0f}) {
    std::vector<float> values = makeNormal(100000, outlier);
    TensorStatistics statistics = count(values);
    EXPECT_LE(getError(values, choose(statistics, "mse")),
              getError(values, choose(statistics, "minmax")) * 1.001);
  }
}

TEST(Range, EntropyClipsATail) {
  std::vector<float> values = makeNormal(200000, 60.0f);
  Range range = choose(count(values), "entropy");
  EXPECT_GT(range.high, 2.5f);
  EXPECT_LT(range.high, 30.0f);
}

TEST(Range, ZerosOfAReluDoNotShrinkTheRange) {
  std::vector<float> values = makeNormal(100000, 5.0f);
  for (float &x : values)
    x = std::fmax(x, 0.0f);
  EXPECT_GT(choose(count(values), "entropy").high, 2.5f);
}

TEST(Range, UnknownObserver) {
  for (llvm::StringRef text : {"max", "percentile:", "percentile:12",
                               "percentile:101", "percentile:nan"})
    EXPECT_FALSE(bool(llvm::expectedToOptional(Observer::parse(text))))
        << text.str();
}
