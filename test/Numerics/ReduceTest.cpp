// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The fixed reduction order, and row functions against double precision.

#include "qc/Numerics/Reduce.h"

#include "qc/Numerics/Elementary.h"

#include <cmath>
#include <gtest/gtest.h>
#include <limits>
#include <random>
#include <vector>

using namespace qc::numerics;

static std::vector<float> randomRow(size_t n, unsigned seed) {
  std::mt19937 rng(seed);
  std::vector<float> row(n);
  for (float &v : row)
    v = static_cast<float>(static_cast<int>(rng() % 20001) - 10000) * 0.001f;
  return row;
}

/// The order as an emitted kernel has it: the row filled up with zeros to whole
/// vectors of 16, then halves folded.
static float sumByVectors(std::vector<float> row) {
  row.resize((row.size() + 15) / 16 * 16, 0.0f);
  std::vector<float> p(16, 0.0f);
  for (size_t i = 0; i < row.size(); ++i) {
    volatile float sum = p[i % 16] + row[i];
    p[i % 16] = sum;
  }
  for (size_t width : {8, 4, 2, 1})
    for (size_t i = 0; i < width; ++i) {
      volatile float sum = p[i] + p[i + width];
      p[i] = sum;
    }
  return p[0];
}

TEST(Reduce, sumHasTheDocumentedOrder) {
  for (size_t n : {0, 1, 5, 15, 16, 17, 31, 32, 100, 1000}) {
    std::vector<float> row = randomRow(n, static_cast<unsigned>(n));
    EXPECT_EQ(reduceSum(row), sumByVectors(row)) << n;
  }
}

TEST(Reduce, maxAndMean) {
  EXPECT_EQ(reduceMax({}), -std::numeric_limits<float>::infinity());
  std::vector<float> row = randomRow(77, 1);
  row[40] = 11.0f;
  EXPECT_EQ(reduceMax(row), 11.0f);
  EXPECT_EQ(reduceMean(row), reduceSum(row) / 77.0f);
}

TEST(Softmax, agreesWithDoubleAndItsSteps) {
  for (size_t n : {1, 7, 16, 50, 300}) {
    std::vector<float> x = randomRow(n, 5), y(n), logs(n);
    softmaxRow(x, y);
    logSoftmaxRow(x, logs);
    float max = reduceMax(x);
    double sum = 0;
    std::vector<float> e(n);
    for (size_t i = 0; i < n; ++i) {
      sum += std::exp(double(x[i]) - max);
      e[i] = evalUnary(Unary::Exp, x[i] - max);
    }
    float inverse = 1.0f / reduceSum(e);
    for (size_t i = 0; i < n; ++i) {
      double exact = std::exp(double(x[i]) - max) / sum;
      // x - max is up to 20, with a rounding error of 1e-6.
      EXPECT_NEAR(y[i], exact, 2e-6 * exact);
      EXPECT_NEAR(logs[i], std::log(exact), 1e-5);
      EXPECT_EQ(y[i], e[i] * inverse);
    }
    softmaxRow(x, x);
    EXPECT_EQ(x, y);
  }
}

TEST(Softmax, masksWithMinusInfinity) {
  float inf = std::numeric_limits<float>::infinity();
  std::vector<float> x{1.0f, -inf, 1.0f}, y(3);
  softmaxRow(x, y);
  EXPECT_EQ(y, (std::vector<float>{0.5f, 0.0f, 0.5f}));
}

TEST(LayerNorm, agreesWithDouble) {
  size_t n = 100;
  std::vector<float> x = randomRow(n, 7), gamma = randomRow(n, 8),
                     beta = randomRow(n, 9), y(n);
  layerNormRow(x, gamma, beta, 1e-5f, y);
  double mean = 0, variance = 0;
  for (float v : x)
    mean += v / double(n);
  for (float v : x)
    variance += (v - mean) * (v - mean) / double(n);
  double rstd = 1 / std::sqrt(variance + 1e-5);
  for (size_t i = 0; i < n; ++i)
    EXPECT_NEAR(y[i], (x[i] - mean) * rstd * gamma[i] + beta[i], 2e-5);
  std::vector<float> plain(n);
  layerNormRow(x, {}, {}, 1e-5f, plain);
  for (size_t i = 0; i < n; ++i) {
    volatile float scaled = plain[i] * gamma[i];
    EXPECT_EQ(y[i], scaled + beta[i]);
  }
}

TEST(RmsNorm, agreesWithDouble) {
  size_t n = 65;
  std::vector<float> x = randomRow(n, 17), gamma = randomRow(n, 18), y(n);
  rmsNormRow(x, gamma, 1e-6f, y);
  double squares = 0;
  for (float v : x)
    squares += double(v) * v / double(n);
  for (size_t i = 0; i < n; ++i)
    EXPECT_NEAR(y[i], x[i] / std::sqrt(squares + 1e-6) * gamma[i], 2e-5);
}
