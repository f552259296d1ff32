// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The named functions of one f32: names, programs, evaluation.

#include "qc/Numerics/Elementary.h"

#include <array>
#include <iterator>

namespace qc::numerics {

static constexpr std::string_view unaryNames[] = {
    "exp",       "log",        "erf",          "tanh",      "sigmoid",  "gelu",
    "gelu_tanh", "silu",       "sin",          "cos",       "softplus", "sqrt",
    "rsqrt",     "reciprocal", "relu",         "abs",       "neg",      "floor",
    "ceil",      "round",      "hard_sigmoid", "hard_swish"};
static_assert(std::size(unaryNames) == numUnary);
static_assert(static_cast<unsigned>(Unary::HardSwish) + 1 == numUnary);

std::string_view name(Unary kind) {
  return unaryNames[static_cast<unsigned>(kind)];
}

std::optional<Unary> parseUnary(std::string_view name) {
  for (unsigned k = 0; k < numUnary; ++k)
    if (unaryNames[k] == name)
      return static_cast<Unary>(k);
  return std::nullopt;
}

Value unary(Program &p, Unary kind, Value x) {
  switch (kind) {
  case Unary::Exp:
    return exp(p, x);
  case Unary::Log:
    return log(p, x);
  case Unary::Erf:
    return erf(p, x);
  case Unary::Tanh:
    return tanh(p, x);
  case Unary::Sigmoid:
    return sigmoid(p, x);
  case Unary::Gelu:
    return gelu(p, x);
  case Unary::GeluTanh:
    return geluTanh(p, x);
  case Unary::Silu:
    return silu(p, x);
  case Unary::Sin:
    return sin(p, x);
  case Unary::Cos:
    return cos(p, x);
  case Unary::Softplus:
    return softplus(p, x);
  case Unary::Sqrt:
    return p.sqrt(x);
  case Unary::Rsqrt:
    return rsqrt(p, x);
  case Unary::Reciprocal:
    return p.div(p.constF(1.0f), x);
  case Unary::Relu:
    return relu(p, x);
  case Unary::Abs:
    return p.abs(x);
  case Unary::Neg:
    return p.neg(x);
  case Unary::Floor:
    return p.floor(x);
  case Unary::Ceil:
    return p.neg(p.floor(p.neg(x)));
  case Unary::Round:
    return p.rne(x);
  case Unary::HardSigmoid:
    return hardSigmoid(p, x);
  case Unary::HardSwish:
    return hardSwish(p, x);
  }
  return x;
}

const Program &unaryProgram(Unary kind) {
  static const std::array<Program, numUnary> programs = [] {
    std::array<Program, numUnary> all;
    for (unsigned k = 0; k < numUnary; ++k)
      all[k].output(
          unary(all[k], static_cast<Unary>(k), all[k].input(Kind::F32)));
    return all;
  }();
  return programs[static_cast<unsigned>(kind)];
}

float evalUnary(Unary kind, float x) {
  Lane lane = Lane::ofFloat(x);
  return unaryProgram(kind).evaluate({&lane, 1}).f;
}

void evalUnary(Unary kind, std::span<const float> x, std::span<float> y) {
  unaryProgram(kind).evaluate(x, y);
}

} // namespace qc::numerics
