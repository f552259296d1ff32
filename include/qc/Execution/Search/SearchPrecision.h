//===- SearchPrecision.h - The best precision of each layer -----*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// --precision auto: measures how each layer takes each candidate and what that
// costs, and finds the cheapest assignment inside a band of quality. It decides
// on one half of the data and is judged on the other.
//
//===----------------------------------------------------------------------===//

#ifndef QC_EXECUTION_SEARCH_SEARCHPRECISION_H
#define QC_EXECUTION_SEARCH_SEARCHPRECISION_H

#include "qc/Execution/Band.h"
#include "qc/Execution/Build.h"

namespace qc {

/// The size that weights may have.
struct SizeLimit {
  double value = 0;
  /// Of the layers that are searched, for each weight; else bytes of all
  /// weights of the library.
  bool bitsPerWeight = false;
  std::string text;

  /// 35G, 800M, 3500K, a number of bytes, or 4.5bits.
  static llvm::Expected<SizeLimit> parse(llvm::StringRef text);
};

struct PrecisionSearchRequest {
  /// The model, its options, data and output.
  BuildRequest build;
  Band band;
  /// There is a band; without one there is a limit, and `band` has the metric.
  bool hasBand = true;
  /// Take what loses the least within it.
  std::optional<SizeLimit> limit;
  /// Data to judge on; empty: the other half of build.evalData.
  std::string verdictData;
  /// Least bytes instead of least time.
  bool forSize = false;
  /// Precisions beside fp32; empty: the usual ones.
  std::vector<std::string> candidates;
  /// Seconds after which the best so far is taken.
  std::optional<double> seconds;
};

struct PrecisionSearchResult {
  /// A file in the folder of the search (SearchFolder.h).
  std::string recipe;
  SearchFacts facts;
  Verdict verdict;
  /// The user has interrupted: this is the best until then.
  bool interrupted = false;
  /// For the user, one line each: what keeps the network out of the band, what
  /// would prove it.
  std::vector<std::string> notes;
  /// How it does beside the best precision for all layers; may be empty.
  std::string summary;
};

/// Searches; the model is not written. Interrupted before there is anything to
/// choose it is an error of the code "interrupted".
llvm::Expected<PrecisionSearchResult>
searchPrecision(const PrecisionSearchRequest &request, const BuildHooks &hooks);

} // namespace qc

#endif // QC_EXECUTION_SEARCH_SEARCHPRECISION_H
