//===- MappedFile.h - A file as read-only memory ----------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Maps a file, so that weights larger than memory are read page by page.
//
//===----------------------------------------------------------------------===//

#ifndef QC_SUPPORT_MAPPEDFILE_H
#define QC_SUPPORT_MAPPEDFILE_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <cstddef>
#include <memory>
#include <string>

namespace qc {

class MappedFile {
public:
  /// Maps a regular file; a folder, a pipe or a missing file is an error.
  static llvm::Expected<std::shared_ptr<const MappedFile>>
  open(llvm::StringRef path);

  MappedFile(const MappedFile &) = delete;
  MappedFile &operator=(const MappedFile &) = delete;
  ~MappedFile();

  const std::string &path() const { return name; }
  const char *data() const { return bytes; }
  size_t size() const { return length; }
  llvm::StringRef contents() const { return {bytes, length}; }

  /// Says that nobody needs these bytes for now: their pages leave the memory
  /// of the process, and come back from the file where they are read again.
  void release(size_t offset, size_t size) const;

private:
  MappedFile(llvm::StringRef name, const char *bytes, size_t length)
      : name(name), bytes(bytes), length(length) {}

  std::string name;
  const char *bytes;
  size_t length;
};

} // namespace qc

#endif // QC_SUPPORT_MAPPEDFILE_H
