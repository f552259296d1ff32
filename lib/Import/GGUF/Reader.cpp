//===- Reader.cpp - GGUF bytes to checked tables --------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A file is, little-endian:
//   "GGUF"  u32 version  u64 tensors  u64 entries
//   per entry:   string key, u32 type, value
//   per tensor:  string name, u32 rank, u64 sizes (innermost first), u32 type,
//                u64 offset from the start of the data
//   padding to the alignment, then the data.
// A string is its length (u64) and its bytes; an array is the type of its
// elements (u32), their number (u64), and they.
//
//===----------------------------------------------------------------------===//

#include "qc/Import/GGUF/Reader.h"
#include "qc/Support/Error.h"
#include "qc/Support/MappedFile.h"
#include "llvm/Support/MathExtras.h"

#include <algorithm>
#include <tuple>

using namespace qc;
using namespace qc::gguf;
using llvm::StringRef;
using llvm::Twine;

static constexpr StringRef code = "bad-gguf";
static constexpr uint64_t maxKeyLength = 65535, maxNameLength = 64;
static constexpr uint32_t maxRank = 4;
/// Nesting of arrays.
static constexpr unsigned maxDepth = 4;
static constexpr uint64_t maxAlignment = 1 << 20;
/// Bytes of the shortest entry, tensor, and string or array.
static constexpr uint64_t minEntry = 8 + 4 + 1, minTensor = 8 + 4 + 4 + 8,
                          minString = 8, minArray = 12;

namespace {
/// Reads and checks; after the first fault everything reads as 0.
class Parser {
public:
  Parser(StringRef bytes, StringRef path) : bytes(bytes), fault(code, path) {
    file.path = path.str();
  }

  llvm::Expected<File> run();

private:
  uint64_t remaining() const { return bytes.size() - at; }
  void fail(const Twine &found, const Twine &expected) {
    fault.fail("offset " + Twine(at), found, expected);
  }
  StringRef take(uint64_t size);
  template <typename T> T integer();
  StringRef string(StringRef what, uint64_t maxLength);
  /// A number of things of at least `minSize` bytes each.
  uint64_t count(StringRef what, uint64_t minSize);

  void readHeader();
  void readEntry();
  Value readValue(ValueType type);
  Value readArray(unsigned depth);
  std::optional<ValueType> readType();
  void readTensor();
  void readAlignment();
  void checkSplit();
  void placeTensors();
  void checkOverlaps();

  StringRef bytes;
  uint64_t at = 0;
  uint64_t numTensors = 0, numEntries = 0;
  FirstFault fault;
  File file;
};
} // namespace

//===----------------------------------------------------------------------===//
// Parts of all
//===----------------------------------------------------------------------===//

StringRef Parser::take(uint64_t size) {
  if (fault.failed())
    return {};
  if (size > remaining()) {
    fail(Twine(remaining()) + " more bytes", Twine(size));
    return {};
  }
  StringRef part = bytes.substr(at, size);
  at += size;
  return part;
}

template <typename T> T Parser::integer() {
  uint64_t value = 0;
  StringRef part = take(sizeof(T));
  for (size_t i = 0; i < part.size(); ++i)
    value |= static_cast<uint64_t>(static_cast<uint8_t>(part[i])) << (8 * i);
  return static_cast<T>(value);
}

StringRef Parser::string(StringRef what, uint64_t maxLength) {
  uint64_t length = integer<uint64_t>();
  uint64_t limit = std::min(maxLength, remaining());
  if (!fault.failed() && length > limit) {
    at -= 8;
    fail("a " + what + " of " + Twine(length) + " bytes",
         "at most " + Twine(limit));
  }
  return take(length);
}

uint64_t Parser::count(StringRef what, uint64_t minSize) {
  uint64_t value = integer<uint64_t>();
  if (!fault.failed() && value > remaining() / minSize) {
    at -= 8;
    fail(Twine(value) + " " + what, "at most " +
                                        Twine((remaining() - 8) / minSize) +
                                        " in the rest of the file");
  }
  return fault.failed() ? 0 : value;
}

void Parser::readHeader() {
  if (!bytes.starts_with("GGUF"))
    return fail("no GGUF file", "'GGUF' at its start");
  at = 4;
  file.version = integer<uint32_t>();
  if (fault.failed())
    return;
  if (file.version != 2 && file.version != 3) {
    bool swapped = file.version && file.version % 65536 == 0;
    at = 4;
    return fail(swapped ? Twine("a big-endian file")
                        : "version " + Twine(file.version),
                swapped ? "a little-endian one" : "version 2 or 3");
  }
  // Together they are bounded once more as they are read.
  numTensors = count("tensors", minTensor);
  numEntries = count("entries of metadata", minEntry);
}

//===----------------------------------------------------------------------===//
// Metadata
//===----------------------------------------------------------------------===//

std::optional<ValueType> Parser::readType() {
  uint32_t number = integer<uint32_t>();
  if (!fault.failed() && number > uint32_t(ValueType::F64)) {
    at -= 4;
    fail("the unknown type " + Twine(number), "a type of 0 to 12");
  }
  if (fault.failed())
    return std::nullopt;
  return static_cast<ValueType>(number);
}

/// The first byte that is no bool.
static size_t findNoBool(StringRef bytes) {
  return bytes.find_if([](char c) { return c != 0 && c != 1; });
}

Value Parser::readArray(unsigned depth) {
  if (depth > maxDepth) {
    fail("arrays nested deeper than " + Twine(maxDepth), "less nesting");
    return Value();
  }
  std::optional<ValueType> type = readType();
  if (!type)
    return Value();
  if (*type == ValueType::String) {
    uint64_t size = count("strings", minString);
    std::vector<std::string> values;
    values.reserve(size);
    for (uint64_t i = 0; i < size && !fault.failed(); ++i)
      values.push_back(string("string", remaining()).str());
    return Value::texts(std::move(values));
  }
  if (*type == ValueType::Array) {
    uint64_t size = count("arrays", minArray);
    std::vector<Value> values;
    for (uint64_t i = 0; i < size && !fault.failed(); ++i)
      values.push_back(readArray(depth + 1));
    return Value::arrays(std::move(values));
  }
  uint64_t size = count("elements", byteSize(*type));
  StringRef data = take(size * byteSize(*type));
  if (*type == ValueType::Bool && findNoBool(data) != StringRef::npos)
    fail("an array of bool with other bytes", "0 and 1");
  return Value::numbers(*type, data.str());
}

Value Parser::readValue(ValueType type) {
  if (type == ValueType::String)
    return Value::text(string("string", remaining()));
  if (type == ValueType::Array)
    return readArray(1);
  StringRef data = take(byteSize(type));
  uint64_t bits = 0;
  for (size_t i = 0; i < data.size(); ++i)
    bits |= static_cast<uint64_t>(static_cast<uint8_t>(data[i])) << (8 * i);
  if (type == ValueType::Bool && bits > 1) {
    --at;
    fail("a bool of " + Twine(bits), "0 or 1");
  }
  return Value::scalar(type, bits);
}

void Parser::readEntry() {
  uint64_t start = at;
  StringRef key = string("key", maxKeyLength);
  std::optional<ValueType> type = readType();
  if (!type)
    return;
  Value value = readValue(*type);
  if (fault.failed())
    return;
  if (!file.keyIndex.try_emplace(key, file.metadata.size()).second)
    return fault.fail("offset " + Twine(start),
                      "a second key '" + printable(key) + "'",
                      "keys that differ");
  file.metadata.push_back({key.str(), std::move(value)});
}

void Parser::readAlignment() {
  const Value *value = file.find("general.alignment");
  if (!value)
    return;
  std::optional<int64_t> alignment = value->integer();
  if (value->type() != ValueType::U32 || *alignment <= 0 ||
      *alignment > int64_t(maxAlignment) || !llvm::isPowerOf2_64(*alignment))
    return fault.fail("key 'general.alignment'", value->describe(),
                      "a u32 that is a power of 2 up to " +
                          Twine(maxAlignment));
  file.alignment = *alignment;
}

void Parser::checkSplit() {
  const Value *count = file.find("split.count");
  if (count && count->integer().value_or(0) > 1)
    fault.fail("key 'split.count'",
               "one of " + Twine(*count->integer()) + " files of a model",
               "a whole model (llama-gguf-split --merge joins them)");
}

//===----------------------------------------------------------------------===//
// Tensors
//===----------------------------------------------------------------------===//

static std::string placeOf(StringRef name) {
  return "tensor '" + printable(name) + "'";
}

void Parser::readTensor() {
  Tensor tensor;
  tensor.name = string("name of a tensor", maxNameLength).str();
  std::string where = placeOf(tensor.name);
  uint32_t rank = integer<uint32_t>();
  if (rank > maxRank)
    fault.fail(where, Twine(rank) + " dimensions", "at most " + Twine(maxRank));
  for (uint32_t i = 0; i < rank && !fault.failed(); ++i) {
    uint64_t size = integer<uint64_t>();
    if (size > uint64_t(1) << 48)
      fault.fail(where, "a size of " + Twine(size), "one that fits a file");
    tensor.shape.insert(tensor.shape.begin(), static_cast<int64_t>(size));
  }
  uint32_t number = integer<uint32_t>();
  tensor.type = static_cast<TensorType>(number);
  tensor.offset = integer<uint64_t>();
  if (fault.failed())
    return;
  std::optional<Block> block = findBlock(tensor.type);
  if (!block)
    return fault.fail(where, "the unknown type " + Twine(number),
                      "a type of GGML");
  std::optional<uint64_t> size = byteSize(tensor.type, tensor.shape);
  int64_t row = tensor.shape.empty() ? 1 : tensor.shape.back();
  if (row % block->elements)
    return fault.fail(where, "rows of " + Twine(row) + " elements",
                      "a multiple of " + Twine(block->elements) + " for " +
                          block->name);
  if (!size)
    return fault.fail(where, "a shape of too many elements",
                      "one that fits a file");
  tensor.length = *size;
  if (!file.tensorIndex.try_emplace(tensor.name, file.tensors.size()).second)
    return fault.fail(where, "a second one", "names that differ");
  file.tensors.push_back(std::move(tensor));
}

/// Offsets from the start of the file; all bytes inside of it.
void Parser::placeTensors() {
  if (file.tensors.empty())
    return;
  uint64_t start = llvm::alignTo(at, file.alignment);
  uint64_t size = start > bytes.size() ? 0 : bytes.size() - start;
  for (Tensor &tensor : file.tensors) {
    if (tensor.offset % file.alignment)
      return fault.fail(placeOf(tensor.name), "offset " + Twine(tensor.offset),
                        "a multiple of the alignment " + Twine(file.alignment));
    if (tensor.offset > size || tensor.length > size - tensor.offset)
      return fault.fail(placeOf(tensor.name),
                        Twine(tensor.length) + " bytes at offset " +
                            Twine(tensor.offset),
                        "a range inside the " + Twine(size) + " bytes of data");
    tensor.offset += start;
  }
  checkOverlaps();
}

void Parser::checkOverlaps() {
  std::vector<const Tensor *> order;
  for (const Tensor &tensor : file.tensors)
    order.push_back(&tensor);
  std::sort(order.begin(), order.end(), [](const Tensor *a, const Tensor *b) {
    return std::tie(a->offset, a->length, a->name) <
           std::tie(b->offset, b->length, b->name);
  });
  for (size_t i = 1; i < order.size(); ++i) {
    uint64_t end = order[i - 1]->offset + order[i - 1]->length;
    if (order[i]->offset < end)
      fault.fail(placeOf(order[i]->name),
                 "its bytes at " + Twine(order[i]->offset) +
                     ", inside those of '" + printable(order[i - 1]->name) +
                     "'",
                 "bytes of its own");
  }
}

//===----------------------------------------------------------------------===//
// The file
//===----------------------------------------------------------------------===//

llvm::Expected<File> Parser::run() {
  readHeader();
  for (uint64_t i = 0; i < numEntries && !fault.failed(); ++i)
    readEntry();
  if (!fault.failed() && numTensors > remaining() / minTensor)
    fail(Twine(numTensors) + " tensors", "at most " +
                                             Twine(remaining() / minTensor) +
                                             " in the rest of the file");
  for (uint64_t i = 0; i < numTensors && !fault.failed(); ++i)
    readTensor();
  if (!fault.failed())
    readAlignment();
  if (!fault.failed())
    checkSplit();
  if (!fault.failed())
    placeTensors();
  if (fault.failed())
    return fault.take();
  return std::move(file);
}

llvm::Expected<File> qc::gguf::readBytes(StringRef bytes, StringRef path) {
  return Parser(bytes, path).run();
}

llvm::Expected<File> qc::gguf::readFile(StringRef path) {
  auto file = MappedFile::open(path);
  if (!file)
    return file.takeError();
  return readBytes((*file)->contents(), path);
}
