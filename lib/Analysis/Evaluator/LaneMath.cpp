//===- LaneMath.cpp - math ops on lanes -----------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Elementary functions of f32 are those of Numerics; the others, and all of
// f64, are the host's, in double and rounded once.
//
//===----------------------------------------------------------------------===//

#include "Lanes.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "qc/Numerics/Elementary.h"
#include "llvm/ADT/TypeSwitch.h"

#include <cmath>

using namespace mlir;
using namespace ::qc;
using namespace ::qc::evaluator;
using numerics::Unary;

/// A function of the host, in double.
template <double (*function)(double)>
static void hostUnary(const Instruction &instruction, Lanes &to,
                      const Lanes *const *operands, int64_t n, Fault &) {
  const Lanes &a = *operands[0];
  if (instruction.type == DType::F64) {
    for (int64_t lane = 0; lane < n; ++lane)
      to.d[lane] = function(a.d[lane]);
    return;
  }
  for (int64_t lane = 0; lane < n; ++lane)
    to.f[lane] = static_cast<float>(function(a.f[lane]));
  roundLanes(instruction.type, to, n);
}

/// A function of Numerics for all but f64.
template <Unary kind, double (*host)(double)>
static void namedUnary(const Instruction &instruction, Lanes &to,
                       const Lanes *const *operands, int64_t n, Fault &fault) {
  if (instruction.type == DType::F64)
    return hostUnary<host>(instruction, to, operands, n, fault);
  size_t count = static_cast<size_t>(n);
  numerics::evalUnary(kind, {operands[0]->f, count}, {to.f, count});
  roundLanes(instruction.type, to, n);
}

template <double (*function)(double, double)>
static void hostBinary(const Instruction &instruction, Lanes &to,
                       const Lanes *const *operands, int64_t n, Fault &) {
  const Lanes &a = *operands[0], &b = *operands[1];
  if (instruction.type == DType::F64) {
    for (int64_t lane = 0; lane < n; ++lane)
      to.d[lane] = function(a.d[lane], b.d[lane]);
    return;
  }
  for (int64_t lane = 0; lane < n; ++lane)
    to.f[lane] = static_cast<float>(function(a.f[lane], b.f[lane]));
  roundLanes(instruction.type, to, n);
}

static void fusedMultiplyAdd(const Instruction &instruction, Lanes &to,
                             const Lanes *const *operands, int64_t n, Fault &) {
  const Lanes &a = *operands[0], &b = *operands[1], &c = *operands[2];
  if (instruction.type == DType::F64) {
    for (int64_t lane = 0; lane < n; ++lane)
      to.d[lane] = std::fma(a.d[lane], b.d[lane], c.d[lane]);
    return;
  }
  for (int64_t lane = 0; lane < n; ++lane)
    to.f[lane] = std::fma(a.f[lane], b.f[lane], c.f[lane]);
  roundLanes(instruction.type, to, n);
}

static void absoluteInt(const Instruction &, Lanes &to,
                        const Lanes *const *operands, int64_t n, Fault &) {
  for (int64_t lane = 0; lane < n; ++lane) {
    int64_t value = operands[0]->i[lane];
    to.i[lane] = value < 0
                     ? static_cast<int64_t>(0 - static_cast<uint64_t>(value))
                     : value;
  }
}

/// A predicate of a float; the result is an i1.
template <bool (*function)(double)>
static void predicate(const Instruction &instruction, Lanes &to,
                      const Lanes *const *operands, int64_t n, Fault &) {
  bool isDouble = instruction.from == DType::F64;
  for (int64_t lane = 0; lane < n; ++lane)
    to.i[lane] =
        function(isDouble ? operands[0]->d[lane] : operands[0]->f[lane]);
}

static double reciprocalRoot(double x) { return 1.0 / std::sqrt(x); }
static bool isNan(double x) { return std::isnan(x); }
static bool isInf(double x) { return std::isinf(x); }
static bool isFinite(double x) { return std::isfinite(x); }
static double nearestEven(double x) {
  double floor = std::floor(x), rest = x - floor;
  bool up = rest > 0.5 || (rest == 0.5 && std::fmod(floor, 2.0) != 0);
  return std::copysign(up ? floor + 1 : floor, x);
}

static LaneFunction hostFunctionOf(Operation *op) {
  return llvm::TypeSwitch<Operation *, LaneFunction>(op)
      .Case<math::Exp2Op>([](auto) { return hostUnary<std::exp2>; })
      .Case<math::ExpM1Op>([](auto) { return hostUnary<std::expm1>; })
      .Case<math::Log1pOp>([](auto) { return hostUnary<std::log1p>; })
      .Case<math::Log2Op>([](auto) { return hostUnary<std::log2>; })
      .Case<math::Log10Op>([](auto) { return hostUnary<std::log10>; })
      .Case<math::TanOp>([](auto) { return hostUnary<std::tan>; })
      .Case<math::AtanOp>([](auto) { return hostUnary<std::atan>; })
      .Case<math::AsinOp>([](auto) { return hostUnary<std::asin>; })
      .Case<math::AcosOp>([](auto) { return hostUnary<std::acos>; })
      .Case<math::SinhOp>([](auto) { return hostUnary<std::sinh>; })
      .Case<math::CoshOp>([](auto) { return hostUnary<std::cosh>; })
      .Case<math::CbrtOp>([](auto) { return hostUnary<std::cbrt>; })
      .Case<math::PowFOp>([](auto) { return hostBinary<std::pow>; })
      .Case<math::Atan2Op>([](auto) { return hostBinary<std::atan2>; })
      .Default([](Operation *) { return LaneFunction(nullptr); });
}

LaneFunction evaluator::mathLaneFunctionOf(Operation *op) {
  return llvm::TypeSwitch<Operation *, LaneFunction>(op)
      .Case<math::ExpOp>([](auto) { return namedUnary<Unary::Exp, std::exp>; })
      .Case<math::LogOp>([](auto) { return namedUnary<Unary::Log, std::log>; })
      .Case<math::ErfOp>([](auto) { return namedUnary<Unary::Erf, std::erf>; })
      .Case<math::TanhOp>(
          [](auto) { return namedUnary<Unary::Tanh, std::tanh>; })
      .Case<math::SinOp>([](auto) { return namedUnary<Unary::Sin, std::sin>; })
      .Case<math::CosOp>([](auto) { return namedUnary<Unary::Cos, std::cos>; })
      .Case<math::RsqrtOp>(
          [](auto) { return namedUnary<Unary::Rsqrt, reciprocalRoot>; })
      .Case<math::SqrtOp>([](auto) { return hostUnary<std::sqrt>; })
      .Case<math::AbsFOp>([](auto) { return hostUnary<std::fabs>; })
      .Case<math::CeilOp>([](auto) { return hostUnary<std::ceil>; })
      .Case<math::FloorOp>([](auto) { return hostUnary<std::floor>; })
      .Case<math::TruncOp>([](auto) { return hostUnary<std::trunc>; })
      .Case<math::RoundOp>([](auto) { return hostUnary<std::round>; })
      .Case<math::RoundEvenOp>([](auto) { return hostUnary<nearestEven>; })
      .Case<math::CopySignOp>([](auto) { return hostBinary<std::copysign>; })
      .Case<math::FmaOp>([](auto) { return fusedMultiplyAdd; })
      .Case<math::AbsIOp>([](auto) { return absoluteInt; })
      .Case<math::IsNaNOp>([](auto) { return predicate<isNan>; })
      .Case<math::IsInfOp>([](auto) { return predicate<isInf>; })
      .Case<math::IsFiniteOp>([](auto) { return predicate<isFinite>; })
      .Default([](Operation *other) { return hostFunctionOf(other); });
}
