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

static SmallVector<int64_t> stridesOf(const HostTensor &tensor) {
  SmallVector<int64_t> strides(tensor.rank(), 1);
  for (int64_t axis = tensor.rank() - 1; axis > 0; --axis)
    strides[axis - 1] = strides[axis] * tensor.dim(axis);
  return strides;
}

/// The elements of `tensor` in a tensor of `shape`, whose axes step through it
/// by `steps`.
static HostTensor copied(const HostTensor &tensor, ArrayRef<int64_t> shape,
                         ArrayRef<int64_t> steps) {
  HostTensor result = HostTensor::uninitialized(tensor.dtype(), shape);
  size_t size = byteSize(tensor.dtype());
  char *to = result.mutableBytes();
  SmallVector<int64_t> index(shape.size(), 0);
  int64_t from = 0;
  for (int64_t i = 0; i < result.size(); ++i) {
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

HostTensor qconnx::transposed(const HostTensor &tensor,
                              ArrayRef<int64_t> permutation) {
  SmallVector<int64_t> shape, strides = stridesOf(tensor), steps;
  for (int64_t axis : permutation) {
    shape.push_back(tensor.dim(axis));
    steps.push_back(strides[axis]);
  }
  return copied(tensor, shape, steps);
}

/// `tensor` repeated along axes of size 1 until it has `shape`.
static HostTensor repeated(const HostTensor &tensor, ArrayRef<int64_t> shape) {
  SmallVector<int64_t> steps = stridesOf(tensor);
  for (auto [axis, step] : llvm::enumerate(steps))
    if (tensor.dim(axis) == 1)
      step = 0;
  return copied(tensor, shape, steps);
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

/// Signed codes of one byte each from packed rows. Codes without a sign, and
/// zero points beside them, are moved by half their range.
static HostTensor unpack(const HostTensor &packed, ArrayRef<int64_t> shape,
                         unsigned bits, bool isSigned) {
  HostTensor codes = HostTensor::uninitialized(DType::I8, shape);
  size_t columns = shape.empty() ? 1 : shape.back();
  size_t rows = columns ? codes.size() / columns : 0;
  auto bytes = codes.mutableData<uint8_t>();
  num::unpackRows({packed.as<uint8_t>().data(), packed.byteCount()}, rows,
                  columns, bits, {bytes.data(), bytes.size()});
  uint8_t flip = isSigned ? 0 : 1 << (bits - 1);
  for (uint8_t &code : bytes)
    code = static_cast<uint8_t>(num::signExtend(code ^ flip, bits));
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

/// Scales or zero points of groups. Those of whole axes come without the axis.
static HostTensor arrangeScales(const HostTensor &tensor,
                                ArrayRef<int64_t> group,
                                const std::optional<FilterLayout> &layout) {
  if (tensor.size() == 1)
    return tensor.reshaped({});
  SmallVector<int64_t> shape(tensor.shape());
  for (auto [axis, size] : llvm::enumerate(group))
    if (size < 0 && shape.size() < group.size())
      shape.insert(shape.begin() + axis, 1);
  HostTensor whole = tensor.reshaped(shape);
  HostTensor arranged = layout ? arrange(whole, *layout) : whole;
  // One for each channel and nothing else.
  int64_t channels = arranged.dim(layout ? 0 : arranged.rank() - 1);
  return arranged.size() == channels ? arranged.reshaped({channels}) : arranged;
}

llvm::Expected<QuantizedConstant>
ConstantReader::readWeight(Value weight, const std::optional<ConvView> &conv) {
  auto value = evaluate(weight);
  if (!value)
    return value.takeError();
  std::optional<FilterLayout> layout;
  if (conv)
    layout = layoutOf(*conv);
  QuantizedConstant result;
  if (!value->isEncoded()) {
    result.bits = 32;
    result.codes = layout ? arrange(value->tensor(), *layout) : value->tensor();
    return result;
  }
  const ::qc::EncodedTensor &tensor = value->encoded();
  auto affine = dyn_cast<AffineAttr>(tensor.encoding);
  if (!affine) {
    // Half precision: values without a scale.
    result.bits = 16;
    result.codes = layout ? arrange(tensor.components.front(), *layout)
                          : tensor.components.front();
    return result;
  }
  result.bits = affine.getBits();
  bool isSigned = affine.getSymmetric() || affine.getBits() == 8;
  HostTensor codes = unpack(tensor.components.front(), tensor.shape,
                            affine.getBits(), isSigned);
  result.codes = layout ? arrange(codes, *layout) : codes;
  size_t rank = tensor.shape.size();
  auto components = affine.getComponents(tensor.shape);
  for (auto [component, data] : llvm::zip(components, tensor.components)) {
    if (component.name == num::scalesName)
      result.scale = arrangeScales(data.toF32(), affine.getGroup(), layout);
    else if (component.name != num::codesName)
      result.zero =
          arrangeScales(unpack(data, component.shape,
                               num::bitWidth(component.kind), isSigned),
                        affine.getGroup(), layout);
  }
  result.axis = conv ? 0 : static_cast<int64_t>(rank) - 1;
  if (result.scale->rank() < 2)
    return result;
  // ONNX has blocks along one axis, here that of the inputs; the others have a
  // scale for each place.
  int64_t inputs = !conv               ? static_cast<int64_t>(rank) - 2
                   : layout->isGrouped ? layout->permutation[2]
                                       : layout->permutation[1];
  result.axis = conv ? 1 : inputs;
  int64_t size = affine.getGroup()[inputs];
  result.block = size > 0 ? size : tensor.shape[inputs];
  SmallVector<int64_t> shape(result.codes.shape());
  shape[result.axis] = result.scale->dim(result.axis);
  result.scale = repeated(*result.scale, shape);
  if (result.zero)
    result.zero = repeated(*result.zero, shape);
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
