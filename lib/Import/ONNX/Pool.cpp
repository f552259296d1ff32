//===- Pool.cpp - Pooling -------------------------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Two spatial axes become linalg's poolings; one axis is made two, three go
// through a general loop. An average divides by the elements in the window.
//
//===----------------------------------------------------------------------===//

#include "Ops.h"

using namespace mlir;
using namespace qconnx;

static Val padWith(Emit &e, const Val &x, const Window &window,
                   TypedAttr element) {
  SmallVector<Dim> low = {e.num(0), e.num(0)}, high = low;
  low.append(window.low);
  high.append(window.high);
  return e.pad(x, low, high, element);
}

/// The least value of a type, which no maximum takes.
static TypedAttr getLeast(Emit &e, Type type, bool isUns) {
  if (auto floatType = dyn_cast<FloatType>(type))
    return FloatAttr::get(floatType,
                          APFloat::getInf(floatType.getFloatSemantics(),
                                          /*Negative=*/true));
  unsigned width = type.getIntOrFloatBitWidth();
  return IntegerAttr::get(type, isUns ? APInt::getMinValue(width)
                                      : APInt::getSignedMinValue(width));
}

/// A window of any number of axes over padded input, combined in order.
static Val poolGeneral(Emit &e, const Val &padded, const Dims &dims,
                       const Window &window, bool isMax, bool isUns) {
  Type type = padded.elementType();
  Val start =
      e.fill(isMax ? getLeast(e, type, isUns) : e.scalar(type, 0), dims);
  return e.accumulate(
      start, e.math.get(window.kernel),
      [&](OpBuilder &b, Location at, ValueRange index, ValueRange step,
          Value value) -> Value {
        SmallVector<Value> source(index);
        for (auto [i, offset] : llvm::enumerate(step)) {
          Value begin = arith::MulIOp::create(
              b, at, index[i + 2], bodyIndex(b, at, window.strides[i]));
          Value inside = arith::MulIOp::create(
              b, at, offset, bodyIndex(b, at, window.dilations[i]));
          source[i + 2] = arith::AddIOp::create(b, at, begin, inside);
        }
        Value next = bodyAt(b, at, padded.value, source);
        if (!isMax && isa<FloatType>(type))
          return arith::AddFOp::create(b, at, value, next);
        if (!isMax)
          return arith::AddIOp::create(b, at, value, next);
        if (isa<FloatType>(type))
          return arith::MaximumFOp::create(b, at, value, next);
        if (isUns)
          return arith::MaxUIOp::create(b, at, value, next);
        return arith::MaxSIOp::create(b, at, value, next);
      });
}

/// The sizes of the pooled tensor.
static Dims pooledDims(Emit &e, const Val &padded, const Window &window) {
  Dims dims = {padded.dims[0], padded.dims[1]};
  for (auto [i, kernel] : llvm::enumerate(window.kernel)) {
    int64_t reach = (kernel - 1) * window.dilations[i] + 1;
    Dim span = e.sub(padded.dims[i + 2], e.num(reach));
    dims.push_back(e.add(e.math.floorDiv(e.loc, span, e.num(window.strides[i])),
                         e.num(1)));
  }
  return dims;
}

template <typename LinalgOp>
static Val createPool(Emit &e, const Val &padded, const Val &start,
                      const Window &window) {
  Value shape =
      tensor::EmptyOp::create(e.b, e.loc, window.kernel, padded.elementType());
  auto op = LinalgOp::create(
      e.b, e.loc, start.value.getType(), ValueRange{padded.value, shape},
      ValueRange{start.value}, e.b.getI64TensorAttr(window.strides),
      e.b.getI64TensorAttr(window.dilations));
  return {op.getResult(0), start.dims};
}

/// Maximum or sum over the windows of a padded tensor.
static Val poolPadded(Emit &e, const Val &padded, const Window &window,
                      bool isMax, bool isUns) {
  Dims dims = pooledDims(e, padded, window);
  Type type = padded.elementType();
  if (window.kernel.size() == 1) {
    Window wide = window;
    wide.kernel.insert(wide.kernel.begin(), 1);
    wide.strides.insert(wide.strides.begin(), 1);
    wide.dilations.insert(wide.dilations.begin(), 1);
    Dims raised = padded.dims;
    raised.insert(raised.begin() + 2, e.num(1));
    return e.reshape(
        poolPadded(e, e.reshape(padded, raised), wide, isMax, isUns), dims);
  }
  if (window.kernel.size() != 2 || (isUns && isMax))
    return poolGeneral(e, padded, dims, window, isMax, isUns);
  Val start =
      e.fill(isMax ? getLeast(e, type, isUns) : e.scalar(type, 0), dims);
  return isMax ? createPool<linalg::PoolingNchwMaxOp>(e, padded, start, window)
               : createPool<linalg::PoolingNchwSumOp>(e, padded, start, window);
}

static FailureOr<Window> readPoolWindow(OnnxOp &op, const Val &x) {
  if (x.rank() < 3)
    return op.fail("an input of rank " + Twine(x.rank()), "rank 3 or more");
  return readWindow(op, x, op.intsAttr("kernel_shape"),
                    op.intAttr("ceil_mode", 0));
}

/// The index of the largest element of each window in the whole input; ties
/// take the first.
static Val maxIndices(OnnxOp &op, const Val &x, const Val &y,
                      const Window &window) {
  Emit &e = op.e;
  Type i64 = e.b.getI64Type();
  bool columnMajor = op.intAttr("storage_order", 0);
  return e.accumulate(
      e.fill(e.scalar(i64, -1), y.dims), e.math.get(window.kernel),
      [&](OpBuilder &b, Location at, ValueRange index, ValueRange step,
          Value value) -> Value {
        SmallVector<Value> source(index);
        Value fits = bodyConstant(b, at, b.getI1Type(), 1);
        Value zero = bodyIndex(b, at, 0);
        for (auto [i, offset] : llvm::enumerate(step)) {
          Value begin = arith::MulIOp::create(
              b, at, index[i + 2], bodyIndex(b, at, window.strides[i]));
          Value inside = arith::MulIOp::create(
              b, at, offset, bodyIndex(b, at, window.dilations[i]));
          Value place = arith::AddIOp::create(b, at, begin, inside);
          place = arith::SubIOp::create(b, at, place,
                                        bodySize(b, at, window.low[i]));
          Value end = bodySize(b, at, x.dims[i + 2]);
          Value isLow = arith::CmpIOp::create(b, at, arith::CmpIPredicate::sge,
                                              place, zero);
          Value isHigh = arith::CmpIOp::create(b, at, arith::CmpIPredicate::slt,
                                               place, end);
          fits = arith::AndIOp::create(b, at, fits, isLow);
          fits = arith::AndIOp::create(b, at, fits, isHigh);
          source[i + 2] = bodyWrap(b, at, place, x.dims[i + 2]);
        }
        Value own = bodyAt(b, at, x.value, source);
        Value best = bodyAt(b, at, y.value, index);
        Value isBest = x.isFloat()
                           ? Value(arith::CmpFOp::create(
                                 b, at, arith::CmpFPredicate::OEQ, own, best))
                           : Value(arith::CmpIOp::create(
                                 b, at, arith::CmpIPredicate::eq, own, best));
        isBest = arith::AndIOp::create(b, at, isBest, fits);
        // Channels are planes of the flat index in either order.
        SmallVector<int64_t> order = {0, 1};
        SmallVector<int64_t> axes =
            llvm::to_vector(llvm::seq<int64_t>(2, x.rank()));
        if (columnMajor)
          std::reverse(axes.begin(), axes.end());
        order.append(axes);
        Value flat = zero;
        for (int64_t axis : order) {
          flat =
              arith::MulIOp::create(b, at, flat, bodySize(b, at, x.dims[axis]));
          flat = arith::AddIOp::create(b, at, flat, source[axis]);
        }
        Value place = arith::IndexCastOp::create(b, at, i64, flat);
        Value isNew = arith::CmpIOp::create(b, at, arith::CmpIPredicate::slt,
                                            value, bodyConstant(b, at, i64, 0));
        Value takes = arith::AndIOp::create(b, at, isBest, isNew);
        return arith::SelectOp::create(b, at, takes, place, value);
      });
}

static LogicalResult importMaxPool(OnnxOp &op) {
  Emit &e = op.e;
  Val x = op.val(0);
  FailureOr<Window> window = readPoolWindow(op, x);
  if (failed(window))
    return failure();
  bool isUns = isUnsigned(op.in(0).type);
  Val padded = padWith(e, x, *window, getLeast(e, x.elementType(), isUns));
  Val y = poolPadded(e, padded, *window, /*isMax=*/true, isUns);
  op.out(0, op.in(0).type, y);
  if (op.wants(1))
    op.out(1, DataType::Int64, maxIndices(op, x, y, *window));
  return success();
}

/// How many elements of an axis of `size` each window covers, counting
/// declared padding where `countPads`.
static SmallVector<int64_t> countCovered(int64_t size, int64_t low,
                                         int64_t declaredHigh, int64_t outputs,
                                         int64_t kernel, int64_t stride,
                                         int64_t dilation, bool countPads) {
  SmallVector<int64_t> counts;
  int64_t first = countPads ? -low : 0;
  int64_t last = countPads ? size + declaredHigh : size;
  for (int64_t i = 0; i < outputs; ++i) {
    int64_t count = 0;
    for (int64_t k = 0; k < kernel; ++k) {
      int64_t place = i * stride - low + k * dilation;
      count += place >= first && place < last;
    }
    counts.push_back(std::max<int64_t>(count, 1));
  }
  return counts;
}

/// The divisors of an average over clipped windows, as [O1, O2, ...].
static FailureOr<Val> averageDivisors(OnnxOp &op, const Val &x, const Val &sum,
                                      const Window &window, bool countPads) {
  Emit &e = op.e;
  SmallVector<int64_t> pads = op.intsAttr("pads");
  size_t axes = window.kernel.size();
  SmallVector<int64_t> shape;
  SmallVector<float> divisors = {1};
  for (size_t i = 0; i < axes; ++i) {
    std::optional<int64_t> size = getNumber(x.dims[i + 2]),
                           low = getNumber(window.low[i]),
                           high = getNumber(window.high[i]),
                           outputs = getNumber(sum.dims[i + 2]);
    if (!size || !low || !high || !outputs)
      return op.fail("clipped windows on an axis of free size",
                     "a number, or --shape");
    if (*outputs > 1 << 16 || window.kernel[i] > 1 << 12)
      return op.fail("an image of " + Twine(*outputs) + " windows of " +
                         Twine(window.kernel[i]),
                     "at most 2^16 of 2^12");
    // Padding that ceil_mode added is never counted.
    int64_t declared = pads.size() == 2 * axes ? pads[axes + i] : *high;
    SmallVector<float> next;
    for (float before : divisors)
      for (int64_t count :
           countCovered(*size, *low, declared, *outputs, window.kernel[i],
                        window.strides[i], window.dilations[i], countPads))
        next.push_back(before * count);
    divisors = std::move(next);
    shape.push_back(*outputs);
    if (divisors.size() > 1 << 20)
      return op.fail("an image above 2^20 elements", "a smaller one");
  }
  auto type = RankedTensorType::get(shape, e.b.getF32Type());
  return e.constant(DenseElementsAttr::get(type, ArrayRef<float>(divisors)));
}

FailureOr<Val> qconnx::averagePool(OnnxOp &op, const Val &x) {
  Emit &e = op.e;
  FailureOr<Window> window = readPoolWindow(op, x);
  if (failed(window))
    return failure();
  if (!x.isFloat())
    return op.fail("type " + getName(op.in(0).type), "a float type");
  Val padded = padWith(e, x, *window, e.scalar(x.elementType(), 0));
  Val sum = poolPadded(e, padded, *window, /*isMax=*/false, /*isUns=*/false);
  bool countPads = op.intAttr("count_include_pad", 0);
  if (isEqual(padded.dims, x.dims) ||
      (countPads && !op.intAttr("ceil_mode", 0))) {
    double size = 1;
    for (int64_t kernel : window->kernel)
      size *= double(kernel);
    return e.divf(sum, e.splatLike(sum, size));
  }
  FailureOr<Val> divisors = averageDivisors(op, x, sum, *window, countPads);
  if (failed(divisors))
    return failure();
  return e.divf(sum, e.broadcast(*divisors, sum.dims));
}

static LogicalResult importAveragePool(OnnxOp &op) {
  FailureOr<Val> y = averagePool(op, op.val(0));
  if (failed(y))
    return failure();
  op.out(0, op.in(0).type, *y);
  return success();
}

/// |x|^p for the order of a norm.
static Val absPower(Emit &e, const Val &x, double p) {
  Val size = e.apply<math::AbsFOp>(x);
  if (p == 1)
    return size;
  if (p == 2)
    return e.mulf(x, x);
  return e.apply<math::PowFOp>(size, e.splatLike(size, p));
}

static Val rootOf(Emit &e, const Val &x, double p) {
  if (p == 1)
    return x;
  if (p == 2)
    return e.unary("sqrt", x);
  return e.apply<math::PowFOp>(x, e.splatLike(x, 1 / p));
}

static LogicalResult importLpPool(OnnxOp &op) {
  Emit &e = op.e;
  Val x = op.val(0);
  FailureOr<Window> window = readPoolWindow(op, x);
  if (failed(window))
    return failure();
  double p = op.intAttr("p", 2);
  Val powers = absPower(e, x, p);
  Val padded = padWith(e, powers, *window, e.scalar(x.elementType(), 0));
  Val sum = poolPadded(e, padded, *window, /*isMax=*/false, false);
  op.out(0, op.in(0).type, rootOf(e, sum, p));
  return success();
}

/// Maximum or sum over the whole image of known size.
static Val poolWhole(Emit &e, const Val &x, ArrayRef<int64_t> sizes,
                     bool isMax) {
  Window window;
  window.kernel.assign(sizes.begin(), sizes.end());
  window.strides.assign(sizes.size(), 1);
  window.dilations.assign(sizes.size(), 1);
  window.low.assign(sizes.size(), e.num(0));
  window.high = window.low;
  return poolPadded(e, x, window, isMax, /*isUns=*/false);
}

Val qconnx::globalAverage(Emit &e, const Val &x) {
  std::optional<SmallVector<int64_t>> sizes =
      getNumbers(ArrayRef<Dim>(x.dims).drop_front(2));
  double count = 1;
  for (int64_t size : sizes.value_or(SmallVector<int64_t>()))
    count *= double(size);
  if (!sizes || count == 0)
    return e.mean(x, llvm::to_vector(llvm::seq<int64_t>(2, x.rank())),
                  /*keep=*/true);
  Val sum = poolWhole(e, x, *sizes, /*isMax=*/false);
  return e.divf(sum, e.splatLike(sum, count));
}

/// The window is the whole image.
static LogicalResult importGlobalPool(OnnxOp &op) {
  Emit &e = op.e;
  Val x = op.val(0);
  if (x.rank() < 3 || !x.isFloat())
    return op.fail("an input of rank " + Twine(x.rank()),
                   "floats of rank 3 or more");
  StringRef name = op.node.opType;
  if (name == "GlobalAveragePool") {
    op.out(0, op.in(0).type, globalAverage(e, x));
    return success();
  }
  bool isMax = name == "GlobalMaxPool";
  double p = op.intAttr("p", 2);
  if (name == "GlobalLpPool")
    x = absPower(e, x, p);
  std::optional<SmallVector<int64_t>> sizes =
      getNumbers(ArrayRef<Dim>(x.dims).drop_front(2));
  Val y;
  if (sizes && !llvm::is_contained(*sizes, 0))
    y = poolWhole(e, x, *sizes, isMax);
  else
    y = e.reduce(x, llvm::to_vector(llvm::seq<int64_t>(2, x.rank())),
                 isMax ? Reduction::Max : Reduction::Sum, /*keep=*/true);
  op.out(0, op.in(0).type, name == "GlobalLpPool" ? rootOf(e, y, p) : y);
  return success();
}

llvm::ArrayRef<OpInfo> qconnx::getPoolOps() {
  static const OpInfo rows[] = {{"AveragePool", 1, 1, importAveragePool},
                                {"GlobalAveragePool", 1, 1, importGlobalPool},
                                {"GlobalLpPool", 1, 1, importGlobalPool},
                                {"GlobalMaxPool", 1, 1, importGlobalPool},
                                {"LpPool", 1, 1, importLpPool},
                                {"MaxPool", 1, 1, importMaxPool}};
  return rows;
}
