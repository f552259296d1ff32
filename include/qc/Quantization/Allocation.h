//===- Allocation.h - One choice for each layer, together best --*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The multiple-choice knapsack: of each item one option is taken; costs add up,
// and so do losses. The front is all sums that no other one beats in both, and
// so the answer for every budget of loss at once.
//
//===----------------------------------------------------------------------===//

#ifndef QC_QUANTIZATION_ALLOCATION_H
#define QC_QUANTIZATION_ALLOCATION_H

#include "llvm/ADT/ArrayRef.h"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace qc::quantization {

struct AllocationOption {
  double cost = 0, loss = 0;
};

/// A point of the front: sums of costs and losses.
struct AllocationPoint {
  double cost = 0, loss = 0;
};

/// The front of a choice among options. Exact while no step has more than
/// `limit` sums that count; beyond it sums whose losses differ by less than
/// `limit`th parts of all orders of magnitude become the cheapest of them.
class AllocationFront {
public:
  /// `items[i]` are the options of item i, at least one; costs and losses are
  /// finite and not negative.
  explicit AllocationFront(llvm::ArrayRef<std::vector<AllocationOption>> items,
                           size_t limit = size_t(1) << 16);

  /// Losses ascend, costs descend.
  const std::vector<AllocationPoint> &points() const { return front; }
  /// The option of each item at a point.
  std::vector<size_t> assignment(size_t point) const;
  /// The cheapest point whose loss is at most `budget`; -1: there is none.
  ptrdiff_t within(double budget) const;

private:
  /// How a sum was made: which sum before it, and the option added.
  struct Step {
    uint32_t before, option;
  };
  void add(const std::vector<AllocationOption> &options, size_t limit);

  std::vector<AllocationPoint> front;
  std::vector<std::vector<Step>> steps;
};

} // namespace qc::quantization

#endif // QC_QUANTIZATION_ALLOCATION_H
