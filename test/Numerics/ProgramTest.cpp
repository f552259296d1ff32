// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Each instruction of Program against its definition.

#include "qc/Numerics/Program.h"

#include <bit>
#include <cmath>
#include <functional>
#include <gtest/gtest.h>
#include <limits>

using namespace qc::numerics;

static constexpr float inf = std::numeric_limits<float>::infinity();
static constexpr float quietNaN = std::numeric_limits<float>::quiet_NaN();
static constexpr int32_t intMin = std::numeric_limits<int32_t>::min();

using Builder = std::function<Value(Program &, std::span<const Value>)>;

/// Runs `build` on constants fed in as inputs.
static Lane run(const std::vector<float> &floats,
                const std::vector<int32_t> &ints, const Builder &build) {
  Program p;
  std::vector<Value> values;
  std::vector<Lane> lanes;
  for (float v : floats) {
    values.push_back(p.input(Kind::F32));
    lanes.push_back(Lane::ofFloat(v));
  }
  for (int32_t v : ints) {
    values.push_back(p.input(Kind::I32));
    lanes.push_back(Lane::ofInt(v));
  }
  p.output(build(p, values));
  return p.evaluate(lanes);
}

using BinaryMethod = Value (Program::*)(Value, Value);
using UnaryMethod = Value (Program::*)(Value);

static float runF(BinaryMethod m, float a, float b) {
  return run({a, b}, {}, [&](Program &p, auto v) { return (p.*m)(v[0], v[1]); })
      .f;
}
static float runF(UnaryMethod m, float a) {
  return run({a}, {}, [&](Program &p, auto v) { return (p.*m)(v[0]); }).f;
}
static int32_t runI(BinaryMethod m, int32_t a, int32_t b) {
  return run({}, {a, b}, [&](Program &p, auto v) { return (p.*m)(v[0], v[1]); })
      .i;
}
static int32_t compareF(BinaryMethod m, float a, float b) {
  return run({a, b}, {}, [&](Program &p, auto v) { return (p.*m)(v[0], v[1]); })
      .i;
}

TEST(Program, floatArithmetic) {
  EXPECT_EQ(runF(&Program::add, 1.0f, 0x1p-24f), 1.0f);
  EXPECT_EQ(runF(&Program::sub, 1.0f, 3.0f), -2.0f);
  EXPECT_EQ(runF(&Program::mul, 3.0f, 0.5f), 1.5f);
  EXPECT_EQ(runF(&Program::div, 1.0f, 3.0f), 1.0f / 3.0f);
  EXPECT_EQ(runF(&Program::div, 1.0f, 0.0f), inf);
  EXPECT_EQ(runF(&Program::sqrt, 2.0f), std::sqrt(2.0f));
  EXPECT_EQ(runF(&Program::floor, -1.5f), -2.0f);
  EXPECT_EQ(runF(&Program::rne, 2.5f), 2.0f);
  EXPECT_EQ(runF(&Program::neg, 2.5f), -2.5f);
  EXPECT_EQ(runF(&Program::abs, -inf), inf);
  // (1 + e)(1 - e) - 1 = -e^2 only without the product's rounding.
  float e = 0x1p-20f;
  EXPECT_EQ(run({1 + e, 1 - e, -1.0f}, {},
                [](Program &p, auto v) { return p.fma(v[0], v[1], v[2]); })
                .f,
            -0x1p-40f);
}

TEST(Program, minAndMaxGiveTheSecondOperandForNaN) {
  EXPECT_EQ(runF(&Program::min, 1.0f, 2.0f), 1.0f);
  EXPECT_EQ(runF(&Program::max, 1.0f, 2.0f), 2.0f);
  EXPECT_EQ(runF(&Program::min, quietNaN, 2.0f), 2.0f);
  EXPECT_EQ(runF(&Program::max, quietNaN, 2.0f), 2.0f);
  EXPECT_TRUE(std::isnan(runF(&Program::min, 2.0f, quietNaN)));
  EXPECT_TRUE(std::isnan(runF(&Program::max, 2.0f, quietNaN)));
  EXPECT_TRUE(std::signbit(runF(&Program::min, 0.0f, -0.0f)));
  EXPECT_FALSE(std::signbit(runF(&Program::max, -0.0f, 0.0f)));
}

TEST(Program, integerArithmeticWraps) {
  EXPECT_EQ(runI(&Program::iadd, INT32_MAX, 1), intMin);
  EXPECT_EQ(runI(&Program::isub, intMin, 1), INT32_MAX);
  EXPECT_EQ(runI(&Program::imul, 65536, 65537), 65536);
  EXPECT_EQ(runI(&Program::iand, 12, 10), 8);
  EXPECT_EQ(runI(&Program::ior, 12, 10), 14);
  EXPECT_EQ(runI(&Program::ixor, 12, 10), 6);
  EXPECT_EQ(runI(&Program::ishl, 1, 31), intMin);
  EXPECT_EQ(runI(&Program::ishl, 1, 32), 1);
  EXPECT_EQ(runI(&Program::ishrS, -8, 1), -4);
  EXPECT_EQ(runI(&Program::ishrU, -1, 28), 15);
  EXPECT_EQ(runI(&Program::imin, -1, 1), -1);
  EXPECT_EQ(runI(&Program::imax, -1, 1), 1);
  EXPECT_EQ(runI(&Program::lt, -1, 1), 1);
  EXPECT_EQ(runI(&Program::le, 1, 1), 1);
  EXPECT_EQ(runI(&Program::eq, 1, 2), 0);
}

TEST(Program, comparesAreOrdered) {
  EXPECT_EQ(compareF(&Program::lt, 1.0f, 2.0f), 1);
  EXPECT_EQ(compareF(&Program::le, 2.0f, 2.0f), 1);
  EXPECT_EQ(compareF(&Program::eq, 0.0f, -0.0f), 1);
  EXPECT_EQ(compareF(&Program::lt, quietNaN, 2.0f), 0);
  EXPECT_EQ(compareF(&Program::le, 2.0f, quietNaN), 0);
  EXPECT_EQ(compareF(&Program::eq, quietNaN, quietNaN), 0);
  auto isNan = [](Program &p, auto v) { return p.isNan(v[0]); };
  EXPECT_EQ(run({quietNaN}, {}, isNan).i, 1);
  EXPECT_EQ(run({inf}, {}, isNan).i, 0);
}

TEST(Program, selectTakesAnyNonZeroCondition) {
  auto select = [](Program &p, auto v) { return p.select(v[2], v[0], v[1]); };
  EXPECT_EQ(run({1.0f, 2.0f}, {0}, select).f, 2.0f);
  EXPECT_EQ(run({1.0f, 2.0f}, {1}, select).f, 1.0f);
  EXPECT_EQ(run({1.0f, 2.0f}, {-4}, select).f, 1.0f);
}

TEST(Program, conversions) {
  auto toF = [](Program &p, auto v) { return p.toF32(v[0]); };
  auto toI = [](Program &p, auto v) { return p.toI32(v[0]); };
  EXPECT_EQ(run({}, {16777217}, toF).f, 16777216.0f);
  EXPECT_EQ(run({}, {intMin}, toF).f, -2147483648.0f);
  EXPECT_EQ(run({-5.0f}, {}, toI).i, -5);
  EXPECT_EQ(run({-2147483648.0f}, {}, toI).i, intMin);
  auto bits = [](Program &p, auto v) { return p.bitcastToI32(v[0]); };
  EXPECT_EQ(run({1.0f}, {}, bits).i, 0x3f800000);
  auto half = [](Program &p, auto v) { return p.f16ToF32(v[0]); };
  EXPECT_EQ(run({}, {0x3c00}, half).f, 1.0f);
  EXPECT_EQ(run({}, {0x7fff0001}, half).f, 0x1p-24f);
  auto brain = [](Program &p, auto v) { return p.bf16ToF32(v[0]); };
  EXPECT_EQ(run({}, {0x12343f80}, brain).f, 1.0f);
}

TEST(Program, tableIndexIsTakenModuloItsFilledSize) {
  auto lookup = [](Program &p, auto v) {
    return p.table(std::vector<float>{1.0f, 2.0f, 3.0f}, v[0]);
  };
  EXPECT_EQ(run({}, {2}, lookup).f, 3.0f);
  EXPECT_EQ(run({}, {3}, lookup).f, 0.0f);
  EXPECT_EQ(run({}, {5}, lookup).f, 2.0f);
  EXPECT_EQ(run({}, {-2}, lookup).f, 3.0f);
}

/// y = 2 x + k, z = k.
static Program twoOutputs() {
  Program p;
  Value x = p.input(Kind::F32), k = p.input(Kind::I32);
  Value two = p.constF(2.0f);
  p.output(p.fma(x, two, p.toF32(k)));
  p.output(k);
  return p;
}

TEST(Program, blocksCoverEveryLength) {
  Program p = twoOutputs();
  for (size_t n : {0, 1, 63, 64, 65, 128, 200}) {
    std::vector<Lane> x(n), k(n), z(n);
    for (size_t i = 0; i < n; ++i) {
      x[i] = Lane::ofFloat(static_cast<float>(i));
      k[i] = Lane::ofInt(static_cast<int32_t>(3 * i));
    }
    // The first output goes over the first input.
    std::span<const Lane> in[] = {x, k};
    std::span<Lane> out[] = {x, z};
    p.evaluate(in, out, n);
    for (size_t i = 0; i < n; ++i) {
      EXPECT_EQ(x[i].f, 5.0f * static_cast<float>(i));
      EXPECT_EQ(z[i].i, static_cast<int32_t>(3 * i));
    }
  }
}

TEST(Program, appendBindsInputsAndTables) {
  Program callee = twoOutputs();
  Program p;
  Value k = p.input(Kind::I32);
  Value x = p.table(std::vector<float>{10.0f, 20.0f}, k);
  Value arguments[] = {x, k};
  std::vector<Value> results = p.append(callee, arguments);
  ASSERT_EQ(results.size(), 2u);
  EXPECT_EQ(results[1], k);
  p.output(results[0]);
  Program twice;
  Value one = twice.input(Kind::I32);
  Value again = twice.toI32(twice.append(p, {&one, 1})[0]);
  twice.output(twice.append(p, {&again, 1})[0]);
  Lane lane = Lane::ofInt(1);
  // 2 * 20 + 1 = 41; 41 is odd: 2 * 20 + 41.
  EXPECT_EQ(twice.evaluate({&lane, 1}).f, 81.0f);
  EXPECT_EQ(twice.tables().size(), 2u);
  std::vector<Value> inner = p.append(p, {&k, 1});
  EXPECT_EQ(inner.size(), 1u);
}

TEST(Program, printsOneLinePerInstruction) {
  EXPECT_EQ(twoOutputs().print(), "%0 = input 0 : f32\n"
                                  "%1 = input 1 : i32\n"
                                  "%2 = const_f 2 : f32\n"
                                  "%3 = to_f32 %1 : f32\n"
                                  "%4 = fma %0 %2 %3 : f32\n"
                                  "output %4\n"
                                  "output %1\n");
}
