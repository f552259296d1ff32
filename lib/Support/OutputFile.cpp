//===- OutputFile.cpp - Files that are written whole or not at all --------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "qc/Support/OutputFile.h"
#include "qc/Support/Error.h"
#include "llvm/Support/MemoryBuffer.h"

#include <vector>

using namespace llvm;

static Error unwritable(StringRef path, const Twine &what) {
  return qc::inputError("file-unwritable", path, "", what, "a writable file");
}

static std::error_code copyInto(StringRef temporary, StringRef path) {
  auto bytes = MemoryBuffer::getFile(temporary, /*IsText=*/false,
                                     /*RequiresNullTerminator=*/false);
  if (!bytes)
    return bytes.getError();
  return qc::writeBytes(path, (*bytes)->getBuffer(), sys::fs::CD_OpenExisting);
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

std::error_code qc::writeBytes(StringRef path, StringRef bytes,
                               sys::fs::CreationDisposition disposition) {
  std::error_code code;
  raw_fd_ostream os(path, code, disposition);
  if (code)
    return code;
  os << bytes;
  os.close();
  code = os.error();
  // An error that is left would end the process.
  os.clear_error();
  return code;
}

std::error_code qc::readPieces(StringRef path,
                               function_ref<bool(StringRef)> use) {
  auto file = sys::fs::openNativeFileForRead(path);
  if (!file)
    return errorToErrorCode(file.takeError());
  // Small enough for a core's cache.
  std::vector<char> piece(size_t(1) << 18);
  std::error_code code;
  while (true) {
    auto count = sys::fs::readNativeFile(*file, piece);
    if (!count)
      code = errorToErrorCode(count.takeError());
    if (code || *count == 0 || !use(StringRef(piece.data(), *count)))
      break;
  }
  std::error_code closing = sys::fs::closeFile(*file);
  return code ? code : closing;
}

std::error_code qc::appendFile(StringRef path, StringRef from) {
  std::error_code code;
  raw_fd_ostream os(path, code, sys::fs::CD_OpenExisting, sys::fs::FA_Write,
                    sys::fs::OF_Append);
  if (code)
    return code;
  os.SetUnbuffered();
  code = readPieces(from, [&](StringRef piece) {
    os << piece;
    return true;
  });
  os.close();
  code = code ? code : os.error();
  os.clear_error();
  return code;
}

Error qc::writeWholeFile(StringRef path, StringRef bytes) {
  if (std::error_code code = writeBytes(path, bytes))
    return unwritable(path, code.message());
  return Error::success();
}

qc::OutputFile::~OutputFile() {
  if (stream)
    consumeError(check());
  stream.reset();
  if (file)
    consumeError(file->discard());
}

Error qc::OutputFile::open() {
  auto made = sys::fs::TempFile::create(name + ".%%%%%%.part",
                                        sys::fs::all_read | sys::fs::all_write);
  if (!made)
    return fail(toString(made.takeError()));
  file = std::move(*made);
  stream = std::make_unique<raw_fd_ostream>(file->FD, /*shouldClose=*/false);
  return Error::success();
}

Error qc::OutputFile::check() {
  stream->flush();
  std::error_code code = stream->error();
  stream->clear_error();
  return code ? fail(code.message()) : Error::success();
}

Error qc::OutputFile::finish() {
  if (Error error = check())
    return error;
  stream.reset();
  std::string temporary = file->TmpName;
  Error error = file->keep();
  file.reset();
  if (!error) {
    std::error_code code = moveIntoPlace(temporary, name);
    if (!code)
      return Error::success();
    error = errorCodeToError(code);
  }
  (void)sys::fs::remove(temporary);
  return fail(toString(std::move(error)));
}

Error qc::OutputFile::fail(const Twine &what) const {
  return unwritable(name, what);
}
