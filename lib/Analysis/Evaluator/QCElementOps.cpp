//===- QCElementOps.cpp - Pooling, addition and tables of level 3 ---------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// qc.pool2d, qc.add, qc.lookup and qc.table, by the formulas of
// QCFusedOps.td.
//
//===----------------------------------------------------------------------===//

#include "Contraction.h"
#include "Convolution.h"
#include "qc/Dialect/QC/IR/QCOps.h"
#include "qc/Numerics/Elementary.h"
#include "qc/Numerics/Rounding.h"

#include <array>
#include <limits>

using namespace mlir;
using namespace ::qc;
using namespace ::qc::evaluator;
namespace num = ::qc::numerics;
using mlir::qc::AffineAttr;

static std::optional<float> toFloat(const std::optional<APFloat> &value) {
  if (!value)
    return std::nullopt;
  return value->convertToFloat();
}

static RuntimeValue encodedAs(AffineAttr encoding, HostTensor codes) {
  EncodedTensor result;
  result.encoding = encoding;
  result.shape.assign(codes.shape().begin(), codes.shape().end());
  result.components.push_back(std::move(codes));
  return result;
}

/// The static 8-bit encoding of a value, or null.
static AffineAttr staticCodes(mlir::Value value) {
  AffineAttr affine = mlir::qc::getStaticAffine(value.getType());
  return affine && affine.getBits() == 8 ? affine : AffineAttr();
}

//===----------------------------------------------------------------------===//
// Pooling
//===----------------------------------------------------------------------===//

namespace {
/// The window of one output pixel, clipped to the image.
struct Window {
  const ConvShape &s;
  int64_t row, column;

  /// Calls `f(pixel)` for each pixel inside, in row-major order.
  template <typename F> void forEach(F f) const {
    for (int64_t kh = 0; kh < s.kernelH; ++kh)
      for (int64_t kw = 0; kw < s.kernelW; ++kw) {
        int64_t y = row * s.strideH - s.padTop + kh * s.dilationH;
        int64_t x = column * s.strideW - s.padLeft + kw * s.dilationW;
        if (y >= 0 && y < s.height && x >= 0 && x < s.width)
          f(y * s.width + x);
      }
  }
};
} // namespace

/// The largest of each channel; codes and values alike.
template <typename T>
static void poolMax(const Window &window, const T *image, T *to, T lowest) {
  int64_t channels = window.s.channels;
  std::fill(to, to + channels, lowest);
  window.forEach([&](int64_t pixel) {
    const T *from = image + pixel * channels;
    for (int64_t c = 0; c < channels; ++c)
      to[c] = to[c] > from[c] ? to[c] : from[c];
  });
}

static int64_t divisorOf(const Window &window, bool includePad) {
  if (includePad)
    return window.s.kernelH * window.s.kernelW;
  int64_t count = 0;
  window.forEach([&](int64_t) { ++count; });
  return count;
}

static void averageFloat(const Window &window, const float *image, float *to,
                         float divisor) {
  int64_t channels = window.s.channels;
  std::fill(to, to + channels, 0.0f);
  window.forEach([&](int64_t pixel) {
    for (int64_t c = 0; c < channels; ++c)
      to[c] = to[c] + image[pixel * channels + c];
  });
  for (int64_t c = 0; c < channels; ++c)
    to[c] = to[c] / divisor;
}

static void averageCodes(const Window &window, const int8_t *image, int8_t *to,
                         float divisor, AffineAttr x, AffineAttr y) {
  int64_t channels = window.s.channels;
  SmallVector<int32_t> sums(channels, 0);
  auto zero = static_cast<int32_t>(x.getZeroPoint());
  window.forEach([&](int64_t pixel) {
    for (int64_t c = 0; c < channels; ++c)
      sums[c] += image[pixel * channels + c] - zero;
  });
  float multiplier = x.getScaleValue() / y.getScaleValue();
  float lo = 0, hi = 0;
  codeBounds(y, std::nullopt, std::nullopt, lo, hi);
  for (int64_t c = 0; c < channels; ++c) {
    float t = static_cast<float>(sums[c]) * multiplier;
    to[c] = clampToCode(t / divisor, lo, hi, y.getZeroPoint());
  }
}

/// The shape of the pooling; sizes of the result that the type leaves open are
/// those of whole windows.
static ConvShape poolShape(mlir::qc::Pool2DOp op, ArrayRef<int64_t> in) {
  ConvShape s;
  s.batch = in[0], s.height = in[1], s.width = in[2], s.channels = in[3];
  s.kernelH = op.getKernel()[0], s.kernelW = op.getKernel()[1];
  s.strideH = op.getStrides()[0], s.strideW = op.getStrides()[1];
  s.dilationH = op.getDilations()[0], s.dilationW = op.getDilations()[1];
  ArrayRef<int64_t> pads = op.getPads();
  s.padTop = pads[0], s.padLeft = pads[1];
  auto type = cast<RankedTensorType>(op.getType());
  s.outH = type.getDimSize(1), s.outW = type.getDimSize(2);
  if (ShapedType::isDynamic(s.outH))
    s.outH = convOutSize(s.height + pads[0] + pads[2], s.kernelH, s.strideH,
                         s.dilationH);
  if (ShapedType::isDynamic(s.outW))
    s.outW = convOutSize(s.width + pads[1] + pads[3], s.kernelW, s.strideW,
                         s.dilationW);
  return s;
}

static llvm::Error runPool2D(Interpreter &interpreter, mlir::qc::Pool2DOp op) {
  AffineAttr x = staticCodes(op.getInput()), y = staticCodes(op.getResult());
  RuntimeValue input = interpreter.get(op.getInput());
  if (static_cast<bool>(x) != static_cast<bool>(y) || (!x && input.isEncoded()))
    return opError(op, "these encodings", "f32 or static 8-bit in and out");
  for (ArrayRef<int64_t> sizes :
       {op.getKernel(), op.getStrides(), op.getDilations(), op.getPads()})
    for (int64_t size : sizes)
      if (size < (sizes.data() == op.getPads().data() ? 0 : 1) ||
          size > (int64_t(1) << 31))
        return opError(op, "a size of " + llvm::Twine(size), "at least 1");
  ConvShape s = poolShape(op, input.shape());
  bool isMax = op.getKind() == "max";
  HostTensor from = x ? input.encoded().components.front() : input.tensor();
  QC_ASSIGN_OR_RETURN(result, allocate(op, from.dtype(),
                                       {s.batch, s.outH, s.outW, s.channels}));
  char *bytes = result.mutableBytes();
  auto *codes = reinterpret_cast<int8_t *>(bytes);
  auto *values = reinterpret_cast<float *>(bytes);
  for (int64_t n = 0, at = 0; n < s.batch; ++n)
    for (int64_t row = 0; row < s.outH; ++row)
      for (int64_t column = 0; column < s.outW; ++column, at += s.channels) {
        Window window{s, row, column};
        auto divisor = static_cast<float>(
            isMax ? 1 : divisorOf(window, op.getIncludePad()));
        int64_t image = n * s.imageSize();
        if (x && isMax)
          poolMax<int8_t>(window, from.as<int8_t>().data() + image, codes + at,
                          -128);
        else if (x)
          averageCodes(window, from.as<int8_t>().data() + image, codes + at,
                       divisor, x, y);
        else if (isMax)
          poolMax(window, from.as<float>().data() + image, values + at,
                  -std::numeric_limits<float>::infinity());
        else
          averageFloat(window, from.as<float>().data() + image, values + at,
                       divisor);
      }
  interpreter.set(op, y ? encodedAs(y, std::move(result))
                        : RuntimeValue(std::move(result)));
  return llvm::Error::success();
}

//===----------------------------------------------------------------------===//
// Addition
//===----------------------------------------------------------------------===//

static llvm::Error runAdd(Interpreter &interpreter, mlir::qc::AddOp op) {
  AffineAttr a = staticCodes(op.getLhs()), b = staticCodes(op.getRhs()),
             y = staticCodes(op.getResult());
  if (!a || !b || !y)
    return opError(op, "these encodings", "static 8-bit ones");
  HostTensor left = interpreter.encoded(op.getLhs()).components.front();
  HostTensor right = interpreter.encoded(op.getRhs()).components.front();
  QC_RETURN_IF_ERROR(
      checkShape(op, "the right operand", right.shape(), left.shape()));
  num::Requantize step;
  step.multiplier = a.getScaleValue() / y.getScaleValue();
  step.zeroPoint = static_cast<int32_t>(y.getZeroPoint());
  codeBounds(y, toFloat(op.getLow()), toFloat(op.getHigh()), step.lo, step.hi);
  float multiplier = b.getScaleValue() / y.getScaleValue();
  auto leftZero = static_cast<int32_t>(a.getZeroPoint());
  auto rightZero = static_cast<int32_t>(b.getZeroPoint());
  HostTensor result = HostTensor::uninitialized(DType::I8, left.shape());
  MutableArrayRef<int8_t> to = result.mutableData<int8_t>();
  for (auto [code, l, r] :
       llvm::zip_equal(to, left.as<int8_t>(), right.as<int8_t>()))
    code = static_cast<int8_t>(
        num::requantize(l - leftZero, r, rightZero, multiplier, step));
  interpreter.set(op, encodedAs(y, std::move(result)));
  return llvm::Error::success();
}

//===----------------------------------------------------------------------===//
// Tables
//===----------------------------------------------------------------------===//

/// What a table computes.
struct TableParts {
  StringRef function;
  AffineAttr input, output;
  std::optional<float> low, high;
};

/// The code for each code from -128 on.
static llvm::Expected<std::array<int8_t, 256>>
makeTable(Operation *op, const TableParts &parts) {
  auto function = num::parseUnary(parts.function);
  if (!function && parts.function != "identity")
    return opError(op, "function '" + parts.function + "'", "a known one");
  for (AffineAttr affine : {parts.input, parts.output})
    if (!affine || !affine.isStatic() || affine.getBits() != 8)
      return opError(op, "these encodings", "static 8-bit ones");
  std::array<int8_t, 256> table;
  for (int code = -128; code < 128; ++code) {
    float t = num::dequantize(code, parts.input.getScaleValue(),
                              static_cast<int32_t>(parts.input.getZeroPoint()));
    t = parts.low && t < *parts.low ? *parts.low : t;
    t = parts.high && t > *parts.high ? *parts.high : t;
    if (function)
      t = num::evalUnary(*function, t);
    table[code + 128] = static_cast<int8_t>(
        num::quantize(t, parts.output.getScaleValue(),
                      static_cast<int32_t>(parts.output.getZeroPoint()),
                      static_cast<int32_t>(parts.output.getQMin()),
                      static_cast<int32_t>(parts.output.getQMax())));
  }
  return table;
}

static llvm::Error runLookup(Interpreter &interpreter, mlir::qc::LookupOp op) {
  AffineAttr output = staticCodes(op.getResult());
  QC_ASSIGN_OR_RETURN(
      table,
      makeTable(op, {op.getFunction(), staticCodes(op.getInput()), output,
                     toFloat(op.getLow()), toFloat(op.getHigh())}));
  HostTensor codes = interpreter.encoded(op.getInput()).components.front();
  HostTensor result = HostTensor::uninitialized(DType::I8, codes.shape());
  llvm::transform(codes.as<int8_t>(), result.mutableData<int8_t>().begin(),
                  [&](int8_t code) { return table[code + 128]; });
  interpreter.set(op, encodedAs(output, std::move(result)));
  return llvm::Error::success();
}

static llvm::Error runTable(Interpreter &interpreter, mlir::qc::TableOp op) {
  QC_ASSIGN_OR_RETURN(
      table, makeTable(op, {op.getFunction(), op.getInput(), op.getOutput(),
                            toFloat(op.getLow()), toFloat(op.getHigh())}));
  uint64_t offset = op.getStoredOffset();
  if (offset != 0 && offset != 128)
    return opError(op, "a stored offset of " + llvm::Twine(offset), "0 or 128");
  HostTensor result = HostTensor::uninitialized(DType::I8, {256});
  MutableArrayRef<int8_t> to = result.mutableData<int8_t>();
  for (int stored = 0; stored < 256; ++stored) {
    auto code = static_cast<int8_t>(stored - static_cast<int>(offset));
    to[stored] =
        static_cast<int8_t>(table[code + 128] + static_cast<int>(offset));
  }
  interpreter.set(op, std::move(result));
  return llvm::Error::success();
}

void evaluator::addQCElementHandlers(HandlerTable &table) {
  table.add<mlir::qc::Pool2DOp, runPool2D>();
  table.add<mlir::qc::AddOp, runAdd>();
  table.add<mlir::qc::LookupOp, runLookup>();
  table.add<mlir::qc::TableOp, runTable>();
}
