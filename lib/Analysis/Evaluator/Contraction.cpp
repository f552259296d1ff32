//===- Contraction.cpp - Sums and epilogues of level 3 --------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The formulas are those of qc.conv2d and qc.matmul in QCFusedOps.td, each
// written operation rounded to f32.
//
//===----------------------------------------------------------------------===//

#include "Contraction.h"
#include "Convert.h"
#include "Gemm.h"
#include "qc/Dialect/QC/IR/QCSparse.h"
#include "qc/Numerics/Rounding.h"

#include <cmath>

using namespace mlir;
using namespace ::qc;
using namespace ::qc::evaluator;
namespace num = ::qc::numerics;

void evaluator::codeBounds(mlir::qc::AffineAttr output,
                           std::optional<float> low, std::optional<float> high,
                           float &lo, float &hi) {
  lo = static_cast<float>(output.getQMin() - output.getZeroPoint());
  hi = static_cast<float>(output.getQMax() - output.getZeroPoint());
  float scale = output.getScaleValue();
  // NaN bounds change nothing.
  if (low && *low / scale > lo)
    lo = *low / scale;
  if (high && *high / scale < hi)
    hi = *high / scale;
}

int8_t evaluator::clampToCode(float t, float lo, float hi, int64_t zeroPoint) {
  if (t != t)
    return static_cast<int8_t>(zeroPoint);
  t = t < lo ? lo : t;
  t = t > hi ? hi : t;
  float code = num::roundHalfEven(t) + static_cast<float>(zeroPoint);
  // Crossed bounds (low above the codes) end at the nearest code.
  return static_cast<int8_t>(code < -128 ? -128 : code > 127 ? 127 : code);
}

/// One scale for all elements, or one for each index of the last axis.
static bool isPerChannel(mlir::qc::AffineAttr affine) {
  ArrayRef<int64_t> group = affine.getGroup();
  if (affine.isStatic())
    return true;
  for (int64_t size : group.drop_back(group.empty() ? 0 : 1))
    if (size != -1)
      return false;
  return group.empty() || group.back() == 1 || group.back() == -1;
}

/// A scale for each row of the last axis.
static bool isPerRow(mlir::qc::AffineAttr affine) {
  ArrayRef<int64_t> group = affine.getGroup();
  return !affine.isStatic() && !group.empty() && group.back() == -1 &&
         llvm::all_of(group.drop_back(), [](int64_t g) { return g == 1; });
}

llvm::Expected<Contraction>
Contraction::prepare(Interpreter &interpreter, const ContractionParts &parts) {
  Contraction c;
  c.op = parts.op;
  c.parts = parts;
  auto x = dyn_cast_or_null<mlir::qc::AffineAttr>(
      mlir::qc::getEncoding(parts.input));
  auto w = dyn_cast_or_null<mlir::qc::AffineAttr>(
      mlir::qc::getDenseEncoding(mlir::qc::getEncoding(parts.weight)));
  if (x && w && isPerChannel(w) && (x.isStatic() || isPerRow(x)))
    c.arithmetic =
        x.isStatic() ? Arithmetic::StaticInteger : Arithmetic::RowInteger;
  c.channels = interpreter.get(parts.weight).shape().back();
  if (llvm::Error error = c.prepareScales(interpreter))
    return error;
  if (llvm::Error error = c.prepareEpilogue(interpreter))
    return error;
  return c;
}

/// The scales of an encoded tensor: one or `count`, as `count` values.
static llvm::Error readScales(Operation *op, const EncodedTensor &tensor,
                              int64_t count, SmallVectorImpl<float> &scales) {
  auto affine = cast<mlir::qc::AffineAttr>(tensor.encoding);
  if (affine.isStatic()) {
    scales.assign(count, affine.getScaleValue());
    return llvm::Error::success();
  }
  auto components = affine.getComponents(tensor.shape);
  for (auto [component, host] : llvm::zip(components, tensor.components)) {
    if (component.name != num::scalesName)
      continue;
    HostTensor values = host.toF32();
    if (values.size() == 1)
      scales.assign(count, values.as<float>()[0]);
    else if (values.size() == count)
      llvm::append_range(scales, values.as<float>());
  }
  if (static_cast<int64_t>(scales.size()) != count)
    return opError(op, "scales of another number",
                   "1 or " + llvm::Twine(count));
  return llvm::Error::success();
}

llvm::Error Contraction::prepareScales(Interpreter &interpreter) {
  if (arithmetic == Arithmetic::Float) {
    input = interpreter.tensor(parts.input);
    weight = interpreter.tensor(parts.weight);
    return llvm::Error::success();
  }
  EncodedTensor x = interpreter.encoded(parts.input);
  EncodedTensor w = denseOf(interpreter.encoded(parts.weight));
  input = centeredCodes(x);
  weight = centeredCodes(w);
  QC_RETURN_IF_ERROR(readScales(op, w, channels, channelScales));
  if (arithmetic == Arithmetic::StaticInteger) {
    inputScale = cast<mlir::qc::AffineAttr>(x.encoding).getScaleValue();
    return llvm::Error::success();
  }
  int64_t columns = x.shape.back();
  return readScales(op, x, columns ? input.size() / columns : 0, rowScales);
}

llvm::Error Contraction::prepareEpilogue(Interpreter &interpreter) {
  if (auto encoding = mlir::qc::getEncoding(parts.result)) {
    output = mlir::qc::getStaticAffine(parts.result.getType());
    if (!output || output.getBits() != 8)
      return opError(op, "a result of this encoding",
                     "f32 or a static 8-bit encoding");
  }
  if (parts.activation) {
    activation = num::parseUnary(*parts.activation);
    if (!activation)
      return opError(op, "activation '" + *parts.activation + "'",
                     "a known one");
  }
  low = parts.low;
  high = parts.high;
  if (output) {
    float lo = 0, hi = 0;
    codeBounds(output, parts.low, parts.high, lo, hi);
    low = lo;
    high = hi;
  }
  if (parts.bias) {
    bias = interpreter.tensor(parts.bias);
    DType type =
        arithmetic == Arithmetic::StaticInteger ? DType::I32 : DType::F32;
    if (bias->dtype() != type || bias->size() != channels)
      return opError(op, "a bias of " + bias->describe(),
                     ::qc::describe(type, {channels}));
  }
  if (!parts.residual)
    return llvm::Error::success();
  residualEncoding = mlir::qc::getStaticAffine(parts.residual.getType());
  if (!requantizes()) {
    residual = interpreter.tensor(parts.residual);
    return llvm::Error::success();
  }
  if (!residualEncoding || residualEncoding.getBits() != 8)
    return opError(op, "a residual of this type", "a static 8-bit encoding");
  residual = interpreter.encoded(parts.residual).components.front();
  return llvm::Error::success();
}

llvm::Error Contraction::begin(ArrayRef<int64_t> shape) {
  auto allocated = allocate(op, output ? DType::I8 : DType::F32, shape);
  if (!allocated)
    return allocated.takeError();
  result = std::move(*allocated);
  if (residual)
    QC_RETURN_IF_ERROR(checkShape(op, "a residual", residual->shape(), shape));
  values.resize(channels);
  return llvm::Error::success();
}

int32_t Contraction::accumulate(double sum, int64_t channel) const {
  if (bias && arithmetic == Arithmetic::StaticInteger)
    sum += bias->as<int32_t>()[channel];
  return wrapToI32(sum);
}

void Contraction::requantizeRow(int64_t row, const double *sums) {
  int8_t *to = result.mutableData<int8_t>().data() + row * channels;
  num::Requantize step;
  step.zeroPoint = static_cast<int32_t>(output.getZeroPoint());
  step.lo = *low;
  step.hi = *high;
  float residualMultiplier = 0;
  int32_t residualZero = 0;
  const int8_t *added = nullptr;
  if (residual) {
    added = residual->as<int8_t>().data() + row * channels;
    residualZero = static_cast<int32_t>(residualEncoding.getZeroPoint());
    residualMultiplier =
        residualEncoding.getScaleValue() / output.getScaleValue();
  }
  for (int64_t n = 0; n < channels; ++n) {
    step.multiplier = num::foldMultiplier(inputScale, channelScales[n],
                                          output.getScaleValue());
    int32_t acc = accumulate(sums[n], n);
    to[n] =
        static_cast<int8_t>(added ? num::requantize(acc, added[n], residualZero,
                                                    residualMultiplier, step)
                                  : num::requantize(acc, step));
  }
}

/// Sums to real values, before the residual.
void Contraction::scaleRow(int64_t row, const double *sums) {
  const float *added =
      bias && bias->dtype() == DType::F32 ? bias->as<float>().data() : nullptr;
  for (int64_t n = 0; n < channels; ++n) {
    float t = 0;
    if (arithmetic == Arithmetic::StaticInteger) {
      float multiplier = inputScale * channelScales[n];
      t = static_cast<float>(accumulate(sums[n], n)) * multiplier;
    } else if (arithmetic == Arithmetic::RowInteger) {
      float multiplier = rowScales[row] * channelScales[n];
      t = static_cast<float>(wrapToI32(sums[n])) * multiplier;
    } else {
      t = static_cast<float>(sums[n]);
    }
    values[n] = added ? t + added[n] : t;
  }
}

void Contraction::finishRow(int64_t row, const double *sums) {
  if (requantizes())
    return requantizeRow(row, sums);
  scaleRow(row, sums);
  if (residual) {
    const float *added = residual->as<float>().data() + row * channels;
    for (int64_t n = 0; n < channels; ++n)
      values[n] = values[n] + added[n];
  }
  size_t count = values.size();
  if (activation)
    num::evalUnary(*activation, {values.data(), count}, {values.data(), count});
  if (output) {
    float scale = output.getScaleValue();
    int8_t *to = result.mutableData<int8_t>().data() + row * channels;
    for (int64_t n = 0; n < channels; ++n)
      to[n] =
          clampToCode(values[n] / scale, *low, *high, output.getZeroPoint());
    return;
  }
  float *to = result.mutableData<float>().data() + row * channels;
  for (int64_t n = 0; n < channels; ++n) {
    float t = values[n];
    t = low && t < *low ? *low : t;
    to[n] = high && t > *high ? *high : t;
  }
}

RuntimeValue Contraction::take() {
  if (!output)
    return std::move(result);
  EncodedTensor encoded;
  encoded.encoding = output;
  encoded.shape.assign(result.shape().begin(), result.shape().end());
  encoded.components.push_back(std::move(result));
  return encoded;
}
