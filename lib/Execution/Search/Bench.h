//===- Bench.h - What networks of a search are measured by ------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Private to Execution/Search. The data, the float network that others are
// compared with and timed beside, the band, and the clock of the search. One
// for all spaces (Space.h).
//
//===----------------------------------------------------------------------===//

#ifndef QC_LIB_EXECUTION_SEARCH_BENCH_H
#define QC_LIB_EXECUTION_SEARCH_BENCH_H

#include "LanguageData.h"
#include "Trials.h"

#include <chrono>

namespace qc::search {

class Bench {
public:
  Bench(const PrecisionSearchRequest &request, const BuildHooks &hooks)
      : request(request), hooks(hooks), start(Clock::now()) {
    rule.forSize = request.forSize;
  }

  /// Opens the data. The reference is the float network of `whole`, the model
  /// with nothing taken out, which stays where it is.
  llvm::Error open(Candidates &whole);

  /// Names what is done from now on.
  void begin(llvm::StringRef next) { phase = next.str(); }
  /// False where the search has to end; `done` is of the phase.
  bool goesOn(double done);
  /// An error where it has.
  llvm::Error checkGoesOn(double done);
  bool isInterrupted() const { return interrupted; }
  bool isOutOfTime() const { return outOfTime; }
  double seconds() const;

  /// Elements of all weights that are searched, before anything is taken out.
  int64_t wholeWeights() const { return whole->weights(); }

  TrialData &data() { return *opened; }
  const TrialData &data() const { return *opened; }
  /// The same data if the model is one of texts, else null.
  LanguageData *languageData() { return ofLanguage; }
  /// The reference's metric on a part.
  llvm::Expected<const MetricRecords *> referenceOf(Part part);

  /// Milliseconds of the launches of each net, in turns with the reference.
  llvm::Error timeBesideFloat(llvm::ArrayRef<JitNet *> nets,
                              std::vector<std::vector<double>> &launches,
                              int rounds, int64_t milliseconds);
  /// Learns of the reference's own trial: what is measured later is told as
  /// shares of its time.
  void setReference(const Trial &trial);

  /// How far inside the band it is, less what chance explains.
  double safeMargin(const Trial &trial) const;
  bool isInside(const Trial &trial) const { return safeMargin(trial) >= 0; }
  /// Of that time, or bytes.
  const CostRule &costs() const { return rule; }
  double costOf(const Trial &trial) const {
    return rule.of(trial.milliseconds.value_or(0),
                   static_cast<double>(trial.bytes));
  }
  /// Whether to take `trial` rather than `other`: it is inside the band and
  /// that is not, or both are and it is cheaper; with a size limit, and
  /// outside, what loses less is better.
  bool isBetter(const Trial &trial, const Trial &other) const;

  const PrecisionSearchRequest &request;
  const BuildHooks &hooks;

private:
  using Clock = std::chrono::steady_clock;

  /// The network that others are timed beside.
  llvm::Expected<JitNet *> yardstick();

  Clock::time_point start;
  Candidates *whole = nullptr;
  std::unique_ptr<TrialData> opened;
  LanguageData *ofLanguage = nullptr;
  std::unique_ptr<JitNet> plainNet;
  std::map<Part, MetricRecords> references;
  std::optional<double> floatTime;
  CostRule rule;
  std::string phase;
  bool interrupted = false, outOfTime = false;
};

} // namespace qc::search

#endif // QC_LIB_EXECUTION_SEARCH_BENCH_H
