//===- ComponentFile.h - Components of matrices in a file -------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QC_IMPORT_CHECKPOINTS_COMPONENTFILE_H
#define QC_IMPORT_CHECKPOINTS_COMPONENTFILE_H

#include "qc/Import/Checkpoints/Linear.h"

#include "llvm/Support/raw_ostream.h"

namespace qc::checkpoints {

/// What packages keep is laid out anew when it is read. Matrices that go into a
/// file after each other take no memory, and are mapped like other weights.
class ComponentFile {
public:
  /// Makes a file, which stays: its folder is another's.
  static llvm::Expected<std::unique_ptr<ComponentFile>>
  create(llvm::StringRef path);

  /// Writes the components of `linear`, which loses their bytes, and gives
  /// where each begins.
  llvm::Expected<std::vector<uint64_t>> take(Linear &linear);
  /// After the last one.
  llvm::Error finish();

private:
  ComponentFile(llvm::StringRef path, std::error_code &code)
      : path(path), os(path, code) {}
  llvm::Error check();

  std::string path;
  llvm::raw_fd_ostream os;
};

} // namespace qc::checkpoints

#endif // QC_IMPORT_CHECKPOINTS_COMPONENTFILE_H
