//===- SearchOptions.h - The options of a search ----------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QC_TOOLS_QC_SEARCHOPTIONS_H
#define QC_TOOLS_QC_SEARCHOPTIONS_H

#include "Driver.h"

#include "qc/Execution/Search/SearchPrecision.h"

namespace qc::driver {

/// The options of --precision auto, as given.
struct SearchArguments {
  std::string within, verdictData, objective, maxSize, timeLimit, candidates;

  void add(CLI::App &command);
  /// Whether one of them was given.
  bool given() const;
  /// What is asked for; `build` has all but what these options say.
  llvm::Expected<PrecisionSearchRequest> finish(BuildRequest build) const;
};

} // namespace qc::driver

#endif // QC_TOOLS_QC_SEARCHOPTIONS_H
