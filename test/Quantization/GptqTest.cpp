//===- GptqTest.cpp - GPTQ against its textbook form ----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Matrices.h"

#include <Eigen/LU>

#include <algorithm>
#include <cmath>
#include <numeric>

using namespace qc;
using namespace qc::quantization;
using namespace qc::test;
using Eigen::Index;

/// One column after the other in f64, the inverse of what is left of the
/// Hessian updated by elimination; groups get their scales when their first
/// column comes up.
static std::vector<float> textbook(const Layer &layer,
                                   const numerics::GroupFormat &format,
                                   double damping) {
  Index rows = layer.matrix.rows, columns = layer.matrix.columns;
  Eigen::MatrixXd hessian = layer.statistics.hessian();
  hessian.diagonal().array() += damping * hessian.diagonal().mean();
  Eigen::MatrixXd inverse = hessian.inverse();
  std::unique_ptr<numerics::GroupCodec> codec = numerics::makeGroupCodec(
      format, {static_cast<size_t>(rows), static_cast<size_t>(columns)});
  Eigen::MatrixXd w(rows, columns);
  for (Index r = 0; r < rows; ++r)
    for (Index c = 0; c < columns; ++c)
      w(r, c) = layer.weights[r * columns + c];
  std::vector<float> result(rows * columns);
  auto width = static_cast<Index>(codec->groupColumns());
  for (Index j = 0; j < columns; ++j) {
    for (Index r = 0; r < rows; ++r) {
      if (j % width == 0) {
        std::vector<float> values;
        for (Index c = j; c < std::min(j + width, columns); ++c)
          values.push_back(static_cast<float>(w(r, c)));
        codec->chooseScales(r, j / width, values, {});
      }
      float q = codec->encode(r, j, static_cast<float>(w(r, j)));
      double error = (w(r, j) - q) / inverse(j, j);
      result[r * columns + j] = q;
      for (Index k = j + 1; k < columns; ++k)
        w(r, k) -= error * inverse(j, k);
    }
    Eigen::VectorXd column = inverse.col(j);
    inverse -= column * column.transpose() / column(j);
  }
  return result;
}

static MatrixOptions gptq(GptqOptions options = {}) {
  options.enabled = true;
  return {.gptq = options};
}

TEST(Gptq, IsItsTextbookForm) {
  Layer layer(6, 100, 1);
  for (numerics::GroupFormat format :
       {numerics::GroupFormat(affine(4, true, 32)),
        numerics::GroupFormat(affine(3, false, 24)),
        numerics::GroupFormat(affine(2, false, 0)),
        numerics::GroupFormat(codebook("nf4", 48))}) {
    std::vector<float> expected = textbook(layer, format, 0.01);
    for (int64_t block : {1, 7, 32, 128})
      EXPECT_EQ(layer.run(format, gptq({.blockColumns = block})).decoded,
                expected)
          << block;
  }
  Layer wide(2, 512, 2);
  for (const char *name : {"q4_K", "q8_0", "iq4_nl"}) {
    const numerics::BlockFormat *format = numerics::findBlockFormat(name);
    EXPECT_EQ(wide.run(format, gptq()).decoded, textbook(wide, format, 0.01))
        << name;
  }
}

TEST(Gptq, RoundsToNearestWhereInputsAreIndependent) {
  Layer layer(6, 96, 3);
  // One row of inputs for each channel: the Hessian is diagonal.
  layer.statistics = InputStatistics(96);
  for (size_t c = 0; c < 96; ++c) {
    std::vector<float> row(96);
    row[c] = 1.0f + static_cast<float>(c % 7);
    layer.statistics.add(row);
  }
  numerics::AffineFormat format = affine(3, false, 32);
  for (bool actOrder : {false, true})
    EXPECT_EQ(layer.run(format, gptq({.actOrder = actOrder})).decoded,
              layer.run(format).decoded);
}

/// The layer with column c of weights and inputs at place order[c].
static Layer permuted(const Layer &layer, const std::vector<size_t> &order) {
  Layer result = layer;
  size_t columns = order.size();
  for (std::vector<float> *rows : {&result.weights, &result.inputs}) {
    std::vector<float> from = *rows;
    for (size_t i = 0; i < from.size(); ++i)
      (*rows)[i] = from[i / columns * columns + order[i % columns]];
  }
  result.matrix.values = result.weights;
  result.statistics = InputStatistics(static_cast<int64_t>(columns));
  result.statistics.add(result.inputs);
  return result;
}

TEST(Gptq, UndoesTheOrderOfActivations) {
  constexpr size_t columns = 90;
  Layer layer(5, columns, 4);
  Eigen::VectorXd size = layer.statistics.hessian().diagonal();
  std::vector<size_t> order(columns);
  std::iota(order.begin(), order.end(), size_t(0));
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return size(Index(a)) > size(Index(b));
  });
  Layer sorted = permuted(layer, order);
  // Whole rows share a scale, so that the order does not change it.
  numerics::AffineFormat format = affine(4, true, 0);
  for (bool isStatic : {false, true}) {
    std::vector<float> found =
        layer.run(format, gptq({.actOrder = true, .staticGroups = isStatic}))
            .decoded;
    std::vector<float> expected = sorted.run(format, gptq()).decoded;
    for (size_t r = 0; r < 5; ++r)
      for (size_t c = 0; c < columns; ++c)
        EXPECT_EQ(found[r * columns + order[c]], expected[r * columns + c]);
  }
}

TEST(Gptq, StaticGroupsKeepTheScalesOfTheWeights) {
  Layer layer(5, 96, 5);
  numerics::AffineFormat format = affine(3, false, 32);
  QuantizedMatrix nearest = layer.run(format);
  for (bool actOrder : {false, true}) {
    QuantizedMatrix result =
        layer.run(format, gptq({.actOrder = actOrder, .staticGroups = true}));
    EXPECT_EQ(result.encoded.data[1].bytes, nearest.encoded.data[1].bytes);
    EXPECT_EQ(result.encoded.data[2].bytes, nearest.encoded.data[2].bytes);
    EXPECT_LT(result.outputError, nearest.outputError);
  }
}

TEST(Gptq, LeavesDeadColumnsAlone) {
  constexpr size_t columns = 64;
  Layer layer(5, columns, 6);
  Layer without = layer;
  for (size_t i = 0; i < layer.inputs.size(); ++i)
    if (i % columns == 3 || i % columns == 40)
      layer.inputs[i] = 0;
  layer.statistics = InputStatistics(columns);
  layer.statistics.add(layer.inputs);
  numerics::AffineFormat format = affine(4, true, 1);
  // A scale for each weight, so that the columns do not share any.
  std::vector<float> nearest = layer.run(format).decoded;
  std::vector<float> found = layer.run(format, gptq()).decoded;
  for (size_t r = 0; r < 5; ++r)
    for (size_t c : {size_t(3), size_t(40)})
      EXPECT_EQ(found[r * columns + c], nearest[r * columns + c]);
  EXPECT_TRUE(std::all_of(found.begin(), found.end(),
                          [](float v) { return std::isfinite(v); }));
}

TEST(Gptq, RaisesTheDampingOfASingularHessian) {
  Layer layer(5, 64, 7);
  numerics::AffineFormat format = affine(4, true, 32);
  std::vector<float> row(layer.inputs.begin(), layer.inputs.begin() + 64);
  for (int kind = 0; kind < 2; ++kind) {
    layer.statistics = InputStatistics(64);
    if (kind == 0) // Rank one; else no inputs at all.
      layer.statistics.add(row);
    QuantizedMatrix result = layer.run(format, gptq({.damping = 0}));
    for (float v : result.decoded)
      ASSERT_TRUE(std::isfinite(v));
    if (kind == 0) {
      EXPECT_GT(result.damping, 0);
      EXPECT_LE(result.outputError, layer.run(format).outputError);
    } else {
      EXPECT_EQ(result.decoded, layer.run(format).decoded);
    }
  }
}

TEST(Gptq, LowersTheErrorOfTheOutputs) {
  Layer layer(12, 256, 8), ragged(12, 172, 9);
  std::vector<numerics::GroupFormat> formats = {
      affine(4, true, 64),
      affine(3, false, 64),
      affine(2, false, 32),
      numerics::AffineFormat{4, false, {4, 32}, numerics::ElementKind::F32},
      codebook("nf4", 64),
      codebook("ternary", 64),
      numerics::MinifloatFormat{*numerics::findMinifloat("e2m1"),
                                {1, 32},
                                numerics::GroupScale::E8M0},
      numerics::MinifloatFormat{*numerics::findMinifloat("e2m1"),
                                {1, 16},
                                numerics::GroupScale::E4M3}};
  numerics::CodebookFormat nested = codebook("nf4", 64);
  nested.nested = 16;
  formats.push_back(nested);
  for (size_t k = 0; k < formats.size(); ++k)
    for (const Layer *each : {&layer, &ragged})
      for (ScaleRule rule : {ScaleRule::Range, ScaleRule::Mse,
                             ScaleRule::Importance, ScaleRule::Output})
        for (bool actOrder : {false, true}) {
          double nearest = each->run(formats[k], {.scales = rule}).outputError;
          MatrixOptions options = gptq({.actOrder = actOrder});
          options.scales = rule;
          double found = each->run(formats[k], options).outputError;
          EXPECT_LT(found, 0.95 * nearest)
              << "format " << k << ", rule " << static_cast<int>(rule);
        }
  for (const numerics::BlockFormat &format : numerics::blockFormats()) {
    double nearest = layer.run(&format).outputError;
    for (ScaleRule rule : {ScaleRule::Range, ScaleRule::Importance}) {
      MatrixOptions options = gptq();
      options.scales = rule;
      EXPECT_LT(layer.run(&format, options).outputError, 0.95 * nearest)
          << format.name;
    }
  }
}
