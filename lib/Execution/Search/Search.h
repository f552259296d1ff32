//===- Search.h - The steps of a search -------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Private to Execution/Search. Uniform precisions, then each layer by itself;
// from these a model of sums, whose front is followed by real trials up to the
// border of the band; then moves of single layers that the model says pay.
//
//===----------------------------------------------------------------------===//

#ifndef QC_LIB_EXECUTION_SEARCH_SEARCH_H
#define QC_LIB_EXECUTION_SEARCH_SEARCH_H

#include "Model.h"
#include "TextData.h"

#include <chrono>

namespace qc::search {

class LayerProbe;

class Search {
public:
  Search(const PrecisionSearchRequest &request, const BuildHooks &hooks)
      : request(request), hooks(hooks), start(Clock::now()) {}

  llvm::Expected<PrecisionSearchResult> run();

private:
  using Clock = std::chrono::steady_clock;

  llvm::Error open();
  llvm::Error searchAll();
  llvm::Error tryUniform();
  llvm::Error openData();
  llvm::Error tryLayers();
  /// The same for a language model, piece by piece.
  llvm::Error tryPieces();
  /// Follows the front from the uniform trials on, by interpolation.
  llvm::Error bracketFront();
  llvm::Error probeGroup(LayerProbe &probe, size_t group);
  /// The least loss within --max-size.
  llvm::Error fitSize();
  double budgetOfLayers() const;
  bool fits(const Trial &trial) const;
  llvm::Error followFront();
  llvm::Error moveLayers();

  /// Compiles, times and measures an assignment, unless that was done before.
  llvm::Expected<const Trial *> tryOut(const Assignment &assignment, Part part,
                                       llvm::StringRef origin);
  llvm::Expected<const Trial *> record(JitNet &net,
                                       const Assignment &assignment, Part part,
                                       llvm::StringRef origin,
                                       const std::vector<double> &launches);
  /// The times of a target that is not at hand.
  void estimate(const JitNet &net, Trial &trial) const;
  /// Milliseconds of the launches of each net, in turns with float32.
  llvm::Error timeBesideFloat(llvm::ArrayRef<JitNet *> nets,
                              std::vector<std::vector<double>> &launches,
                              int rounds, int64_t milliseconds);
  /// The network with all layers in float, which others are timed beside.
  llvm::Expected<JitNet *> yardstick();
  /// The reference's metric on a part.
  llvm::Expected<const MetricRecords *> referenceOf(Part part);
  /// False where the search has to end; `done` is of the phase.
  bool goesOn(double done);

  /// How far inside the band it is, less what chance explains.
  double safeMargin(const Trial &trial) const;
  bool isInside(const Trial &trial) const { return safeMargin(trial) >= 0; }
  double costOf(const Trial &trial) const {
    return request.forSize ? static_cast<double>(trial.bytes)
                           : *trial.milliseconds;
  }
  /// The cheapest trial inside the band, else the one least outside; null
  /// before any.
  const Trial *best() const;

  const Trial &lastInside() const;

  /// A network that was run in turns with others: milliseconds of each round.
  struct Turn {
    const Trial *trial;
    /// The precision of all layers, or `mixture`.
    std::string name;
    std::vector<double> times;

    bool isUniform() const { return name != "mixture"; }

    /// The share of the other's time, by pairs of one round.
    MetricValue ratioTo(const Turn &other) const;
  };
  /// Times what was chosen and the uniform networks in turns.
  llvm::Error takeTurns();
  const Turn *turnOf(const Trial *trial) const;
  const Turn *bestUniform() const;
  void preferUniform();
  llvm::json::Value turnsJson() const;
  /// A line about what was chosen and the best uniform network inside.
  std::string besideUniform() const;
  /// The same of a target that is not at hand.
  std::string besideEstimates() const;

  /// Measures what was chosen on the half that the search did not see.
  llvm::Error judgeBest(PrecisionSearchResult &result);
  /// What the user has to know about the verdict.
  void explain(PrecisionSearchResult &result) const;
  /// Fills in the facts for the report.
  void describe(PrecisionSearchResult &result) const;
  std::string reasonOf(const Trial &chosen, size_t group) const;
  llvm::json::Array trialsJson() const;

  const PrecisionSearchRequest &request;
  const BuildHooks &hooks;
  Clock::time_point start;
  std::unique_ptr<Candidates> candidates;
  std::unique_ptr<TrialData> data;
  /// The same data if it is a text, else null.
  TextData *text = nullptr;
  std::unique_ptr<JitNet> plainNet;
  std::optional<Trials> trials;
  std::optional<Model> model;
  std::map<Part, MetricRecords> references;
  const Trial *chosen = nullptr;
  std::vector<Turn> turns;
  /// A mixture that was not faster than the uniform network taken instead.
  const Turn *rejected = nullptr;
  std::string phase;
  bool interrupted = false, outOfTime = false;
};

} // namespace qc::search

#endif // QC_LIB_EXECUTION_SEARCH_SEARCH_H
