// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Elementary functions as Programs: explicit fma, IEEE division and square
// root, no call of a math library. What is evaluated here and what is emitted
// as IR give the same bits on every target.
//
// Errors, measured by test/Numerics/ElementaryTest.cpp against double precision
// over all exponents, in units in the last place where the exact result is a
// normal number: log 1; erf 1.25; exp, tanh 1.5; softplus 2; sigmoid 2.5; sin,
// cos 2.75; gelu, gelu_tanh, silu 3.5. A result below the smallest normal float
// may lose precision or become 0. NaN gives NaN.

#ifndef QC_NUMERICS_ELEMENTARY_H
#define QC_NUMERICS_ELEMENTARY_H

#include "qc/Numerics/Program.h"

#include <optional>
#include <span>
#include <string_view>

namespace qc::numerics {

Value exp(Program &p, Value x);
/// log(0) = -inf, log(x < 0) = NaN.
Value log(Program &p, Value x);
Value erf(Program &p, Value x);
Value tanh(Program &p, Value x);
/// 1 / (1 + exp(-x)).
Value sigmoid(Program &p, Value x);
/// x * Phi(x) with the normal distribution function, accurate in the negative
/// tail too; gelu(-inf) is a zero.
Value gelu(Program &p, Value x);
/// x * sigmoid(2 u), u = sqrt(2/pi) * (x + 0.044715 x^3): equal to
/// 0.5 x (1 + tanh(u)).
Value geluTanh(Program &p, Value x);
/// x * sigmoid(x); silu(-inf) is a zero.
Value silu(Program &p, Value x);
/// sin and cos reduce every finite argument exactly enough; of an infinity they
/// are NaN.
Value sin(Program &p, Value x);
Value cos(Program &p, Value x);
/// log(1 + exp(x)).
Value softplus(Program &p, Value x);
/// 1 / sqrt(x): a square root and a division.
Value rsqrt(Program &p, Value x);
/// max(0, x) as 0 > x ? 0 : x: NaN is kept.
Value relu(Program &p, Value x);
/// max(0, min(1, alpha * x + beta)), a multiply and then an add; NaN kept.
Value hardSigmoid(Program &p, Value x, float alpha = 0.2f, float beta = 0.5f);
/// x * hardSigmoid(x, 1/6, 1/2); -inf * 0 is NaN as in the formula.
Value hardSwish(Program &p, Value x);

/// The functions of one f32 that have a name.
enum class Unary {
  Exp,
  Log,
  Erf,
  Tanh,
  Sigmoid,
  Gelu,
  GeluTanh,
  Silu,
  Sin,
  Cos,
  Softplus,
  Sqrt,
  Rsqrt,
  Reciprocal,
  Relu,
  Abs,
  Neg,
  Floor,
  Ceil,
  Round,
  HardSigmoid,
  HardSwish,
};
inline constexpr unsigned numUnary = 22;

/// "exp", "gelu_tanh", ...: lower case with underscores.
std::string_view name(Unary kind);
std::optional<Unary> parseUnary(std::string_view name);

/// Appends `kind` to a program.
Value unary(Program &p, Unary kind, Value x);
/// The program of one input and one output; built once and kept.
const Program &unaryProgram(Unary kind);

float evalUnary(Unary kind, float x);
/// Element by element; `y` may be `x`.
void evalUnary(Unary kind, std::span<const float> x, std::span<float> y);

} // namespace qc::numerics

#endif // QC_NUMERICS_ELEMENTARY_H
