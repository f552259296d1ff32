//===- Convolution.cpp - Conv and its windows -----------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Convolutions of one and two spatial axes become linalg's 2-D ops, three axes
// the 3-D one. Padding is tensor.pad in front; the bias is the initial value.
//
//===----------------------------------------------------------------------===//

#include "Ops.h"

using namespace mlir;
using namespace qconnx;

/// Padding so that the output has ceil(size / stride) elements.
static void padLikeInput(OnnxOp &op, const Dims &spatial, Window &window,
                         bool isUpper) {
  Emit &e = op.e;
  for (auto [i, size] : llvm::enumerate(spatial)) {
    int64_t stride = window.strides[i];
    int64_t reach = (window.kernel[i] - 1) * window.dilations[i] + 1;
    Dim count = e.math.ceilDiv(e.loc, size, e.num(stride));
    Dim needed =
        e.add(e.mul(e.sub(count, e.num(1)), e.num(stride)), e.num(reach));
    Dim total = e.math.max(e.loc, e.sub(needed, size), e.num(0));
    Dim half = e.math.floorDiv(e.loc, total, e.num(2));
    Dim other = e.sub(total, half);
    window.low.push_back(isUpper ? half : other);
    window.high.push_back(isUpper ? other : half);
  }
}

/// With ceil_mode a last window may begin inside the input or its padding and
/// reach past its end.
static void roundUp(OnnxOp &op, const Dims &spatial, Window &window) {
  Emit &e = op.e;
  for (auto [i, size] : llvm::enumerate(spatial)) {
    int64_t stride = window.strides[i];
    int64_t reach = (window.kernel[i] - 1) * window.dilations[i] + 1;
    Dim begins = e.add(size, window.low[i]);
    Dim span = e.sub(e.add(begins, window.high[i]), e.num(reach));
    Dim steps = e.math.ceilDiv(e.loc, span, e.num(stride));
    // The last window starts before the padding at the end.
    Dim last = e.math.floorDiv(e.loc, e.sub(begins, e.num(1)), e.num(stride));
    steps = e.math.min(e.loc, steps, last);
    Dim extra = e.sub(e.mul(steps, e.num(stride)), span);
    extra = e.math.max(e.loc, extra, e.num(0));
    window.high[i] = e.add(window.high[i], extra);
  }
}

FailureOr<Window> qconnx::readWindow(OnnxOp &op, const Val &x,
                                     ArrayRef<int64_t> kernel, bool ceilMode) {
  int64_t axes = x.rank() - 2;
  Window window;
  window.kernel = llvm::to_vector(kernel);
  window.strides = op.intsAttr("strides");
  window.dilations = op.intsAttr("dilations");
  if (window.strides.empty())
    window.strides.assign(axes, 1);
  if (window.dilations.empty())
    window.dilations.assign(axes, 1);
  SmallVector<int64_t> pads = op.intsAttr("pads");
  std::string automatic = op.stringAttr("auto_pad", "NOTSET");
  bool isSame = automatic == "SAME_UPPER" || automatic == "SAME_LOWER";
  if (pads.empty() || automatic == "VALID")
    pads.assign(2 * axes, 0);
  if (int64_t(kernel.size()) != axes ||
      int64_t(window.strides.size()) != axes ||
      int64_t(window.dilations.size()) != axes ||
      int64_t(pads.size()) != 2 * axes)
    return op.fail("kernel_shape, strides, dilations or pads of other length",
                   Twine(axes) + " spatial axes");
  constexpr int64_t limit = 1 << 20;
  for (ArrayRef<int64_t> list :
       {ArrayRef(window.kernel), ArrayRef(window.strides),
        ArrayRef(window.dilations)})
    for (int64_t number : list)
      if (number < 1 || number > limit)
        return op.fail("kernel, stride or dilation " + Twine(number),
                       "1 to " + Twine(limit));
  for (int64_t number : pads)
    if (number < 0 || number > limit)
      return op.fail("padding " + Twine(number), "0 to " + Twine(limit));
  Dims spatial(ArrayRef<Dim>(x.dims).drop_front(2));
  if (isSame) {
    padLikeInput(op, spatial, window, automatic == "SAME_UPPER");
  } else {
    for (int64_t i = 0; i < axes; ++i) {
      window.low.push_back(op.e.num(pads[i]));
      window.high.push_back(op.e.num(pads[axes + i]));
    }
  }
  for (int64_t i = 0; i < axes; ++i) {
    std::optional<int64_t> size = getNumber(
        op.e.add(op.e.add(spatial[i], window.low[i]), window.high[i]));
    int64_t reach = (window.kernel[i] - 1) * window.dilations[i] + 1;
    if (size && *size < reach)
      return op.fail("a window of " + Twine(reach) + " elements",
                     "at most " + Twine(*size) + ", the padded input");
  }
  if (ceilMode && !isSame)
    roundUp(op, spatial, window);
  return window;
}

/// The sizes after the window has moved over padded spatial axes.
static Dims slide(Emit &e, const Val &padded, const Window &window) {
  Dims dims;
  for (auto [i, kernel] : llvm::enumerate(window.kernel)) {
    int64_t reach = (kernel - 1) * window.dilations[i] + 1;
    Dim span = e.sub(padded.dims[i + 2], e.num(reach));
    Dim steps = e.math.floorDiv(e.loc, span, e.num(window.strides[i]));
    dims.push_back(e.add(steps, e.num(1)));
  }
  return dims;
}

/// Pads the spatial axes of [N, C, ...] with zeros.
static Val padSpatial(Emit &e, const Val &x, const Window &window) {
  SmallVector<Dim> low = {e.num(0), e.num(0)}, high = low;
  low.append(window.low);
  high.append(window.high);
  return e.pad(x, low, high, e.scalar(x.elementType(), 0));
}

/// The bias along axis 1 of `dims`, or zeros.
static Val startValue(Emit &e, const Val &bias, Type type, const Dims &dims) {
  if (!bias)
    return e.fill(e.scalar(type, 0), dims);
  Dims along(dims.size(), e.num(1));
  along[1] = dims[1];
  return e.broadcast(e.reshape(bias, along), dims);
}

/// Adds a spatial axis of one to a 1-D convolution.
static FailureOr<Val> convolveRow(OnnxOp &op, const Val &x, const Val &filter,
                                  const Val &bias, const Window &window,
                                  int64_t groups) {
  Emit &e = op.e;
  auto raise = [&](const Val &value) {
    Dims dims = value.dims;
    dims.insert(dims.begin() + 2, e.num(1));
    return e.reshape(value, dims);
  };
  Window raised = window;
  raised.kernel.insert(raised.kernel.begin(), 1);
  raised.strides.insert(raised.strides.begin(), 1);
  raised.dilations.insert(raised.dilations.begin(), 1);
  raised.low.insert(raised.low.begin(), e.num(0));
  raised.high.insert(raised.high.begin(), e.num(0));
  FailureOr<Val> result =
      convolve(op, raise(x), raise(filter), bias, raised, groups);
  if (failed(result))
    return failure();
  Dims dims = result->dims;
  dims.erase(dims.begin() + 2);
  return e.reshape(*result, dims);
}

template <typename LinalgOp>
static Val createConv(Emit &e, const Val &x, const Val &filter,
                      const Val &start, const Window &window) {
  auto strides = e.b.getI64TensorAttr(window.strides);
  auto dilations = e.b.getI64TensorAttr(window.dilations);
  auto op = LinalgOp::create(e.b, e.loc, start.value.getType(),
                             ValueRange{x.value, filter.value},
                             ValueRange{start.value}, strides, dilations);
  return {op.getResult(0), start.dims};
}

/// Splits axis `axis` in groups.
static Val splitAxis(Emit &e, const Val &x, int64_t axis, int64_t groups) {
  Dims dims = x.dims;
  int64_t size = *getNumber(dims[axis]);
  dims[axis] = e.num(size / groups);
  dims.insert(dims.begin() + axis, e.num(groups));
  return e.reshape(x, dims);
}

FailureOr<Val> qconnx::convolve(OnnxOp &op, const Val &x, const Val &filter,
                                const Val &bias, const Window &window,
                                int64_t groups) {
  Emit &e = op.e;
  int64_t axes = x.rank() - 2;
  std::optional<int64_t> channels = getNumber(x.dims[1]);
  std::optional<SmallVector<int64_t>> shape = getNumbers(filter.dims);
  if (!channels || !shape)
    return op.fail("channels or a filter of free size", "numbers");
  if (groups < 1 || *channels % groups || (*shape)[0] % groups ||
      (*shape)[1] != *channels / groups)
    return op.fail("an input of " + Twine(*channels) + " channels in " +
                       Twine(groups) + " groups",
                   Twine((*shape)[1]) + " channels a group and " +
                       Twine((*shape)[0]) + " filters");
  if (axes == 1)
    return convolveRow(op, x, filter, bias, window, groups);
  if (axes > 3 || axes < 1 || (axes == 3 && groups != 1))
    return op.fail(Twine(axes) + " spatial axes in " + Twine(groups) +
                       " groups",
                   "1 or 2 axes, or 3 in one group");
  Val padded = padSpatial(e, x, window);
  Dims spatial = slide(e, padded, window);
  Dims dims = {x.dims[0], filter.dims[0]};
  dims.append(spatial);
  if (groups == 1) {
    Val start = startValue(e, bias, x.elementType(), dims);
    if (axes == 3)
      return createConv<linalg::Conv3DNcdhwFcdhwOp>(e, padded, filter, start,
                                                    window);
    return createConv<linalg::Conv2DNchwFchwOp>(e, padded, filter, start,
                                                window);
  }
  if (groups == *channels && (*shape)[0] == *channels) {
    Val start = startValue(e, bias, x.elementType(), dims);
    Val flat = e.flatten(filter, 0, 2);
    return createConv<linalg::DepthwiseConv2DNchwChwOp>(e, padded, flat, start,
                                                        window);
  }
  Dims grouped = dims;
  grouped[1] = e.num((*shape)[0] / groups);
  grouped.insert(grouped.begin() + 1, e.num(groups));
  Val start =
      splitAxis(e, startValue(e, bias, x.elementType(), dims), 1, groups);
  Val result = createConv<linalg::Conv2DNgchwGfchwOp>(
      e, splitAxis(e, padded, 1, groups), splitAxis(e, filter, 0, groups),
      start, window);
  return e.reshape(result, dims);
}

static LogicalResult importConv(OnnxOp &op) {
  int64_t rank = op.in(0).rank();
  if (rank < 3)
    return op.fail("an input of rank " + Twine(rank), "rank 3 or more");
  if (failed(op.expectRank(1, rank)))
    return failure();
  Val x = op.val(0), filter = op.val(1), bias;
  if (!x.isFloat() || !filter.isFloat())
    return op.fail("type " + getName(op.in(0).type), "a float type");
  std::optional<SmallVector<int64_t>> kernel =
      getNumbers(ArrayRef<Dim>(filter.dims).drop_front(2));
  if (!kernel)
    return op.fail("a filter of free size", "numbers");
  if (op.hasAttr("kernel_shape") && op.intsAttr("kernel_shape") != *kernel)
    return op.fail("kernel_shape that is not the filter's", "equal sizes");
  if (op.has(2)) {
    bias = op.val(2);
    if (bias.rank() != 1 || !isEqual(bias.dims[0], filter.dims[0]))
      return op.fail("a bias of another size", "one value a filter");
  }
  FailureOr<Window> window = readWindow(op, x, *kernel, /*ceilMode=*/false);
  if (failed(window))
    return failure();
  FailureOr<Val> result =
      convolve(op, x, filter, bias, *window, op.intAttr("group", 1));
  if (failed(result))
    return failure();
  op.out(0, op.in(0).type, *result);
  return success();
}

llvm::ArrayRef<OpInfo> qconnx::getConvolutionOps() {
  static const OpInfo rows[] = {{"Conv", 2, 3, importConv}};
  return rows;
}
