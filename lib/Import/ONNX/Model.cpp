//===- Model.cpp - Checked tables of an ONNX file -------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Element types and their sizes, look-ups, and the mapped files that tensors
// point into.
//
//===----------------------------------------------------------------------===//

#include "qc/Import/ONNX/Model.h"

#include "qc/Support/Error.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/FileSystem.h"

using namespace qc::onnx;
using llvm::ArrayRef;
using llvm::StringRef;

namespace {
struct TypeInfo {
  const char *name;
  unsigned bits;
};
} // namespace

/// By the numbers of TensorProto.DataType.
static const TypeInfo types[] = {
    {"UNDEFINED", 0},      {"FLOAT", 32},     {"UINT8", 8},
    {"INT8", 8},           {"UINT16", 16},    {"INT16", 16},
    {"INT32", 32},         {"INT64", 64},     {"STRING", 0},
    {"BOOL", 8},           {"FLOAT16", 16},   {"DOUBLE", 64},
    {"UINT32", 32},        {"UINT64", 64},    {"COMPLEX64", 64},
    {"COMPLEX128", 128},   {"BFLOAT16", 16},  {"FLOAT8E4M3FN", 8},
    {"FLOAT8E4M3FNUZ", 8}, {"FLOAT8E5M2", 8}, {"FLOAT8E5M2FNUZ", 8},
    {"UINT4", 4},          {"INT4", 4},       {"FLOAT4E2M1", 4},
    {"FLOAT8E8M0", 8},     {"UINT2", 2},      {"INT2", 2}};

std::string qc::onnx::getName(DataType type) {
  int32_t number = static_cast<int32_t>(type);
  if (number >= 0 && number < int32_t(std::size(types)))
    return types[number].name;
  return "type " + std::to_string(number);
}

unsigned qc::onnx::getBitWidth(DataType type) {
  int32_t number = static_cast<int32_t>(type);
  return number >= 0 && number < int32_t(std::size(types)) ? types[number].bits
                                                           : 0;
}

std::optional<uint64_t> qc::onnx::getByteSize(DataType type, uint64_t count) {
  uint64_t bits;
  if (__builtin_mul_overflow(count, uint64_t(getBitWidth(type)), &bits) ||
      bits > (uint64_t(1) << 62))
    return std::nullopt;
  return (bits + 7) / 8;
}

int64_t Tensor::getNumElements() const {
  int64_t count = 1;
  for (int64_t dim : dims)
    count *= dim;
  return count;
}

const Attribute *Node::find(StringRef wanted) const {
  for (const Attribute &attribute : attributes)
    if (attribute.name == wanted)
      return &attribute;
  return nullptr;
}

std::string Node::describe() const {
  std::string shown = name;
  if (shown.empty() && !outputs.empty())
    shown = outputs.front();
  return "node '" + shown + "' (" + opType + ")";
}

llvm::Expected<ArrayRef<char>> MappedFiles::map(StringRef path) {
  auto found = files.find(path);
  if (found == files.end()) {
    llvm::sys::fs::file_status status;
    std::error_code error = llvm::sys::fs::status(path, status);
    if (error)
      return inputError("file-not-found", path, "", error.message(), "a file");
    if (!llvm::sys::fs::is_regular_file(status))
      return inputError("bad-file", path, "", "no regular file", "one");
    auto buffer = llvm::MemoryBuffer::getFile(path, /*IsText=*/false,
                                              /*RequiresNullTerminator=*/false);
    if (!buffer)
      return inputError("bad-file", path, "", buffer.getError().message(),
                        "a readable file");
    found = files.try_emplace(path, std::move(*buffer)).first;
  }
  StringRef bytes = found->second->getBuffer();
  return ArrayRef<char>(bytes.data(), bytes.size());
}

void MappedFiles::add(StringRef path, ArrayRef<char> bytes) {
  files[path] = llvm::MemoryBuffer::getMemBuffer(
      StringRef(bytes.data(), bytes.size()), path,
      /*RequiresNullTerminator=*/false);
}

int64_t Model::getOpset(StringRef domain) const {
  auto found = opsets.find(domain == "ai.onnx" ? "" : domain);
  return found == opsets.end() ? 0 : found->second;
}

std::string Model::getLicense() const {
  for (StringRef key : {"license", "licence", "License", "LICENSE"}) {
    auto found = metadata.find(key);
    if (found != metadata.end())
      return found->second;
  }
  return "";
}

llvm::Expected<ArrayRef<char>> Model::getBytes(const Tensor &tensor) const {
  if (tensor.file.empty())
    return ArrayRef<char>(tensor.owned);
  llvm::Expected<ArrayRef<char>> bytes = files->map(tensor.file);
  if (!bytes)
    return bytes.takeError();
  if (tensor.offset > bytes->size() ||
      tensor.length > bytes->size() - tensor.offset)
    return inputError("bad-onnx", tensor.file, "tensor '" + tensor.name + "'",
                      llvm::Twine(bytes->size()) + " bytes",
                      llvm::Twine(tensor.length) + " bytes at offset " +
                          llvm::Twine(tensor.offset));
  return bytes->slice(tensor.offset, tensor.length);
}
