//===- RemovedChannelsTest.cpp - Which channels go, and what makes up -----===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "qc/Quantization/RemovedChannels.h"

#include <Eigen/QR>
#include <gtest/gtest.h>

#include <numeric>
#include <random>

using namespace qc::quantization;
using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

/// Rows of normal numbers around a mean of 1.
static MatrixXd randomRows(Index rows, Index columns, unsigned seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<double> normal(1.0, 1.0);
  return MatrixXd::NullaryExpr(rows, columns,
                               [&] { return normal(generator); });
}

/// The moments of (x, 1) or (x, 1, t).
static MatrixXd momentsOf(const MatrixXd &inputs,
                          const MatrixXd &targets = {}) {
  MatrixXd all(inputs.rows(), inputs.cols() + 1 + targets.cols());
  all.leftCols(inputs.cols()) = inputs;
  all.col(inputs.cols()).setOnes();
  if (targets.cols())
    all.rightCols(targets.cols()) = targets;
  return all.transpose() * all;
}

/// A channel of two inputs each, those of a filter with two places.
static std::vector<int64_t> channelsOf(Index inputs, Index channels) {
  std::vector<int64_t> result(inputs);
  for (Index k = 0; k < inputs; ++k)
    result[k] = k % channels;
  return result;
}

static std::vector<int64_t> allOf(Index channels) {
  std::vector<int64_t> result(channels);
  std::iota(result.begin(), result.end(), 0);
  return result;
}

static std::vector<bool> chosen(std::initializer_list<int64_t> removed,
                                size_t channels) {
  std::vector<bool> result(channels);
  for (int64_t channel : removed)
    result[channel] = true;
  return result;
}

/// The mean squared error of the least squares fit of `targets` by the inputs
/// that stay and a constant.
static double fitError(const MatrixXd &inputs, const MatrixXd &targets,
                       const std::vector<int64_t> &channels,
                       const std::vector<bool> &removed) {
  MatrixXd kept(inputs.rows(), 0);
  auto add = [&](const VectorXd &column) {
    kept.conservativeResize(Eigen::NoChange, kept.cols() + 1);
    kept.rightCols(1) = column;
  };
  add(VectorXd::Ones(inputs.rows()));
  for (Index k = 0; k < inputs.cols(); ++k)
    if (!removed[channels[k]])
      add(inputs.col(k));
  MatrixXd fitted = kept * kept.colPivHouseholderQr().solve(targets);
  return (targets - fitted).squaredNorm() / static_cast<double>(inputs.rows());
}

namespace {
struct Example {
  static constexpr Index channels = 6, inputs = 12, outputs = 5, rows = 400;
  MatrixXd x = randomRows(rows, inputs, 1);
  ChannelReader reader;

  Example() {
    // Channel 4 is what channels 0 and 1 make together, and counts much.
    for (Index place = 0; place < inputs; place += channels)
      x.col(place + 4) = x.col(place) + x.col(place + 1) +
                         0.01 * randomRows(rows, 1, 7).col(0);
    x.col(2) *= 0.2;
    x.col(8) *= 0.2;
    reader.weights = randomRows(outputs, inputs, 2);
    reader.channels = channelsOf(inputs, channels);
    reader.moments = momentsOf(x);
  }
};
} // namespace

TEST(RemovedChannels, MagnitudeIsBothSidesOfAChannel) {
  ChannelReader reader;
  reader.weights = MatrixXd::Ones(2, 3);
  reader.channels = allOf(3);
  reader.weights.col(1) *= 10;
  EXPECT_EQ(chooseChannels({reader}, {{allOf(3), 1}}, {1, 0.005, 2},
                           PruningRule::Magnitude),
            chosen({1}, 3));
  EXPECT_EQ(chooseChannels({reader}, {{allOf(3), 1}}, {1, 0.5, 2},
                           PruningRule::Magnitude),
            chosen({0}, 3));
}

TEST(RemovedChannels, WandaTakesTheLeastVariance) {
  Example example;
  std::vector<double> made(Example::channels, 1);
  EXPECT_EQ(chooseChannels({example.reader}, {{allOf(6), 1}}, made,
                           PruningRule::Wanda),
            chosen({2}, 6));
  // A large mean is no loss: the bias makes up for it.
  example.x.col(2).array() += 100;
  example.reader.moments = momentsOf(example.x);
  EXPECT_EQ(chooseChannels({example.reader}, {{allOf(6), 1}}, made,
                           PruningRule::Wanda),
            chosen({2}, 6));
}

TEST(RemovedChannels, SparseGptTakesWhatOthersCanGive) {
  Example example;
  std::vector<double> made(Example::channels, 1);
  MatrixXd targets = example.x * example.reader.weights.transpose();
  for (int64_t count = 1; count <= 3; ++count) {
    std::vector<bool> greedy = chooseChannels(
        {example.reader}, {{allOf(6), count}}, made, PruningRule::SparseGpt);
    EXPECT_EQ(std::count(greedy.begin(), greedy.end(), true), count);
    std::vector<bool> alone = chooseChannels(
        {example.reader}, {{allOf(6), count}}, made, PruningRule::Wanda);
    EXPECT_LT(fitError(example.x, targets, example.reader.channels, greedy),
              0.9 *
                  fitError(example.x, targets, example.reader.channels, alone))
        << count;
  }
  // One of the three that make one another, and no other first.
  std::vector<bool> first = chooseChannels({example.reader}, {{allOf(6), 1}},
                                           made, PruningRule::SparseGpt);
  EXPECT_TRUE(first[0] || first[1] || first[4]);
}

TEST(RemovedChannels, QuotasHoldForEachLayer) {
  ChannelReader reader;
  reader.weights = MatrixXd::Ones(1, 4);
  reader.channels = allOf(4);
  // Channel 3 has no quota.
  std::vector<bool> removed =
      chooseChannels({reader}, {{{0, 1, 2}, 2}, {{0, 1}, 1}}, {1, 2, 3, 0},
                     PruningRule::Magnitude);
  EXPECT_EQ(removed, chosen({0, 2}, 4));
}

TEST(RemovedChannels, MeansOfWhatGoes) {
  Example example;
  std::vector<bool> removed = chosen({1, 3}, 6);
  VectorXd expected = VectorXd::Zero(Example::outputs);
  for (Index k = 0; k < Example::inputs; ++k)
    if (removed[example.reader.channels[k]])
      expected += example.reader.weights.col(k) * example.x.col(k).mean();
  EXPECT_TRUE(meansOfRemoved(example.reader, removed).isApprox(expected, 1e-9));
}

TEST(RemovedChannels, FitIsLeastSquares) {
  MatrixXd x = randomRows(300, 7, 3), truth = randomRows(4, 7, 4);
  VectorXd bias = randomRows(4, 1, 5).col(0);
  MatrixXd targets = x * truth.transpose();
  targets.rowwise() += bias.transpose();
  FittedLayer fitted =
      fitLayer(MatrixXd::Zero(4, 7), momentsOf(x, targets), /*damping=*/1e-9);
  EXPECT_TRUE(fitted.weights.isApprox(truth, 1e-6));
  EXPECT_TRUE(fitted.bias.isApprox(bias, 1e-5));
}

TEST(RemovedChannels, FitKeepsWhatTheRowsDoNotTell) {
  // The last input is always the same, and one sees too few rows.
  MatrixXd x = randomRows(3, 7, 3), weights = randomRows(4, 7, 4);
  x.col(6).setConstant(2);
  MatrixXd targets = x * weights.transpose();
  FittedLayer fitted = fitLayer(weights, momentsOf(x, targets));
  EXPECT_TRUE(fitted.weights.isApprox(weights, 1e-6));
  EXPECT_LT(fitted.bias.cwiseAbs().maxCoeff(), 1e-5);
}
