//===- Model.h - What an assignment should cost and lose --------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Private to Execution/Search. Sums over the layers: of costs, as measured in
// networks that are the same everywhere, and of losses, the noise at the output
// where one group alone is not float.
//
//===----------------------------------------------------------------------===//

#ifndef QC_LIB_EXECUTION_SEARCH_MODEL_H
#define QC_LIB_EXECUTION_SEARCH_MODEL_H

#include "Trials.h"

#include "qc/Quantization/Allocation.h"

namespace qc::search {

class Model {
public:
  /// Cost and loss of a group, or of all, and what the cost is made of.
  struct Sum : quantization::AllocationPoint {
    double milliseconds = 0, bytes = 0;
  };

  /// Needs the uniform trials and those of single layers.
  Model(const Candidates &candidates, const Trials &trials,
        const CostRule &costs);

  /// Nothing where the group may not have the candidate.
  const std::optional<Sum> &of(size_t group, size_t candidate) const {
    return predictions[group][candidate];
  }
  Sum sumOf(const Assignment &assignment) const;

  /// The assignments that no other one beats: losses ascend, costs descend.
  size_t size() const { return front->points().size(); }
  double lossAt(size_t point) const { return front->points()[point].loss; }
  double costAt(size_t point) const { return front->points()[point].cost; }
  Assignment at(size_t point) const;
  /// The last one that loses at most so much.
  ptrdiff_t within(double loss) const { return front->within(loss); }

  /// How much more one costs: bytes or milliseconds, whichever it is that the
  /// cost differs by.
  std::string differenceText(const Sum &a, const Sum &b) const;

  /// Assignments that differ from that of `trial` in one group and should be
  /// better, most promising first; none should lose more than `mostLoss`.
  std::vector<Assignment> movesFrom(const Trial &trial, double mostLoss) const;

private:
  bool isPromising(const Trial &trial, size_t group, size_t candidate) const;

  CostRule costs;
  std::vector<std::vector<std::optional<Sum>>> predictions;
  /// The candidates of each item of the front.
  std::vector<std::vector<size_t>> options;
  std::optional<quantization::AllocationFront> front;
};

/// `uniform` with one group changed to `candidate`.
Assignment with(Assignment assignment, size_t group, size_t candidate);

/// The text of a cost: bytes or milliseconds.
std::string costText(double cost, bool bytes);

} // namespace qc::search

#endif // QC_LIB_EXECUTION_SEARCH_MODEL_H
