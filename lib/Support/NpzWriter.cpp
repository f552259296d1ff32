//===- NpzWriter.cpp - Writing arrays of .npz files -----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A zip archive of stored entries. Sizes are known before an entry starts, its
// checksum is set when it ends; entries beyond 4 GiB use the 64-bit fields.
//
//===----------------------------------------------------------------------===//

#include "Npy.h"
#include "qc/Support/Error.h"
#include "qc/Support/Npz.h"
#include "qc/Support/OutputFile.h"
#include "llvm/ADT/StringSet.h"

#include <zlib.h>

using namespace qc;

namespace {
/// One array that was written.
struct Written {
  std::string name;
  uint64_t offset = 0, size = 0;
  uint32_t crc = 0;
};

/// A growing little-endian record.
class Record {
public:
  Record &u16(uint64_t value) { return add(value, 2); }
  Record &u32(uint64_t value) { return add(value, 4); }
  Record &u64(uint64_t value) { return add(value, 8); }
  Record &text(llvm::StringRef value) {
    bytes += value;
    return *this;
  }
  const std::string &str() const { return bytes; }

private:
  Record &add(uint64_t value, unsigned size) {
    for (unsigned i = 0; i < size; ++i)
      bytes += static_cast<char>(value >> (8 * i) & 0xff);
    return *this;
  }
  std::string bytes;
};
} // namespace

static constexpr uint64_t limit32 = 0xffffffff;
/// 1 January 1980, the first day of zip: same arrays, same bytes.
static constexpr uint64_t zipDate = 0x0021;

struct NpzWriter::State {
  explicit State(llvm::StringRef path) : file(path) {}

  OutputFile file;
  std::vector<Written> arrays;
  llvm::StringSet<> names;
  /// Bytes of the open array still to come, and where its checksum goes.
  uint64_t missing = 0;
  bool open = false;

  std::string localHeader(const Written &array, uint64_t at) const;
};

NpzWriter::NpzWriter(std::unique_ptr<State> state) : state(std::move(state)) {}

NpzWriter::~NpzWriter() = default;

llvm::Expected<std::unique_ptr<NpzWriter>>
NpzWriter::create(llvm::StringRef path) {
  auto state = std::make_unique<State>(path);
  if (llvm::Error error = state->file.open())
    return error;
  return std::unique_ptr<NpzWriter>(new NpzWriter(std::move(state)));
}

/// The local header, with an extra field that moves the array to 64 bytes.
std::string NpzWriter::State::localHeader(const Written &array,
                                          uint64_t at) const {
  bool large = array.size >= limit32;
  std::string file = array.name + ".npy";
  uint64_t extra = large ? 20 : 0;
  // The padding is an extra field itself, of at least its 4 bytes of head.
  uint64_t fixed = at + 30 + file.size() + extra + 4;
  uint64_t padding = (64 - fixed % 64) % 64;
  Record record;
  record.u32(0x04034b50)
      .u16(large ? 45 : 20)
      .u16(0x0800)
      .u16(0)
      .u16(0)
      .u16(zipDate)
      .u32(array.crc);
  record.u32(large ? limit32 : array.size).u32(large ? limit32 : array.size);
  record.u16(file.size()).u16(extra + 4 + padding).text(file);
  if (large)
    record.u16(1).u16(16).u64(array.size).u64(array.size);
  record.u16(0xd935).u16(padding).text(std::string(padding, '\0'));
  return record.str();
}

llvm::Error NpzWriter::begin(llvm::StringRef name, DType type,
                             llvm::ArrayRef<int64_t> shape) {
  assert(!state->open && "the last array has not ended");
  std::string where = "array '" + printable(name) + "'";
  // A zip name holds up to 65,535 bytes.
  if (name.empty() || name.size() > 60000)
    return inputError("bad-name", state->file.path(), where,
                      "a name of " + llvm::Twine(name.size()) + " bytes",
                      "1 to 60000");
  if (!state->names.insert(name).second)
    return inputError("bad-name", state->file.path(), where, "a second one",
                      "arrays of different names");
  std::string header = npy::makeHeader(type, shape);
  Written array;
  array.name = name.str();
  array.offset = state->file.os().tell();
  state->missing = elementCount(shape).value_or(0) * byteSize(type);
  array.size = header.size() + state->missing;
  state->file.os() << state->localHeader(array, array.offset) << header;
  array.crc = static_cast<uint32_t>(crc32_z(
      0, reinterpret_cast<const Bytef *>(header.data()), header.size()));
  state->arrays.push_back(std::move(array));
  state->open = true;
  return llvm::Error::success();
}

void NpzWriter::write(llvm::ArrayRef<char> bytes) {
  assert(state->open && bytes.size() <= state->missing);
  state->file.os().write(bytes.data(), bytes.size());
  Written &array = state->arrays.back();
  array.crc = static_cast<uint32_t>(crc32_z(
      array.crc, reinterpret_cast<const Bytef *>(bytes.data()), bytes.size()));
  state->missing -= bytes.size();
}

llvm::Error NpzWriter::end() {
  state->open = false;
  const Written &array = state->arrays.back();
  if (state->missing)
    return inputError(
        "bad-array", state->file.path(), "array '" + array.name + "'",
        std::to_string(state->missing) + " bytes too few", "all rows");
  std::string crc = Record().u32(array.crc).str();
  state->file.os().pwrite(crc.data(), crc.size(), array.offset + 14);
  return state->file.check();
}

llvm::Error NpzWriter::add(llvm::StringRef name, const HostTensor &tensor) {
  if (llvm::Error error = begin(name, tensor.dtype(), tensor.shape()))
    return error;
  write({tensor.bytes(), tensor.byteCount()});
  return end();
}

/// The directory entry of an array.
static std::string centralHeader(const Written &array) {
  std::string file = array.name + ".npy";
  bool large = array.size >= limit32 || array.offset >= limit32;
  uint64_t size = large ? limit32 : array.size;
  Record record;
  record.u32(0x02014b50)
      .u16(large ? 45 : 20)
      .u16(large ? 45 : 20)
      .u16(0x0800)
      .u16(0)
      .u16(0)
      .u16(zipDate)
      .u32(array.crc)
      .u32(size)
      .u32(size);
  record.u16(file.size())
      .u16(large ? 28 : 0)
      .u16(0)
      .u16(0)
      .u16(0)
      .u32(0)
      .u32(large ? limit32 : array.offset)
      .text(file);
  if (large)
    record.u16(1).u16(24).u64(array.size).u64(array.size).u64(array.offset);
  return record.str();
}

llvm::Error NpzWriter::finish() {
  assert(!state->open && "the last array has not ended");
  uint64_t start = state->file.os().tell(), count = state->arrays.size();
  for (const Written &array : state->arrays)
    state->file.os() << centralHeader(array);
  uint64_t end = state->file.os().tell(), size = end - start;
  bool large = start >= limit32 || size >= limit32 || count >= 0xffff;
  if (large) {
    Record record;
    record.u32(0x06064b50).u64(44).u16(45).u16(45).u32(0).u32(0);
    record.u64(count).u64(count).u64(size).u64(start);
    record.u32(0x07064b50).u32(0).u64(end).u32(1);
    state->file.os() << record.str();
  }
  Record record;
  record.u32(0x06054b50).u16(0).u16(0);
  record.u16(large ? 0xffff : count).u16(large ? 0xffff : count);
  record.u32(large ? limit32 : size).u32(large ? limit32 : start).u16(0);
  state->file.os() << record.str();
  return state->file.finish();
}
