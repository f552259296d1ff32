// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Elementary functions against double precision over all exponents, and at the
// edges of their ranges.

#include "qc/Numerics/Elementary.h"

#include <bit>
#include <cmath>
#include <gtest/gtest.h>
#include <limits>
#include <vector>

using namespace qc::numerics;

static constexpr float inf = std::numeric_limits<float>::infinity();
static constexpr float quietNaN = std::numeric_limits<float>::quiet_NaN();
static const double pi = 3.14159265358979323846;

/// exp(-x) in sigmoid-like formulas, without an overflow to infinity.
static double overOnePlusExp(double numerator, double t) {
  return t < -700 ? 0.0 : numerator / (1 + std::exp(-t));
}

static double reference(Unary kind, double x) {
  switch (kind) {
  case Unary::Exp:
    return std::exp(x);
  case Unary::Log:
    return std::log(x);
  case Unary::Erf:
    return std::erf(x);
  case Unary::Tanh:
    return std::tanh(x);
  case Unary::Sigmoid:
    return overOnePlusExp(1, x);
  case Unary::Gelu:
    return x < -38 ? 0.0 : x * 0.5 * std::erfc(-x / std::sqrt(2.0));
  case Unary::GeluTanh:
    return overOnePlusExp(x,
                          2 * std::sqrt(2 / pi) * (x + 0.044715 * x * x * x));
  case Unary::Silu:
    return overOnePlusExp(x, x);
  case Unary::Sin:
    return std::sin(x);
  case Unary::Cos:
    return std::cos(x);
  default:
    EXPECT_EQ(kind, Unary::Softplus);
    return std::fmax(x, 0.0) + std::log1p(std::exp(-std::fabs(x)));
  }
}

/// Distance in units of the last place of the exact result, taken as the
/// smallest normal float if it is smaller.
static double ulps(float found, double exact) {
  int exponent;
  double smallest = std::numeric_limits<float>::min();
  std::frexp(std::fmax(std::fabs(exact), smallest), &exponent);
  return std::fabs(found - exact) / std::ldexp(1.0, exponent - 24);
}

namespace {
struct Bound {
  Unary kind;
  double ulps;
};
class ElementaryError : public testing::TestWithParam<Bound> {};
} // namespace

TEST_P(ElementaryError, isWithinItsBoundOverAllFloats) {
  auto [kind, bound] = GetParam();
  std::vector<float> x;
  // A prime step through the bit patterns visits all exponents and signs.
  for (uint64_t bits = 0; bits < (uint64_t(1) << 32); bits += 4093)
    x.push_back(std::bit_cast<float>(static_cast<uint32_t>(bits)));
  for (float v = -20.0f; v < 20.0f; v += 0.00037f)
    x.push_back(v);
  std::vector<float> y(x.size());
  evalUnary(kind, x, y);
  double worst = 0;
  float worstAt = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    double exact = reference(kind, x[i]);
    if (std::isnan(exact)) {
      EXPECT_TRUE(std::isnan(y[i])) << x[i];
      continue;
    }
    // Exact results between the largest float and infinity may be either.
    if (std::fabs(exact) > std::numeric_limits<float>::max()) {
      EXPECT_EQ(y[i], std::copysign(inf, exact)) << x[i];
      continue;
    }
    // Subnormal results may be lost.
    bool flushed =
        std::fabs(exact) < std::numeric_limits<float>::min() && y[i] == 0.0f;
    double error = flushed ? 0.0 : ulps(y[i], exact);
    if (!(error <= worst)) {
      worst = error;
      worstAt = x[i];
    }
  }
  EXPECT_LE(worst, bound) << name(kind) << " at " << worstAt;
}

INSTANTIATE_TEST_SUITE_P(
    All, ElementaryError,
    testing::Values(Bound{Unary::Exp, 1.5}, Bound{Unary::Log, 1.0},
                    Bound{Unary::Erf, 1.25}, Bound{Unary::Tanh, 1.5},
                    Bound{Unary::Sigmoid, 2.5}, Bound{Unary::Gelu, 3.5},
                    Bound{Unary::GeluTanh, 3.5}, Bound{Unary::Silu, 3.5},
                    Bound{Unary::Sin, 2.75}, Bound{Unary::Cos, 2.75},
                    Bound{Unary::Softplus, 2.0}),
    [](const auto &info) { return std::string(name(info.param.kind)); });

TEST(Elementary, edges) {
  EXPECT_EQ(evalUnary(Unary::Exp, 0.0f), 1.0f);
  EXPECT_EQ(evalUnary(Unary::Exp, inf), inf);
  EXPECT_EQ(evalUnary(Unary::Exp, -inf), 0.0f);
  EXPECT_EQ(evalUnary(Unary::Log, 1.0f), 0.0f);
  EXPECT_EQ(evalUnary(Unary::Log, 0.0f), -inf);
  EXPECT_EQ(evalUnary(Unary::Log, -0.0f), -inf);
  EXPECT_EQ(evalUnary(Unary::Log, inf), inf);
  EXPECT_TRUE(std::isnan(evalUnary(Unary::Log, -1.0f)));
  EXPECT_TRUE(std::isnan(evalUnary(Unary::Log, -inf)));
  for (Unary kind : {Unary::Erf, Unary::Tanh}) {
    EXPECT_EQ(evalUnary(kind, inf), 1.0f);
    EXPECT_EQ(evalUnary(kind, -inf), -1.0f);
  }
  EXPECT_EQ(evalUnary(Unary::Sigmoid, 0.0f), 0.5f);
  EXPECT_EQ(evalUnary(Unary::Sigmoid, inf), 1.0f);
  EXPECT_EQ(evalUnary(Unary::Sigmoid, -inf), 0.0f);
  for (Unary kind : {Unary::Gelu, Unary::GeluTanh, Unary::Silu}) {
    EXPECT_EQ(evalUnary(kind, 0.0f), 0.0f);
    EXPECT_EQ(evalUnary(kind, inf), inf);
    EXPECT_EQ(evalUnary(kind, -inf), 0.0f);
    EXPECT_EQ(evalUnary(kind, -1e30f), 0.0f);
    EXPECT_EQ(evalUnary(kind, 1e30f), 1e30f);
  }
  EXPECT_EQ(evalUnary(Unary::Cos, 0.0f), 1.0f);
  EXPECT_TRUE(std::isnan(evalUnary(Unary::Sin, inf)));
  EXPECT_TRUE(std::isnan(evalUnary(Unary::Cos, -inf)));
  EXPECT_EQ(evalUnary(Unary::Softplus, inf), inf);
  EXPECT_EQ(evalUnary(Unary::Softplus, -inf), 0.0f);
}

TEST(Elementary, oddFunctionsKeepTheSignOfZero) {
  for (Unary kind : {Unary::Erf, Unary::Tanh, Unary::Sin}) {
    EXPECT_TRUE(std::signbit(evalUnary(kind, -0.0f))) << name(kind);
    EXPECT_FALSE(std::signbit(evalUnary(kind, 0.0f))) << name(kind);
    EXPECT_EQ(evalUnary(kind, -0.3f), -evalUnary(kind, 0.3f));
  }
}

TEST(Elementary, everyFunctionKeepsNaN) {
  for (unsigned k = 0; k < numUnary; ++k)
    EXPECT_TRUE(std::isnan(evalUnary(static_cast<Unary>(k), quietNaN)))
        << name(static_cast<Unary>(k));
}

TEST(Elementary, worstCaseOfArgumentReduction) {
  // Of all floats the one that comes nearest to a multiple of pi/2.
  float x = 16367173.0f * 0x1p72f;
  EXPECT_LE(ulps(evalUnary(Unary::Cos, x), std::cos(double(x))), 2.75);
  EXPECT_LE(ulps(evalUnary(Unary::Sin, x), std::sin(double(x))), 2.75);
}

TEST(Elementary, exactFunctions) {
  EXPECT_EQ(evalUnary(Unary::Sqrt, 2.0f), std::sqrt(2.0f));
  EXPECT_EQ(evalUnary(Unary::Rsqrt, 2.0f), 1.0f / std::sqrt(2.0f));
  EXPECT_EQ(evalUnary(Unary::Reciprocal, 3.0f), 1.0f / 3.0f);
  EXPECT_EQ(evalUnary(Unary::Relu, -3.0f), 0.0f);
  EXPECT_EQ(evalUnary(Unary::Relu, 3.0f), 3.0f);
  EXPECT_EQ(evalUnary(Unary::Abs, -3.0f), 3.0f);
  EXPECT_EQ(evalUnary(Unary::Neg, -3.0f), 3.0f);
  EXPECT_EQ(evalUnary(Unary::Floor, -2.5f), -3.0f);
  EXPECT_EQ(evalUnary(Unary::Ceil, -2.5f), -2.0f);
  EXPECT_EQ(evalUnary(Unary::Round, -2.5f), -2.0f);
  EXPECT_EQ(evalUnary(Unary::HardSigmoid, 0.0f), 0.5f);
  EXPECT_EQ(evalUnary(Unary::HardSigmoid, -3.0f), 0.0f);
  EXPECT_EQ(evalUnary(Unary::HardSigmoid, 3.0f), 1.0f);
  EXPECT_EQ(evalUnary(Unary::HardSwish, 6.0f), 6.0f);
}

TEST(Elementary, namesRoundTrip) {
  for (unsigned k = 0; k < numUnary; ++k) {
    auto kind = static_cast<Unary>(k);
    EXPECT_EQ(parseUnary(name(kind)), kind);
  }
  EXPECT_EQ(parseUnary("gelu_tanh"), Unary::GeluTanh);
  EXPECT_EQ(parseUnary("Exp"), std::nullopt);
}

TEST(Elementary, inPlaceEqualsOneByOne) {
  std::vector<float> x;
  for (int i = 0; i < 100; ++i)
    x.push_back(0.1f * static_cast<float>(i - 50));
  std::vector<float> y = x;
  evalUnary(Unary::Gelu, y, y);
  for (size_t i = 0; i < x.size(); ++i)
    EXPECT_EQ(y[i], evalUnary(Unary::Gelu, x[i]));
}
