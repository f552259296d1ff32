//===- Normalization.cpp - Norms and softmax ------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Norms over the last axes and softmax keep their meaning as qc ops; the
// others are means, variances and elementwise arithmetic.
//
//===----------------------------------------------------------------------===//

#include "Ops.h"

#include "qc/Dialect/QC/IR/QCOps.h"

using namespace mlir;
using namespace qconnx;

/// gamma / sqrt(variance + epsilon).
static Val inverseDeviation(Emit &e, const Val &gamma, const Val &variance,
                            double epsilon) {
  return e.divf(gamma, e.unary("sqrt", e.shift(variance, epsilon)));
}

static LogicalResult importBatchNormalization(OnnxOp &op) {
  Emit &e = op.e;
  Val x = op.val(0);
  if (x.rank() < 2 || !x.isFloat())
    return op.fail("an input of rank " + Twine(x.rank()),
                   "floats of rank 2 or more");
  if (op.intAttr("training_mode", 0))
    return op.fail("training_mode", "inference");
  for (size_t i = 1; i < 5; ++i)
    if (op.in(i).rank() != 1 || !op.in(i).isFloat() ||
        (getNumber(x.dims[1]) && !isEqual(op.in(i).dims[0], x.dims[1])))
      return op.fail("input " + Twine(i) + " of another size",
                     "a float for each channel");
  Val scale =
      inverseDeviation(e, op.val(1), op.val(4), op.floatAttr("epsilon", 1e-5f));
  Val shift = e.subf(op.val(2), e.mulf(op.val(3), scale));
  Value y = mlir::qc::ChannelAffineOp::create(e.b, e.loc, x.value.getType(),
                                              x.value, scale.value, shift.value,
                                              e.b.getI64IntegerAttr(1));
  op.out(0, op.in(0).type, {y, x.dims});
  return success();
}

/// (x - mean) / sqrt(variance + epsilon) over `axes`; the statistics too.
static Val normalize(Emit &e, const Val &x, ArrayRef<int64_t> axes,
                     double epsilon, Val *meanOut = nullptr,
                     Val *inverseOut = nullptr) {
  Val mean = e.mean(x, axes, /*keep=*/true);
  Val centered = e.subf(x, e.broadcast(mean, x.dims));
  Val variance = e.mean(e.mulf(centered, centered), axes, /*keep=*/true);
  Val inverse =
      inverseDeviation(e, e.splatLike(variance, 1), variance, epsilon);
  if (meanOut)
    *meanOut = mean;
  if (inverseOut)
    *inverseOut = inverse;
  return e.mulf(centered, e.broadcast(inverse, x.dims));
}

static SmallVector<int64_t> axesFrom(int64_t begin, int64_t end) {
  return llvm::to_vector(llvm::seq<int64_t>(begin, end));
}

/// A parameter of the normalized axes as a vector, or a splat.
static Val asVector(OnnxOp &op, size_t input, ArrayRef<Dim> dims, Dim size,
                    double otherwise) {
  Emit &e = op.e;
  if (!op.has(input))
    return e.splat(e.b.getF32FloatAttr(otherwise), {size});
  return e.reshape(op.valAs(input, dims), {size});
}

static LogicalResult importLayerNorm(OnnxOp &op) {
  Emit &e = op.e;
  Val x = op.val(0);
  FailureOr<int64_t> axis = op.axis(op.intAttr("axis", -1), x.rank());
  if (failed(axis))
    return failure();
  Dims inner(ArrayRef<Dim>(x.dims).drop_front(*axis));
  bool isRms = op.node.opType != "LayerNormalization";
  for (size_t i = 1; i < op.numInputs(); ++i)
    if (std::optional<Dims> dims =
            op.has(i) ? broadcastDims(inner, op.in(i).dims) : inner;
        !dims || !isEqual(*dims, inner))
      return op.fail("input " + Twine(i) + " of another size",
                     "the size of the normalized axes");
  bool fits = (!op.has(1) || op.in(1).rank() <= int64_t(inner.size())) &&
              (!op.has(2) || op.in(2).rank() <= int64_t(inner.size()));
  double epsilon = op.floatAttr("epsilon", 1e-5f);
  Dim size = e.product(inner);
  if (!x.isFloat() || !fits || !getNumber(size))
    return op.fail("an input of free or integer size",
                   "floats and a number of elements a row");
  if (op.wants(1) || op.wants(2)) {
    Val mean, inverse;
    normalize(e, x, axesFrom(*axis, x.rank()), epsilon, &mean, &inverse);
    op.out(1, op.in(0).type, mean);
    op.out(2, op.in(0).type, inverse);
  }
  Val flat = e.flatten(x, *axis, x.rank());
  Val gamma = asVector(op, 1, inner, size, 1);
  Value y;
  if (isRms) {
    y = mlir::qc::RMSNormOp::create(e.b, e.loc, flat.value.getType(),
                                    flat.value, gamma.value,
                                    e.b.getF32FloatAttr(epsilon));
  } else {
    Val beta = asVector(op, 2, inner, size, 0);
    y = mlir::qc::LayerNormOp::create(e.b, e.loc, flat.value.getType(),
                                      flat.value, gamma.value, beta.value,
                                      e.b.getF32FloatAttr(epsilon));
  }
  op.out(0, op.in(0).type, e.reshape({y, flat.dims}, x.dims));
  return success();
}

/// Whether inputs 1 and 2 have one value for each of `size`.
static bool hasScaleAndBias(OnnxOp &op, Dim size) {
  for (size_t i = 1; i < 3; ++i)
    if (op.in(i).rank() != 1 || !isEqual(op.in(i).dims[0], size))
      return false;
  return true;
}

/// A parameter for each channel, broadcast over [N, C, ...].
static Val perChannel(OnnxOp &op, size_t input, const Dims &dims) {
  Dims along(dims.size(), op.e.num(1));
  along[1] = dims[1];
  return op.e.broadcast(op.e.reshape(op.val(input), along), dims);
}

static LogicalResult importInstanceNormalization(OnnxOp &op) {
  Emit &e = op.e;
  Val x = op.val(0);
  if (x.rank() < 3 || !hasScaleAndBias(op, x.dims[1]))
    return op.fail("operands of other sizes",
                   "rank 3 or more, and a scale and bias a channel");
  Val y =
      normalize(e, x, axesFrom(2, x.rank()), op.floatAttr("epsilon", 1e-5f));
  y = e.addf(e.mulf(y, perChannel(op, 1, x.dims)), perChannel(op, 2, x.dims));
  op.out(0, op.in(0).type, y);
  return success();
}

static LogicalResult importGroupNormalization(OnnxOp &op) {
  Emit &e = op.e;
  Val x = op.val(0);
  int64_t groups = op.intAttr("num_groups", 0);
  std::optional<int64_t> channels =
      x.rank() < 2 ? std::nullopt : getNumber(x.dims[1]);
  if (!channels || groups < 1 || *channels % groups)
    return op.fail(Twine(groups) + " groups", "a divisor of the channels");
  Dims grouped = x.dims;
  grouped[1] = e.num(*channels / groups);
  grouped.insert(grouped.begin() + 1, e.num(groups));
  Val y = e.reshape(x, grouped);
  y = normalize(e, y, axesFrom(2, y.rank()), op.floatAttr("epsilon", 1e-5f));
  bool perGroup = op.opset < 21;
  if (!hasScaleAndBias(op, perGroup ? e.num(groups) : x.dims[1]))
    return op.fail("a scale or bias of another size",
                   perGroup ? "one value a group" : "one value a channel");
  if (perGroup)
    y = e.addf(e.mulf(y, perChannel(op, 1, grouped)),
               perChannel(op, 2, grouped));
  y = e.reshape(y, x.dims);
  if (!perGroup)
    y = e.addf(e.mulf(y, perChannel(op, 1, x.dims)), perChannel(op, 2, x.dims));
  op.out(0, op.in(0).type, y);
  return success();
}

static LogicalResult importMeanVariance(OnnxOp &op) {
  SmallVector<int64_t> given = op.intsAttr("axes");
  if (given.empty())
    given = {0, 2, 3};
  FailureOr<SmallVector<int64_t>> axes = op.axes(given, op.in(0).rank());
  if (failed(axes))
    return failure();
  op.out(0, op.in(0).type, normalize(op.e, op.val(0), *axes, 1e-9));
  return success();
}

Val qconnx::softmax(Emit &e, const Val &x, int64_t axis) {
  int64_t last = x.rank() - 1;
  Val moved = e.moveAxis(x, axis, last);
  Value y = mlir::qc::SoftmaxOp::create(e.b, e.loc, moved.value.getType(),
                                        moved.value);
  return e.moveAxis({y, moved.dims}, last, axis);
}

Val qconnx::logSoftmax(Emit &e, const Val &x, int64_t axis) {
  Val peak = e.reduce(x, axis, Reduction::Max, /*keep=*/true);
  Val shifted = e.subf(x, e.broadcast(peak, x.dims));
  Val sum = e.reduce(e.unary("exp", shifted), axis, Reduction::Sum,
                     /*keep=*/true);
  return e.subf(shifted, e.broadcast(e.unary("log", sum), x.dims));
}

/// One at the first maximum, zero elsewhere.
static Val hardmax(Emit &e, const Val &x, int64_t axis) {
  Val peak = e.reduce(x, axis, Reduction::Max, /*keep=*/true);
  Val isPeak =
      e.compare(arith::CmpFPredicate::OEQ, x, e.broadcast(peak, x.dims));
  Type i64 = e.b.getI64Type();
  Val place = e.generate(
      i64, x.dims, [&](OpBuilder &b, Location at, ValueRange index) -> Value {
        return arith::IndexCastOp::create(b, at, i64, index[axis]);
      });
  Val far = e.splatLike(place, double(int64_t(1) << 40));
  Val first = e.reduce(e.select(isPeak, place, far), axis, Reduction::Min,
                       /*keep=*/true);
  Val isFirst =
      e.compare(arith::CmpIPredicate::eq, place, e.broadcast(first, x.dims));
  return e.convert(isFirst, x.elementType());
}

static LogicalResult importSoftmax(OnnxOp &op) {
  Emit &e = op.e;
  Val x = op.val(0);
  bool isOld = op.opset < 13;
  FailureOr<int64_t> axis =
      op.axis(op.intAttr("axis", isOld ? 1 : -1), x.rank());
  if (failed(axis))
    return failure();
  if (!x.isFloat())
    return op.fail("type " + getName(op.in(0).type), "a float type");
  Dims dims = x.dims;
  // Before opset 13 the axes from `axis` on count as one.
  if (isOld)
    x = e.flatten(x, *axis, x.rank());
  Val y;
  if (op.node.opType == "Softmax")
    y = softmax(e, x, *axis);
  else if (op.node.opType == "LogSoftmax")
    y = logSoftmax(e, x, *axis);
  else
    y = hardmax(e, x, *axis);
  op.out(0, op.in(0).type, e.reshape(y, dims));
  return success();
}

static LogicalResult importLpNormalization(OnnxOp &op) {
  Emit &e = op.e;
  Val x = op.val(0);
  FailureOr<int64_t> axis = op.axis(op.intAttr("axis", -1), x.rank());
  if (failed(axis))
    return failure();
  bool isOne = op.intAttr("p", 2) == 1;
  Val size = isOne ? e.apply<math::AbsFOp>(x) : e.mulf(x, x);
  Val norm = e.reduce(size, *axis, Reduction::Sum, /*keep=*/true);
  if (!isOne)
    norm = e.unary("sqrt", norm);
  // A row of zeros stays one.
  Val isZero = e.compare(arith::CmpFPredicate::OEQ, norm, e.splatLike(norm, 0));
  norm = e.select(isZero, e.splatLike(norm, 1), norm);
  op.out(0, op.in(0).type, e.divf(x, e.broadcast(norm, x.dims)));
  return success();
}

/// x / (bias + alpha / size * sum of squares of neighbouring channels)^beta.
static LogicalResult importLRN(OnnxOp &op) {
  Emit &e = op.e;
  Val x = op.val(0);
  int64_t size = op.intAttr("size", 0);
  if (x.rank() < 2 || size < 1 || size > 1 << 20)
    return op.fail("size " + Twine(size), "1 or more");
  SmallVector<Dim> low(x.rank(), e.num(0)), high = low;
  low[1] = e.num((size - 1) / 2);
  high[1] = e.num(size - 1 - (size - 1) / 2);
  Val squares = e.pad(e.mulf(x, x), low, high, e.scalar(x.elementType(), 0));
  Val sum =
      e.accumulate(e.fill(e.scalar(x.elementType(), 0), x.dims), {e.num(size)},
                   [&](OpBuilder &b, Location at, ValueRange index,
                       ValueRange step, Value value) -> Value {
                     SmallVector<Value> source(index.begin(), index.end());
                     source[1] =
                         arith::AddIOp::create(b, at, source[1], step[0]);
                     Value next = bodyAt(b, at, squares.value, source);
                     return arith::AddFOp::create(b, at, value, next);
                   });
  Val base = e.shift(e.scale(sum, op.floatAttr("alpha", 1e-4f) / size),
                     op.floatAttr("bias", 1));
  Val power = e.apply<math::PowFOp>(
      base, e.splatLike(base, op.floatAttr("beta", 0.75f)));
  op.out(0, op.in(0).type, e.divf(x, power));
  return success();
}

llvm::ArrayRef<OpInfo> qconnx::getNormalizationOps() {
  static const OpInfo rows[] = {
      {"BatchNormalization", 5, 5, importBatchNormalization, 7},
      {"GroupNormalization", 3, 3, importGroupNormalization},
      {"Hardmax", 1, 1, importSoftmax},
      {"InstanceNormalization", 3, 3, importInstanceNormalization},
      {"LRN", 1, 1, importLRN},
      {"LayerNormalization", 1, 3, importLayerNorm},
      {"LogSoftmax", 1, 1, importSoftmax},
      {"LpNormalization", 1, 1, importLpNormalization},
      {"MeanVarianceNormalization", 1, 1, importMeanVariance},
      {"RMSNormalization", 1, 2, importLayerNorm},
      {"SimplifiedLayerNormalization", 1, 2, importLayerNorm},
      {"Softmax", 1, 1, importSoftmax}};
  return rows;
}
