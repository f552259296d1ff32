//===- BuildInternal.h - What the parts of a build share --------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Private to Execution.
//
//===----------------------------------------------------------------------===//

#ifndef QC_LIB_EXECUTION_BUILDINTERNAL_H
#define QC_LIB_EXECUTION_BUILDINTERNAL_H

#include "qc/Execution/Build.h"

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

/// A compiled network on its way into a folder.
struct Station {
  CompiledNet net;
  ArtifactSpec spec;
  StatisticsFile statistics;
  std::vector<std::string> remarks;
};

/// Fills in the report, the recipe, the manifest's facts, licences and the
/// statistics file of `station.spec`.
void describe(const BuildRequest &request, Station &station,
              const BuildResult &result);

} // namespace qc

#endif // QC_LIB_EXECUTION_BUILDINTERNAL_H
