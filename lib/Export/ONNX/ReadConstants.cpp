//===- ReadConstants.cpp - Codes of weights and biases --------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ReadConstants.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "qc/Numerics/Packing.h"

#include <cstring>

using namespace mlir;
using namespace mlir::qc;
using namespace ::qc::onnx;
using ::qc::DType;
using ::qc::HostTensor;
namespace num = ::qc::numerics;

HostTensor qconnx::transposed(const HostTensor &tensor,
                              ArrayRef<int64_t> permutation) {
  SmallVector<int64_t> shape, strides(tensor.rank(), 1), steps;
  for (int64_t axis = tensor.rank() - 1; axis > 0; --axis)
    strides[axis - 1] = strides[axis] * tensor.dim(axis);
  for (int64_t axis : permutation) {
    shape.push_back(tensor.dim(axis));
    steps.push_back(strides[axis]);
  }
  HostTensor result = HostTensor::uninitialized(tensor.dtype(), shape);
  size_t size = byteSize(tensor.dtype());
  char *to = result.mutableBytes();
  SmallVector<int64_t> index(shape.size(), 0);
  int64_t from = 0;
  for (int64_t i = 0; i < tensor.size(); ++i) {
    std::memcpy(to + i * size, tensor.bytes() + from * size, size);
    for (size_t axis = shape.size(); axis-- > 0;) {
      from += steps[axis];
      if (++index[axis] < shape[axis])
        break;
      from -= steps[axis] * shape[axis];
      index[axis] = 0;
    }
  }
  return result;
}

llvm::Expected<::qc::RuntimeValue> ConstantReader::evaluate(Value value) {
  ::qc::Evaluator::ConstantCache cache;
  return evaluator.evaluateConstant(value, cache);
}

llvm::Expected<HostTensor> ConstantReader::evaluateVector(Value value) {
  auto result = evaluate(value);
  if (!result)
    return result.takeError();
  const HostTensor &tensor = result->tensor();
  return tensor.reshaped({tensor.size()});
}

/// Signed codes of one byte each from packed rows.
static HostTensor unpack(const HostTensor &packed, ArrayRef<int64_t> shape,
                         unsigned bits) {
  HostTensor codes = HostTensor::uninitialized(DType::I8, shape);
  size_t columns = shape.empty() ? 1 : shape.back();
  size_t rows = columns ? codes.size() / columns : 0;
  auto bytes = codes.mutableData<uint8_t>();
  num::unpackRows({packed.as<uint8_t>().data(), packed.byteCount()}, rows,
                  columns, bits, {bytes.data(), bytes.size()});
  for (uint8_t &code : bytes)
    code = static_cast<uint8_t>(num::signExtend(code, bits));
  return codes;
}

namespace {
/// How a filter becomes one of ONNX.
struct FilterLayout {
  SmallVector<int64_t> permutation;
  /// The channels lie on two axes, which become one.
  bool isGrouped = false;
  bool isDepthwise = false;
};
} // namespace

static FilterLayout layoutOf(const ConvView &conv) {
  bool isLast = conv.layout == ImageLayout::ChannelsLast;
  switch (conv.kind) {
  case ConvView::Kind::Full:
    if (isLast)
      return {{3, 2, 0, 1}};
    return {{0, 1, 2, 3}};
  case ConvView::Kind::Depthwise:
    if (isLast)
      return {{2, 0, 1}, false, true};
    return {{0, 1, 2}, false, true};
  case ConvView::Kind::Grouped:
    if (isLast)
      return {{0, 1, 4, 2, 3}, true};
    return {{0, 1, 2, 3, 4}, true};
  }
  llvm_unreachable("all kinds are handled");
}

/// A tensor that has the axes of a filter, as ONNX has it.
static HostTensor arrange(const HostTensor &tensor,
                          const FilterLayout &layout) {
  HostTensor result = transposed(tensor, layout.permutation);
  SmallVector<int64_t> shape(result.shape());
  if (layout.isDepthwise)
    shape.insert(shape.begin() + 1, 1);
  if (layout.isGrouped) {
    shape[1] *= shape[0];
    shape.erase(shape.begin());
  }
  return result.reshaped(shape);
}

/// Scales or zero points beside the codes of shape `shape`.
static HostTensor arrangeScales(const HostTensor &tensor, size_t rank,
                                const std::optional<FilterLayout> &layout) {
  if (tensor.size() == 1)
    return tensor.reshaped({});
  if (tensor.rank() < static_cast<int64_t>(rank))
    return tensor.reshaped({tensor.size()});
  return layout ? arrange(tensor, *layout) : tensor;
}

llvm::Expected<QuantizedConstant>
ConstantReader::readWeight(QuantizeOp op, const std::optional<ConvView> &conv) {
  auto value = evaluate(op.getResult());
  if (!value)
    return value.takeError();
  const ::qc::EncodedTensor &tensor = value->encoded();
  std::optional<FilterLayout> layout;
  if (conv)
    layout = layoutOf(*conv);
  QuantizedConstant result;
  auto affine = dyn_cast<AffineAttr>(tensor.encoding);
  if (!affine) {
    // Half precision: values without a scale.
    result.bits = 16;
    result.codes = layout ? arrange(tensor.components.front(), *layout)
                          : tensor.components.front();
    return result;
  }
  result.bits = affine.getBits();
  HostTensor codes =
      unpack(tensor.components.front(), tensor.shape, affine.getBits());
  result.codes = layout ? arrange(codes, *layout) : codes;
  size_t rank = tensor.shape.size();
  auto components = affine.getComponents(tensor.shape);
  for (auto [component, data] : llvm::zip(components, tensor.components)) {
    if (component.name == num::scalesName)
      result.scale = arrangeScales(data.toF32(), rank, layout);
    else if (component.name != num::codesName)
      result.zero = arrangeScales(data, rank, layout);
  }
  result.axis = conv ? 0 : static_cast<int64_t>(rank) - 1;
  for (int64_t size : affine.getGroup())
    if (size > 1) {
      result.block = size;
      result.axis = conv ? 1 : static_cast<int64_t>(rank) - 2;
    }
  return result;
}

llvm::Expected<QuantizedConstant> ConstantReader::readBias(Value vector) {
  QuantizedConstant result;
  Value value = vector;
  while (Operation *def = value.getDefiningOp()) {
    if (!isa<tensor::CollapseShapeOp, tensor::ExpandShapeOp>(def))
      break;
    value = def->getOperand(0);
  }
  auto product = value.getDefiningOp<arith::MulFOp>();
  auto rounded = product ? product.getLhs().getDefiningOp<arith::SIToFPOp>()
                         : arith::SIToFPOp();
  bool isRounded = rounded && rounded.getIn().getDefiningOp<QuantizeBiasOp>();
  auto codes = evaluateVector(isRounded ? rounded.getIn() : vector);
  if (!codes)
    return codes.takeError();
  result.codes = std::move(*codes);
  result.bits = 32;
  if (!isRounded)
    return result;
  auto scale = evaluateVector(product.getRhs());
  if (!scale)
    return scale.takeError();
  result.scale = std::move(*scale);
  return result;
}
