//===- Writer.cpp - Writing safetensors files -----------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A file is the length of the header (u64), the header, a JSON object of
// tensors, then their bytes without gaps.
//
//===----------------------------------------------------------------------===//

#include "qc/Export/Safetensors/Writer.h"
#include "qc/Support/Error.h"

#include "llvm/Support/Endian.h"
#include "llvm/Support/EndianStream.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MathExtras.h"

using namespace qc;
using namespace qc::safetensors;
using llvm::Error;
using llvm::StringRef;

void Writer::addTensor(StringRef name, DataType type,
                       llvm::ArrayRef<int64_t> shape) {
  assert(next == 0 && "tensors are added before their bytes");
  uint64_t count = static_cast<uint64_t>(elementCount(shape).value_or(0));
  Tensor tensor{name.str(), type, {shape.begin(), shape.end()}};
  tensor.offset = total;
  tensor.length = count * getBitWidth(type) / 8;
  total += tensor.length;
  tensors.push_back(std::move(tensor));
}

Error Writer::start() {
  if (Error error = file.open())
    return error;
  llvm::json::Object header{
      {"__metadata__", llvm::json::Object{{"format", "pt"}}}};
  for (const Tensor &tensor : tensors)
    header[tensor.name] = llvm::json::Object{
        {"dtype", getName(tensor.type)},
        {"shape", llvm::json::Array(tensor.shape)},
        {"data_offsets",
         llvm::json::Array{tensor.offset, tensor.offset + tensor.length}}};
  std::string text;
  llvm::raw_string_ostream(text) << llvm::json::Value(std::move(header));
  text.append(llvm::offsetToAlignment(text.size(), llvm::Align(8)), ' ');
  llvm::support::endian::write<uint64_t>(file.os(), text.size(),
                                         llvm::endianness::little);
  file.os() << text;
  return file.check();
}

Error Writer::write(llvm::ArrayRef<char> bytes) {
  if (next == tensors.size() || bytes.size() != tensors[next].length)
    return inputError(
        "bad-safetensors", file.path(),
        next == tensors.size() ? "end of the tensors"
                               : "tensor '" + tensors[next].name + "'",
        llvm::Twine(bytes.size()) + " bytes",
        next == tensors.size() ? llvm::Twine("none")
                               : llvm::Twine(tensors[next].length));
  file.os().write(bytes.data(), bytes.size());
  ++next;
  return file.check();
}

Error Writer::finish() {
  assert(next == tensors.size() && "a tensor without bytes");
  return file.finish();
}
