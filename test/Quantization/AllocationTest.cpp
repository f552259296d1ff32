//===- AllocationTest.cpp - Against every assignment ----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "qc/Quantization/Allocation.h"
#include "gtest/gtest.h"

#include <cmath>
#include <limits>
#include <random>

using namespace qc::quantization;

using Items = std::vector<std::vector<AllocationOption>>;

static AllocationPoint sumOf(const Items &items,
                             const std::vector<size_t> &assignment) {
  AllocationPoint sum;
  for (size_t i = 0; i < items.size(); ++i) {
    sum.cost += items[i][assignment[i]].cost;
    sum.loss += items[i][assignment[i]].loss;
  }
  return sum;
}

/// The least cost within a budget, by trying every assignment.
static double bruteForce(const Items &items, double budget) {
  double best = std::numeric_limits<double>::infinity();
  std::vector<size_t> assignment(items.size(), 0);
  while (true) {
    AllocationPoint sum = sumOf(items, assignment);
    if (sum.loss <= budget)
      best = std::min(best, sum.cost);
    size_t i = 0;
    while (i < items.size() && ++assignment[i] == items[i].size())
      assignment[i++] = 0;
    if (i == items.size())
      return best;
  }
}

/// Whole numbers, so that sums in any order are the same, and ties are usual.
static Items randomItems(std::mt19937 &random, size_t count) {
  Items items(count);
  for (auto &options : items) {
    options.resize(1 + random() % 4);
    for (AllocationOption &option : options)
      option = {double(random() % 50), double(random() % 30)};
  }
  return items;
}

TEST(Allocation, BestOfAllAssignments) {
  std::mt19937 random(7);
  for (int round = 0; round < 200; ++round) {
    Items items = randomItems(random, 1 + round % 7);
    AllocationFront front(items);
    for (double budget = -1; budget < 220; budget += 7) {
      ptrdiff_t point = front.within(budget);
      double best = bruteForce(items, budget);
      if (point < 0) {
        EXPECT_TRUE(std::isinf(best));
        continue;
      }
      EXPECT_EQ(front.points()[point].cost, best) << "budget " << budget;
      AllocationPoint sum = sumOf(items, front.assignment(point));
      EXPECT_EQ(sum.cost, front.points()[point].cost);
      EXPECT_EQ(sum.loss, front.points()[point].loss);
    }
  }
}

TEST(Allocation, FrontIsStrict) {
  std::mt19937 random(11);
  AllocationFront front(randomItems(random, 12));
  for (size_t i = 1; i < front.points().size(); ++i) {
    EXPECT_LT(front.points()[i - 1].loss, front.points()[i].loss);
    EXPECT_GT(front.points()[i - 1].cost, front.points()[i].cost);
  }
}

TEST(Allocation, OfEqualOnesTheFirst) {
  AllocationFront front({{{2, 1}, {2, 1}, {3, 1}}, {{0, 0}, {0, 0}}});
  ASSERT_EQ(front.points().size(), 1u);
  EXPECT_EQ(front.assignment(0), (std::vector<size_t>{0, 0}));
}

TEST(Allocation, NothingToChoose) {
  AllocationFront front({});
  EXPECT_EQ(front.within(0), 0);
  EXPECT_EQ(front.within(-1), -1);
  EXPECT_TRUE(front.assignment(0).empty());
}

/// A large front that is thinned costs no more than the exact one at a slightly
/// smaller budget.
TEST(Allocation, ThinnedFrontIsClose) {
  std::mt19937_64 random(3);
  std::uniform_real_distribution<double> uniform(0, 1);
  Items items(40);
  for (auto &options : items)
    for (int option = 0; option < 4; ++option) {
      double bits = uniform(random);
      options.push_back({bits, std::exp(-9 * bits) * uniform(random)});
    }
  AllocationFront exact(items, size_t(1) << 22), thin(items, 600);
  EXPECT_GT(exact.points().size(), 600u);
  EXPECT_LE(thin.points().size(), 602u);
  double least = exact.points().front().loss;
  for (double factor : {1.2, 2.0, 5.0, 20.0}) {
    double budget = least * factor;
    ptrdiff_t point = thin.within(budget);
    ASSERT_GE(point, 0);
    EXPECT_LE(thin.points()[point].loss, budget);
    ptrdiff_t bound = exact.within(budget * 0.93);
    ASSERT_GE(bound, 0);
    EXPECT_LE(thin.points()[point].cost, exact.points()[bound].cost);
  }
}
