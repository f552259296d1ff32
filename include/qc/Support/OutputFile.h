//===- OutputFile.h - Files written whole or not at all ---------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QC_SUPPORT_OUTPUTFILE_H
#define QC_SUPPORT_OUTPUTFILE_H

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/raw_ostream.h"

#include <memory>
#include <optional>
#include <string>
#include <system_error>

namespace qc {

/// Makes the file `temporary` the file `path`, at once. Where `path` is no file
/// but a device or a pipe, that gets the bytes instead and stays what it is.
std::error_code moveIntoPlace(llvm::StringRef temporary, llvm::StringRef path);

/// Writes `bytes` as all of the file `path`.
std::error_code writeBytes(llvm::StringRef path, llvm::StringRef bytes,
                           llvm::sys::fs::CreationDisposition disposition =
                               llvm::sys::fs::CD_CreateAlways);

/// Appends the bytes of the file `from` to the file `path`, piece by piece.
std::error_code appendFile(llvm::StringRef path, llvm::StringRef from);

/// Calls `use` with the bytes of the file `path`, piece by piece, as long as it
/// returns true.
std::error_code readPieces(llvm::StringRef path,
                           llvm::function_ref<bool(llvm::StringRef)> use);

/// As above, with the error that a user reads.
llvm::Error writeWholeFile(llvm::StringRef path, llvm::StringRef bytes);

/// A file that appears under its name when finish() succeeds. Until then its
/// bytes are in one beside it, which goes with this object or the process.
class OutputFile {
public:
  explicit OutputFile(llvm::StringRef path) : name(path) {}
  OutputFile(const OutputFile &) = delete;
  OutputFile &operator=(const OutputFile &) = delete;
  ~OutputFile();

  llvm::Error open();
  /// Between open() and finish().
  llvm::raw_fd_ostream &os() { return *stream; }
  /// For those who write by themselves, and not to os().
  int descriptor() const { return file->FD; }
  /// What has kept os() from writing, if anything.
  llvm::Error check();
  llvm::Error finish();

  const std::string &path() const { return name; }
  /// The error of a file that can't be written because of `what`.
  llvm::Error fail(const llvm::Twine &what) const;

private:
  std::string name;
  std::optional<llvm::sys::fs::TempFile> file;
  std::unique_ptr<llvm::raw_fd_ostream> stream;
};

} // namespace qc

#endif // QC_SUPPORT_OUTPUTFILE_H
