//===- OutputFolder.h - Folders written whole or not at all -----*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QC_SUPPORT_OUTPUTFOLDER_H
#define QC_SUPPORT_OUTPUTFOLDER_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <string>

namespace qc {

/// A new folder that appears under its name when finish() succeeds. Until then
/// its files are in one beside it, which goes with this object.
class OutputFolder {
public:
  /// Names with a slash at the end are those without.
  explicit OutputFolder(llvm::StringRef path);
  OutputFolder(const OutputFolder &) = delete;
  OutputFolder &operator=(const OutputFolder &) = delete;
  ~OutputFolder();

  /// Fails where something stands at the name that is no empty folder.
  llvm::Error open();
  /// Where a file of the folder is written, after open().
  std::string fileNamed(llvm::StringRef name) const;
  llvm::Error finish();

  /// Removes all that are not finished: for the end of a process that was
  /// interrupted. Thread-safe.
  static void removeUnfinished();

private:
  std::string path, unfinished;
};

} // namespace qc

#endif // QC_SUPPORT_OUTPUTFOLDER_H
