//===- CoordinateDescentTest.cpp - Codes that are chosen once more --------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Matrices.h"

#include <algorithm>
#include <utility>

using namespace qc;
using namespace qc::quantization;
using namespace qc::test;
using Eigen::Index;

static MatrixOptions rounding() { return {.gptq = {.enabled = true}}; }

/// What QuantEase makes less: the error of the outputs with its ridge.
static double ridgeError(const Layer &layer,
                         const std::vector<float> &decoded) {
  Eigen::MatrixXd hessian = layer.statistics.hessian();
  hessian.diagonal().array() += 0.3 * hessian.diagonal().mean();
  return outputError(layer.weights, decoded, layer.matrix.columns, hessian);
}

TEST(QuantEase, LeavesCodesThatNoOtherIsBetterThan) {
  constexpr Index rows = 6, columns = 96;
  Layer layer(rows, columns, 8);
  numerics::AffineFormat format = affine(3, true, 0);
  for (bool afterGptq : {false, true}) {
    MatrixOptions options = rounding();
    options.gptq.enabled = afterGptq;
    options.scales = ScaleRule::Mse;
    std::vector<float> before = layer.run(format, options).decoded;
    options.descends = true;
    std::vector<float> after = layer.run(format, options).decoded;
    double least = ridgeError(layer, after);
    EXPECT_LT(least, 0.97 * ridgeError(layer, before));
    // A row is one group: what another weight has is a code for each.
    for (Index r = 0; r < rows; ++r) {
      auto row = after.begin() + r * columns;
      std::vector<float> codes(row, row + columns);
      std::sort(codes.begin(), codes.end());
      codes.erase(std::unique(codes.begin(), codes.end()), codes.end());
      for (Index c = 0; c < columns; ++c)
        for (float code : codes) {
          float kept = std::exchange(row[c], code);
          EXPECT_GE(ridgeError(layer, after), least * (1 - 1e-5));
          row[c] = kept;
        }
    }
  }
}

TEST(QuantEase, KeepsZerosAndBlocks) {
  Layer layer(4, 512, 9);
  MatrixOptions options = rounding();
  std::string problem;
  options.pruning.pattern = numerics::Sparsity::parse("2:4", problem);
  options.pruning.rule = PruningRule::Wanda;
  for (numerics::GroupFormat format :
       {numerics::GroupFormat(affine(4, true, 64)),
        numerics::GroupFormat(numerics::findBlockFormat("q4_0"))}) {
    options.descends = false;
    std::vector<float> before = layer.run(format, options).decoded;
    options.descends = true;
    std::vector<float> after = layer.run(format, options).decoded;
    EXPECT_LT(ridgeError(layer, after), ridgeError(layer, before));
    for (size_t i = 0; i < after.size(); i += 4)
      EXPECT_LE(std::count_if(&after[i], &after[i] + 4,
                              [](float v) { return v != 0; }),
                2);
  }
  options.pruning = {};
  for (const char *name : {"q4_K", "q2_K", "iq4_nl"}) {
    const numerics::BlockFormat *format = numerics::findBlockFormat(name);
    options.descends = false;
    std::vector<float> before = layer.run(format, options).decoded;
    options.descends = true;
    EXPECT_LT(ridgeError(layer, layer.run(format, options).decoded),
              ridgeError(layer, before))
        << name;
  }
}
