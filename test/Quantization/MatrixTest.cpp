//===- MatrixTest.cpp - Rounding matrices to nearest ----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Matrices.h"

#include <cmath>

using namespace qc;
using namespace qc::quantization;
using namespace qc::test;

static void expectSame(const numerics::Encoded &a, const numerics::Encoded &b) {
  ASSERT_EQ(a.data.size(), b.data.size());
  for (size_t k = 0; k < a.data.size(); ++k) {
    EXPECT_EQ(a.data[k].component, b.data[k].component);
    EXPECT_EQ(a.data[k].bytes, b.data[k].bytes) << a.data[k].component.name;
  }
}

TEST(QuantizeMatrix, RoundsAsTheReferenceEncoder) {
  Layer layer(9, 172, 1);
  std::vector<int64_t> shape{9, 172};
  numerics::AffineFormat format = affine(3, false, 64);
  expectSame(layer.run(format).encoded,
             numerics::encodeAffine(layer.weights, shape, format));
  expectSame(layer.run(format, {.scales = ScaleRule::Mse}).encoded,
             numerics::encodeAffine(layer.weights, shape, format,
                                    numerics::ClipMode::Mse));
}

TEST(QuantizeMatrix, ImportanceIsThatOfTheBlockEncoder) {
  Layer layer(3, 512, 2);
  std::vector<float> importance = layer.statistics.meanSquares();
  for (const char *name : {"q2_K", "q3_K", "q4_K", "q6_K", "iq4_xs"}) {
    const numerics::BlockFormat *format = numerics::findBlockFormat(name);
    std::vector<numerics::ComponentData> expected = numerics::encodeBlocks(
        *format, layer.weights, std::array<int64_t, 2>{3, 512}, 1, importance);
    expectSame(layer.run(format, {.scales = ScaleRule::Importance}).encoded,
               {numerics::blockSpec(*format, 2, 1), expected});
  }
}

TEST(QuantizeMatrix, DecodedAndErrorBelongToTheCodes) {
  Layer layer(7, 96, 3);
  for (bool transposed : {false, true})
    for (bool gptq : {false, true}) {
      numerics::AffineFormat format = affine(4, true, 32);
      if (transposed)
        format.group = {32, 1};
      QuantizedMatrix result = layer.run(
          format, {.gptq = {.enabled = gptq}, .transposed = transposed});
      std::vector<int64_t> shape{7, 96};
      if (transposed)
        shape = {96, 7};
      std::vector<float> decoded =
          numerics::decode(result.encoded.spec, shape, result.encoded.data);
      for (size_t r = 0; r < 7; ++r)
        for (size_t c = 0; c < 96; ++c)
          ASSERT_EQ(result.decoded[r * 96 + c],
                    decoded[transposed ? c * 7 + r : r * 96 + c]);
      // The error of the outputs, one by one.
      double sum = 0;
      size_t inputRows = layer.inputs.size() / 96;
      for (size_t i = 0; i < inputRows; ++i)
        for (size_t r = 0; r < 7; ++r) {
          double y = 0;
          for (size_t c = 0; c < 96; ++c)
            y += (double(layer.weights[r * 96 + c]) -
                  result.decoded[r * 96 + c]) *
                 layer.inputs[i * 96 + c];
          sum += y * y;
        }
      EXPECT_NEAR(result.outputError, sum / inputRows,
                  1e-4 * result.outputError);
    }
}

TEST(QuantizeMatrix, OutputRuleLowersTheErrorOfTheOutputs) {
  Layer layer(16, 172, 4);
  for (numerics::GroupFormat format :
       {numerics::GroupFormat(affine(2, false, 32)),
        numerics::GroupFormat(affine(4, true, 64)),
        numerics::GroupFormat(codebook("nf4", 64))}) {
    double range = layer.run(format).outputError;
    double output =
        layer.run(format, {.scales = ScaleRule::Output}).outputError;
    EXPECT_LT(output, range);
  }
}

//===----------------------------------------------------------------------===//
// What is refused
//===----------------------------------------------------------------------===//

static std::string messageOf(const WeightMatrix &matrix,
                             const numerics::GroupFormat &format,
                             const LayerInput &input,
                             const MatrixOptions &options = {}) {
  auto result = quantizeMatrix(matrix, format, input, options);
  return result ? "" : llvm::toString(result.takeError());
}

TEST(QuantizeMatrix, RefusesWhatDoesNotFit) {
  Layer layer(4, 64, 5), other(4, 32, 5);
  numerics::AffineFormat format = affine(4, true, 32);
  LayerInput none;
  WeightMatrix odd{layer.weights, 5, 64, "w"};
  EXPECT_EQ(messageOf(odd, format, none),
            "w: found 256 values for shape 5x64, expected as many values as "
            "the shape has, and some");
  EXPECT_EQ(messageOf(layer.matrix, format, other.input()),
            "w: found statistics of 32 inputs, expected 64");
  EXPECT_EQ(messageOf(layer.matrix, numerics::findBlockFormat("q4_K"), none),
            "w: found rows of 64, expected whole blocks of 256 for q4_K");
  EXPECT_EQ(
      messageOf(layer.matrix, format, none, {.gptq = {.enabled = true}}),
      "w: found no Hessian of the inputs, expected calibration data for this "
      "algorithm");
  EXPECT_EQ(
      messageOf(layer.matrix, format, none, {.scales = ScaleRule::Importance}),
      "w: found neither importance nor statistics of the inputs, "
      "expected calibration data for this algorithm");
}

TEST(QuantizeMatrix, RefusesWhatIsNoNumber) {
  Layer layer(4, 64, 6);
  numerics::AffineFormat format = affine(4, true, 32);
  std::vector<float> importance(64, 1.0f);
  importance[3] = -1;
  EXPECT_EQ(messageOf(layer.matrix, format, {nullptr, importance}),
            "w: found importance -1.000000, expected a finite number from 0");
  importance.pop_back();
  EXPECT_EQ(messageOf(layer.matrix, format, {nullptr, importance}),
            "w: found importance of 63 inputs, expected 64");
  layer.weights[5] = NAN;
  EXPECT_EQ(messageOf(layer.matrix, format, {}),
            "w: found nan, expected finite weights");
  layer.weights[5] = 0;
  InputStatistics wild(64);
  wild.add(std::vector<float>(64, INFINITY));
  EXPECT_EQ(messageOf(layer.matrix, format, {&wild, {}}),
            "w: found a Hessian that is not finite, expected finite inputs of "
            "the layer");
}
