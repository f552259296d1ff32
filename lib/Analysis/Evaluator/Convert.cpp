//===- Convert.cpp - Types and constants of MLIR as host tensors ----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Also the way of encoded tensors to Numerics and back, which keeps components
// as bytes.
//
//===----------------------------------------------------------------------===//

#include "Convert.h"
#include "Interpreter.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "qc/Dialect/QC/IR/QCSparse.h"
#include "qc/Numerics/Decode.h"
#include "qc/Numerics/Rounding.h"

#include <cstring>

using namespace mlir;
using namespace ::qc;
namespace num = ::qc::numerics;

std::optional<DType> evaluator::dtypeOf(Type type) {
  if (auto shaped = dyn_cast<ShapedType>(type))
    type = shaped.getElementType();
  if (type.isIndex())
    return DType::I64;
  if (type.isF32())
    return DType::F32;
  if (type.isF64())
    return DType::F64;
  if (type.isF16())
    return DType::F16;
  if (type.isBF16())
    return DType::BF16;
  auto integer = dyn_cast<IntegerType>(type);
  if (!integer)
    return std::nullopt;
  bool isUnsigned = integer.isUnsigned();
  switch (integer.getWidth()) {
  case 1:
    return DType::Bool;
  case 8:
    return isUnsigned ? DType::U8 : DType::I8;
  case 16:
    return isUnsigned ? DType::U16 : DType::I16;
  case 32:
    return isUnsigned ? DType::U32 : DType::I32;
  case 64:
    return isUnsigned ? DType::U64 : DType::I64;
  default:
    return std::nullopt;
  }
}

/// Stores the low bytes of `bits` in an element.
static void store(HostTensor &tensor, int64_t index, uint64_t bits) {
  unsigned size = byteSize(tensor.dtype());
  std::memcpy(tensor.mutableBytes() + index * size, &bits, size);
}

/// All elements equal to the first.
static void splat(HostTensor &tensor) {
  dispatchBits(tensor.dtype(), [&](auto zero) {
    using T = decltype(zero);
    MutableArrayRef<T> data = tensor.mutableData<T>();
    if (!data.empty())
      std::fill(data.begin() + 1, data.end(), T(data.front()));
  });
}

static std::optional<HostTensor> fromDense(DenseElementsAttr dense,
                                           DType type) {
  ArrayRef<int64_t> shape = dense.getType().getShape();
  std::optional<int64_t> count = elementCount(shape);
  if (!count || static_cast<uint64_t>(*count) * byteSize(type) > memoryLimit())
    return std::nullopt;
  HostTensor tensor = HostTensor::uninitialized(type, shape);
  if (tensor.size() == 0)
    return tensor;
  if (type == DType::Bool) {
    for (auto [index, value] : llvm::enumerate(dense.getValues<bool>()))
      store(tensor, index, value);
    return tensor;
  }
  ArrayRef<char> raw = dense.getRawData();
  if (dense.isSplat()) {
    std::memcpy(tensor.mutableBytes(), raw.data(), byteSize(type));
    splat(tensor);
  } else {
    std::memcpy(tensor.mutableBytes(), raw.data(), tensor.byteCount());
  }
  return tensor;
}

std::optional<HostTensor> evaluator::tensorOf(Attribute attribute) {
  auto typed = dyn_cast<TypedAttr>(attribute);
  std::optional<DType> type = typed ? dtypeOf(typed.getType()) : std::nullopt;
  if (!type)
    return std::nullopt;
  if (auto dense = dyn_cast<DenseElementsAttr>(attribute))
    return fromDense(dense, *type);
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(attribute)) {
    auto *blob = resource.getRawHandle().getBlob();
    ArrayRef<int64_t> shape = resource.getType().getShape();
    auto count = elementCount(shape);
    if (!blob || !count || *type == DType::Bool ||
        blob->getData().size() != static_cast<size_t>(*count) * byteSize(*type))
      return std::nullopt;
    return HostTensor::borrow(*type, shape, blob->getData().data());
  }
  HostTensor scalar(*type, {});
  if (auto integer = dyn_cast<IntegerAttr>(attribute)) {
    const APInt &value = integer.getValue();
    store(scalar, 0,
          *type == DType::Bool ? value.getZExtValue()
                               : static_cast<uint64_t>(value.getSExtValue()));
    return scalar;
  }
  if (auto value = dyn_cast<FloatAttr>(attribute)) {
    store(scalar, 0, value.getValue().bitcastToAPInt().getZExtValue());
    return scalar;
  }
  return std::nullopt;
}

//===----------------------------------------------------------------------===//
// Encoded tensors
//===----------------------------------------------------------------------===//

llvm::Expected<EncodedTensor>
evaluator::encode(Operation *op, mlir::qc::EncodingAttrInterface encoding,
                  const HostTensor &values, StringRef algorithm) {
  EncodedTensor result;
  result.encoding = encoding;
  result.shape.assign(values.shape().begin(), values.shape().end());
  auto bytes = encoding.encode(values.as<float>(), values.shape(), algorithm);
  auto components = encoding.getComponents(values.shape());
  if (components.size() != bytes.size())
    return opError(op, llvm::Twine(bytes.size()) + " components",
                   llvm::Twine(components.size()));
  for (auto [component, data] : llvm::zip(components, bytes)) {
    auto type = mlir::qc::getComponentType(encoding.getContext(), component);
    DType dtype = *dtypeOf(type);
    auto owner = std::make_shared<std::vector<char>>(std::move(data));
    size_t expected =
        elementCount(type.getShape()).value_or(0) * byteSize(dtype);
    if (expected != owner->size())
      return opError(op,
                     llvm::Twine(owner->size()) + " bytes of component '" +
                         component.name + "'",
                     llvm::Twine(expected));
    result.components.push_back(
        HostTensor::borrow(dtype, type.getShape(), owner->data(), owner));
  }
  return result;
}

std::vector<num::ComponentData>
evaluator::componentData(const EncodedTensor &tensor,
                         const num::DecodeSpec &spec) {
  std::vector<num::ComponentData> result;
  std::vector<num::Component> components = num::components(spec, tensor.shape);
  for (auto [component, host] : llvm::zip(components, tensor.components)) {
    const auto *bytes = reinterpret_cast<const uint8_t *>(host.bytes());
    result.push_back({component, {bytes, bytes + host.byteCount()}});
  }
  return result;
}

/// Tensors that own the bytes of components.
static void addComponents(EncodedTensor &tensor,
                          ArrayRef<num::ComponentData> data) {
  auto components = tensor.encoding.getComponents(tensor.shape);
  for (auto [component, each] : llvm::zip_equal(components, data)) {
    auto type =
        mlir::qc::getComponentType(tensor.encoding.getContext(), component);
    auto owner = std::make_shared<std::vector<uint8_t>>(each.bytes);
    tensor.components.push_back(HostTensor::borrow(
        *evaluator::dtypeOf(type), type.getShape(),
        reinterpret_cast<const char *>(owner->data()), owner));
  }
}

EncodedTensor evaluator::denseOf(const EncodedTensor &tensor) {
  auto sparse = dyn_cast<mlir::qc::SparseAttr>(tensor.encoding);
  if (!sparse)
    return tensor;
  std::vector<std::vector<uint8_t>> components;
  for (const HostTensor &host : tensor.components) {
    const auto *bytes = reinterpret_cast<const uint8_t *>(host.bytes());
    components.emplace_back(bytes, bytes + host.byteCount());
  }
  EncodedTensor dense;
  dense.encoding = sparse.getInner();
  dense.shape = tensor.shape;
  addComponents(dense, sparse.expand(components, tensor.shape));
  return dense;
}

HostTensor EncodedTensor::decode() const {
  if (isa<mlir::qc::SparseAttr>(encoding))
    return evaluator::denseOf(*this).decode();
  auto affine = dyn_cast<mlir::qc::AffineAttr>(encoding);
  if (affine && affine.isStatic() && affine.getBits() == 8) {
    HostTensor result = HostTensor::uninitialized(DType::F32, shape);
    float scale = affine.getScaleValue();
    auto zero = static_cast<int32_t>(affine.getZeroPoint());
    float table[256];
    for (int code = 0; code < 256; ++code)
      table[code] = num::dequantize(static_cast<int8_t>(code), scale, zero);
    llvm::transform(components[0].as<uint8_t>(),
                    result.mutableData<float>().begin(),
                    [&](uint8_t code) { return table[code]; });
    return result;
  }
  num::DecodeSpec spec = encoding.getDecodeSpec(shape);
  auto values = std::make_shared<std::vector<float>>(
      num::decode(spec, shape, evaluator::componentData(*this, spec)));
  return HostTensor::borrow(DType::F32, shape, values->data(), values);
}

HostTensor evaluator::centeredCodes(const EncodedTensor &tensor) {
  auto affine = cast<mlir::qc::AffineAttr>(tensor.encoding);
  HostTensor result = HostTensor::uninitialized(DType::F32, tensor.shape);
  MutableArrayRef<float> to = result.mutableData<float>();
  if (affine.getBits() == 8 && (affine.isStatic() || affine.getSymmetric())) {
    auto zero = static_cast<float>(affine.getZeroPoint());
    llvm::transform(
        tensor.components[0].as<int8_t>(), to.begin(),
        [&](int8_t code) { return static_cast<float>(code) - zero; });
    return result;
  }
  num::DecodeSpec spec = affine.getDecodeSpec(tensor.shape);
  llvm::transform(
      num::decodeInt(spec, tensor.shape, componentData(tensor, spec)),
      to.begin(), [](int32_t code) { return static_cast<float>(code); });
  return result;
}
