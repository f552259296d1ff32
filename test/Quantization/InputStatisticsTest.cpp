//===- InputStatisticsTest.cpp - Sums over a layer's inputs ---------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Matrices.h"

#include <cmath>

using namespace qc::quantization;
using namespace qc::test;

static constexpr int64_t channels = 301;
static constexpr size_t rows = 700;

static InputStatistics statisticsOf(std::span<const float> values) {
  InputStatistics statistics(channels);
  statistics.add(values);
  return statistics;
}

TEST(InputStatistics, SumsProducts) {
  std::vector<float> x = correlatedRows(rows, channels, 1);
  InputStatistics statistics = statisticsOf(x);
  EXPECT_EQ(statistics.rows(), rows);
  Eigen::MatrixXd hessian = statistics.hessian();
  ASSERT_EQ(hessian.rows(), channels);
  EXPECT_TRUE(hessian == hessian.transpose());
  for (int64_t a = 0; a < channels; ++a)
    for (int64_t b = 0; b < channels; ++b) {
      double sum = 0, size = 0;
      for (size_t r = 0; r < rows; ++r) {
        double product = double(x[r * channels + a]) * x[r * channels + b];
        sum += product;
        size += std::fabs(product);
      }
      ASSERT_NEAR(hessian(a, b), sum, 2e-6 * size) << a << ", " << b;
    }
}

TEST(InputStatistics, SumsChannels) {
  InputStatistics statistics(2, /*withHessian=*/false);
  statistics.add(std::vector<float>{1, -2, 3, 0, -4, 1});
  EXPECT_FALSE(statistics.hasHessian());
  EXPECT_EQ(statistics.hessian().size(), 0);
  EXPECT_FLOAT_EQ(statistics.meanSquares()[0], 26.0f / 3);
  EXPECT_FLOAT_EQ(statistics.meanSquares()[1], 5.0f / 3);
  EXPECT_FLOAT_EQ(statistics.meanMagnitudes()[0], 8.0f / 3);
  EXPECT_EQ(statistics.largestMagnitudes()[0], 4);
  EXPECT_EQ(statistics.largestMagnitudes()[1], 2);
  EXPECT_EQ(InputStatistics(2).meanSquares(), (std::vector<float>{0, 0}));
}

TEST(InputStatistics, PiecesGiveTheSameBits) {
  std::vector<float> x = correlatedRows(rows, channels, 2);
  InputStatistics whole = statisticsOf(x), pieces(channels);
  std::span<const float> rest = x;
  for (size_t count = 1; !rest.empty(); count = count * 3 + 1) {
    size_t size = std::min(count * channels, rest.size());
    pieces.add(rest.first(size));
    rest = rest.subspan(size);
    // Looking at the sums changes nothing.
    (void)pieces.hessian();
  }
  EXPECT_TRUE(pieces.hessian() == whole.hessian());
  EXPECT_EQ(pieces.meanSquares(), whole.meanSquares());
}

TEST(InputStatistics, Merges) {
  std::vector<float> x = correlatedRows(rows, channels, 3);
  InputStatistics whole = statisticsOf(x);
  std::span<const float> all = x;
  InputStatistics first = statisticsOf(all.first(300 * channels));
  first.merge(statisticsOf(all.subspan(300 * channels)));
  EXPECT_EQ(first.rows(), rows);
  EXPECT_TRUE(first.hessian().isApprox(whole.hessian(), 1e-6));
  for (size_t c = 0; c < channels; ++c) {
    EXPECT_FLOAT_EQ(first.meanSquares()[c], whole.meanSquares()[c]);
    EXPECT_EQ(first.largestMagnitudes()[c], whole.largestMagnitudes()[c]);
  }
  first.merge(InputStatistics(channels, /*withHessian=*/false));
  EXPECT_FALSE(first.hasHessian());
}

TEST(InputStatistics, DividesChannels) {
  std::vector<float> x = correlatedRows(rows, channels, 4), divided = x;
  std::vector<float> scales;
  for (int64_t c = 0; c < channels; ++c)
    scales.push_back(0.25f * static_cast<float>(1 << c % 5));
  for (size_t i = 0; i < divided.size(); ++i)
    divided[i] /= scales[i % channels];
  InputStatistics found = statisticsOf(x).dividedBy(scales);
  InputStatistics expected = statisticsOf(divided);
  EXPECT_TRUE(found.hessian().isApprox(expected.hessian(), 1e-12));
  EXPECT_EQ(found.meanSquares(), expected.meanSquares());
  EXPECT_EQ(found.meanMagnitudes(), expected.meanMagnitudes());
  for (int64_t c = 0; c < channels; ++c)
    EXPECT_EQ(found.largestMagnitudes()[c], expected.largestMagnitudes()[c]);
}
