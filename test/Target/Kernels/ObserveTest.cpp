//===- ObserveTest.cpp - Statistics of one tensor -------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "OnLevels.h"

#include "qc/TargetInfo/KernelSlots.h"

#include <cmath>
#include <limits>

using namespace qc;
using namespace qc::test;

namespace observe_test {

using namespace qc::slots::observe;

namespace {
struct Stats_ {
  float min = std::numeric_limits<float>::infinity();
  float max = -std::numeric_limits<float>::infinity();
  uint64_t count = 0, special = 0;
};

struct Expected {
  std::vector<uint64_t> bins = std::vector<uint64_t>(65536);
  std::vector<Stats_> stats = std::vector<Stats_>(1);
  std::vector<double> sums;

  void add(const std::vector<float> &x) {
    for (size_t i = 0; i < x.size(); ++i) {
      ++bins[std::bit_cast<uint32_t>(x[i]) >> 16];
      ++stats[0].count;
      if (!std::isfinite(x[i])) {
        ++stats[0].special;
        continue;
      }
      stats[0].min = std::min(stats[0].min, x[i] + 0.0f);
      stats[0].max = std::max(stats[0].max, x[i] + 0.0f);
      sums[i % sums.size()] += x[i];
    }
  }
};
} // namespace

TEST(Observe, CountsTwoTensors) {
  onLevels("observe:f32", [&](TestKernel &kernel) {
    for (int64_t channels : {1, 3, 16, 37}) {
      Expected expected;
      expected.sums.resize(channels);
      auto bins = guarded(expected.bins);
      auto stats = guarded(expected.stats);
      auto sums = guarded(expected.sums);
      for (int round = 0; round < 2; ++round) {
        Random random(channels + round);
        auto x = randomFloats(random, channels * 29, -100, 100);
        x[5] = NAN;
        x[7] = -std::numeric_limits<float>::infinity();
        x[9] = -0.0f;
        x[11] = 1e-42f;
        expected.add(x);
        auto in = guarded(x);
        Slots slots(Count);
        slots.set(X, in->as<void>());
        slots.set(Bins, bins->as<void>());
        slots.set(Stats, stats->as<void>());
        slots.set(Sums, sums->as<void>());
        slots.set(Size, int64_t(x.size()));
        slots.set(Channels, channels);
        kernel.run(slots, 1, {in.get(), bins.get(), stats.get(), sums.get()});
      }
      expectSame(*bins, expected.bins);
      expectSame(*sums, expected.sums);
      const Stats_ &found = *stats->as<Stats_>();
      EXPECT_EQ(std::memcmp(&found, expected.stats.data(), sizeof(Stats_)), 0)
          << found.min << " " << found.max << " " << found.special;
    }
  });
}

TEST(Observe, LeavesOutWhatIsNull) {
  onLevels("observe:f32", [&](TestKernel &kernel) {
    auto in = guarded(std::vector<float>{1, 2, 3});
    Slots slots(Count);
    slots.set(X, in->as<void>());
    slots.set(Size, 3);
    kernel.run(slots, 1, {in.get()});
  });
}

} // namespace observe_test
