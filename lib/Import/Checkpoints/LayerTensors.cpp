//===- LayerTensors.cpp - The tensors of one layer ------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LayerTensors.h"

#include <cmath>

using namespace qc;
using namespace qc::checkpoints;
using llvm::StringRef;
using llvm::Twine;

static constexpr StringRef tensorCode = "bad-checkpoint";

const safetensors::Tensor *LayerTensors::find(StringRef suffix) const {
  return table.find(nameOf(suffix));
}

llvm::Error LayerTensors::error(StringRef suffix, const Twine &found,
                                const Twine &expected) const {
  const safetensors::Tensor *tensor = find(suffix);
  if (!tensor && !table.tensors.empty())
    tensor = &table.tensors.front();
  return inputError(tensorCode, tensor ? tensor->file : std::string(),
                    "tensor '" + printable(nameOf(suffix), 200) + "'", found,
                    expected);
}

llvm::Expected<HostTensor>
LayerTensors::get(const safetensors::Tensor &tensor, DType type,
                  llvm::ArrayRef<int64_t> shape) const {
  return store.get(tensor.name, tensor.file,
                   static_cast<int64_t>(tensor.offset),
                   static_cast<int64_t>(tensor.length), type, shape);
}

/// "u8 or f32"
static std::string namesOf(llvm::ArrayRef<DType> types) {
  std::string names;
  for (DType type : types)
    names += (names.empty() ? "" : " or ") + name(type).str();
  return names;
}

/// "2x3xi32"
static std::string typeOf(const safetensors::Tensor &tensor) {
  std::string text;
  for (int64_t size : tensor.shape)
    text += std::to_string(size) + "x";
  return text + safetensors::getName(tensor.type).lower();
}

llvm::Expected<HostTensor>
LayerTensors::read(StringRef suffix, llvm::ArrayRef<DType> types,
                   llvm::ArrayRef<int64_t> shape) const {
  const safetensors::Tensor *tensor = find(suffix);
  std::string expected = namesOf(types);
  expected = qc::describe(types.front(), shape) +
             expected.substr(name(types.front()).size());
  if (!tensor)
    return error(suffix, "none", expected);
  std::optional<DType> type = safetensors::getHostType(tensor->type);
  if (!type || !llvm::is_contained(types, *type) ||
      llvm::ArrayRef(tensor->shape) != shape)
    return error(suffix, typeOf(*tensor), expected);
  return get(*tensor, *type, shape);
}

llvm::Expected<HostTensor>
LayerTensors::readFinite(StringRef suffix, llvm::ArrayRef<DType> types,
                         llvm::ArrayRef<int64_t> shape) const {
  llvm::Expected<HostTensor> tensor = read(suffix, types, shape);
  if (!tensor || !isFloat(tensor->dtype()))
    return tensor;
  HostTensor values = tensor->toF32();
  for (auto [i, value] : llvm::enumerate(values.as<float>()))
    if (!std::isfinite(value))
      return error(suffix,
                   (std::isnan(value) ? "NaN" : "an infinity") +
                       (" at element " + Twine(i)),
                   "finite numbers");
  return tensor;
}

llvm::Expected<HostTensor> LayerTensors::readBytes(StringRef suffix) const {
  const safetensors::Tensor *tensor = find(suffix);
  if (!tensor)
    return error(suffix, "none", "its bytes");
  return get(*tensor, DType::U8, {static_cast<int64_t>(tensor->length)});
}
