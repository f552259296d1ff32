//===- Allocation.cpp - One choice for each layer, together best ----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Item after item, every sum so far takes every option; what another sum beats
// in both numbers cannot become part of a best choice and goes.
//
//===----------------------------------------------------------------------===//

#include "qc/Quantization/Allocation.h"

#include <algorithm>
#include <cmath>

using namespace qc::quantization;

namespace {
struct Sum {
  AllocationPoint point;
  uint32_t before, option;
};
} // namespace

/// Leaves the sums that no other one beats, losses ascending. Of equal ones the
/// first counts, whatever the order of sorting.
static void keepBest(std::vector<Sum> &sums) {
  std::sort(sums.begin(), sums.end(), [](const Sum &a, const Sum &b) {
    if (a.point.loss != b.point.loss)
      return a.point.loss < b.point.loss;
    if (a.point.cost != b.point.cost)
      return a.point.cost < b.point.cost;
    return a.before != b.before ? a.before < b.before : a.option < b.option;
  });
  size_t kept = 0;
  for (const Sum &sum : sums)
    if (kept == 0 || sum.point.cost < sums[kept - 1].point.cost)
      sums[kept++] = sum;
  sums.resize(kept);
}

/// Of the sums in each part of the range of log(loss) the cheapest, which is
/// the last; a loss of 0 has a part of its own.
static void thin(std::vector<Sum> &sums, size_t limit) {
  if (sums.size() <= limit)
    return;
  auto positive = std::find_if(sums.begin(), sums.end(), [](const Sum &sum) {
    return sum.point.loss > 0;
  });
  double low = std::log(positive->point.loss);
  double width = std::log(sums.back().point.loss) - low;
  auto partOf = [&](const Sum &sum) {
    return static_cast<int64_t>((std::log(sum.point.loss) - low) / width *
                                static_cast<double>(limit));
  };
  size_t kept = static_cast<size_t>(positive - sums.begin());
  for (auto sum = positive; sum != sums.end(); ++sum)
    if (sum + 1 == sums.end() || partOf(*sum) != partOf(sum[1]))
      sums[kept++] = *sum;
  sums.resize(kept);
}

AllocationFront::AllocationFront(
    llvm::ArrayRef<std::vector<AllocationOption>> items, size_t limit)
    : front(1) {
  for (const std::vector<AllocationOption> &options : items)
    add(options, limit);
}

void AllocationFront::add(const std::vector<AllocationOption> &options,
                          size_t limit) {
  std::vector<Sum> sums;
  sums.reserve(front.size() * options.size());
  for (uint32_t option = 0; option < options.size(); ++option)
    for (uint32_t before = 0; before < front.size(); ++before)
      sums.push_back({{front[before].cost + options[option].cost,
                       front[before].loss + options[option].loss},
                      before,
                      option});
  keepBest(sums);
  thin(sums, limit);
  front.clear();
  steps.emplace_back();
  for (const Sum &sum : sums) {
    front.push_back(sum.point);
    steps.back().push_back({sum.before, sum.option});
  }
}

std::vector<size_t> AllocationFront::assignment(size_t point) const {
  std::vector<size_t> options(steps.size());
  for (size_t item = steps.size(); item-- > 0;) {
    options[item] = steps[item][point].option;
    point = steps[item][point].before;
  }
  return options;
}

ptrdiff_t AllocationFront::within(double budget) const {
  auto end = std::upper_bound(front.begin(), front.end(), budget,
                              [](double value, const AllocationPoint &point) {
                                return value < point.loss;
                              });
  return end - front.begin() - 1;
}
