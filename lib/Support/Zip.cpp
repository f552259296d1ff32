//===- Zip.cpp - The entries of a zip archive -----------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Finds the end record, walks the central directory and inflates with zlib.
//
//===----------------------------------------------------------------------===//

#include "Zip.h"
#include "qc/Support/Error.h"
#include "llvm/Support/Endian.h"

#include <algorithm>
#include <cstring>
#include <zlib.h>

using namespace qc;
using namespace qc::zip;
using llvm::support::endian::read16le;
using llvm::support::endian::read32le;
using llvm::support::endian::read64le;

namespace {
constexpr uint32_t endSignature = 0x06054b50, end64Signature = 0x06064b50,
                   end64LocatorSignature = 0x07064b50,
                   centralSignature = 0x02014b50, localSignature = 0x04034b50;
constexpr uint64_t endSize = 22, end64Size = 56, locatorSize = 20,
                   centralSize = 46, localSize = 30;
/// Deflate never packs better than this.
constexpr uint64_t deflateLimit = 1032;

/// Where the central directory is.
struct Directory {
  uint64_t offset = 0, size = 0, entries = 0;
};
} // namespace

static llvm::Error bad(const MappedFile &file, const llvm::Twine &where,
                       const llvm::Twine &found, const llvm::Twine &expected) {
  return inputError("bad-npz", file.path(), where, found, expected);
}

static llvm::Error badOffset(const MappedFile &file, uint64_t offset,
                             const llvm::Twine &found,
                             const llvm::Twine &expected) {
  return bad(file, "offset " + llvm::Twine(offset), found, expected);
}

/// Takes the 64-bit end record at `end` - its locator where there is one.
static llvm::Error readEnd64(const MappedFile &file, uint64_t end,
                             Directory &directory) {
  const char *data = file.data();
  if (end < locatorSize ||
      read32le(data + end - locatorSize) != end64LocatorSignature)
    return llvm::Error::success();
  uint64_t at = read64le(data + end - locatorSize + 8);
  if (at > file.size() || file.size() - at < end64Size ||
      read32le(data + at) != end64Signature)
    return badOffset(file, end - locatorSize, "no 64-bit end record",
                     "a zip archive");
  directory.entries = read64le(data + at + 32);
  directory.size = read64le(data + at + 40);
  directory.offset = read64le(data + at + 48);
  return llvm::Error::success();
}

static llvm::Expected<Directory> findDirectory(const MappedFile &file) {
  if (file.size() < endSize)
    return bad(file, "", "no zip archive", "a file that numpy.savez made");
  // A comment of up to 65,535 bytes may follow the end record.
  uint64_t last = file.size() - endSize;
  uint64_t first = last > 0xffff ? last - 0xffff : 0;
  for (uint64_t at = last + 1; at-- > first;) {
    const char *record = file.data() + at;
    if (read32le(record) != endSignature ||
        at + endSize + read16le(record + 20) != file.size())
      continue;
    Directory directory{read32le(record + 16), read32le(record + 12),
                        read16le(record + 10)};
    if (llvm::Error error = readEnd64(file, at, directory))
      return error;
    if (directory.offset > at || directory.size > at - directory.offset)
      return badOffset(file, at, "a directory outside of the file",
                       "a zip archive");
    return directory;
  }
  return bad(file, "", "no end of a zip archive",
             "a complete file that numpy.savez made");
}

/// Replaces the sizes that are 0xffffffff by those of the 64-bit extra field.
static bool readExtra64(const char *extra, uint64_t size, Entry &entry,
                        uint64_t &localOffset) {
  while (size >= 4) {
    uint16_t id = read16le(extra), length = read16le(extra + 2);
    extra += 4;
    size -= 4;
    if (length > size)
      return false;
    if (id == 1) {
      const char *field = extra;
      for (uint64_t *value : {&entry.size, &entry.packedSize, &localOffset}) {
        if (*value != 0xffffffff)
          continue;
        if (field + 8 > extra + length)
          return false;
        *value = read64le(field);
        field += 8;
      }
    }
    extra += length;
    size -= length;
  }
  return true;
}

/// Checks the sizes of an entry and finds its bytes behind the local header.
static llvm::Error locate(const MappedFile &file, Entry &entry,
                          uint64_t localOffset) {
  std::string where = "entry '" + printable(entry.name) + "'";
  uint64_t total = file.size();
  if (localOffset > total || total - localOffset < localSize ||
      read32le(file.data() + localOffset) != localSignature)
    return bad(file, where, "no local header at " + llvm::Twine(localOffset),
               "a zip archive");
  const char *local = file.data() + localOffset;
  entry.offset =
      localOffset + localSize + read16le(local + 26) + read16le(local + 28);
  if (entry.offset > total || entry.packedSize > total - entry.offset)
    return bad(file, where,
               llvm::Twine(entry.packedSize) + " bytes at offset " +
                   llvm::Twine(entry.offset),
               "a range inside the " + llvm::Twine(total) +
                   " bytes of the file");
  bool plausible = entry.deflated
                       ? entry.size / deflateLimit <= entry.packedSize + 1
                       : entry.size == entry.packedSize;
  if (!plausible)
    return bad(file, where,
               llvm::Twine(entry.size) + " bytes from " +
                   llvm::Twine(entry.packedSize),
               "sizes that agree");
  return llvm::Error::success();
}

/// Reads the directory entry at `at` and moves `at` behind it.
static llvm::Expected<Entry> readCentral(const MappedFile &file, uint64_t &at,
                                         uint64_t end) {
  const char *record = file.data() + at;
  if (end - at < centralSize || read32le(record) != centralSignature)
    return badOffset(file, at, "no directory entry", "a zip archive");
  uint64_t nameSize = read16le(record + 28), extraSize = read16le(record + 30),
           commentSize = read16le(record + 32);
  if (end - at - centralSize < nameSize + extraSize + commentSize)
    return badOffset(file, at, "a cut directory entry", "a zip archive");
  Entry entry;
  entry.name.assign(record + centralSize, nameSize);
  std::string where = "entry '" + printable(entry.name) + "'";
  uint16_t method = read16le(record + 10);
  if (read16le(record + 8) & 1)
    return bad(file, where, "an encrypted entry", "a plain one");
  if (method != 0 && method != 8)
    return bad(file, where, "compression method " + llvm::Twine(method),
               "stored (0) or deflated (8)");
  entry.deflated = method == 8;
  entry.crc = read32le(record + 16);
  entry.packedSize = read32le(record + 20);
  entry.size = read32le(record + 24);
  uint64_t localOffset = read32le(record + 42);
  if (!readExtra64(record + centralSize + nameSize, extraSize, entry,
                   localOffset))
    return bad(file, where, "a bad extra field", "a zip archive");
  if (llvm::Error error = locate(file, entry, localOffset))
    return error;
  at += centralSize + nameSize + extraSize + commentSize;
  return entry;
}

llvm::Expected<std::vector<Entry>> zip::readDirectory(const MappedFile &file) {
  auto directory = findDirectory(file);
  if (!directory)
    return directory.takeError();
  std::vector<Entry> entries;
  uint64_t at = directory->offset, end = at + directory->size;
  for (uint64_t i = 0; i < directory->entries; ++i) {
    auto entry = readCentral(file, at, end);
    if (!entry)
      return entry.takeError();
    entries.push_back(std::move(*entry));
  }
  return entries;
}

/// Inflates `count` bytes; returns how many there were.
static uint64_t inflateTo(const char *from, uint64_t size, char *to,
                          uint64_t count) {
  constexpr uint64_t chunk = uint64_t(1) << 30;
  z_stream stream = {};
  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK)
    return 0;
  uint64_t done = 0;
  int status = Z_OK;
  while (done < count && status == Z_OK) {
    if (stream.avail_in == 0) {
      stream.next_in = reinterpret_cast<Bytef *>(const_cast<char *>(from));
      stream.avail_in = static_cast<uInt>(std::min(size, chunk));
      from += stream.avail_in;
      size -= stream.avail_in;
    }
    uint64_t room = std::min(count - done, chunk);
    stream.next_out = reinterpret_cast<Bytef *>(to + done);
    stream.avail_out = static_cast<uInt>(room);
    status = inflate(&stream, Z_NO_FLUSH);
    done += room - stream.avail_out;
  }
  inflateEnd(&stream);
  return done;
}

llvm::Error zip::readEntry(const MappedFile &file, const Entry &entry, char *to,
                           uint64_t count) {
  std::string where = "entry '" + printable(entry.name) + "'";
  const char *from = file.data() + entry.offset;
  if (!entry.deflated) {
    if (count)
      std::memcpy(to, from, count);
  } else if (inflateTo(from, entry.packedSize, to, count) != count) {
    return bad(file, where, "damaged compressed data",
               llvm::Twine(entry.size) + " bytes");
  }
  if (count != entry.size || !entry.crc)
    return llvm::Error::success();
  uint32_t crc = static_cast<uint32_t>(
      crc32_z(0, reinterpret_cast<const Bytef *>(to), count));
  if (crc != *entry.crc)
    return bad(file, where, "a checksum that differs", "undamaged data");
  return llvm::Error::success();
}
