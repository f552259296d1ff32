//===- LinalgPool.cpp - Poolings of linalg --------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Maximum and sum over windows in f32, in row-major order of the window; other
// types run by their region.
//
//===----------------------------------------------------------------------===//

#include "Convolution.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"

#include <cmath>

using namespace mlir;
using namespace ::qc;
using namespace ::qc::evaluator;

namespace {
struct Sum {
  static float apply(float sum, float x) { return sum + x; }
};
/// arith.maximumf: a NaN stays.
struct Max {
  static float apply(float best, float x) {
    if (best != best || x != x)
      return best != best ? best : x;
    return x > best || (x == best && std::signbit(best)) ? x : best;
  }
};
} // namespace

/// Both layouts as [outer][H][W][inner]: channels first has outer = N * C,
/// channels last inner = C.
template <typename Reduce>
static void poolWindows(const ConvShape &s, int64_t outer, int64_t inner,
                        const float *from, float *to) {
  for (int64_t o = 0; o < outer; ++o, from += s.height * s.width * inner)
    for (int64_t row = 0; row < s.outH; ++row)
      for (int64_t column = 0; column < s.outW; ++column, to += inner)
        for (int64_t kh = 0; kh < s.kernelH; ++kh)
          for (int64_t kw = 0; kw < s.kernelW; ++kw) {
            int64_t y = row * s.strideH + kh * s.dilationH;
            int64_t x = column * s.strideW + kw * s.dilationW;
            const float *pixel = from + (y * s.width + x) * inner;
            for (int64_t i = 0; i < inner; ++i)
              to[i] = Reduce::apply(to[i], pixel[i]);
          }
}

template <typename Reduce, bool isFirst, typename OpT>
static llvm::Error runPool(Interpreter &interpreter, OpT op) {
  HostTensor input = interpreter.tensor(op.getInputs()[0]);
  HostTensor window = interpreter.tensor(op.getInputs()[1]);
  HostTensor result = interpreter.tensor(op.getOutputs()[0]);
  if (input.dtype() != DType::F32 || result.dtype() != DType::F32 ||
      input.size() == 0 || window.size() == 0)
    return interpreter.runByRegion(op);
  auto strides = llvm::to_vector(op.getStrides().template getValues<int64_t>());
  auto dilations =
      llvm::to_vector(op.getDilations().template getValues<int64_t>());
  for (int64_t value : llvm::concat<int64_t>(strides, dilations))
    if (value < 1 || value > (int64_t(1) << 31))
      return opError(op, "stride or dilation " + llvm::Twine(value),
                     "at least 1");
  ArrayRef<int64_t> in = input.shape();
  ConvShape s;
  s.height = in[isFirst ? 2 : 1], s.width = in[isFirst ? 3 : 2];
  s.channels = in[isFirst ? 1 : 3];
  s.strideH = strides[0], s.strideW = strides[1];
  s.dilationH = dilations[0], s.dilationW = dilations[1];
  s.kernelH = window.dim(0), s.kernelW = window.dim(1);
  s.outH = convOutSize(s.height, s.kernelH, s.strideH, s.dilationH);
  s.outW = convOutSize(s.width, s.kernelW, s.strideW, s.dilationW);
  SmallVector<int64_t> shape{in[0], s.outH, s.outW, s.channels};
  if (isFirst)
    shape = {in[0], s.channels, s.outH, s.outW};
  QC_RETURN_IF_ERROR(checkShape(op, "an init", result.shape(), shape));
  poolWindows<Reduce>(s, isFirst ? in[0] * s.channels : in[0],
                      isFirst ? 1 : s.channels, input.as<float>().data(),
                      result.mutableData<float>().data());
  interpreter.set(op->getResult(0), std::move(result));
  return llvm::Error::success();
}

void evaluator::addLinalgPoolHandlers(HandlerTable &table) {
  table.add<linalg::PoolingNchwMaxOp,
            runPool<Max, true, linalg::PoolingNchwMaxOp>>();
  table.add<linalg::PoolingNchwSumOp,
            runPool<Sum, true, linalg::PoolingNchwSumOp>>();
  table.add<linalg::PoolingNhwcMaxOp,
            runPool<Max, false, linalg::PoolingNhwcMaxOp>>();
  table.add<linalg::PoolingNhwcSumOp,
            runPool<Sum, false, linalg::PoolingNhwcSumOp>>();
}
