//===- File.cpp - What a GGUF file holds ----------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Sizes of GGML's types and look-ups by name.
//
//===----------------------------------------------------------------------===//

#include "qc/Import/GGUF/File.h"
#include "qc/Support/HostTensor.h"

using namespace qc;
using namespace qc::gguf;
using llvm::StringRef;

namespace {
struct BlockRow {
  TensorType type;
  Block block;
};
} // namespace

static constexpr BlockRow blockRows[] = {
    {TensorType::F32, {"F32", 1, 4}},
    {TensorType::F16, {"F16", 1, 2}},
    {TensorType::Q4_0, {"Q4_0", 32, 18}},
    {TensorType::Q4_1, {"Q4_1", 32, 20}},
    {TensorType::Q5_0, {"Q5_0", 32, 22}},
    {TensorType::Q5_1, {"Q5_1", 32, 24}},
    {TensorType::Q8_0, {"Q8_0", 32, 34}},
    {TensorType::Q8_1, {"Q8_1", 32, 40}},
    {TensorType::Q2_K, {"Q2_K", 256, 84}},
    {TensorType::Q3_K, {"Q3_K", 256, 110}},
    {TensorType::Q4_K, {"Q4_K", 256, 144}},
    {TensorType::Q5_K, {"Q5_K", 256, 176}},
    {TensorType::Q6_K, {"Q6_K", 256, 210}},
    {TensorType::Q8_K, {"Q8_K", 256, 292}},
    {TensorType::IQ2_XXS, {"IQ2_XXS", 256, 66}},
    {TensorType::IQ2_XS, {"IQ2_XS", 256, 74}},
    {TensorType::IQ3_XXS, {"IQ3_XXS", 256, 98}},
    {TensorType::IQ1_S, {"IQ1_S", 256, 50}},
    {TensorType::IQ4_NL, {"IQ4_NL", 32, 18}},
    {TensorType::IQ3_S, {"IQ3_S", 256, 110}},
    {TensorType::IQ2_S, {"IQ2_S", 256, 82}},
    {TensorType::IQ4_XS, {"IQ4_XS", 256, 136}},
    {TensorType::I8, {"I8", 1, 1}},
    {TensorType::I16, {"I16", 1, 2}},
    {TensorType::I32, {"I32", 1, 4}},
    {TensorType::I64, {"I64", 1, 8}},
    {TensorType::F64, {"F64", 1, 8}},
    {TensorType::IQ1_M, {"IQ1_M", 256, 56}},
    {TensorType::BF16, {"BF16", 1, 2}},
    {TensorType::TQ1_0, {"TQ1_0", 256, 54}},
    {TensorType::TQ2_0, {"TQ2_0", 256, 66}},
    {TensorType::MXFP4, {"MXFP4", 32, 17}},
    {TensorType::NVFP4, {"NVFP4", 64, 36}},
    {TensorType::Q1_0, {"Q1_0", 128, 18}},
};

std::optional<Block> qc::gguf::findBlock(TensorType type) {
  for (const BlockRow &row : blockRows)
    if (row.type == type)
      return row.block;
  return std::nullopt;
}

std::optional<uint64_t> qc::gguf::byteSize(TensorType type,
                                           llvm::ArrayRef<int64_t> shape) {
  std::optional<Block> block = findBlock(type);
  std::optional<int64_t> count = elementCount(shape);
  int64_t row = shape.empty() ? 1 : shape.back();
  if (!block || !count || row % block->elements)
    return std::nullopt;
  // At most 2^48 elements.
  return static_cast<uint64_t>(*count) / block->elements * block->bytes;
}

const Value *File::find(StringRef key) const {
  auto found = keyIndex.find(key);
  return found == keyIndex.end() ? nullptr : &metadata[found->second].value;
}

void File::set(StringRef key, Value value) {
  auto [at, added] = keyIndex.try_emplace(key, metadata.size());
  if (added)
    metadata.push_back({key.str(), std::move(value)});
  else
    metadata[at->second].value = std::move(value);
}

void File::setTensor(StringRef name, TensorType type,
                     llvm::ArrayRef<int64_t> shape) {
  auto [at, added] = tensorIndex.try_emplace(name, tensors.size());
  if (added)
    tensors.emplace_back();
  tensors[at->second] = {name.str(), type, {shape.begin(), shape.end()}};
}

const Tensor *File::findTensor(StringRef name) const {
  auto found = tensorIndex.find(name);
  return found == tensorIndex.end() ? nullptr : &tensors[found->second];
}
