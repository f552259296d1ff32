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
  /// Whether there is any.
  bool given() const;
  /// What is asked for; `build` has all but what these options say.
  llvm::Expected<PrecisionSearchRequest> finish(BuildRequest build) const;
  /// Without a search: sets the band and the data that `build` is judged by, if
  /// it is; an error for options that are of a search alone.
  llvm::Error setBand(BuildRequest &build) const;

private:
  /// The band of --within, with its metric as --metric and --metric-command
  /// have it.
  llvm::Expected<Band> bandOf(const BuildRequest &build) const;
};

/// Searches and turns `request` into one by the recipe that was found; `found`
/// has to live as long as it. An interrupt ends the search, not the process.
llvm::Error searchBest(Driver &driver, const SearchArguments &arguments,
                       BuildRequest &request, PrecisionSearchResult &found);

/// What building the network that was found does with interrupts: nothing.
BuildHooks hooksAfterSearch(Driver &driver);

/// The exit code by the verdict.
int exitCodeOf(const Verdict &verdict, bool strict);
int exitCodeOf(const PrecisionSearchResult &found, bool strict);

} // namespace qc::driver

#endif // QC_TOOLS_QC_SEARCHOPTIONS_H
