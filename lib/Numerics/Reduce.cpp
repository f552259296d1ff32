// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The fixed reduction order and the row functions on top of it.

#include "qc/Numerics/Reduce.h"

#include "qc/Numerics/Elementary.h"

#include <cassert>
#include <cmath>
#include <limits>

namespace qc::numerics {

/// Folds term(0), ..., term(n - 1) with `op` in the order of the header.
template <typename Term, typename Op>
static float reduce(size_t n, float identity, Term term, Op op) {
  float partial[reduceLanes];
  for (float &v : partial)
    v = identity;
  size_t i = 0;
  for (; i + reduceLanes <= n; i += reduceLanes)
    for (unsigned lane = 0; lane < reduceLanes; ++lane)
      partial[lane] = op(partial[lane], term(i + lane));
  for (unsigned lane = 0; i + lane < n; ++lane)
    partial[lane] = op(partial[lane], term(i + lane));
  for (unsigned width = reduceLanes / 2; width; width /= 2)
    for (unsigned lane = 0; lane < width; ++lane)
      partial[lane] = op(partial[lane], partial[lane + width]);
  return partial[0];
}

static float add(float a, float b) { return a + b; }

float reduceSum(std::span<const float> x) {
  return reduce(x.size(), 0.0f, [&](size_t i) { return x[i]; }, add);
}

float reduceMax(std::span<const float> x) {
  return reduce(
      x.size(), -std::numeric_limits<float>::infinity(),
      [&](size_t i) { return x[i]; },
      [](float a, float b) { return a > b ? a : b; });
}

float reduceSumSquares(std::span<const float> x) {
  return reduce(x.size(), 0.0f, [&](size_t i) { return x[i] * x[i]; }, add);
}

float reduceMean(std::span<const float> x) {
  return reduceSum(x) / static_cast<float>(x.size());
}

Value softmaxNumerator(Program &p, Value x, Value max) {
  return exp(p, p.sub(x, max));
}

Value reciprocalDeviation(Program &p, Value meanSquare, Value eps) {
  return rsqrt(p, p.add(meanSquare, eps));
}

void softmaxRow(std::span<const float> x, std::span<float> y) {
  assert(x.size() == y.size());
  float max = reduceMax(x);
  for (size_t i = 0; i < x.size(); ++i)
    y[i] = x[i] - max;
  evalUnary(Unary::Exp, y, y);
  float inverse = 1.0f / reduceSum(y);
  for (float &v : y)
    v = v * inverse;
}

void logSoftmaxRow(std::span<const float> x, std::span<float> y) {
  assert(x.size() == y.size());
  float max = reduceMax(x);
  std::vector<float> e(x.size());
  for (size_t i = 0; i < x.size(); ++i)
    e[i] = x[i] - max;
  evalUnary(Unary::Exp, e, e);
  float logSum = evalUnary(Unary::Log, reduceSum(e));
  for (size_t i = 0; i < x.size(); ++i) {
    float shifted = x[i] - max;
    y[i] = shifted - logSum;
  }
}

void layerNormRow(std::span<const float> x, std::span<const float> gamma,
                  std::span<const float> beta, float eps, std::span<float> y) {
  assert(x.size() == y.size());
  assert(gamma.empty() || gamma.size() == x.size());
  assert(beta.empty() || beta.size() == x.size());
  float mean = reduceMean(x);
  for (size_t i = 0; i < x.size(); ++i)
    y[i] = x[i] - mean;
  float variance = reduceSumSquares(y) / static_cast<float>(x.size());
  float rstd = 1.0f / std::sqrt(variance + eps);
  for (size_t i = 0; i < y.size(); ++i) {
    float v = y[i] * rstd;
    if (!gamma.empty())
      v = v * gamma[i];
    if (!beta.empty())
      v = v + beta[i];
    y[i] = v;
  }
}

void rmsNormRow(std::span<const float> x, std::span<const float> gamma,
                float eps, std::span<float> y) {
  assert(x.size() == y.size());
  assert(gamma.empty() || gamma.size() == x.size());
  float meanSquare = reduceSumSquares(x) / static_cast<float>(x.size());
  float rstd = 1.0f / std::sqrt(meanSquare + eps);
  for (size_t i = 0; i < x.size(); ++i) {
    float v = x[i] * rstd;
    y[i] = gamma.empty() ? v : v * gamma[i];
  }
}

} // namespace qc::numerics
