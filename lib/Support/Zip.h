//===- Zip.h - The entries of a zip archive ---------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// As much of the zip format (PKWARE APPNOTE 6.3) as .npz files use: stored and
// deflated entries, with 64-bit sizes. Only the central directory is trusted,
// and each of its numbers is checked against the file.
//
//===----------------------------------------------------------------------===//

#ifndef QC_LIB_SUPPORT_ZIP_H
#define QC_LIB_SUPPORT_ZIP_H

#include "qc/Support/MappedFile.h"
#include "llvm/ADT/ArrayRef.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace qc::zip {

struct Entry {
  std::string name;
  bool deflated = false;
  /// Of the inflated bytes; absent where nothing is known.
  std::optional<uint32_t> crc;
  /// Bytes in the file and after inflating; both are within reason: stored
  /// sizes equal, deflated at most 1032 times.
  uint64_t packedSize = 0, size = 0;
  /// Where the bytes of the entry start in the file.
  uint64_t offset = 0;
};

/// The entries of an archive in the order of its directory.
llvm::Expected<std::vector<Entry>> readDirectory(const MappedFile &file);

/// The first `count` bytes of an entry into `to`; `count` is at most its size.
/// The checksum is verified where the whole entry is read.
llvm::Error readEntry(const MappedFile &file, const Entry &entry, char *to,
                      uint64_t count);

} // namespace qc::zip

#endif // QC_LIB_SUPPORT_ZIP_H
