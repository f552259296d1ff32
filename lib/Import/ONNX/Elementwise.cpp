//===- Elementwise.cpp - Elementwise ops of several operands --------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Arithmetic, logic and comparison with broadcasting. The operands are
// broadcast first; then arith works on tensors of equal shape.
//
//===----------------------------------------------------------------------===//

#include "Ops.h"

using namespace mlir;
using namespace qconnx;

/// Remainder with the sign of the divisor, as Python has it.
static Val pythonRemainder(Emit &e, const Val &x, const Val &y) {
  Val rest = e.apply<arith::RemSIOp>(x, y);
  Val zero = e.splatLike(x, 0);
  Val isUneven = e.compare(arith::CmpIPredicate::ne, rest, zero);
  Val differs = e.compare(arith::CmpIPredicate::slt,
                          e.apply<arith::XOrIOp>(rest, y), zero);
  Val wraps = e.apply<arith::AndIOp>(isUneven, differs);
  return e.select(wraps, e.apply<arith::AddIOp>(rest, y), rest);
}

static Val remainder(OnnxOp &op, const Val &x, const Val &y, bool isUnsigned) {
  Emit &e = op.e;
  bool isC = op.intAttr("fmod", 0);
  if (x.isFloat()) {
    if (isC)
      return e.apply<arith::RemFOp>(x, y);
    Val whole = e.apply<math::FloorOp>(e.divf(x, y));
    return e.subf(x, e.mulf(whole, y));
  }
  if (isUnsigned)
    return e.apply<arith::RemUIOp>(x, y);
  return isC ? e.apply<arith::RemSIOp>(x, y) : pythonRemainder(e, x, y);
}

/// One step of Add, Max and so on; null for another op or type.
static Val combine(OnnxOp &op, const Val &x, const Val &y, bool isUnsigned) {
  Emit &e = op.e;
  StringRef name = op.node.opType;
  bool isFloat = x.isFloat();
  if (name == "Add" || name == "Sum" || name == "Mean")
    return isFloat ? e.addf(x, y) : e.apply<arith::AddIOp>(x, y);
  if (name == "Sub")
    return isFloat ? e.subf(x, y) : e.apply<arith::SubIOp>(x, y);
  if (name == "Mul")
    return isFloat ? e.mulf(x, y) : e.apply<arith::MulIOp>(x, y);
  if (name == "Div") {
    if (isFloat)
      return e.divf(x, y);
    return isUnsigned ? e.apply<arith::DivUIOp>(x, y)
                      : e.apply<arith::DivSIOp>(x, y);
  }
  if (name == "Max") {
    if (isFloat)
      return e.apply<arith::MaximumFOp>(x, y);
    return isUnsigned ? e.apply<arith::MaxUIOp>(x, y)
                      : e.apply<arith::MaxSIOp>(x, y);
  }
  if (name == "Min") {
    if (isFloat)
      return e.apply<arith::MinimumFOp>(x, y);
    return isUnsigned ? e.apply<arith::MinUIOp>(x, y)
                      : e.apply<arith::MinSIOp>(x, y);
  }
  if (name == "Mod")
    return remainder(op, x, y, isUnsigned);
  if (isFloat)
    return {};
  if (name == "And" || name == "BitwiseAnd")
    return e.apply<arith::AndIOp>(x, y);
  if (name == "Or" || name == "BitwiseOr")
    return e.apply<arith::OrIOp>(x, y);
  if (name == "Xor" || name == "BitwiseXor")
    return e.apply<arith::XOrIOp>(x, y);
  return {};
}

/// Ops of two or more operands of one type.
static LogicalResult importArithmetic(OnnxOp &op) {
  DataType type = op.in(0).type;
  FailureOr<Dims> dims = op.broadcastInputs(0, op.numInputs());
  if (failed(dims))
    return failure();
  Val result = op.valAs(0, *dims);
  for (size_t i = 1; i < op.numInputs(); ++i) {
    if (op.in(i).type != type)
      return op.fail("input " + Twine(i) + " of type " + getName(op.in(i).type),
                     getName(type));
    result = combine(op, result, op.valAs(i, *dims), isUnsigned(type));
    if (!result)
      return op.fail("type " + getName(type), "an integer type");
  }
  if (op.node.opType == "Mean")
    result = op.e.divf(result, op.e.splatLike(result, op.numInputs()));
  op.out(0, type, result);
  return success();
}

static LogicalResult importCompare(OnnxOp &op) {
  using F = arith::CmpFPredicate;
  using I = arith::CmpIPredicate;
  FailureOr<Dims> dims = op.broadcastInputs(0, 2);
  if (failed(dims))
    return failure();
  DataType type = op.in(0).type;
  if (op.in(1).type != type)
    return op.fail("types " + getName(type) + " and " + getName(op.in(1).type),
                   "equal types");
  Val x = op.valAs(0, *dims), y = op.valAs(1, *dims);
  StringRef name = op.node.opType;
  bool u = isUnsigned(type);
  F f = F::OEQ;
  I i = I::eq;
  if (name == "Less")
    f = F::OLT, i = u ? I::ult : I::slt;
  else if (name == "LessOrEqual")
    f = F::OLE, i = u ? I::ule : I::sle;
  else if (name == "Greater")
    f = F::OGT, i = u ? I::ugt : I::sgt;
  else if (name == "GreaterOrEqual")
    f = F::OGE, i = u ? I::uge : I::sge;
  op.out(0, DataType::Bool,
         x.isFloat() ? op.e.compare(f, x, y) : op.e.compare(i, x, y));
  return success();
}

/// x to a power known at import, where multiplication says it.
static Val knownPower(Emit &e, const Val &x, double power) {
  if (power == 1)
    return x;
  if (power == 2)
    return e.mulf(x, x);
  if (power == 3)
    return e.mulf(e.mulf(x, x), x);
  if (power == 0.5)
    return e.unary("sqrt", x);
  if (power == -1)
    return e.divf(e.splatLike(x, 1), x);
  return {};
}

/// Integers to the power of integers, by squaring, modulo 2^bits.
static Val integerPower(Emit &e, Val x, Val power) {
  Val result = e.splatLike(x, 1), one = result, zero = e.splatLike(x, 0);
  unsigned bits = llvm::Log2_32(x.elementType().getIntOrFloatBitWidth());
  for (unsigned bit = 0; bit < bits; ++bit) {
    Val isSet = e.compare(arith::CmpIPredicate::ne,
                          e.apply<arith::AndIOp>(power, one), zero);
    result = e.select(isSet, e.apply<arith::MulIOp>(result, x), result);
    x = e.apply<arith::MulIOp>(x, x);
    power = e.apply<arith::ShRUIOp>(power, one);
  }
  return result;
}

static LogicalResult importPow(OnnxOp &op) {
  Entry &base = op.in(0), &exponent = op.in(1);
  FailureOr<Dims> dims = op.broadcastInputs(0, 2);
  if (failed(dims))
    return failure();
  Type f32 = op.builder().getF32Type();
  Val x = op.valAs(0, *dims);
  if (base.isFloat() && exponent.known && exponent.known->size() == 1 &&
      exponent.known->isConstant()) {
    const Known &known = *exponent.known;
    double power =
        known.isFloat ? known.floats[0] : double(*getNumber(known.ints[0]));
    if (Val result = knownPower(op.e, x, power)) {
      op.out(0, base.type, result);
      return success();
    }
  }
  Val y = op.valAs(1, *dims);
  if (!base.isFloat() && !exponent.isFloat()) {
    Val same = op.e.convert(y, x.elementType(), isUnsigned(exponent.type));
    op.out(0, base.type, integerPower(op.e, x, same));
    return success();
  }
  bool isWhole = !base.isFloat();
  x = op.e.convert(x, f32, isUnsigned(base.type));
  y = op.e.convert(y, f32, isUnsigned(exponent.type));
  Val result = op.e.apply<math::PowFOp>(x, y);
  if (isWhole)
    result = op.e.convert(result, getComputeType(op.context(), base.type));
  op.out(0, base.type, result);
  return success();
}

static LogicalResult importBitShift(OnnxOp &op) {
  FailureOr<Dims> dims = op.broadcastInputs(0, 2);
  if (failed(dims))
    return failure();
  Val x = op.valAs(0, *dims), y = op.valAs(1, *dims);
  bool isLeft = op.stringAttr("direction", "") == "LEFT";
  op.out(0, op.in(0).type,
         isLeft ? op.e.apply<arith::ShLIOp>(x, y)
                : op.e.apply<arith::ShRUIOp>(x, y));
  return success();
}

static LogicalResult importWhere(OnnxOp &op) {
  FailureOr<Dims> dims = op.broadcastInputs(0, 3);
  if (failed(dims))
    return failure();
  op.out(
      0, op.in(1).type,
      op.e.select(op.valAs(0, *dims), op.valAs(1, *dims), op.valAs(2, *dims)));
  return success();
}

static LogicalResult importPRelu(OnnxOp &op) {
  FailureOr<Dims> dims = op.broadcastInputs(0, 2);
  if (failed(dims))
    return failure();
  Val x = op.valAs(0, *dims), slope = op.valAs(1, *dims);
  Val zero = op.e.splatLike(x, 0);
  if (!x.isFloat()) {
    Val below = op.e.compare(arith::CmpIPredicate::slt, x, zero);
    op.out(0, op.in(0).type,
           op.e.select(below, op.e.apply<arith::MulIOp>(x, slope), x));
    return success();
  }
  Val below = op.e.compare(arith::CmpFPredicate::OLT, x, zero);
  op.out(0, op.in(0).type, op.e.select(below, op.e.mulf(x, slope), x));
  return success();
}

/// Maximum with the lower bound, then minimum with the upper one.
static LogicalResult importClip(OnnxOp &op) {
  Entry &entry = op.in(0);
  Val x = op.val(0);
  bool u = isUnsigned(entry.type);
  auto bound = [&](size_t input, StringRef attribute, bool isLow) {
    Val limit;
    if (op.has(input))
      limit = op.valAs(input, x.dims);
    else if (op.opset < 11 && op.hasAttr(attribute))
      limit = op.e.splatLike(x, op.floatAttr(attribute, 0));
    else
      return;
    if (x.isFloat())
      x = isLow ? op.e.apply<arith::MaximumFOp>(x, limit)
                : op.e.apply<arith::MinimumFOp>(x, limit);
    else if (u)
      x = isLow ? op.e.apply<arith::MaxUIOp>(x, limit)
                : op.e.apply<arith::MinUIOp>(x, limit);
    else
      x = isLow ? op.e.apply<arith::MaxSIOp>(x, limit)
                : op.e.apply<arith::MinSIOp>(x, limit);
  };
  for (size_t i = 1; i < op.numInputs(); ++i)
    if (op.has(i) &&
        (op.in(i).type != entry.type ||
         llvm::any_of(op.in(i).dims, [](Dim d) { return !isNumber(d, 1); })))
      return op.fail("a bound of type " + getName(op.in(i).type),
                     "a scalar of " + getName(entry.type));
  bound(1, "min", /*isLow=*/true);
  bound(2, "max", /*isLow=*/false);
  op.out(0, entry.type, x);
  return success();
}

llvm::ArrayRef<OpInfo> qconnx::getElementwiseOps() {
  static const OpInfo rows[] = {{"Add", 2, 2, importArithmetic},
                                {"And", 2, 2, importArithmetic},
                                {"BitShift", 2, 2, importBitShift},
                                {"BitwiseAnd", 2, 2, importArithmetic},
                                {"BitwiseOr", 2, 2, importArithmetic},
                                {"BitwiseXor", 2, 2, importArithmetic},
                                {"Clip", 1, 3, importClip},
                                {"Div", 2, 2, importArithmetic},
                                {"Equal", 2, 2, importCompare},
                                {"Greater", 2, 2, importCompare},
                                {"GreaterOrEqual", 2, 2, importCompare},
                                {"Less", 2, 2, importCompare},
                                {"LessOrEqual", 2, 2, importCompare},
                                {"Max", 1, anyInputs, importArithmetic},
                                {"Mean", 1, anyInputs, importArithmetic},
                                {"Min", 1, anyInputs, importArithmetic},
                                {"Mod", 2, 2, importArithmetic},
                                {"Mul", 2, 2, importArithmetic},
                                {"Or", 2, 2, importArithmetic},
                                {"PRelu", 2, 2, importPRelu},
                                {"Pow", 2, 2, importPow},
                                {"Sub", 2, 2, importArithmetic},
                                {"Sum", 1, anyInputs, importArithmetic},
                                {"Where", 3, 3, importWhere},
                                {"Xor", 2, 2, importArithmetic}};
  return rows;
}
