//===- Search.h - The search for the best network ---------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Private to Execution/Search. The networks of the whole model and of each
// shape that is asked for are explored one after another (Space.h); the best
// of them runs in turns with uniform ones, and is judged.
//
//===----------------------------------------------------------------------===//

#ifndef QC_LIB_EXECUTION_SEARCH_SEARCH_H
#define QC_LIB_EXECUTION_SEARCH_SEARCH_H

#include "Space.h"

namespace qc::search {

class Search {
public:
  Search(const PrecisionSearchRequest &request, const BuildHooks &hooks)
      : request(request), hooks(hooks), bench(request, hooks) {}

  llvm::Expected<PrecisionSearchResult> run();

private:
  llvm::Error open();
  llvm::Error searchAll();
  llvm::Error openSpace(const Shape &shape);
  llvm::Error exploreShape(const Shape &shape);
  /// An error where nothing fits into --max-size.
  llvm::Error checkSize() const;

  Space &whole() const { return *spaces.front(); }
  Space &spaceOf(const Trial &trial) const { return *spaces[trial.shape]; }
  bool isUniform(const Trial &trial) const;
  /// The precision of all layers of a uniform network, else `mixture`; with
  /// what is taken out.
  std::string nameOf(const Trial &trial) const;
  /// The best of all spaces; null before any.
  const Trial *best() const;

  /// A network that was run in turns with others: milliseconds of each round.
  struct Turn {
    const Trial *trial;
    std::vector<double> times;

    /// The share of the other's time, by pairs of one round.
    MetricValue ratioTo(const Turn &other) const;
  };
  /// Those that run in turns: uniform networks of the whole model, and the best
  /// of each space.
  std::vector<const Trial *> contenders() const;
  llvm::Error takeTurns();
  const Turn *turnOf(const Trial *trial) const;
  /// Of what the turns say: milliseconds, or bytes.
  double costOf(const Turn &turn) const;
  /// The best of each space was timed at another moment.
  void chooseSpace();
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
  void describeLayers(SearchFacts &facts, llvm::json::Array &layers) const;
  std::string reasonOf(const Trial &chosen, size_t group) const;
  llvm::json::Array trialsJson() const;
  llvm::json::Array shapesJson() const;
  llvm::json::Array frontJson() const;

  const PrecisionSearchRequest &request;
  const BuildHooks &hooks;
  Bench bench;
  /// The first is that of the whole model.
  std::vector<std::unique_ptr<Space>> spaces;
  const Trial *chosen = nullptr;
  std::vector<Turn> turns;
  /// A mixture that was not faster than the uniform network taken instead.
  const Turn *rejected = nullptr;
};

} // namespace qc::search

#endif // QC_LIB_EXECUTION_SEARCH_SEARCH_H
