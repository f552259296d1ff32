//===- Reduce.cpp - Reductions, ArgMax, TopK, running sums ----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// linalg.reduce and elementwise arithmetic around it.
//
//===----------------------------------------------------------------------===//

#include "Ops.h"

using namespace mlir;
using namespace qconnx;

/// log(sum(exp(x))) with the largest element taken out.
static Val logSumExp(Emit &e, const Val &x, ArrayRef<int64_t> axes, bool keep) {
  Val peak = e.reduce(x, axes, Reduction::Max, /*keep=*/true);
  Val finite = e.apply<arith::MaximumFOp>(
      e.apply<arith::MinimumFOp>(peak, e.splatLike(peak, 3e38)),
      e.splatLike(peak, -3e38));
  Val shifted = e.subf(x, e.broadcast(finite, x.dims));
  Val sum = e.reduce(e.unary("exp", shifted), axes, Reduction::Sum,
                     /*keep=*/true);
  Val result = e.addf(e.unary("log", sum), finite);
  return keep ? result : e.reshape(result, [&] {
    Dims dims;
    for (auto [axis, dim] : llvm::enumerate(x.dims))
      if (!llvm::is_contained(axes, int64_t(axis)))
        dims.push_back(dim);
    return dims;
  }());
}

static Val reduceFloat(OnnxOp &op, const Val &x, ArrayRef<int64_t> axes,
                       bool keep) {
  Emit &e = op.e;
  StringRef name = op.node.opType;
  auto sum = [&](const Val &of) {
    return e.reduce(of, axes, Reduction::Sum, keep);
  };
  if (name == "ReduceMean")
    return e.mean(x, axes, keep);
  if (name == "ReduceL1")
    return sum(e.apply<math::AbsFOp>(x));
  if (name == "ReduceL2")
    return e.unary("sqrt", sum(e.mulf(x, x)));
  if (name == "ReduceLogSum")
    return e.unary("log", sum(x));
  if (name == "ReduceLogSumExp")
    return logSumExp(e, x, axes, keep);
  return sum(e.mulf(x, x));
}

static LogicalResult importReduce(OnnxOp &op) {
  Emit &e = op.e;
  Entry &entry = op.in(0);
  int64_t rank = entry.rank();
  SmallVector<int64_t> given = op.intsAttr("axes");
  if (op.has(1)) {
    FailureOr<SmallVector<int64_t>> input = op.intsInput(1);
    if (failed(input))
      return failure();
    given = *input;
  }
  FailureOr<SmallVector<int64_t>> axes = op.axes(given, rank);
  if (failed(axes))
    return failure();
  StringRef name = op.node.opType;
  bool keep = op.intAttr("keepdims", 1);
  // Without axes it is all of them, or none on demand.
  if (axes->empty() && !op.intAttr("noop_with_empty_axes", 0))
    llvm::append_range(*axes, llvm::seq<int64_t>(0, rank));
  llvm::sort(*axes);
  Val x = op.val(0);
  std::optional<Reduction> kind;
  if (name == "ReduceSum")
    kind = Reduction::Sum;
  else if (name == "ReduceProd")
    kind = Reduction::Product;
  else if (name == "ReduceMax")
    kind = Reduction::Max;
  else if (name == "ReduceMin")
    kind = Reduction::Min;
  if (kind) {
    op.out(0, entry.type,
           e.reduce(x, *axes, *kind, keep, isUnsigned(entry.type)));
    return success();
  }
  bool isUns = isUnsigned(entry.type), isFloat = x.isFloat();
  Type own = x.elementType();
  if (!isFloat)
    x = e.convert(x, e.b.getF32Type(), isUns);
  Val result = reduceFloat(op, x, *axes, keep);
  op.out(0, entry.type,
         isFloat ? result : e.convert(result, own, false, isUns));
  return success();
}

/// The index of the first or last extreme element along an axis.
static LogicalResult importArg(OnnxOp &op) {
  Emit &e = op.e;
  Entry &entry = op.in(0);
  Val x = op.val(0);
  FailureOr<int64_t> axis = op.axis(op.intAttr("axis", 0), x.rank());
  if (failed(axis))
    return failure();
  bool isMax = op.node.opType == "ArgMax";
  bool last = op.intAttr("select_last_index", 0);
  Val best = e.reduce(x, *axis, isMax ? Reduction::Max : Reduction::Min,
                      /*keep=*/true, isUnsigned(entry.type));
  Val all = e.broadcast(best, x.dims);
  Val isBest = x.isFloat() ? e.compare(arith::CmpFPredicate::OEQ, x, all)
                           : e.compare(arith::CmpIPredicate::eq, x, all);
  Type i64 = e.b.getI64Type();
  Val place = e.generate(
      i64, x.dims, [&](OpBuilder &b, Location at, ValueRange index) -> Value {
        return arith::IndexCastOp::create(b, at, i64, index[*axis]);
      });
  Val other = e.splatLike(place, last ? -1 : double(int64_t(1) << 40));
  op.out(0, DataType::Int64,
         e.reduce(e.select(isBest, place, other), *axis,
                  last ? Reduction::Max : Reduction::Min,
                  op.intAttr("keepdims", 1)));
  return success();
}

/// CumSum and CumProd: each element combines those before it.
static LogicalResult importRunning(OnnxOp &op) {
  Emit &e = op.e;
  Val x = op.val(0);
  FailureOr<SmallVector<int64_t>> given = op.intsInput(1);
  if (failed(given))
    return failure();
  FailureOr<int64_t> axis =
      op.axis(given->empty() ? 0 : given->front(), x.rank());
  if (failed(axis))
    return failure();
  bool exclusive = op.intAttr("exclusive", 0),
       reverse = op.intAttr("reverse", 0);
  bool isSum = op.node.opType == "CumSum";
  auto predicate =
      reverse
          ? (exclusive ? arith::CmpIPredicate::sgt : arith::CmpIPredicate::sge)
          : (exclusive ? arith::CmpIPredicate::slt : arith::CmpIPredicate::sle);
  Val result = e.accumulate(
      e.fill(e.scalar(x.elementType(), isSum ? 0 : 1), x.dims), {x.dims[*axis]},
      [&](OpBuilder &b, Location at, ValueRange index, ValueRange step,
          Value value) -> Value {
        SmallVector<Value> source(index);
        source[*axis] = step[0];
        Value next = bodyAt(b, at, x.value, source), sum;
        if (x.isFloat())
          sum = isSum ? Value(arith::AddFOp::create(b, at, value, next))
                      : Value(arith::MulFOp::create(b, at, value, next));
        else
          sum = isSum ? Value(arith::AddIOp::create(b, at, value, next))
                      : Value(arith::MulIOp::create(b, at, value, next));
        Value counts =
            arith::CmpIOp::create(b, at, predicate, step[0], index[*axis]);
        return arith::SelectOp::create(b, at, counts, sum, value);
      });
  op.out(0, op.in(0).type, result);
  return success();
}

/// x is before y in the order of TopK.
static Value isBefore(OpBuilder &b, Location at, Value x, Value y, bool largest,
                      bool isUnsigned) {
  if (isa<FloatType>(x.getType()))
    return arith::CmpFOp::create(
        b, at, largest ? arith::CmpFPredicate::OGT : arith::CmpFPredicate::OLT,
        x, y);
  using P = arith::CmpIPredicate;
  return arith::CmpIOp::create(b, at,
                               largest ? (isUnsigned ? P::ugt : P::sgt)
                                       : (isUnsigned ? P::ult : P::slt),
                               x, y);
}

/// Ranks each element by counting those before it, then picks by rank.
static LogicalResult importTopK(OnnxOp &op) {
  Emit &e = op.e;
  Val x = op.val(0);
  FailureOr<int64_t> axis = op.axis(op.intAttr("axis", -1), x.rank());
  SmallVector<int64_t> count = {op.intAttr("k", 0)};
  if (op.has(1)) {
    FailureOr<SmallVector<int64_t>> given = op.intsInput(1);
    if (failed(given))
      return failure();
    count = *given;
  }
  if (failed(axis))
    return failure();
  std::optional<int64_t> size = getNumber(x.dims[*axis]);
  if (count.size() != 1 || count[0] < 0 || (size && count[0] > *size))
    return op.fail("another k", "0 to the size of the axis");
  bool largest = op.intAttr("largest", 1);
  bool isUns = isUnsigned(op.in(0).type);
  Type i64 = e.b.getI64Type();
  Val rank = e.accumulate(
      e.fill(e.scalar(i64, 0), x.dims), {x.dims[*axis]},
      [&](OpBuilder &b, Location at, ValueRange index, ValueRange step,
          Value value) -> Value {
        SmallVector<Value> source(index);
        Value own = bodyAt(b, at, x.value, source);
        source[*axis] = step[0];
        Value other = bodyAt(b, at, x.value, source);
        Value before = isBefore(b, at, other, own, largest, isUns);
        Value after = isBefore(b, at, own, other, largest, isUns);
        Value earlier = arith::CmpIOp::create(b, at, arith::CmpIPredicate::slt,
                                              step[0], index[*axis]);
        // Equal elements keep their order.
        Value no = bodyConstant(b, at, b.getI1Type(), 0);
        Value tie = arith::SelectOp::create(b, at, after, no, earlier);
        Value counts = arith::OrIOp::create(b, at, before, tie);
        Value one = arith::ExtUIOp::create(b, at, i64, counts);
        return arith::AddIOp::create(b, at, value, one);
      });
  Dims dims = x.dims;
  dims[*axis] = e.num(count[0]);
  auto pick = [&](Type type, bool index) {
    return e.accumulate(
        e.fill(e.scalar(type, 0), dims), {x.dims[*axis]},
        [&](OpBuilder &b, Location at, ValueRange place, ValueRange step,
            Value value) -> Value {
          SmallVector<Value> source(place);
          source[*axis] = step[0];
          Value own = bodyAt(b, at, rank.value, source);
          Value wanted = arith::IndexCastOp::create(b, at, i64, place[*axis]);
          Value hits = arith::CmpIOp::create(b, at, arith::CmpIPredicate::eq,
                                             own, wanted);
          Value found =
              index ? Value(arith::IndexCastOp::create(b, at, i64, step[0]))
                    : bodyAt(b, at, x.value, source);
          return arith::SelectOp::create(b, at, hits, found, value);
        });
  };
  if (op.wants(0))
    op.out(0, op.in(0).type, pick(x.elementType(), false));
  if (op.wants(1))
    op.out(1, DataType::Int64, pick(i64, true));
  return success();
}

llvm::ArrayRef<OpInfo> qconnx::getReduceOps() {
  static const OpInfo rows[] = {{"ArgMax", 1, 1, importArg},
                                {"ArgMin", 1, 1, importArg},
                                {"CumProd", 2, 2, importRunning},
                                {"CumSum", 2, 2, importRunning},
                                {"ReduceL1", 1, 2, importReduce},
                                {"ReduceL2", 1, 2, importReduce},
                                {"ReduceLogSum", 1, 2, importReduce},
                                {"ReduceLogSumExp", 1, 2, importReduce},
                                {"ReduceMax", 1, 2, importReduce},
                                {"ReduceMean", 1, 2, importReduce},
                                {"ReduceMin", 1, 2, importReduce},
                                {"ReduceProd", 1, 2, importReduce},
                                {"ReduceSum", 1, 2, importReduce},
                                {"ReduceSumSquare", 1, 2, importReduce},
                                {"TopK", 1, 2, importTopK}};
  return rows;
}
