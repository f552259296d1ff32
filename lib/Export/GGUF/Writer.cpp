//===- Writer.cpp - Writing GGUF files ------------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The header is written when the first bytes of a tensor come, or at the end.
// Layout: lib/Import/GGUF/Reader.cpp.
//
//===----------------------------------------------------------------------===//

#include "qc/Export/GGUF/Writer.h"
#include "qc/Support/Error.h"
#include "qc/Support/OutputFile.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/Alignment.h"
#include "llvm/Support/MathExtras.h"

using namespace qc;
using namespace qc::gguf;
using llvm::StringRef;
using llvm::Twine;

static constexpr StringRef code = "bad-gguf";

struct Writer::State {
  explicit State(StringRef path) : file(path) {}

  OutputFile file;
  std::vector<Entry> metadata;
  std::vector<Tensor> tensors;
  llvm::StringSet<> keys, names;
  uint64_t alignment = 32;
  /// The tensor whose bytes come next, and how many of them came.
  size_t current = 0;
  uint64_t written = 0;
  bool started = false;

  void integer(uint64_t value, unsigned size) {
    for (unsigned i = 0; i < size; ++i)
      file.os() << static_cast<char>(value >> (8 * i));
  }
  void string(StringRef text) {
    integer(text.size(), 8);
    file.os() << text;
  }
  void pad() {
    file.os().write_zeros(
        llvm::offsetToAlignment(file.os().tell(), llvm::Align(alignment)));
  }
  void value(const Value &value);
  void header();
  void skipFinished();
};

Writer::Writer(std::unique_ptr<State> state) : state(std::move(state)) {}

Writer::~Writer() = default;

llvm::Expected<std::unique_ptr<Writer>> Writer::create(StringRef path) {
  auto state = std::make_unique<State>(path);
  if (llvm::Error error = state->file.open())
    return error;
  return std::unique_ptr<Writer>(new Writer(std::move(state)));
}

llvm::Error Writer::set(StringRef key, Value value) {
  assert(!state->started && "metadata comes before the bytes of tensors");
  std::string where = "key '" + printable(key) + "'";
  if (key.empty() || key.size() > 65535)
    return inputError(code, state->file.path(), where,
                      "a key of " + Twine(key.size()) + " bytes", "1 to 65535");
  if (!state->keys.insert(key).second)
    return inputError(code, state->file.path(), where, "a second one",
                      "keys that differ");
  if (key == "general.alignment") {
    uint64_t alignment = value.integer().value_or(0);
    if (value.type() != ValueType::U32 || !llvm::isPowerOf2_64(alignment))
      return inputError(code, state->file.path(), where, value.describe(),
                        "a u32 that is a power of 2");
    state->alignment = alignment;
  }
  state->metadata.push_back({key.str(), std::move(value)});
  return llvm::Error::success();
}

llvm::Error Writer::addTensor(StringRef name, TensorType type,
                              llvm::ArrayRef<int64_t> shape) {
  assert(!state->started && "tensors are added before their bytes");
  std::string where = "tensor '" + printable(name) + "'";
  if (name.empty() || name.size() >= 64)
    return inputError(code, state->file.path(), where,
                      "a name of " + Twine(name.size()) + " bytes", "1 to 63");
  if (!state->names.insert(name).second)
    return inputError(code, state->file.path(), where, "a second one",
                      "names that differ");
  std::optional<uint64_t> size = byteSize(type, shape);
  if (!size || shape.size() > 4) {
    std::optional<Block> block = findBlock(type);
    return inputError(code, state->file.path(), where, "a shape that cannot be",
                      "up to 4 sizes, rows of whole blocks" +
                          (block ? " of " + Twine(block->elements) : Twine()));
  }
  state->tensors.push_back(
      {name.str(), type, {shape.begin(), shape.end()}, 0, *size});
  return llvm::Error::success();
}

//===----------------------------------------------------------------------===//
// Bytes
//===----------------------------------------------------------------------===//

void Writer::State::value(const Value &v) {
  if (v.type() == ValueType::String)
    return string(v.bytes());
  if (v.type() != ValueType::Array) {
    file.os() << v.bytes();
    return;
  }
  integer(uint32_t(v.elementType()), 4);
  integer(v.size(), 8);
  if (v.elementType() == ValueType::String)
    for (uint64_t i = 0; i < v.size(); ++i)
      string(*v.text(i));
  else if (v.elementType() == ValueType::Array)
    for (const Value &element : v.arrays())
      value(element);
  else
    file.os() << v.bytes();
}

void Writer::State::header() {
  started = true;
  file.os() << "GGUF";
  integer(3, 4);
  integer(tensors.size(), 8);
  integer(metadata.size(), 8);
  for (const Entry &entry : metadata) {
    string(entry.key);
    integer(uint32_t(entry.value.type()), 4);
    value(entry.value);
  }
  uint64_t offset = 0;
  for (const Tensor &tensor : tensors) {
    string(tensor.name);
    integer(tensor.shape.size(), 4);
    for (int64_t size : llvm::reverse(tensor.shape))
      integer(size, 8);
    integer(uint32_t(tensor.type), 4);
    integer(offset, 8);
    offset = llvm::alignTo(offset + tensor.length, alignment);
  }
  pad();
  skipFinished();
}

/// Pads and goes on behind tensors whose bytes are complete.
void Writer::State::skipFinished() {
  while (current < tensors.size() && written == tensors[current].length) {
    pad();
    written = 0;
    ++current;
  }
}

llvm::Error Writer::write(llvm::ArrayRef<char> bytes) {
  if (!state->started)
    state->header();
  uint64_t room = state->current < state->tensors.size()
                      ? state->tensors[state->current].length - state->written
                      : 0;
  if (bytes.size() > room)
    return inputError(
        code, state->file.path(),
        state->current < state->tensors.size()
            ? "tensor '" + state->tensors[state->current].name + "'"
            : "end of the tensors",
        Twine(bytes.size()) + " more bytes", "at most " + Twine(room));
  state->file.os().write(bytes.data(), bytes.size());
  state->written += bytes.size();
  state->skipFinished();
  return llvm::Error::success();
}

llvm::Error Writer::finish() {
  if (!state->started)
    state->header();
  if (state->current < state->tensors.size()) {
    const Tensor &tensor = state->tensors[state->current];
    return inputError(code, state->file.path(), "tensor '" + tensor.name + "'",
                      Twine(state->written) + " bytes", Twine(tensor.length));
  }
  return state->file.finish();
}
