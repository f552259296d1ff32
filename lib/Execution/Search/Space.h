//===- Space.h - The networks of one shape ----------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Private to Execution/Search. The model, whole or with something taken out,
// in all assignments of precisions. First uniform precisions are tried, then
// each layer by itself; from these comes a model of sums, whose front is
// followed by real trials up to the border of the band; then single layers
// move where the model says that it pays.
//
//===----------------------------------------------------------------------===//

#ifndef QC_LIB_EXECUTION_SEARCH_SPACE_H
#define QC_LIB_EXECUTION_SEARCH_SPACE_H

#include "Bench.h"
#include "Model.h"

namespace qc::search {

class LayerProbe;

class Space {
public:
  /// Reads what a search before has tried. `number` is 0 for the whole model.
  static llvm::Expected<std::unique_ptr<Space>>
  open(Bench &bench, std::unique_ptr<Candidates> candidates, size_t number);
  ~Space();

  /// Tries what may be the best, as far as the search goes on.
  llvm::Error explore();

  Candidates &candidates() { return *owned; }
  const Candidates &candidates() const { return *owned; }
  const Trials &trials() const { return *tried; }
  /// Nothing before layers were looked at.
  const std::optional<Model> &model() const { return sums; }

  /// The float network, or the one with a candidate wherever it may be; null
  /// where it was not tried.
  const Trial *uniformTrial(size_t candidate) const {
    return trials().find(owned->uniform(candidate), Part::Search);
  }
  /// The best trial inside the band, else the one least outside; null before
  /// any; also without those that single layers moved to.
  const Trial *best(bool withMoves = true) const;
  /// Within --max-size.
  bool fits(const Trial &trial) const;
  /// Where none fits: the least size of these networks, as --max-size counts.
  const std::optional<double> &leastSize() const { return smallest; }

private:
  Space(Bench &bench, std::unique_ptr<Candidates> candidates, size_t number)
      : bench(bench), request(bench.request), owned(std::move(candidates)),
        number(number) {}

  llvm::Error tryUniform();
  /// Adds smaller candidates, and tries them, while they may be worth it.
  llvm::Error trySmaller();
  llvm::Error tryLayers();
  /// The same for a language model, piece by piece.
  llvm::Error tryPieces();
  llvm::Error probeGroup(LayerProbe &probe, size_t group);
  llvm::Error followFront();
  /// Follows the front from the uniform trials on, by interpolation.
  llvm::Error bracketFront();
  llvm::Error moveLayers();
  /// The least loss within --max-size.
  llvm::Error fitSize();
  double budgetOfLayers() const;
  const Trial &lastInside() const;

  /// Compiles, times and measures an assignment, unless that was done before.
  llvm::Expected<const Trial *> tryOut(const Assignment &assignment, Part part,
                                       llvm::StringRef origin);
  llvm::Expected<const Trial *> record(JitNet &net,
                                       const Assignment &assignment, Part part,
                                       llvm::StringRef origin,
                                       const std::vector<double> &launches);
  /// Adds up bytes and, where they were measured, times.
  void addCosts(const JitNet &net, const std::vector<double> &launches,
                Trial &trial) const;
  /// The times of a target that is not at hand.
  void estimate(const JitNet &net, Trial &trial) const;
  /// What a part is measured on: layers alone beside this shape in float.
  llvm::Expected<TrialData *> dataOf(Part part);
  llvm::Expected<const MetricRecords *> referenceOf(Part part);

  Bench &bench;
  const PrecisionSearchRequest &request;
  std::unique_ptr<Candidates> owned;
  size_t number;
  std::optional<Trials> tried;
  std::optional<Model> sums;
  /// Of a shape that is not the whole model.
  std::unique_ptr<TrialData> probes;
  std::optional<MetricRecords> probeReference;
  std::optional<double> smallest;
};

} // namespace qc::search

#endif // QC_LIB_EXECUTION_SEARCH_SPACE_H
