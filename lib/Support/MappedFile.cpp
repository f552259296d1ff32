//===- MappedFile.cpp - A file as read-only memory ------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// mmap with an error that names the file. The mapping is private: a later
// change of the file by its owner is theirs to avoid.
//
//===----------------------------------------------------------------------===//

#include "qc/Support/MappedFile.h"
#include "qc/Support/Error.h"
#include "llvm/ADT/ScopeExit.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace qc;

static llvm::Error fileError(llvm::StringRef path, int code) {
  if (code == ENOENT)
    return inputError("file-not-found", path, "", "no such file",
                      "a readable file");
  return inputError("file-unreadable", path, "", std::strerror(code),
                    "a readable file");
}

llvm::Expected<std::shared_ptr<const MappedFile>>
MappedFile::open(llvm::StringRef path) {
  if (path.empty() || path.contains('\0'))
    return fileError(printable(path), ENOENT);
  std::string name = path.str();
  // Without O_NONBLOCK the opening of a pipe could wait for ever.
  int file = ::open(name.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0)
    return fileError(path, errno);
  llvm::scope_exit close([&] { ::close(file); });
  struct stat status;
  if (::fstat(file, &status))
    return fileError(path, errno);
  if (!S_ISREG(status.st_mode))
    return inputError("file-unreadable", path, "",
                      S_ISDIR(status.st_mode) ? "a folder" : "a device or pipe",
                      "a regular file");
  size_t size = static_cast<size_t>(status.st_size);
  const char *bytes = "";
  if (size) {
    void *mapped = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file, 0);
    if (mapped == MAP_FAILED)
      return fileError(path, errno);
    bytes = static_cast<const char *>(mapped);
  }
  return std::shared_ptr<const MappedFile>(new MappedFile(path, bytes, size));
}

void MappedFile::release(size_t offset, size_t size) const {
  static const auto page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  size_t begin = offset / page * page, end = offset + size;
  if (end > length || begin >= end)
    return;
  ::madvise(const_cast<char *>(bytes) + begin, end - begin, MADV_DONTNEED);
}

MappedFile::~MappedFile() {
  if (length)
    ::munmap(const_cast<char *>(bytes), length);
}
