//===- QCContraction.cpp - qc.conv2d and qc.matmul ------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Shapes of the two contractions of level 3; sums by Convolution.h and Gemm.h,
// everything after them by Contraction.h.
//
//===----------------------------------------------------------------------===//

#include "Contraction.h"
#include "Convert.h"
#include "Convolution.h"
#include "Gemm.h"
#include "qc/Dialect/QC/IR/QCBlocks.h"
#include "qc/Dialect/QC/IR/QCOps.h"
#include "qc/Numerics/WideSums.h"

using namespace mlir;
using namespace ::qc;
using namespace ::qc::evaluator;
namespace num = ::qc::numerics;

template <typename OpT>
static ContractionParts partsOf(OpT op, mlir::Value weight) {
  ContractionParts parts;
  parts.op = op;
  parts.input = op.getInput();
  parts.weight = weight;
  parts.bias = op.getBias();
  parts.residual = op.getResidual();
  parts.result = op.getResult();
  parts.activation = op.getActivation();
  if (op.getLow())
    parts.low = op.getLow()->convertToFloat();
  if (op.getHigh())
    parts.high = op.getHigh()->convertToFloat();
  return parts;
}

static llvm::Error runConv2D(Interpreter &interpreter, mlir::qc::Conv2DOp op) {
  QC_ASSIGN_OR_RETURN(
      contraction,
      Contraction::prepare(interpreter, partsOf(op, op.getFilter())));
  ArrayRef<int64_t> in = contraction.input.shape();
  ArrayRef<int64_t> filter = contraction.weight.shape();
  ConvShape s;
  s.batch = in[0], s.height = in[1], s.width = in[2], s.channels = in[3];
  s.kernelH = filter[0], s.kernelW = filter[1], s.filters = filter[3];
  s.groups = op.getGroups();
  s.strideH = op.getStrides()[0], s.strideW = op.getStrides()[1];
  s.dilationH = op.getDilations()[0], s.dilationW = op.getDilations()[1];
  ArrayRef<int64_t> pads = op.getPads();
  s.padTop = pads[0], s.padLeft = pads[1];
  constexpr int64_t limit = int64_t(1) << 31;
  for (ArrayRef<int64_t> sizes :
       {op.getStrides(), op.getDilations(), pads, in, filter})
    for (int64_t size : sizes)
      if (size < 0 || size > limit)
        return opError(op, "a size of " + llvm::Twine(size), "below 2^31");
  if (filter[2] * s.groups != s.channels || !s.kernelH || !s.kernelW ||
      !s.channels)
    return opError(op, llvm::Twine(s.channels) + " channels",
                   llvm::Twine(filter[2] * s.groups));
  s.outH = convOutSize(s.height + pads[0] + pads[2], s.kernelH, s.strideH,
                       s.dilationH);
  s.outW = convOutSize(s.width + pads[1] + pads[3], s.kernelW, s.strideW,
                       s.dilationW);
  QC_RETURN_IF_ERROR(contraction.begin({s.batch, s.outH, s.outW, s.filters}));
  SumBuffer sums(s.outSize());
  for (int64_t image = 0; image < s.batch; ++image) {
    sums.clear();
    convolve(s, contraction.input.as<float>().data() + image * s.imageSize(),
             contraction.weight.as<float>().data(), sums.data());
    for (int64_t pixel = 0; pixel < s.pixels(); ++pixel)
      contraction.finishRow(image * s.pixels() + pixel,
                            sums.data() + pixel * s.filters);
  }
  interpreter.set(op, contraction.take());
  return llvm::Error::success();
}

/// The rows of a product of block codes with weights in groups.
static llvm::Error runGroupMatMul(Interpreter &interpreter,
                                  mlir::qc::MatMulOp op,
                                  Contraction &contraction, int64_t rows,
                                  int64_t k, int64_t n) {
  EncodedTensor x = interpreter.encoded(op.getInput());
  EncodedTensor w = denseOf(interpreter.encoded(op.getWeight()));
  auto encoding = mlir::qc::getMatrixEncoding(w.shape, w.encoding);
  num::DecodeSpec spec = encoding.getDecodeSpec(w.shape);
  w.encoding = encoding;
  int64_t block = mlir::qc::getBlockSize(mlir::qc::getEncoding(op.getInput()));
  bool isWide = mlir::qc::isWideBlock(block);
  num::GroupWeights groups;
  num::WideWeights wide;
  if (isWide)
    wide = num::wideWeights(spec, k, n, componentData(w, spec));
  else
    groups = num::groupWeights(spec, k, n, componentData(w, spec));
  const int8_t *codes = x.components[0].as<int8_t>().data();
  const float *scales = x.components[1].as<float>().data();
  int64_t blocks = (k + block - 1) / block;
  std::vector<float> y(n);
  for (int64_t row = 0; row < rows; ++row) {
    std::span own(codes + row * k, static_cast<size_t>(k));
    std::span ownScales(scales + row * blocks, static_cast<size_t>(blocks));
    if (isWide)
      num::sumWide(wide, own, ownScales, y);
    else
      num::sumGroups(groups, own, ownScales, y);
    std::vector<double> sums(y.begin(), y.end());
    contraction.finishRow(row, sums.data());
  }
  interpreter.set(op, contraction.take());
  return llvm::Error::success();
}

static llvm::Error runMatMul(Interpreter &interpreter, mlir::qc::MatMulOp op) {
  QC_ASSIGN_OR_RETURN(
      contraction,
      Contraction::prepare(interpreter, partsOf(op, op.getWeight())));
  SmallVector<int64_t> shape(contraction.input.shape());
  int64_t k = shape.back(), n = contraction.weight.dim(1);
  QC_RETURN_IF_ERROR(
      checkShape(op, "a weight", contraction.weight.shape(), {k, n}));
  shape.back() = n;
  QC_RETURN_IF_ERROR(contraction.begin(shape));
  int64_t rows = *elementCount(ArrayRef(shape).drop_back());
  if (mlir::qc::getGroupSums(op.getInput().getType(), op.getWeight().getType()))
    return runGroupMatMul(interpreter, op, contraction, rows, k, n);
  // Rows by blocks: sums in double of all rows may be large.
  constexpr int64_t block = 256;
  SumBuffer sums(std::min(rows, block) * n);
  for (int64_t first = 0; first < rows; first += block) {
    int64_t count = std::min(block, rows - first);
    sums.clear();
    gemm(count, n, k, contraction.input.as<float>().data() + first * k, k,
         contraction.weight.as<float>().data(), n, sums.data());
    for (int64_t row = 0; row < count; ++row)
      contraction.finishRow(first + row, sums.data() + row * n);
  }
  interpreter.set(op, contraction.take());
  return llvm::Error::success();
}

void evaluator::addQCContractionHandlers(HandlerTable &table) {
  table.add<mlir::qc::Conv2DOp, runConv2D>();
  table.add<mlir::qc::MatMulOp, runMatMul>();
}
