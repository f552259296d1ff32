//===- ConvTranspose.cpp - Transposed convolution -------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A transposed convolution is a plain one with the filter turned round, over
// the input with zeros between its elements.
//
//===----------------------------------------------------------------------===//

#include "Ops.h"

using namespace mlir;
using namespace qconnx;

namespace {
struct Transposed {
  SmallVector<int64_t> kernel, strides, dilations, low, outputs;
};
} // namespace

/// Output sizes and the padding before, from the attributes.
static LogicalResult readTransposed(OnnxOp &op, ArrayRef<int64_t> spatial,
                                    Transposed &t) {
  size_t axes = spatial.size();
  t.strides = op.intsAttr("strides");
  t.dilations = op.intsAttr("dilations");
  SmallVector<int64_t> pads = op.intsAttr("pads"),
                       more = op.intsAttr("output_padding"),
                       shape = op.intsAttr("output_shape");
  if (t.strides.empty())
    t.strides.assign(axes, 1);
  if (t.dilations.empty())
    t.dilations.assign(axes, 1);
  if (more.empty())
    more.assign(axes, 0);
  std::string automatic = op.stringAttr("auto_pad", "NOTSET");
  bool isSame = automatic == "SAME_UPPER" || automatic == "SAME_LOWER";
  if (pads.empty() || automatic == "VALID")
    pads.assign(2 * axes, 0);
  if (shape.size() == axes + 2)
    shape.erase(shape.begin(), shape.begin() + 2);
  if (t.strides.size() != axes || t.dilations.size() != axes ||
      more.size() != axes || pads.size() != 2 * axes ||
      (!shape.empty() && shape.size() != axes))
    return op.fail("strides, dilations or pads of other length",
                   Twine(axes) + " spatial axes");
  for (ArrayRef<int64_t> list :
       {ArrayRef(t.strides), ArrayRef(t.dilations), ArrayRef(t.kernel)})
    for (int64_t number : list)
      if (number < 1 || number > 1 << 16)
        return op.fail("stride, dilation or kernel " + Twine(number),
                       "1 to 65536");
  for (ArrayRef<int64_t> list : {ArrayRef(pads), ArrayRef(more)})
    for (int64_t number : list)
      if (number < 0 || number > 1 << 16)
        return op.fail("padding " + Twine(number), "0 to 65536");
  for (size_t i = 0; i < axes; ++i) {
    int64_t reach = (t.kernel[i] - 1) * t.dilations[i] + 1;
    int64_t full = (spatial[i] - 1) * t.strides[i] + more[i] + reach;
    int64_t size = full - pads[i] - pads[axes + i], before = pads[i];
    if (isSame || !shape.empty()) {
      size = shape.empty() ? spatial[i] * t.strides[i] : shape[i];
      int64_t total = std::max<int64_t>(full - size, 0);
      before = automatic == "SAME_UPPER" ? total / 2 : total - total / 2;
    }
    if (size < 1 || size > int64_t(1) << 24)
      return op.fail("an output of size " + Twine(size), "1 or more");
    t.low.push_back(before);
    t.outputs.push_back(size);
  }
  return success();
}

/// The input with zeros between and around its elements.
static Val spreadOut(Emit &e, const Val &x, const Transposed &t) {
  Dims dims = {x.dims[0], x.dims[1]};
  SmallVector<int64_t> offsets;
  for (size_t i = 0; i < t.kernel.size(); ++i) {
    int64_t reach = (t.kernel[i] - 1) * t.dilations[i];
    offsets.push_back(reach - t.low[i]);
    dims.push_back(e.num(t.outputs[i] + reach));
  }
  Type type = x.elementType();
  return e.generate(
      type, dims, [&](OpBuilder &b, Location at, ValueRange index) -> Value {
        Value isOwn, zero = bodyIndex(b, at, 0);
        SmallVector<Value> source(index);
        auto require = [&](Value condition) {
          isOwn = isOwn ? arith::AndIOp::create(b, at, isOwn, condition)
                        : condition;
        };
        using P = arith::CmpIPredicate;
        for (size_t i = 0; i < t.kernel.size(); ++i) {
          Value moved = arith::SubIOp::create(b, at, index[i + 2],
                                              bodyIndex(b, at, offsets[i]));
          Value stride = bodyIndex(b, at, t.strides[i]);
          Value rest = arith::RemSIOp::create(b, at, moved, stride);
          Value place = arith::DivSIOp::create(b, at, moved, stride);
          require(arith::CmpIOp::create(b, at, P::eq, rest, zero));
          require(arith::CmpIOp::create(b, at, P::sge, moved, zero));
          require(arith::CmpIOp::create(b, at, P::slt, place,
                                        bodySize(b, at, x.dims[i + 2])));
          source[i + 2] = bodyWrap(b, at, place, x.dims[i + 2]);
        }
        Value element = bodyAt(b, at, x.value, source);
        return arith::SelectOp::create(b, at, isOwn, element,
                                       bodyConstant(b, at, type, 0));
      });
}

/// [C, M / groups, k...] as [M, C / groups, k...], turned round.
static Val turnRound(Emit &e, const Val &filter, int64_t groups) {
  int64_t inputs = *getNumber(filter.dims[0]) / groups;
  int64_t outputs = *getNumber(filter.dims[1]);
  Dims dims = filter.dims;
  dims[0] = e.num(outputs * groups);
  dims[1] = e.num(inputs);
  return e.generate(
      filter.elementType(), dims,
      [&](OpBuilder &b, Location at, ValueRange index) -> Value {
        SmallVector<Value> source(index);
        Value each = bodyIndex(b, at, outputs);
        Value group = arith::DivUIOp::create(b, at, index[0], each);
        Value base =
            arith::MulIOp::create(b, at, group, bodyIndex(b, at, inputs));
        source[0] = arith::AddIOp::create(b, at, base, index[1]);
        source[1] = arith::RemUIOp::create(b, at, index[0], each);
        for (size_t i = 2; i < source.size(); ++i)
          source[i] = arith::SubIOp::create(
              b, at, bodyIndex(b, at, *getNumber(dims[i]) - 1), index[i]);
        return bodyAt(b, at, filter.value, source);
      });
}

static LogicalResult importConvTranspose(OnnxOp &op) {
  Emit &e = op.e;
  Val x = op.val(0), filter = op.val(1), bias;
  int64_t groups = op.intAttr("group", 1);
  if (x.rank() < 3 || filter.rank() != x.rank() || !x.isFloat() ||
      !filter.isFloat())
    return op.fail("an input of rank " + Twine(x.rank()),
                   "floats of rank 3 or more, and a filter of equal rank");
  std::optional<SmallVector<int64_t>> shape = getNumbers(filter.dims),
                                      spatial = getNumbers(
                                          ArrayRef<Dim>(x.dims).drop_front(2));
  if (!shape || !spatial)
    return op.fail("a filter or image of free size", "numbers, or --shape");
  if (groups < 1 || (*shape)[0] % groups || (*shape)[1] < 1 ||
      (*shape)[0] < 1 || !isEqual(x.dims[1], filter.dims[0]))
    return op.fail("a filter for " + Twine((*shape)[0]) + " channels in " +
                       Twine(groups) + " groups",
                   "the channels of the input");
  if (op.has(2)) {
    bias = op.val(2);
    if (bias.rank() != 1 || !isNumber(bias.dims[0], (*shape)[1] * groups))
      return op.fail("a bias of another size", "one value a filter");
  }
  Transposed t;
  t.kernel.assign(shape->begin() + 2, shape->end());
  if (failed(readTransposed(op, *spatial, t)))
    return failure();
  Window window;
  window.kernel = t.kernel;
  window.strides.assign(t.kernel.size(), 1);
  window.dilations = t.dilations;
  window.low.assign(t.kernel.size(), e.num(0));
  window.high = window.low;
  FailureOr<Val> y =
      convolve(op, spreadOut(e, x, t), turnRound(e, filter, groups), bias,
               window, groups);
  if (failed(y))
    return failure();
  op.out(0, op.in(0).type, *y);
  return success();
}

llvm::ArrayRef<OpInfo> qconnx::getConvTransposeOps() {
  static const OpInfo rows[] = {{"ConvTranspose", 2, 3, importConvTranspose}};
  return rows;
}
