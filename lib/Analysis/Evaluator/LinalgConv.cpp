//===- LinalgConv.cpp - Convolutions of linalg ----------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reads the shapes of the named convolutions in the layouts of level 0 and
// hands them to Convolution.h; other layouts and types run by their region.
//
//===----------------------------------------------------------------------===//

#include "Convolution.h"
#include "Gemm.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"

using namespace mlir;
using namespace ::qc;
using namespace ::qc::evaluator;

namespace {
/// Which axis of the operands is which.
struct ConvAxes {
  Layout layout;
  bool isGrouped = false, isDepthwise = false;
};
} // namespace

/// The shape of the op, with the output's size as the operands say it.
static ConvShape shapeOf(ConvAxes axes, ArrayRef<int64_t> input,
                         ArrayRef<int64_t> filter, ArrayRef<int64_t> strides,
                         ArrayRef<int64_t> dilations) {
  ConvShape s;
  s.layout = axes.layout;
  s.batch = input[0];
  s.strideH = strides[0], s.strideW = strides[1];
  s.dilationH = dilations[0], s.dilationW = dilations[1];
  bool isFirst = axes.layout == Layout::ChannelsFirst;
  if (axes.isGrouped) { // [N, G, C, H, W], [G, F, C, KH, KW]
    s.groups = input[1];
    s.channels = input[1] * input[2];
    s.filters = filter[0] * filter[1];
    input = input.drop_front();
    filter = filter.drop_front();
  } else {
    s.channels = isFirst ? input[1] : input[3];
    s.groups = axes.isDepthwise ? s.channels : 1;
    s.filters = axes.isDepthwise ? s.channels : isFirst ? filter[0] : filter[3];
  }
  s.height = isFirst ? input[2] : input[1];
  s.width = isFirst ? input[3] : input[2];
  bool kernelIsLast = isFirst;
  unsigned at = !kernelIsLast ? 0 : axes.isDepthwise ? 1 : 2;
  s.kernelH = filter[at], s.kernelW = filter[at + 1];
  s.outH = convOutSize(s.height, s.kernelH, s.strideH, s.dilationH);
  s.outW = convOutSize(s.width, s.kernelW, s.strideW, s.dilationW);
  return s;
}

/// The shapes that the filter and the result have to have.
static void expectedShapes(ConvAxes axes, const ConvShape &s,
                           SmallVectorImpl<int64_t> &filter,
                           SmallVectorImpl<int64_t> &out) {
  int64_t channels = s.channels / s.groups, filters = s.filters / s.groups;
  if (axes.isGrouped) {
    filter.assign({s.groups, filters, channels, s.kernelH, s.kernelW});
    out.assign({s.batch, s.groups, filters, s.outH, s.outW});
  } else if (axes.layout == Layout::ChannelsFirst) {
    filter.assign({s.filters, channels, s.kernelH, s.kernelW});
    out.assign({s.batch, s.filters, s.outH, s.outW});
    if (axes.isDepthwise)
      filter.erase(filter.begin() + 1);
  } else {
    filter.assign({s.kernelH, s.kernelW, channels, s.filters});
    out.assign({s.batch, s.outH, s.outW, s.filters});
    if (axes.isDepthwise)
      filter.erase(filter.begin() + 2);
  }
}

static bool suits(const HostTensor &input, const HostTensor &filter,
                  const HostTensor &out) {
  if (out.dtype() == DType::I32)
    return input.dtype() == DType::I8 && filter.dtype() == DType::I8;
  return out.dtype() == DType::F32 && input.dtype() == DType::F32 &&
         filter.dtype() == DType::F32;
}

template <typename OpT>
static llvm::Error runConv(Interpreter &interpreter, OpT op, ConvAxes axes) {
  HostTensor input = interpreter.tensor(op.getInputs()[0]);
  HostTensor filter = interpreter.tensor(op.getInputs()[1]);
  HostTensor out = interpreter.tensor(op.getOutputs()[0]);
  if (!suits(input, filter, out))
    return interpreter.runByRegion(op);
  auto strides = llvm::to_vector(op.getStrides().template getValues<int64_t>());
  auto dilations =
      llvm::to_vector(op.getDilations().template getValues<int64_t>());
  for (int64_t value : llvm::concat<int64_t>(strides, dilations))
    if (value < 1 || value > (int64_t(1) << 31))
      return opError(op, "stride or dilation " + llvm::Twine(value),
                     "at least 1");
  if (input.size() == 0 || filter.size() == 0)
    return interpreter.runByRegion(op);
  ConvShape s =
      shapeOf(axes, input.shape(), filter.shape(), strides, dilations);
  SmallVector<int64_t> filterShape, outShape;
  expectedShapes(axes, s, filterShape, outShape);
  QC_RETURN_IF_ERROR(checkShape(op, "a filter", filter.shape(), filterShape));
  QC_RETURN_IF_ERROR(checkShape(op, "an init", out.shape(), outShape));
  HostTensor x = input.toF32(), w = filter.toF32();
  HostTensor result = HostTensor::uninitialized(out.dtype(), outShape);
  SumBuffer sums(s.outSize());
  for (int64_t image = 0; image < s.batch; ++image) {
    sums.load(out, image * s.outSize());
    convolve(s, x.as<float>().data() + image * s.imageSize(),
             w.as<float>().data(), sums.data());
    sums.store(result, image * s.outSize());
  }
  interpreter.set(op->getResult(0), std::move(result));
  return llvm::Error::success();
}

static llvm::Error runNchw(Interpreter &interpreter,
                           linalg::Conv2DNchwFchwOp op) {
  return runConv(interpreter, op, {Layout::ChannelsFirst});
}
static llvm::Error runNhwc(Interpreter &interpreter,
                           linalg::Conv2DNhwcHwcfOp op) {
  return runConv(interpreter, op, {Layout::ChannelsLast});
}
static llvm::Error runGrouped(Interpreter &interpreter,
                              linalg::Conv2DNgchwGfchwOp op) {
  return runConv(interpreter, op, {Layout::ChannelsFirst, true});
}
static llvm::Error runDepthwiseNchw(Interpreter &interpreter,
                                    linalg::DepthwiseConv2DNchwChwOp op) {
  return runConv(interpreter, op, {Layout::ChannelsFirst, false, true});
}
static llvm::Error runDepthwiseNhwc(Interpreter &interpreter,
                                    linalg::DepthwiseConv2DNhwcHwcOp op) {
  return runConv(interpreter, op, {Layout::ChannelsLast, false, true});
}

void evaluator::addLinalgConvHandlers(HandlerTable &table) {
  table.add<linalg::Conv2DNchwFchwOp, runNchw>();
  table.add<linalg::Conv2DNhwcHwcfOp, runNhwc>();
  table.add<linalg::Conv2DNgchwGfchwOp, runGrouped>();
  table.add<linalg::DepthwiseConv2DNchwChwOp, runDepthwiseNchw>();
  table.add<linalg::DepthwiseConv2DNhwcHwcOp, runDepthwiseNhwc>();
}
