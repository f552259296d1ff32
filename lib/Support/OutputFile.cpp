//===- OutputFile.cpp - Putting a finished file into place ----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "qc/Support/OutputFile.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

static std::error_code copyInto(StringRef temporary, StringRef path) {
  auto bytes = MemoryBuffer::getFile(temporary, /*IsText=*/false,
                                     /*RequiresNullTerminator=*/false);
  if (!bytes)
    return bytes.getError();
  int file = -1;
  if (std::error_code code =
          sys::fs::openFileForWrite(path, file, sys::fs::CD_OpenExisting))
    return code;
  raw_fd_ostream os(file, /*shouldClose=*/true);
  os << (*bytes)->getBuffer();
  os.close();
  std::error_code code = os.error();
  os.clear_error();
  return code;
}

std::error_code qc::moveIntoPlace(StringRef temporary, StringRef path) {
  sys::fs::file_status status;
  // What can't be looked at is the rename's to complain about.
  (void)sys::fs::status(path, status);
  using Type = sys::fs::file_type;
  bool special = status.type() == Type::character_file ||
                 status.type() == Type::block_file ||
                 status.type() == Type::fifo_file;
  if (!special)
    return sys::fs::rename(temporary, path);
  std::error_code code = copyInto(temporary, path);
  (void)sys::fs::remove(temporary);
  return code;
}
