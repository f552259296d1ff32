//===- EncodingParts.cpp - What the encodings share -----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "EncodingParts.h"
#include "qc/Numerics/Packing.h"

using namespace mlir;
using namespace mlir::qc;
namespace num = ::qc::numerics;

/// Stands for a dynamic size while components are computed.
static constexpr int64_t dynamicStandIn = int64_t(1) << 40;

SmallVector<num::Component> mlir::qc::componentsOf(const num::DecodeSpec &spec,
                                                   ArrayRef<int64_t> shape,
                                                   ArrayRef<int64_t> group) {
  SmallVector<int64_t> sizes(shape);
  for (int64_t &size : sizes)
    if (ShapedType::isDynamic(size))
      size = dynamicStandIn;
  SmallVector<num::Component> result;
  for (num::Component &component : num::components(spec, sizes)) {
    if (component.name != num::codesName) {
      bool packed = num::bitWidth(component.kind) < 8;
      std::vector<int64_t> kept;
      for (auto [axis, size] : llvm::enumerate(component.shape))
        if (axis >= group.size() || group[axis] != -1 ||
            (packed && axis + 1 == component.shape.size()))
          kept.push_back(size);
      component.shape = kept;
    }
    for (int64_t &size : component.shape)
      if (size == dynamicStandIn)
        size = ShapedType::kDynamic;
    result.push_back(std::move(component));
  }
  return result;
}

SmallVector<std::vector<char>>
mlir::qc::bytesOf(ArrayRef<num::ComponentData> data) {
  SmallVector<std::vector<char>> result;
  for (const num::ComponentData &component : data)
    result.emplace_back(component.bytes.begin(), component.bytes.end());
  return result;
}

std::vector<char> mlir::qc::packCodes(ArrayRef<uint8_t> codes,
                                      ArrayRef<int64_t> shape, unsigned bits) {
  size_t columns = shape.empty() ? 1 : shape.back();
  size_t rows = columns ? codes.size() / columns : 0;
  std::vector<uint8_t> packed(rows * num::packedRowBytes(columns, bits));
  num::packRows(codes, rows, columns, bits, packed);
  return {packed.begin(), packed.end()};
}

num::ElementKind mlir::qc::kindOf(Type storage) {
  if (storage && storage.isF16())
    return num::ElementKind::F16;
  if (storage && storage.isBF16())
    return num::ElementKind::BF16;
  return num::ElementKind::F32;
}

LogicalResult
mlir::qc::verifyGroup(function_ref<InFlightDiagnostic()> emitError,
                      StringRef constraint, ArrayRef<int64_t> group) {
  for (int64_t size : group)
    if (size != -1 && size < 1)
      return emitError() << constraint
                         << ": expected group sizes of at least 1, or -1 for "
                            "the whole axis, found "
                         << size;
  return success();
}

LogicalResult
mlir::qc::verifyGroupShape(function_ref<InFlightDiagnostic()> emitError,
                           StringRef axes, StringRef sizes,
                           ArrayRef<int64_t> group, ArrayRef<int64_t> shape) {
  if (group.size() != shape.size())
    return emitError() << axes << ": the encoding has groups for "
                       << group.size() << " axes, the tensor has "
                       << shape.size();
  for (auto [size, elements] : llvm::zip_equal(shape, group))
    if (ShapedType::isDynamic(size) && elements > 1)
      return emitError() << sizes << ": an axis in groups of " << elements
                         << " needs a static size";
  return success();
}

std::string mlir::qc::groupSuffix(ArrayRef<int64_t> group) {
  std::string suffix;
  for (int64_t size : group)
    if (size > 1)
      suffix += "_g" + std::to_string(size);
  return suffix;
}

std::vector<int64_t> mlir::qc::groupSizes(ArrayRef<int64_t> group) {
  std::vector<int64_t> sizes(group.begin(), group.end());
  for (int64_t &size : sizes)
    size = size == -1 ? 0 : size;
  return sizes;
}
