//===- QCAttributes.cpp - What all encodings share ------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Types of components and the queries on encoded types. Each encoding itself
// is in QCEncodings.cpp.
//
//===----------------------------------------------------------------------===//

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"
#include "qc/Dialect/QC/IR/QCBlocks.h"
#include "qc/Numerics/WideSums.h"

using namespace mlir;
using namespace mlir::qc;
namespace num = ::qc::numerics;

double EncodingAttrInterface::getBitsPerWeight(ArrayRef<int64_t> shape) const {
  int64_t elements = 1;
  for (int64_t size : shape)
    elements *= size;
  if (elements == 0)
    return 0;
  size_t bytes = 0;
  for (const num::Component &component : getComponents(shape))
    bytes += num::byteSize(component.kind, component.shape);
  return 8.0 * static_cast<double>(bytes) / static_cast<double>(elements);
}

EncodingAttrInterface mlir::qc::getEncoding(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor || !tensor.getEncoding())
    return {};
  return dyn_cast<EncodingAttrInterface>(tensor.getEncoding());
}

AffineAttr mlir::qc::getStaticAffine(Type type) {
  auto affine = dyn_cast_or_null<AffineAttr>(getEncoding(type));
  return affine && affine.isStatic() ? affine : AffineAttr();
}

RankedTensorType mlir::qc::withEncoding(RankedTensorType type,
                                        Attribute encoding) {
  return RankedTensorType::get(type.getShape(),
                               Float32Type::get(type.getContext()), encoding);
}

/// The number of consecutive indices over axes of `shape` that share a scale
/// with `group`; -1 if all do, nullopt if it is not the same everywhere.
static std::optional<int64_t> mergeGroups(ArrayRef<int64_t> shape,
                                          ArrayRef<int64_t> group) {
  int64_t merged = 1;
  // False once the axes further in are cut, true while they are whole.
  bool whole = true;
  for (size_t axis = shape.size(); axis-- > 0;) {
    int64_t size = shape[axis];
    int64_t own = group[axis] == -1 ? size : std::min(group[axis], size);
    if (size == 1)
      continue;
    if (!whole && own != 1)
      return std::nullopt;
    bool outermost = llvm::all_of(shape.take_front(axis),
                                  [](int64_t outer) { return outer == 1; });
    // A shorter group may only be the last of all.
    if (own != 0 && size % own != 0 && !outermost)
      return std::nullopt;
    merged *= own;
    whole = whole && own == size;
  }
  return whole ? -1 : merged;
}

EncodingAttrInterface
mlir::qc::getMatrixEncoding(ArrayRef<int64_t> shape,
                            EncodingAttrInterface encoding) {
  ArrayRef<int64_t> group = encoding.getGroup();
  if (group.empty())
    return encoding;
  if (ShapedType::isDynamicShape(shape) || group.size() != shape.size() ||
      shape.empty())
    return {};
  std::optional<int64_t> rows =
      mergeGroups(shape.drop_back(), group.drop_back());
  if (!rows)
    return {};
  return dyn_cast_or_null<EncodingAttrInterface>(
      encoding.withGroup({*rows, group.back()}));
}

static Type elementTypeOf(MLIRContext *context, num::ElementKind kind) {
  Builder builder(context);
  switch (kind) {
  case num::ElementKind::F32:
    return builder.getF32Type();
  case num::ElementKind::F16:
    return builder.getF16Type();
  case num::ElementKind::BF16:
    return builder.getBF16Type();
  case num::ElementKind::I16:
  case num::ElementKind::U16:
    return builder.getIntegerType(16);
  case num::ElementKind::I32:
    return builder.getI32Type();
  case num::ElementKind::I64:
    return builder.getI64Type();
  default:
    return builder.getIntegerType(8);
  }
}

RankedTensorType mlir::qc::getComponentType(MLIRContext *context,
                                            const num::Component &component) {
  SmallVector<int64_t> shape(component.shape.begin(), component.shape.end());
  unsigned bits = num::bitWidth(component.kind);
  if (bits < 8 && !shape.empty() && !ShapedType::isDynamic(shape.back()))
    shape.back() = (shape.back() * bits + 7) / 8;
  return RankedTensorType::get(shape, elementTypeOf(context, component.kind));
}

bool mlir::qc::isBlockEncoding(Attribute encoding) {
  auto affine = dyn_cast_or_null<AffineAttr>(encoding);
  return affine && !affine.isStatic() && affine.getBits() == 8 &&
         affine.getSymmetric() && !affine.getStorage() &&
         !affine.getGroup().empty() &&
         llvm::is_contained(
             {num::activationBlock, int64_t(64), int64_t(128), int64_t(256)},
             affine.getGroup().back()) &&
         llvm::all_of(affine.getGroup().drop_back(),
                      [](int64_t size) { return size == 1; });
}

/// The spec of weights [K, N] if they have uniform groups along K.
static std::optional<num::DecodeSpec> getMatrixSpec(Type weight) {
  auto matrix = cast<RankedTensorType>(weight);
  auto encoding = getEncoding(weight);
  if (!encoding || matrix.getRank() != 2)
    return std::nullopt;
  auto uniform = getMatrixEncoding(matrix.getShape(), encoding);
  if (!uniform)
    return std::nullopt;
  return uniform.getDecodeSpec(matrix.getShape());
}

int64_t mlir::qc::getActivationBlock(Type weight) {
  std::optional<num::DecodeSpec> spec = getMatrixSpec(weight);
  std::optional<num::WideSums> wide;
  if (spec)
    wide = num::wideSums(*spec);
  return wide ? wide->width : num::activationBlock;
}

int64_t mlir::qc::getBlockSize(Attribute encoding) {
  return cast<AffineAttr>(encoding).getGroup().back();
}

std::optional<num::GroupSums> mlir::qc::getGroupSums(Type input, Type weight) {
  if (!isBlockEncoding(getEncoding(input)))
    return std::nullopt;
  std::optional<num::DecodeSpec> spec = getMatrixSpec(weight);
  int64_t block = getBlockSize(getEncoding(input));
  if (!spec || (isWideBlock(block) && getActivationBlock(weight) != block))
    return std::nullopt;
  return num::groupSums(*spec);
}
