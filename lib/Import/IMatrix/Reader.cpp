//===- Reader.cpp - Importance matrices of llama.cpp ----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// GGUF: `general.type` is "imatrix"; the strings `imatrix.datasets`, the u32
// `imatrix.chunk_count` and `imatrix.chunk_size`; for each weight the f32
// tensors NAME.in_sum2 [matrices, channels] and NAME.counts [matrices, 1].
// Others are left alone.
//
// Binary, little-endian:
//   i32 entries, each: i32 length, name; i32 calls; i32 values; f32 values
//   i32 chunks; i32 length, name of the data set      (both may be absent)
// A value is the mean of x^2 times the number of calls.
//
//===----------------------------------------------------------------------===//

#include "qc/Import/IMatrix/Reader.h"
#include "qc/Import/GGUF/Reader.h"
#include "qc/Support/Error.h"
#include "qc/Support/MappedFile.h"

#include <cmath>
#include <cstring>

using namespace qc;
using namespace qc::imatrix;
using llvm::StringRef;
using llvm::Twine;
using quantization::ImportanceEntry;
using quantization::ImportanceMatrix;

static constexpr StringRef code = "bad-imatrix";

static std::vector<float> floats(StringRef bytes) {
  std::vector<float> values(bytes.size() / sizeof(float));
  if (!values.empty())
    std::memcpy(values.data(), bytes.data(), values.size() * sizeof(float));
  return values;
}

/// The first value that is no finite number from 0, or null.
static const float *findBad(const std::vector<float> &values) {
  for (const float &value : values)
    if (!(value >= 0 && std::isfinite(value)))
      return &value;
  return nullptr;
}

//===----------------------------------------------------------------------===//
// GGUF
//===----------------------------------------------------------------------===//

namespace {
class GGUFReader {
public:
  GGUFReader(StringRef bytes, const gguf::File &file)
      : bytes(bytes), file(file), fault(code, file.path) {}

  llvm::Expected<ImportanceMatrix> run();

private:
  uint32_t number(StringRef key, uint32_t otherwise);
  std::vector<float> read(const gguf::Tensor &tensor);
  void readEntry(StringRef name, const gguf::Tensor &sums);

  StringRef bytes;
  const gguf::File &file;
  FirstFault fault;
  ImportanceMatrix result;
};
} // namespace

uint32_t GGUFReader::number(StringRef key, uint32_t otherwise) {
  const gguf::Value *value = file.find(key);
  if (!value)
    return otherwise;
  std::optional<int64_t> integer = value->integer();
  if (integer && *integer >= 0 && *integer <= UINT32_MAX)
    return static_cast<uint32_t>(*integer);
  fault.fail("key '" + key + "'", value->describe(), "a u32");
  return otherwise;
}

std::vector<float> GGUFReader::read(const gguf::Tensor &tensor) {
  std::string where = "tensor '" + printable(tensor.name) + "'";
  if (tensor.type != gguf::TensorType::F32) {
    fault.fail(where, "type " + Twine(static_cast<uint32_t>(tensor.type)),
               "f32");
    return {};
  }
  std::vector<float> values =
      floats(bytes.substr(tensor.offset, tensor.length));
  if (const float *bad = findBad(values))
    fault.fail(where, std::to_string(*bad), "finite numbers from 0");
  return values;
}

void GGUFReader::readEntry(StringRef name, const gguf::Tensor &sums) {
  std::string where = "tensor '" + printable(sums.name) + "'";
  const gguf::Tensor *counts = file.findTensor((name + ".counts").str());
  if (!counts)
    return fault.fail(where, "no tensor '" + printable(name) + ".counts'",
                      "one beside it");
  ImportanceEntry entry{read(sums), read(*counts)};
  if (fault.failed())
    return;
  if (entry.sums.empty() || entry.counts.empty() ||
      entry.sums.size() % entry.counts.size() != 0)
    return fault.fail(where,
                      Twine(entry.sums.size()) + " sums for " +
                          Twine(entry.counts.size()) + " counts",
                      "a whole number of sums for each count");
  result.entries.emplace(name.str(), std::move(entry));
}

llvm::Expected<ImportanceMatrix> GGUFReader::run() {
  const gguf::Value *type = file.find("general.type");
  if (!type || type->text() != StringRef("imatrix"))
    fault.fail("key 'general.type'",
               type ? type->describe() : std::string("nothing"),
               "the string 'imatrix'");
  result.chunks = number("imatrix.chunk_count", 0);
  result.chunkSize = number("imatrix.chunk_size", 1);
  if (const gguf::Value *datasets = file.find("imatrix.datasets")) {
    if (datasets->type() != gguf::ValueType::Array ||
        datasets->elementType() != gguf::ValueType::String)
      fault.fail("key 'imatrix.datasets'", datasets->describe(),
                 "an array of strings");
    else
      for (uint64_t k = 0; k < datasets->size(); ++k)
        result.datasets.push_back(datasets->text(k)->str());
  }
  for (const gguf::Tensor &tensor : file.tensors) {
    StringRef name = tensor.name;
    if (name.consume_back(".in_sum2"))
      readEntry(name, tensor);
  }
  if (!fault.failed() && result.entries.empty())
    fault.fail("tensors", "none called NAME.in_sum2", "one or more");
  if (fault.failed())
    return fault.take();
  return std::move(result);
}

//===----------------------------------------------------------------------===//
// Binary
//===----------------------------------------------------------------------===//

namespace {
/// Reads and checks; after the first failure everything reads as 0.
class BinaryReader {
public:
  BinaryReader(StringRef bytes, StringRef path)
      : bytes(bytes), fault(code, path) {}

  llvm::Expected<ImportanceMatrix> run();

private:
  StringRef take(size_t size);
  int32_t integer();
  /// An integer that counts things of `size` bytes that follow.
  size_t count(StringRef what, size_t size, int32_t least);
  void readEntry();
  void fail(const Twine &found, const Twine &expected) {
    fault.fail("offset " + Twine(at), found, expected);
  }

  StringRef bytes;
  size_t at = 0;
  FirstFault fault;
  ImportanceMatrix result;
};
} // namespace

StringRef BinaryReader::take(size_t size) {
  if (fault.failed())
    return {};
  if (size > bytes.size() - at) {
    fail(Twine(bytes.size() - at) + " more bytes", Twine(size));
    return {};
  }
  StringRef part = bytes.substr(at, size);
  at += size;
  return part;
}

int32_t BinaryReader::integer() {
  uint32_t value = 0;
  StringRef part = take(4);
  for (size_t i = 0; i < part.size(); ++i)
    value |= static_cast<uint32_t>(static_cast<uint8_t>(part[i])) << (8 * i);
  return static_cast<int32_t>(value);
}

size_t BinaryReader::count(StringRef what, size_t size, int32_t least) {
  int32_t value = integer();
  if (fault.failed())
    return 0;
  size_t most = (bytes.size() - at) / size;
  if (value >= least && static_cast<size_t>(value) <= most)
    return static_cast<size_t>(value);
  at -= 4;
  fail(Twine(value) + " " + what,
       Twine(least) + " to " + Twine(most) + " in the rest of the file");
  return 0;
}

void BinaryReader::readEntry() {
  std::string name = take(count("bytes of a name", 1, 1)).str();
  int32_t calls = integer();
  if (!fault.failed() && calls < 0) {
    at -= 4;
    fail(Twine(calls) + " calls", "0 or more");
  }
  size_t first = at;
  ImportanceEntry entry{floats(take(4 * count("values", 4, 1))),
                        {static_cast<float>(calls)}};
  if (fault.failed())
    return;
  if (const float *bad = findBad(entry.sums)) {
    at = first + 4 + 4 * static_cast<size_t>(bad - entry.sums.data());
    return fail(std::to_string(*bad), "finite numbers from 0");
  }
  if (!result.entries.emplace(name, std::move(entry)).second)
    fail("a second '" + printable(name) + "'", "one entry for each name");
}

llvm::Expected<ImportanceMatrix> BinaryReader::run() {
  // An entry has three integers, a letter and a value at least.
  size_t entries = count("entries", 17, 1);
  for (size_t k = 0; k < entries && !fault.failed(); ++k)
    readEntry();
  if (!fault.failed() && at != bytes.size()) {
    int32_t chunks = integer();
    if (!fault.failed() && chunks < 0)
      fail(Twine(chunks) + " chunks", "0 or more");
    result.chunks = static_cast<uint32_t>(chunks);
  }
  if (!fault.failed() && at != bytes.size()) {
    StringRef name = take(count("bytes of a name", 1, 0));
    if (!name.empty())
      result.datasets.push_back(name.str());
  }
  if (!fault.failed() && at != bytes.size())
    fail("more bytes", "the end of the file");
  if (fault.failed())
    return fault.take();
  return std::move(result);
}

//===----------------------------------------------------------------------===//
// Both
//===----------------------------------------------------------------------===//

llvm::Expected<ImportanceMatrix> imatrix::readBytes(StringRef bytes,
                                                    StringRef path) {
  if (!bytes.starts_with("GGUF"))
    return BinaryReader(bytes, path).run();
  llvm::Expected<gguf::File> file = gguf::readBytes(bytes, path);
  if (!file)
    return file.takeError();
  return GGUFReader(bytes, *file).run();
}

llvm::Expected<ImportanceMatrix> imatrix::readFile(StringRef path) {
  auto file = MappedFile::open(path);
  if (!file)
    return file.takeError();
  return readBytes((*file)->contents(), path);
}
