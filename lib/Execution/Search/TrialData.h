//===- TrialData.h - What networks are measured on --------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Private to Execution/Search. The data of a search in parts: arrays
// (SearchData.h), a text or questions (LanguageData.h).
//
//===----------------------------------------------------------------------===//

#ifndef QC_LIB_EXECUTION_SEARCH_TRIALDATA_H
#define QC_LIB_EXECUTION_SEARCH_TRIALDATA_H

#include "qc/Execution/JitNet.h"
#include "qc/Execution/Search/SearchPrecision.h"

namespace qc::search {

/// Probe: the first samples of the half that the search sees.
enum class Part { Probe, Search, Verdict };

/// What a network did on a part of the data.
struct Measured {
  MetricRecords records;
  /// The energy of the reference's output and of what differs, or tokens and
  /// the sum of their divergences from the reference.
  double signal = 0, noise = 0;
  /// Means over the rows of the output, beside the reference's.
  std::optional<double> cosine = {}, kl = {};

  /// Of a language model, whose noise and cosine are sums over tokens so far.
  void takeMeans() {
    if (signal <= 0)
      return;
    kl = noise / signal;
    if (cosine)
      *cosine /= signal;
  }
};

class TrialData {
public:
  virtual ~TrialData() = default;

  /// Runs `net`; `progress` stops it with an error of the code "interrupted".
  virtual llvm::Expected<Measured>
  measure(Network &net, Part part,
          llvm::function_ref<bool(double done)> progress) = 0;
  /// The metric of the reference on a part; no records where it compares with
  /// the reference.
  virtual llvm::Expected<MetricRecords>
  reference(Part part, llvm::function_ref<bool(double done)> progress) = 0;

  virtual int64_t size(Part part) const = 0;
  /// The reference.
  virtual JitNet &floatNet() = 0;
};

} // namespace qc::search

#endif // QC_LIB_EXECUTION_SEARCH_TRIALDATA_H
