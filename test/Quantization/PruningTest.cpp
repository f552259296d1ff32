//===- PruningTest.cpp - Weights that become zero -------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Matrices.h"

#include "qc/Quantization/Algorithms.h"

#include <Eigen/LU>

#include <algorithm>
#include <cmath>
#include <numeric>

using namespace qc;
using namespace qc::quantization;
using namespace qc::test;
using Eigen::Index;

static numerics::Sparsity pattern(const char *text) {
  std::string problem;
  return *numerics::Sparsity::parse(text, problem);
}

static MatrixOptions pruning(const char *text, PruningRule rule,
                             bool gptq = false) {
  MatrixOptions options;
  options.pruning = {pattern(text), rule};
  options.gptq.enabled = gptq;
  return options;
}

static PrunedMatrix prune(const Layer &layer, const MatrixOptions &options) {
  auto result = pruneMatrix(layer.matrix, layer.input(), options);
  if (result)
    return std::move(*result);
  ADD_FAILURE() << llvm::toString(result.takeError());
  return {};
}

static std::vector<bool> zerosOf(std::span<const float> values) {
  std::vector<bool> zeros;
  for (float v : values)
    zeros.push_back(v == 0);
  return zeros;
}

//===----------------------------------------------------------------------===//
// Oracles
//===----------------------------------------------------------------------===//

/// The places of the `count` least of `scores`.
static std::vector<size_t> least(const std::vector<double> &scores,
                                 size_t count) {
  std::vector<size_t> places(scores.size());
  std::iota(places.begin(), places.end(), size_t(0));
  std::stable_sort(places.begin(), places.end(),
                   [&](size_t a, size_t b) { return scores[a] < scores[b]; });
  places.resize(count);
  return places;
}

/// Optimal brain surgery in f64, a row and a column at a time: the inverse of
/// what is left of the Hessian is made anew for each column. A row's zeros are
/// chosen when a run, or a block of columns, begins; for a run all ways are
/// tried where there are codes. What is not zero is rounded by `codec`, if
/// there is one, with scales that are chosen when a group begins, for what the
/// group would be if its zeros alone made errors.
class Surgeon {
public:
  Surgeon(const Layer &layer, const char *text, Index block,
          numerics::GroupCodec *codec = nullptr)
      : rows(layer.matrix.rows), columns(layer.matrix.columns), block(block),
        sparsity(pattern(text)), codec(codec), w(rows, columns),
        zero(rows * columns) {
    hessian = layer.statistics.hessian();
    hessian.diagonal().array() += 0.01 * hessian.diagonal().mean();
    for (Index i = 0; i < w.size(); ++i)
      w(i / columns, i % columns) = layer.weights[i];
    for (Index j = 0; j < columns; ++j)
      inverses.push_back(
          hessian.bottomRightCorner(columns - j, columns - j).inverse());
  }

  std::vector<float> run() {
    bool runs = sparsity.kind == numerics::Sparsity::Kind::Runs;
    for (Index j = 0; j < columns; ++j) {
      if (!runs && j % block == 0)
        chooseShare(j, std::min(j + block, columns));
      if (codec && j % Index(codec->groupColumns()) == 0)
        chooseScales(j);
      for (Index r = 0; r < rows; ++r) {
        if (runs && j % sparsity.run == 0)
          chooseRun(r, j);
        cut(r, j);
      }
    }
    return {w.reshaped<Eigen::RowMajor>().begin(),
            w.reshaped<Eigen::RowMajor>().end()};
  }

private:
  double score(Index r, Index j) const {
    return w(r, j) * w(r, j) / inverses[j](0, 0);
  }

  void chooseShare(Index from, Index to) {
    std::vector<double> scores;
    for (Index i = 0; i < rows * (to - from); ++i)
      scores.push_back(score(i / (to - from), from + i % (to - from)));
    auto count = size_t(sparsity.share() * double(scores.size()));
    for (size_t i : least(scores, count))
      zero[Index(i) / (to - from) * columns + from + Index(i) % (to - from)] =
          true;
  }

  void chooseRun(Index r, Index from) {
    std::vector<double> scores;
    for (Index j = from; j < std::min(from + sparsity.run, columns); ++j) {
      scores.push_back(score(r, j));
      zero[r * columns + j] = false;
    }
    size_t kept = size_t(sparsity.kept);
    for (size_t i :
         least(scores, scores.size() - std::min(kept, scores.size())))
      zero[r * columns + from + Index(i)] = true;
  }

  void chooseScales(Index from) {
    auto width = Index(codec->groupColumns());
    Index to = std::min(from + width, columns);
    Eigen::MatrixXd before = w;
    for (Index r = 0; r < rows; ++r) {
      std::vector<float> values;
      for (Index j = from; j < to; ++j) {
        if (sparsity.kind == numerics::Sparsity::Kind::Runs &&
            j % sparsity.run == 0)
          chooseRun(r, j);
        bool isZero = zero[r * columns + j];
        take(r, j, isZero ? 0.0 : w(r, j));
        values.push_back(float(w(r, j)));
      }
      codec->chooseScales(r, from / width, values, {});
    }
    w = before;
  }

  void cut(Index r, Index j) {
    bool isZero = zero[r * columns + j];
    double q = codec    ? codec->encode(r, j, isZero ? 0.0f : float(w(r, j)))
               : isZero ? 0.0
                        : w(r, j);
    take(r, j, q);
  }

  /// Gives an element its value; the ones after it make up for the error.
  void take(Index r, Index j, double q) {
    double error = (w(r, j) - q) / inverses[j](0, 0);
    if (q != w(r, j))
      for (Index k = j; k < columns; ++k)
        w(r, k) -= error * inverses[j](0, k - j);
    w(r, j) = q;
  }

  Index rows, columns, block;
  numerics::Sparsity sparsity;
  numerics::GroupCodec *codec;
  Eigen::MatrixXd hessian, w;
  std::vector<Eigen::MatrixXd> inverses;
  std::vector<bool> zero;
};

//===----------------------------------------------------------------------===//
// Masks
//===----------------------------------------------------------------------===//

TEST(Pruning, MagnitudeKeepsTheLargestOfAll) {
  Layer layer(7, 50, 1);
  std::vector<double> sizes;
  for (float v : layer.weights)
    sizes.push_back(std::fabs(v));
  std::vector<float> expected = layer.weights;
  for (size_t i : least(sizes, 7 * 50 * 3 / 5))
    expected[i] = 0;
  EXPECT_EQ(prune(layer, pruning("60%", PruningRule::Magnitude)).values,
            expected);
}

TEST(Pruning, WandaComparesTheOutputsOfARow) {
  constexpr size_t rows = 6, columns = 40;
  Layer layer(rows, columns, 2);
  std::vector<double> norms(columns);
  for (size_t i = 0; i < layer.inputs.size(); ++i)
    norms[i % columns] += double(layer.inputs[i]) * layer.inputs[i];
  for (const char *text : {"50%", "2:4", "3:8"}) {
    std::vector<float> expected = layer.weights;
    numerics::Sparsity sparsity = pattern(text);
    bool runs = sparsity.kind == numerics::Sparsity::Kind::Runs;
    size_t run = runs ? size_t(sparsity.run) : columns;
    for (size_t at = 0; at < rows * columns; at += run) {
      std::vector<double> scores;
      for (size_t i = at; i < at + run; ++i)
        scores.push_back(std::fabs(layer.weights[i]) *
                         std::sqrt(norms[i % columns]));
      for (size_t i : least(scores, size_t(sparsity.share() * double(run))))
        expected[at + i] = 0;
    }
    EXPECT_EQ(prune(layer, pruning(text, PruningRule::Wanda)).values, expected)
        << text;
  }
}

TEST(Pruning, WandaTakesAnImportanceMatrix) {
  Layer layer(6, 40, 2);
  std::vector<float> importance = layer.statistics.meanSquares();
  auto found = pruneMatrix(layer.matrix, {nullptr, importance},
                           pruning("2:4", PruningRule::Wanda));
  ASSERT_TRUE(bool(found));
  EXPECT_EQ(found->values,
            prune(layer, pruning("2:4", PruningRule::Wanda)).values);
}

TEST(Pruning, ZerosHaveTheirPattern) {
  // Rows of odd length; the third rule in the loop, with and without codes.
  Layer layer(20, 172, 3);
  numerics::GroupFormat format = affine(4, false, 64);
  for (PruningRule rule :
       {PruningRule::Magnitude, PruningRule::Wanda, PruningRule::SparseGpt})
    for (const char *text : {"2:4", "4:8", "1:3", "50%", "16x1:50%", "4x8:25%"})
      for (bool encoded : {false, true}) {
        MatrixOptions options = pruning(text, rule, encoded);
        std::vector<float> values = encoded ? layer.run(format, options).decoded
                                            : prune(layer, options).values;
        numerics::Sparsity sparsity = pattern(text);
        int64_t zeros = std::count(values.begin(), values.end(), 0.0f);
        if (sparsity.kind != numerics::Sparsity::Kind::Runs) {
          // Codes of 4 bits make some more; each choice rounds down.
          EXPECT_GE(zeros, int64_t(0.9 * sparsity.share() * 20 * 172)) << text;
          continue;
        }
        for (int64_t r = 0; r < 20; ++r)
          for (int64_t c = 0; c < 172; c += sparsity.run) {
            auto first = values.begin() + r * 172 + c;
            auto last = first + std::min(sparsity.run, 172 - c);
            int64_t kept = (last - first) - std::count(first, last, 0.0f);
            EXPECT_LE(kept, sparsity.kept) << text;
            if (!encoded)
              EXPECT_EQ(kept, sparsity.kept) << text;
          }
      }
}

TEST(Pruning, BlocksAreWhole) {
  Layer layer(20, 50, 4);
  for (PruningRule rule :
       {PruningRule::Magnitude, PruningRule::Wanda, PruningRule::SparseGpt}) {
    std::vector<float> values = prune(layer, pruning("4x3:40%", rule)).values;
    for (int64_t r = 0; r < 20; ++r)
      for (int64_t c = 0; c < 50; ++c)
        EXPECT_EQ(values[r * 50 + c] == 0,
                  values[r / 4 * 4 * 50 + c / 3 * 3] == 0);
    // Of 5 x 17 blocks, in each row or in all.
    int64_t zeros = std::count(values.begin(), values.end(), 0.0f);
    EXPECT_NEAR(double(zeros), 0.4 * 1000, 60);
  }
}

//===----------------------------------------------------------------------===//
// SparseGPT
//===----------------------------------------------------------------------===//

static void expectNear(const std::vector<float> &found,
                       const std::vector<float> &expected, float tolerance) {
  ASSERT_EQ(found.size(), expected.size());
  EXPECT_EQ(zerosOf(found), zerosOf(expected));
  for (size_t i = 0; i < found.size(); ++i)
    EXPECT_NEAR(found[i], expected[i], tolerance) << i;
}

TEST(SparseGpt, IsOptimalBrainSurgery) {
  Layer layer(6, 48, 5);
  for (const char *text : {"2:4", "4:8", "1:4"})
    for (int64_t block : {1, 16, 20, 128}) {
      MatrixOptions options = pruning(text, PruningRule::SparseGpt);
      options.gptq.blockColumns = block;
      // Runs that a block of columns cuts see old values: 16 and 128 cut none.
      if (block % pattern(text).run == 0)
        expectNear(prune(layer, options).values,
                   Surgeon(layer, text, block).run(), 1e-4f);
    }
  for (int64_t block : {16, 20, 128}) {
    MatrixOptions options = pruning("50%", PruningRule::SparseGpt);
    options.gptq.blockColumns = block;
    expectNear(prune(layer, options).values, Surgeon(layer, "50%", block).run(),
               1e-4f);
  }
}

TEST(SparseGpt, RoundsInTheSameLoop) {
  Layer layer(6, 96, 6);
  for (const char *text : {"2:4", "50%"})
    for (int64_t group : {32, 48}) {
      numerics::GroupFormat format = affine(4, false, group);
      std::unique_ptr<numerics::GroupCodec> codec =
          numerics::makeGroupCodec(format, {6, 96});
      MatrixOptions options = pruning(text, PruningRule::SparseGpt);
      options.gptq.blockColumns = 96;
      EXPECT_EQ(layer.run(format, options).decoded,
                Surgeon(layer, text, 96, codec.get()).run())
          << text << " in groups of " << group;
    }
}

TEST(SparseGpt, PrunesWhatNoInputReaches) {
  constexpr size_t columns = 64;
  Layer layer(5, columns, 7);
  for (size_t i = 0; i < layer.inputs.size(); ++i)
    if (i % columns == 5 || i % columns == 6)
      layer.inputs[i] = 0;
  layer.statistics = InputStatistics(columns);
  layer.statistics.add(layer.inputs);
  for (const char *text : {"2:4", "50%"}) {
    std::vector<float> values =
        prune(layer, pruning(text, PruningRule::SparseGpt)).values;
    for (size_t r = 0; r < 5; ++r)
      for (size_t c : {size_t(5), size_t(6)})
        EXPECT_EQ(values[r * columns + c], 0);
  }
}

//===----------------------------------------------------------------------===//
// Together
//===----------------------------------------------------------------------===//

TEST(Pruning, MoreIsKnownLessIsLost) {
  Layer layer(16, 256, 8);
  for (const char *text : {"50%", "2:4", "4:8", "8x1:50%"}) {
    double magnitude =
        prune(layer, pruning(text, PruningRule::Magnitude)).outputError;
    double wanda = prune(layer, pruning(text, PruningRule::Wanda)).outputError;
    double fixed =
        prune(layer, pruning(text, PruningRule::Wanda, true)).outputError;
    double surgery =
        prune(layer, pruning(text, PruningRule::SparseGpt)).outputError;
    EXPECT_LT(wanda, magnitude) << text;
    EXPECT_LT(fixed, 0.5 * wanda) << text;
    EXPECT_LT(surgery, 0.5 * wanda) << text;
  }
}

TEST(Pruning, OneLoopBeatsTwoSteps) {
  Layer layer(16, 256, 9);
  for (numerics::GroupFormat format :
       {numerics::GroupFormat(affine(4, false, 64)),
        numerics::GroupFormat(affine(4, true, 0)),
        numerics::GroupFormat(codebook("nf4", 64)),
        numerics::GroupFormat(numerics::findBlockFormat("q4_0"))}) {
    MatrixOptions options = pruning("2:4", PruningRule::SparseGpt);
    double joint = layer.run(format, options).outputError;
    // Rounded after it was pruned.
    Layer pruned = layer;
    pruned.weights = prune(layer, options).values;
    pruned.matrix.values = pruned.weights;
    QuantizedMatrix after = pruned.run(format);
    double twoSteps = outputError(layer.weights, after.decoded, 256,
                                  layer.statistics.hessian()) /
                      static_cast<double>(layer.statistics.rows());
    EXPECT_LT(joint, twoSteps);
  }
}

TEST(Pruning, GptqKnowsTheZeros) {
  Layer layer(16, 256, 10);
  numerics::GroupFormat format = affine(4, false, 64);
  std::vector<float> pruned =
      prune(layer, pruning("2:4", PruningRule::Wanda)).values;
  QuantizedMatrix nearest =
      layer.run(format, pruning("2:4", PruningRule::Wanda));
  QuantizedMatrix result =
      layer.run(format, pruning("2:4", PruningRule::Wanda, true));
  EXPECT_LT(result.outputError, nearest.outputError);
  for (size_t i = 0; i < pruned.size(); ++i)
    if (pruned[i] == 0)
      EXPECT_EQ(result.decoded[i], 0);
}

//===----------------------------------------------------------------------===//
// What is refused
//===----------------------------------------------------------------------===//

TEST(Pruning, RefusesWhatCannotBe) {
  Layer layer(4, 256, 11);
  auto messageOf = [&](const numerics::GroupFormat &format,
                       const LayerInput &input, const MatrixOptions &options) {
    auto result = quantizeMatrix(layer.matrix, format, input, options);
    return result ? "" : llvm::toString(result.takeError());
  };
  numerics::AffineFormat format = affine(4, true, 32);
  MatrixOptions options = pruning("2:4", PruningRule::Wanda);
  EXPECT_EQ(messageOf(format, {}, options),
            "w: found neither importance nor statistics of the inputs, "
            "expected calibration data for this algorithm");
  EXPECT_EQ(messageOf(format, {}, pruning("2:4", PruningRule::SparseGpt)),
            "w: found no Hessian of the inputs, expected calibration data for "
            "this algorithm");
  options.gptq.actOrder = true;
  EXPECT_EQ(messageOf(format, layer.input(), options),
            "w: found a matrix to prune with the order of activations, "
            "expected columns in their own order");
  EXPECT_EQ(messageOf(numerics::findBlockFormat("q4_1"), layer.input(),
                      pruning("2:4", PruningRule::Magnitude)),
            "w: found a format without an exact zero, expected one that has "
            "it, for a matrix that is pruned");
}

TEST(Algorithms, HaveAnOrder) {
  auto parse = [](std::vector<std::string> names) {
    auto result = Algorithms::parse(names);
    EXPECT_TRUE(bool(result));
    return result ? *result : Algorithms();
  };
  EXPECT_FALSE(parse({}).pruning);
  EXPECT_FALSE(parse({"magnitude", "mse"}).searches());
  EXPECT_TRUE(parse({"wanda"}).searches());
  EXPECT_FALSE(parse({"wanda"}).needsInputs());
  EXPECT_TRUE(parse({"sparsegpt"}).gptq);
  EXPECT_EQ(parse({"sparsegpt"}).scales, ScaleRule::Mse);
  Algorithms all = parse({"awq", "sparsegpt", "gptq", "output"});
  EXPECT_EQ(all.pruningRule(), PruningRule::SparseGpt);
  EXPECT_EQ(all.channels, Algorithms::Channels::Awq);
  EXPECT_EQ(all.scales, ScaleRule::Output);
  auto messageOf = [](std::vector<std::string> names) {
    auto result = Algorithms::parse(names);
    return result ? "" : llvm::toString(result.takeError());
  };
  for (std::vector<std::string> names :
       {std::vector<std::string>{"gptq", "wanda"},
        {"mse", "wanda"},
        {"quantease", "wanda"},
        {"magnitude", "wanda"}})
    EXPECT_EQ(messageOf(names),
              "--algorithm: found wanda after another algorithm, expected one "
              "of magnitude, wanda and sparsegpt, before weights are rounded");
  EXPECT_NE(messageOf({"wanda", "awq"}), "");
  EXPECT_TRUE(parse({"refit", "rtn"}).needsHessian());
  EXPECT_TRUE(parse({"awq", "refit", "gptq", "mse"}).refit);
  EXPECT_EQ(messageOf({"gptq", "refit"}),
            "--algorithm: found refit after another algorithm, expected it "
            "once, before weights are pruned and rounded");
  EXPECT_EQ(
      messageOf({"quantease", "gptq"}),
      "--algorithm: found gptq after quantease, expected it before, since "
      "quantease goes on from its codes");
  EXPECT_TRUE(parse({"quantease"}).needsHessian());
  EXPECT_NE(messageOf({"quantease", "refit"}), "");
  EXPECT_NE(messageOf({"wanda", "refit"}), "");
  EXPECT_NE(messageOf({"refit", "awq"}), "");
}
