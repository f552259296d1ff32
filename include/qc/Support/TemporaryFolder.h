//===- TemporaryFolder.h - A folder for the moment --------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QC_SUPPORT_TEMPORARYFOLDER_H
#define QC_SUPPORT_TEMPORARYFOLDER_H

#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/Twine.h"

#include <string>

namespace qc {

/// A folder that is removed with this object; its path is empty where none
/// could be made.
class TemporaryFolder {
public:
  explicit TemporaryFolder(llvm::StringRef prefix);
  TemporaryFolder(const TemporaryFolder &) = delete;
  TemporaryFolder &operator=(const TemporaryFolder &) = delete;
  ~TemporaryFolder();

  std::string path(const llvm::Twine &name) const;

private:
  llvm::SmallString<128> folder;
};

} // namespace qc

#endif // QC_SUPPORT_TEMPORARYFOLDER_H
