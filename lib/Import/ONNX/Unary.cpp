//===- Unary.cpp - Elementwise ops of one operand -------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Functions that Numerics describes become qc.unary; the others are written
// with them and with arith.
//
//===----------------------------------------------------------------------===//

#include "Ops.h"

#include <cmath>

using namespace mlir;
using namespace qconnx;

namespace {
using FloatFn = Val (*)(OnnxOp &, const Val &);
struct FloatRow {
  const char *name;
  FloatFn function;
};
} // namespace

/// sqrt(x * x + summand).
static Val hypotenuse(Emit &e, const Val &x, double summand) {
  return e.unary("sqrt", e.shift(e.mulf(x, x), summand));
}

static Val maximum(Emit &e, const Val &x, double bound) {
  return e.apply<arith::MaximumFOp>(x, e.splatLike(x, bound));
}

static Val minimum(Emit &e, const Val &x, double bound) {
  return e.apply<arith::MinimumFOp>(x, e.splatLike(x, bound));
}

static Val hardSigmoid(Emit &e, const Val &x, double alpha, double beta) {
  return minimum(e, maximum(e, e.shift(e.scale(x, alpha), beta), 0), 1);
}

/// alpha * (exp(x / over) - 1).
static Val expMinusOne(Emit &e, const Val &x, double alpha, double over) {
  Val power = over == 1 ? x : e.divf(x, e.splatLike(x, over));
  return e.scale(e.shift(e.unary("exp", power), -1), alpha);
}

static Val isLess(Emit &e, const Val &x, double bound) {
  return e.compare(arith::CmpFPredicate::OLT, x, e.splatLike(x, bound));
}

static Val isGreater(Emit &e, const Val &x, double bound) {
  return e.compare(arith::CmpFPredicate::OGT, x, e.splatLike(x, bound));
}

static Val elu(OnnxOp &op, const Val &x) {
  Val negative = expMinusOne(op.e, x, op.floatAttr("alpha", 1), 1);
  return op.e.select(isLess(op.e, x, 0), negative, x);
}

static Val celu(OnnxOp &op, const Val &x) {
  double alpha = op.floatAttr("alpha", 1);
  Val negative = minimum(op.e, expMinusOne(op.e, x, alpha, alpha), 0);
  return op.e.addf(maximum(op.e, x, 0), negative);
}

static Val selu(OnnxOp &op, const Val &x) {
  double alpha = op.floatAttr("alpha", 1.67326319217681884765625f);
  double gamma = op.floatAttr("gamma", 1.05070102214813232421875f);
  Val negative = expMinusOne(op.e, x, alpha, 1);
  return op.e.scale(op.e.select(isGreater(op.e, x, 0), x, negative), gamma);
}

static Val shrink(OnnxOp &op, const Val &x) {
  double lambda = op.floatAttr("lambd", 0.5), bias = op.floatAttr("bias", 0);
  Val zero = op.e.splatLike(x, 0);
  Val high =
      op.e.select(isGreater(op.e, x, lambda), op.e.shift(x, -bias), zero);
  return op.e.select(isLess(op.e, x, -lambda), op.e.shift(x, bias), high);
}

static Val sign(OnnxOp &op, const Val &x) {
  Val zero = op.e.splatLike(x, 0);
  Val positive = op.e.select(isGreater(op.e, x, 0), op.e.splatLike(x, 1), zero);
  return op.e.select(isLess(op.e, x, 0), op.e.splatLike(x, -1), positive);
}

static Val isInf(OnnxOp &op, const Val &x) {
  bool positive = op.intAttr("detect_positive", 1);
  bool negative = op.intAttr("detect_negative", 1);
  double inf = INFINITY;
  auto equals = [&](double bound) {
    return op.e.compare(arith::CmpFPredicate::OEQ, x, op.e.splatLike(x, bound));
  };
  if (positive && negative)
    return op.e.apply<arith::OrIOp>(equals(inf), equals(-inf));
  if (!positive && !negative)
    return op.e.splat(op.e.integer(op.builder().getI1Type(), 0), x.dims);
  return equals(positive ? inf : -inf);
}

/// atan by two steps of halving the angle and a polynomial; |error| < 2e-7.
static Val atan(Emit &e, const Val &input) {
  // Squares stay finite; atan(1e9) is atan(inf) in f32.
  Val x = maximum(e, minimum(e, input, 1e9), -1e9);
  Val half = e.divf(x, e.shift(hypotenuse(e, x, 1), 1));
  Val y = e.divf(half, e.shift(hypotenuse(e, half, 1), 1));
  Val square = e.mulf(y, y), sum = e.splatLike(y, 1.0 / 15);
  for (int power = 13; power >= 1; power -= 2) {
    // The signs of the series alternate, so each term is subtracted.
    sum = e.subf(e.splatLike(y, 1.0 / power), e.mulf(sum, square));
  }
  return e.scale(e.mulf(y, sum), 4);
}

/// asin(x) = 2 atan(x / (1 + sqrt(1 - x * x))).
static Val asin(Emit &e, const Val &x) {
  Val root =
      e.unary("sqrt", e.mulf(e.subf(e.splatLike(x, 1), x), e.shift(x, 1)));
  return e.scale(atan(e, e.divf(x, e.shift(root, 1))), 2);
}

static Val atanh(Emit &e, const Val &x) {
  Val ratio = e.divf(e.shift(x, 1), e.subf(e.splatLike(x, 1), x));
  return e.scale(e.unary("log", ratio), 0.5);
}

/// (exp(x) + sign * exp(-x)) / 2.
static Val hyperbolic(Emit &e, const Val &x, double sign) {
  Val other = e.scale(e.unary("exp", e.apply<arith::NegFOp>(x)), sign);
  return e.scale(e.addf(e.unary("exp", x), other), 0.5);
}

static Val gelu(OnnxOp &op, const Val &x) {
  bool isTanh = op.stringAttr("approximate", "none") == "tanh";
  return op.e.unary(isTanh ? "gelu_tanh" : "gelu", x);
}

static const FloatRow floatRows[] = {
    {"Abs",
     [](OnnxOp &op, const Val &x) { return op.e.apply<math::AbsFOp>(x); }},
    {"Acos",
     [](OnnxOp &op, const Val &x) {
       return op.e.subf(op.e.splatLike(x, M_PI_2), asin(op.e, x));
     }},
    {"Acosh",
     [](OnnxOp &op, const Val &x) {
       return op.e.unary("log", op.e.addf(x, hypotenuse(op.e, x, -1)));
     }},
    {"Asin", [](OnnxOp &op, const Val &x) { return asin(op.e, x); }},
    {"Asinh",
     [](OnnxOp &op, const Val &x) {
       return op.e.unary("log", op.e.addf(x, hypotenuse(op.e, x, 1)));
     }},
    {"Atan", [](OnnxOp &op, const Val &x) { return atan(op.e, x); }},
    {"Atanh", [](OnnxOp &op, const Val &x) { return atanh(op.e, x); }},
    {"Ceil",
     [](OnnxOp &op, const Val &x) { return op.e.apply<math::CeilOp>(x); }},
    {"Celu", celu},
    {"Cos", [](OnnxOp &op, const Val &x) { return op.e.unary("cos", x); }},
    {"Cosh", [](OnnxOp &op, const Val &x) { return hyperbolic(op.e, x, 1); }},
    {"Elu", elu},
    {"Erf", [](OnnxOp &op, const Val &x) { return op.e.unary("erf", x); }},
    {"Exp", [](OnnxOp &op, const Val &x) { return op.e.unary("exp", x); }},
    {"Floor",
     [](OnnxOp &op, const Val &x) { return op.e.apply<math::FloorOp>(x); }},
    {"Gelu", gelu},
    {"HardSigmoid",
     [](OnnxOp &op, const Val &x) {
       return hardSigmoid(op.e, x, op.floatAttr("alpha", 0.2f),
                          op.floatAttr("beta", 0.5f));
     }},
    {"HardSwish",
     [](OnnxOp &op, const Val &x) {
       return op.e.mulf(x, hardSigmoid(op.e, x, 1.0 / 6, 0.5));
     }},
    {"IsInf", isInf},
    {"IsNaN",
     [](OnnxOp &op, const Val &x) {
       return op.e.compare(arith::CmpFPredicate::UNO, x, x);
     }},
    {"LeakyRelu",
     [](OnnxOp &op, const Val &x) {
       Val scaled = op.e.scale(x, op.floatAttr("alpha", 0.01f));
       return op.e.select(isLess(op.e, x, 0), scaled, x);
     }},
    {"Log", [](OnnxOp &op, const Val &x) { return op.e.unary("log", x); }},
    {"Mish",
     [](OnnxOp &op, const Val &x) {
       return op.e.mulf(x, op.e.unary("tanh", op.e.unary("softplus", x)));
     }},
    {"Neg",
     [](OnnxOp &op, const Val &x) { return op.e.apply<arith::NegFOp>(x); }},
    {"Reciprocal",
     [](OnnxOp &op, const Val &x) {
       return op.e.divf(op.e.splatLike(x, 1), x);
     }},
    {"Relu", [](OnnxOp &op, const Val &x) { return maximum(op.e, x, 0); }},
    {"Round",
     [](OnnxOp &op, const Val &x) { return op.e.apply<math::RoundEvenOp>(x); }},
    {"Selu", selu},
    {"Shrink", shrink},
    {"Sigmoid",
     [](OnnxOp &op, const Val &x) { return op.e.unary("sigmoid", x); }},
    {"Sign", sign},
    {"Sin", [](OnnxOp &op, const Val &x) { return op.e.unary("sin", x); }},
    {"Sinh", [](OnnxOp &op, const Val &x) { return hyperbolic(op.e, x, -1); }},
    {"Softplus",
     [](OnnxOp &op, const Val &x) { return op.e.unary("softplus", x); }},
    {"Softsign",
     [](OnnxOp &op, const Val &x) {
       return op.e.divf(x, op.e.shift(op.e.apply<math::AbsFOp>(x), 1));
     }},
    {"Sqrt", [](OnnxOp &op, const Val &x) { return op.e.unary("sqrt", x); }},
    {"Swish",
     [](OnnxOp &op, const Val &x) {
       double alpha = op.floatAttr("alpha", 1);
       if (alpha == 1)
         return op.e.unary("silu", x);
       return op.e.mulf(x, op.e.unary("sigmoid", op.e.scale(x, alpha)));
     }},
    {"Tan",
     [](OnnxOp &op, const Val &x) {
       return op.e.divf(op.e.unary("sin", x), op.e.unary("cos", x));
     }},
    {"Tanh", [](OnnxOp &op, const Val &x) { return op.e.unary("tanh", x); }},
    {"ThresholdedRelu",
     [](OnnxOp &op, const Val &x) {
       Val passes = isGreater(op.e, x, op.floatAttr("alpha", 1));
       return op.e.select(passes, x, op.e.splatLike(x, 0));
     }},
    {"ai.onnx.ml.Binarizer",
     [](OnnxOp &op, const Val &x) {
       Val above = isGreater(op.e, x, op.floatAttr("threshold", 0));
       return op.e.convert(above, x.elementType());
     }},
};

/// The ops that integers have too.
static FailureOr<Val> importInteger(OnnxOp &op, const Val &x, bool isUnsigned) {
  Emit &e = op.e;
  StringRef name = op.node.opType;
  Val zero = e.splatLike(x, 0);
  if (name == "Abs" || name == "Relu") {
    if (isUnsigned)
      return x;
    Val other = name == "Relu" ? zero : e.apply<arith::SubIOp>(zero, x);
    return e.apply<arith::MaxSIOp>(x, other);
  }
  if (name == "Neg")
    return e.apply<arith::SubIOp>(zero, x);
  if (name == "Sign") {
    Val one = e.splatLike(x, 1);
    if (isUnsigned)
      return e.apply<arith::MinUIOp>(x, one);
    return e.apply<arith::MaxSIOp>(e.apply<arith::MinSIOp>(x, one),
                                   e.splatLike(x, -1));
  }
  if (name == "Shrink" || name == "ThresholdedRelu") {
    Type f32 = op.builder().getF32Type();
    for (const FloatRow &row : floatRows)
      if (name == row.name)
        return e.convert(row.function(op, e.convert(x, f32, isUnsigned)),
                         x.elementType(), false, isUnsigned);
  }
  return failure();
}

static LogicalResult importUnary(OnnxOp &op) {
  Entry &entry = op.in(0);
  Val x = op.val(0);
  if (!entry.isFloat()) {
    FailureOr<Val> result = importInteger(op, x, isUnsigned(entry.type));
    if (failed(result))
      return op.fail("type " + getName(entry.type), "a float type");
    op.out(0, entry.type, *result);
    return success();
  }
  std::string name = op.node.domain.empty()
                         ? op.node.opType
                         : op.node.domain + "." + op.node.opType;
  for (const FloatRow &row : floatRows) {
    if (name != row.name)
      continue;
    Val result = row.function(op, x);
    op.out(0, result.isFloat() ? entry.type : DataType::Bool, result);
    return success();
  }
  return op.fail("no such function", "a unary op");
}

static LogicalResult importNot(OnnxOp &op) {
  op.out(0, op.in(0).type, op.e.notOf(op.val(0)));
  return success();
}

/// Rounds an f32 to the values of a smaller float type.
static Val roundTo(OnnxOp &op, const Val &x, DataType type) {
  if (type != DataType::Float16 && type != DataType::BFloat16)
    return x;
  Val small = op.e.convert(x, getBorderType(op.context(), type));
  return op.e.convert(small, x.elementType());
}

static LogicalResult castTo(OnnxOp &op, DataType to) {
  Entry &from = op.in(0);
  Type type = getComputeType(op.context(), to);
  if (!type || getBitWidth(to) < 8)
    return op.fail("a cast to " + getName(to), "a type that can be imported");
  if (from.type == to) {
    op.out(0, from);
    return success();
  }
  Val x = op.val(0);
  bool unsignedFrom = isUnsigned(from.type), unsignedTo = isUnsigned(to);
  // Narrow integers go through i32, so that they wrap as in C.
  if (from.isFloat() && isInteger(to) && getBitWidth(to) < 32)
    x = op.e.convert(x, op.builder().getI32Type());
  Val result = op.e.convert(x, type, unsignedFrom, unsignedTo);
  bool narrows = !from.isFloat() || from.type == DataType::Float ||
                 from.type == DataType::Double || to == DataType::BFloat16;
  op.out(0, to, narrows ? roundTo(op, result, to) : result);
  return success();
}

static LogicalResult importCast(OnnxOp &op) {
  return castTo(op, static_cast<DataType>(op.intAttr("to", 0)));
}

static LogicalResult importCastLike(OnnxOp &op) {
  return castTo(op, op.in(1).type);
}

static LogicalResult importIdentity(OnnxOp &op) {
  op.out(0, op.in(0));
  return success();
}

/// Inference: the input, and a mask of all true.
static LogicalResult importDropout(OnnxOp &op) {
  if (op.has(2)) {
    FailureOr<SmallVector<int64_t>> training = op.intsInput(2);
    if (failed(training))
      return failure();
    double ratio = 0.5;
    if (op.has(1)) {
      FailureOr<std::vector<double>> given = op.floatsInput(1);
      if (failed(given))
        return failure();
      ratio = given->empty() ? 0.5 : given->front();
    }
    if (!training->empty() && training->front() && ratio != 0)
      return op.fail("training_mode", "inference");
  }
  op.out(0, op.in(0));
  if (op.wants(1)) {
    Type i1 = op.builder().getI1Type();
    op.out(1, op.opset < 10 ? op.in(0).type : DataType::Bool,
           op.e.splat(op.e.integer(i1, 1), op.in(0).dims));
  }
  return success();
}

llvm::ArrayRef<OpInfo> qconnx::getUnaryOps() {
  static const std::vector<OpInfo> rows = [] {
    std::vector<OpInfo> ops = {
        {"Not", 1, 1, importNot},           {"BitwiseNot", 1, 1, importNot},
        {"Cast", 1, 1, importCast},         {"CastLike", 2, 2, importCastLike},
        {"Identity", 1, 1, importIdentity}, {"Dropout", 1, 3, importDropout}};
    for (const FloatRow &row : floatRows)
      ops.push_back({row.name, 1, 1, importUnary});
    return ops;
  }();
  return rows;
}
