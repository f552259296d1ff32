//===- Emit.cpp - Level-0 IR in the words of array programming ------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Constants, elementwise computing, reductions and products. What only moves
// data is in EmitShape.cpp.
//
//===----------------------------------------------------------------------===//

#include "Emit.h"

#include "qc/Dialect/QC/IR/QCOps.h"

using namespace mlir;
using namespace qconnx;

RankedTensorType Emit::getType(Type element, ArrayRef<Dim> dims) {
  SmallVector<int64_t> shape;
  // Negative sizes are refused once the node is done; types have none.
  for (Dim dim : dims)
    shape.push_back(getNumber(dim) ? std::max<int64_t>(*getNumber(dim), 0)
                                   : ShapedType::kDynamic);
  return RankedTensorType::get(shape, element);
}

SmallVector<mlir::Value> Emit::getDynamicSizes(ArrayRef<Dim> dims) {
  SmallVector<Value> sizes;
  for (Dim dim : dims)
    if (!getNumber(dim))
      sizes.push_back(llvm::cast<Value>(dim));
  return sizes;
}

TypedAttr Emit::scalar(Type type, double number) {
  if (auto floatType = dyn_cast<FloatType>(type))
    return FloatAttr::get(floatType, number);
  return integer(type, int64_t(number));
}

TypedAttr Emit::integer(Type type, int64_t number) {
  if (auto floatType = dyn_cast<FloatType>(type))
    return FloatAttr::get(floatType, double(number));
  if (isa<IndexType>(type))
    return IntegerAttr::get(type, number);
  unsigned width = type.getIntOrFloatBitWidth();
  return IntegerAttr::get(type,
                          APInt(width, uint64_t(number), /*isSigned=*/true,
                                /*implicitTrunc=*/true));
}

Val Emit::constant(DenseElementsAttr elements) {
  Value value = arith::ConstantOp::create(b, loc, elements);
  return {value, math.get(elements.getType().getShape())};
}

Val Emit::splat(TypedAttr element, ArrayRef<Dim> dims) {
  RankedTensorType type = getType(element.getType(), dims);
  Value value;
  if (type.hasStaticShape()) {
    value = arith::ConstantOp::create(b, loc,
                                      DenseElementsAttr::get(type, element));
  } else {
    Value number = arith::ConstantOp::create(b, loc, element);
    value =
        tensor::SplatOp::create(b, loc, type, number, getDynamicSizes(dims));
  }
  return {value, Dims(dims)};
}

Val Emit::empty(Type element, ArrayRef<Dim> dims) {
  return {tensor::EmptyOp::create(b, loc, dims, element), Dims(dims)};
}

Val Emit::fill(TypedAttr element, ArrayRef<Dim> dims) {
  Value number = arith::ConstantOp::create(b, loc, element);
  Value init = empty(element.getType(), dims).value;
  return {linalg::FillOp::create(b, loc, number, init).getResult(0),
          Dims(dims)};
}

Value Emit::scalarOf(Dim dim, Type type) {
  if (std::optional<int64_t> number = getNumber(dim))
    return arith::ConstantOp::create(b, loc, integer(type, *number));
  Value value = llvm::cast<Value>(dim);
  if (isa<FloatType>(type)) {
    value = arith::IndexCastOp::create(b, loc, b.getI64Type(), value);
    return arith::SIToFPOp::create(b, loc, type, value);
  }
  return arith::IndexCastOp::create(b, loc, type, value);
}

Val Emit::scale(const Val &x, double factor) {
  return factor == 1 ? x : mulf(x, splatLike(x, factor));
}

Val Emit::shift(const Val &x, double summand) {
  return summand == 0 ? x : addf(x, splatLike(x, summand));
}

Val Emit::compare(arith::CmpFPredicate predicate, const Val &x, const Val &y) {
  return {arith::CmpFOp::create(b, loc, predicate, x.value, y.value), x.dims};
}

Val Emit::compare(arith::CmpIPredicate predicate, const Val &x, const Val &y) {
  return {arith::CmpIOp::create(b, loc, predicate, x.value, y.value), x.dims};
}

Val Emit::select(const Val &condition, const Val &x, const Val &y) {
  return {arith::SelectOp::create(b, loc, condition.value, x.value, y.value),
          x.dims};
}

Val Emit::notOf(const Val &x) {
  return apply<arith::XOrIOp>(x, splatLike(x, -1));
}

Val Emit::unary(StringRef function, const Val &x) {
  return {
      mlir::qc::UnaryOp::create(b, loc, x.value.getType(), function, x.value),
      x.dims};
}

Val Emit::convert(const Val &x, Type to, bool fromUnsigned, bool toUnsigned) {
  Type from = x.elementType();
  if (from == to)
    return x;
  Type type = getType(to, x.dims);
  auto make = [&](auto op) -> Val {
    return {decltype(op)::create(b, loc, type, x.value), x.dims};
  };
  unsigned fromBits = from.getIntOrFloatBitWidth();
  unsigned toBits = to.getIntOrFloatBitWidth();
  bool fromFloat = isa<FloatType>(from), toFloat = isa<FloatType>(to);
  if (to.isInteger(1)) {
    Val zero = splatLike(x, 0);
    return fromFloat ? compare(arith::CmpFPredicate::UNE, x, zero)
                     : compare(arith::CmpIPredicate::ne, x, zero);
  }
  fromUnsigned |= from.isInteger(1);
  if (fromFloat && toFloat)
    return fromBits < toBits ? make(arith::ExtFOp()) : make(arith::TruncFOp());
  if (fromFloat)
    return toUnsigned ? make(arith::FPToUIOp()) : make(arith::FPToSIOp());
  if (toFloat)
    return fromUnsigned ? make(arith::UIToFPOp()) : make(arith::SIToFPOp());
  if (fromBits > toBits)
    return make(arith::TruncIOp());
  return fromUnsigned ? make(arith::ExtUIOp()) : make(arith::ExtSIOp());
}

/// The neutral element of a reduction.
static TypedAttr getIdentity(Emit &e, Type type, Reduction kind,
                             bool isUnsigned) {
  if (kind == Reduction::Sum)
    return e.scalar(type, 0);
  if (kind == Reduction::Product)
    return e.scalar(type, 1);
  bool low = kind == Reduction::Max;
  if (auto floatType = dyn_cast<FloatType>(type))
    return FloatAttr::get(floatType,
                          APFloat::getInf(floatType.getFloatSemantics(), low));
  unsigned width = type.getIntOrFloatBitWidth();
  isUnsigned |= width == 1;
  APInt number = low ? (isUnsigned ? APInt::getMinValue(width)
                                   : APInt::getSignedMinValue(width))
                     : (isUnsigned ? APInt::getMaxValue(width)
                                   : APInt::getSignedMaxValue(width));
  return IntegerAttr::get(type, number);
}

/// One step of a reduction.
static Value combine(OpBuilder &b, Location loc, Reduction kind,
                     bool isUnsigned, Value x, Value y) {
  bool isFloat = isa<FloatType>(x.getType());
  isUnsigned |= x.getType().isInteger(1);
  switch (kind) {
  case Reduction::Sum:
    if (isFloat)
      return arith::AddFOp::create(b, loc, x, y);
    return arith::AddIOp::create(b, loc, x, y);
  case Reduction::Product:
    if (isFloat)
      return arith::MulFOp::create(b, loc, x, y);
    return arith::MulIOp::create(b, loc, x, y);
  case Reduction::Max:
    if (isFloat)
      return arith::MaximumFOp::create(b, loc, x, y);
    if (isUnsigned)
      return arith::MaxUIOp::create(b, loc, x, y);
    return arith::MaxSIOp::create(b, loc, x, y);
  case Reduction::Min:
    break;
  }
  if (isFloat)
    return arith::MinimumFOp::create(b, loc, x, y);
  if (isUnsigned)
    return arith::MinUIOp::create(b, loc, x, y);
  return arith::MinSIOp::create(b, loc, x, y);
}

Val Emit::reduce(const Val &x, ArrayRef<int64_t> axes, Reduction kind,
                 bool keep, bool isUnsigned) {
  if (axes.empty())
    return x;
  Dims kept, result;
  for (auto [axis, dim] : llvm::enumerate(x.dims)) {
    bool reduced = llvm::is_contained(axes, int64_t(axis));
    if (!reduced)
      kept.push_back(dim);
    if (!reduced || keep)
      result.push_back(reduced ? num(1) : dim);
  }
  Val init = fill(getIdentity(*this, x.elementType(), kind, isUnsigned), kept);
  auto op = linalg::ReduceOp::create(
      b, loc, x.value, init.value, axes,
      [&](OpBuilder &body, Location at, ValueRange arguments) {
        Value sum =
            combine(body, at, kind, isUnsigned, arguments[0], arguments[1]);
        linalg::YieldOp::create(body, at, sum);
      });
  return reshape({op.getResult(0), kept}, result);
}

Val Emit::mean(const Val &x, ArrayRef<int64_t> axes, bool keep) {
  Val sum = reduce(x, axes, Reduction::Sum, keep);
  Dim count = num(1);
  for (int64_t axis : axes)
    count = mul(count, x.dims[axis]);
  if (std::optional<int64_t> number = getNumber(count))
    return divf(sum, splatLike(sum, double(*number)));
  Value divisor = scalarOf(count, sum.elementType());
  Value divisors = tensor::SplatOp::create(b, loc, sum.value.getType(), divisor,
                                           getDynamicSizes(sum.dims));
  return divf(sum, {divisors, sum.dims});
}

Val Emit::map(ArrayRef<Val> operands, Type element, ScalarFn body) {
  const Dims &dims = operands.front().dims;
  SmallVector<Value> inputs;
  for (const Val &operand : operands)
    inputs.push_back(operand.value);
  SmallVector<AffineMap> maps(operands.size() + 1,
                              b.getMultiDimIdentityMap(dims.size()));
  SmallVector<utils::IteratorType> loops(dims.size(),
                                         utils::IteratorType::parallel);
  Val init = empty(element, dims);
  auto op = linalg::GenericOp::create(
      b, loc, init.value.getType(), inputs, init.value, maps, loops,
      [&](OpBuilder &inner, Location at, ValueRange arguments) {
        Value result = body(inner, at, arguments.drop_back());
        linalg::YieldOp::create(inner, at, result);
      });
  return {op.getResult(0), dims};
}

Val Emit::generate(Type element, ArrayRef<Dim> dims, ScalarFn body) {
  SmallVector<AffineMap> maps(1, b.getMultiDimIdentityMap(dims.size()));
  SmallVector<utils::IteratorType> loops(dims.size(),
                                         utils::IteratorType::parallel);
  Val init = empty(element, dims);
  auto op = linalg::GenericOp::create(
      b, loc, init.value.getType(), ValueRange(), init.value, maps, loops,
      [&](OpBuilder &inner, Location at, ValueRange) {
        SmallVector<Value> indices;
        for (size_t axis = 0; axis < dims.size(); ++axis)
          indices.push_back(linalg::IndexOp::create(inner, at, axis));
        linalg::YieldOp::create(inner, at, body(inner, at, indices));
      });
  return {op.getResult(0), Dims(dims)};
}

Val Emit::accumulate(const Val &init, ArrayRef<Dim> loops, StepFn body) {
  size_t outer = init.dims.size(), all = outer + loops.size();
  SmallVector<AffineExpr> outerExprs, innerExprs;
  for (size_t i = 0; i < all; ++i)
    (i < outer ? outerExprs : innerExprs).push_back(b.getAffineDimExpr(i));
  // An operand that is not read says how far the inner loops go.
  Val extent = empty(b.getI1Type(), loops);
  SmallVector<AffineMap> maps = {
      AffineMap::get(all, 0, innerExprs, b.getContext()),
      AffineMap::get(all, 0, outerExprs, b.getContext())};
  SmallVector<utils::IteratorType> iterators(outer,
                                             utils::IteratorType::parallel);
  iterators.resize(all, utils::IteratorType::reduction);
  auto op = linalg::GenericOp::create(
      b, loc, init.value.getType(), extent.value, init.value, maps, iterators,
      [&](OpBuilder &inner, Location at, ValueRange arguments) {
        SmallVector<Value> indices;
        for (size_t axis = 0; axis < all; ++axis)
          indices.push_back(linalg::IndexOp::create(inner, at, axis));
        Value result =
            body(inner, at, ValueRange(indices).take_front(outer),
                 ValueRange(indices).drop_front(outer), arguments[1]);
        linalg::YieldOp::create(inner, at, result);
      });
  return {op.getResult(0), init.dims};
}

Val Emit::matmulByWeight(const Val &x, const Val &y) {
  Val rows = flatten(x, 0, x.rank() - 1);
  Dims dims = {rows.dims[0], y.dims[1]};
  Val init = fill(scalar(x.elementType(), 0), dims);
  auto op =
      linalg::MatmulOp::create(b, loc, init.value.getType(),
                               ValueRange{rows.value, y.value}, init.value);
  Dims result(ArrayRef<Dim>(x.dims).drop_back());
  result.push_back(y.dims[1]);
  return reshape({op.getResult(0), dims}, result);
}

Val Emit::matmul(const Val &x, const Val &y) {
  if (y.rank() == 2)
    return matmulByWeight(x, y);
  std::optional<Dims> batch = broadcastDims(ArrayRef<Dim>(x.dims).drop_back(2),
                                            ArrayRef<Dim>(y.dims).drop_back(2));
  if (!batch)
    return {};
  auto batched = [&](const Val &operand) {
    Dims dims = *batch;
    dims.append({operand.dims[operand.rank() - 2], operand.dims.back()});
    Val full = broadcast(operand, dims);
    return batch->size() == 1 ? full : flatten(full, 0, batch->size());
  };
  Val lhs = batched(x), rhs = batched(y);
  Dims dims = {lhs.dims[0], lhs.dims[1], rhs.dims[2]};
  Val init = fill(scalar(x.elementType(), 0), dims);
  auto op = linalg::BatchMatmulOp::create(b, loc, init.value.getType(),
                                          ValueRange{lhs.value, rhs.value},
                                          init.value);
  Dims result = *batch;
  result.append({dims[1], dims[2]});
  return reshape({op.getResult(0), dims}, result);
}

std::optional<Dims> qconnx::broadcastDims(ArrayRef<Dim> a, ArrayRef<Dim> b) {
  if (a.size() < b.size())
    std::swap(a, b);
  Dims result(a);
  size_t lead = a.size() - b.size();
  for (auto [i, other] : llvm::enumerate(b)) {
    Dim &dim = result[lead + i];
    if (isEqual(dim, other) || isNumber(other, 1))
      continue;
    std::optional<int64_t> x = getNumber(dim), y = getNumber(other);
    if (x && y && *x != 1)
      return std::nullopt;
    // Of a number and a name, the number is the size; two names are equal.
    if (y || x == 1)
      dim = other;
  }
  return result;
}

Value qconnx::bodyIndex(OpBuilder &b, Location loc, int64_t number) {
  return arith::ConstantIndexOp::create(b, loc, number);
}

Value qconnx::bodyConstant(OpBuilder &b, Location loc, Type type,
                           double number) {
  if (isa<FloatType>(type))
    return arith::ConstantOp::create(b, loc, b.getFloatAttr(type, number));
  return arith::ConstantOp::create(b, loc,
                                   b.getIntegerAttr(type, int64_t(number)));
}

Value qconnx::bodyAt(OpBuilder &b, Location loc, Value tensor,
                     ValueRange indices) {
  return tensor::ExtractOp::create(b, loc, tensor, indices);
}

Value qconnx::bodySize(OpBuilder &b, Location loc, Dim dim) {
  if (std::optional<int64_t> number = getNumber(dim))
    return bodyIndex(b, loc, *number);
  return cast<Value>(dim);
}

Value qconnx::bodyWrap(OpBuilder &b, Location loc, Value integer, Dim size) {
  Value index = integer;
  if (!isa<IndexType>(index.getType()))
    index = arith::IndexCastOp::create(b, loc, b.getIndexType(), index);
  Value zero = bodyIndex(b, loc, 0), end = bodySize(b, loc, size);
  Value isNegative =
      arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, index, zero);
  Value fromEnd = arith::AddIOp::create(b, loc, index, end);
  index = arith::SelectOp::create(b, loc, isNegative, fromEnd, index);
  Value last = arith::SubIOp::create(b, loc, end, bodyIndex(b, loc, 1));
  index = arith::MinSIOp::create(b, loc, index, last);
  return arith::MaxSIOp::create(b, loc, index, zero);
}
