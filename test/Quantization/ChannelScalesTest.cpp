//===- ChannelScalesTest.cpp - AWQ and SmoothQuant ------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "qc/Quantization/ChannelScales.h"
#include "Matrices.h"

#include <algorithm>
#include <cmath>

using namespace qc::quantization;
using namespace qc::test;

/// A layer that reads some channels with inputs far larger than the others.
static Layer withOutliers(unsigned seed) {
  constexpr size_t columns = 128;
  Layer layer(8, columns, seed);
  for (size_t i = 0; i < layer.inputs.size(); ++i)
    layer.inputs[i] *= i % columns % 32 == 5 ? 30.0f : 1.0f;
  layer.statistics = InputStatistics(columns);
  layer.statistics.add(layer.inputs);
  return layer;
}

static ChannelScales chooseAwq(std::span<const WeightMatrix> layers,
                               const Layer &layer) {
  auto scales = chooseAwqScales(layers, affine(3, false, 64), layer.input());
  if (scales)
    return std::move(*scales);
  ADD_FAILURE() << llvm::toString(scales.takeError());
  return {};
}

TEST(AwqScales, LowerTheErrorWhereInputsDiffer) {
  Layer layer = withOutliers(1), other(8, 128, 2);
  WeightMatrix layers[] = {layer.matrix, other.matrix};
  ChannelScales scales = chooseAwq(layers, layer);
  EXPECT_LT(scales.error, 0.8 * scales.errorWithout);
  EXPECT_GT(scales.alpha, 0);
  ASSERT_EQ(scales.values.size(), 128u);
  auto [low, high] =
      std::minmax_element(scales.values.begin(), scales.values.end());
  EXPECT_NEAR(*low * *high, 1.0f, 1e-4f);
  EXPECT_GT(scales.values[5], 2 * scales.values[6]);
  // The errors are those of the layers with and without.
  double without = 0, with = 0;
  InputStatistics divided = layer.statistics.dividedBy(scales.values);
  for (const WeightMatrix &matrix : layers) {
    auto plain =
        quantizeMatrix(matrix, affine(3, false, 64), layer.input(), {});
    std::vector<float> scaled = scaleColumns(matrix, scales.values);
    auto fine = quantizeMatrix({scaled, matrix.rows, matrix.columns},
                               affine(3, false, 64), {&divided, {}}, {});
    ASSERT_TRUE(plain && fine);
    without += plain->outputError;
    with += fine->outputError;
  }
  EXPECT_NEAR(scales.errorWithout, without, 1e-9 * without);
  EXPECT_NEAR(scales.error, with, 1e-9 * with);
}

TEST(AwqScales, AreOnesWhereNothingHelps) {
  Layer layer(8, 64, 3);
  // Weights that the format holds exactly.
  layer.weights = layer.run(affine(3, false, 64)).decoded;
  layer.matrix.values = layer.weights;
  ChannelScales scales = chooseAwq({&layer.matrix, 1}, layer);
  EXPECT_EQ(scales.alpha, 0);
  EXPECT_EQ(scales.values, std::vector<float>(64, 1.0f));
}

TEST(AwqScales, NeedTheHessian) {
  Layer layer(8, 64, 4);
  auto scales =
      chooseAwqScales({&layer.matrix, 1}, affine(4, true, 32), LayerInput{});
  ASSERT_FALSE(bool(scales));
  EXPECT_EQ(llvm::toString(scales.takeError()),
            "awq: found no Hessian of the inputs, expected calibration data "
            "for this algorithm");
}

TEST(SmoothQuantScales, ShareTheRangeOfWeightsAndInputs) {
  std::vector<float> a{1, -4, 0, 2, 1, 0}, b{0, 8, 0};
  WeightMatrix layers[] = {{a, 2, 3}, {b, 1, 3}};
  std::vector<float> inputs{32, 2, 5};
  ChannelScales scales = chooseSmoothQuantScales(layers, inputs);
  EXPECT_FLOAT_EQ(scales.values[0], std::sqrt(32.0f / 2));
  EXPECT_FLOAT_EQ(scales.values[1], std::sqrt(2.0f / 8));
  EXPECT_EQ(scales.values[2], 1.0f); // No weight reads this channel.
  ChannelScales onlyInputs = chooseSmoothQuantScales(layers, inputs, 1.0);
  EXPECT_EQ(onlyInputs.values[0], 32.0f);
  EXPECT_EQ(scaleColumns(layers[1], inputs), (std::vector<float>{0, 16, 0}));
}
