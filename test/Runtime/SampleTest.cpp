// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What may be drawn and how often, against a plain computation of both. The
// same draws on AArch64: sample-aarch64.test.

#include "qc/Runtime/Sample.h"
#include "gtest/gtest.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

using Logits = std::vector<float>;
using Tokens = std::vector<int32_t>;

static qc_rt_sampling options(float temperature) {
  qc_rt_sampling result = {};
  result.size = sizeof result;
  result.temperature = temperature;
  result.seed = 7;
  return result;
}

static int32_t next(qc_rt_sampler &sampler, const qc_rt_sampling &options,
                    const Logits &logits, const Tokens &recent = {}) {
  std::vector<qc_rt_candidate> scratch(logits.size());
  return qc_rt_sampler_next(
      &sampler, &options, logits.data(), static_cast<int32_t>(logits.size()),
      recent.data(), static_cast<int32_t>(recent.size()), scratch.data());
}

/// The probability of each token, step by step as the header says.
static std::vector<double> reference(const qc_rt_sampling &options,
                                     Logits logits, const Tokens &recent) {
  size_t begin = recent.size() - std::min<size_t>(recent.size(), 64);
  std::vector<bool> seen(logits.size());
  for (size_t i = begin; i < recent.size(); ++i)
    if (recent[i] >= 0 && size_t(recent[i]) < logits.size())
      seen[recent[i]] = true;
  for (size_t i = 0; i < logits.size(); ++i)
    if (seen[i] && options.repeat_penalty)
      logits[i] = logits[i] > 0 ? logits[i] / options.repeat_penalty
                                : logits[i] * options.repeat_penalty;
  Tokens order(logits.size());
  for (size_t i = 0; i < order.size(); ++i)
    order[i] = static_cast<int32_t>(i);
  std::sort(order.begin(), order.end(), [&](int32_t a, int32_t b) {
    return logits[a] != logits[b] ? logits[a] > logits[b] : a < b;
  });
  if (options.top_k && size_t(options.top_k) < order.size())
    order.resize(options.top_k);
  double best = logits[order[0]], total = 0, sum = 0;
  auto weight = [&](int32_t token) {
    return std::exp(double(logits[token]) - best);
  };
  for (int32_t token : order)
    total += weight(token);
  size_t kept = 0;
  while (kept < order.size() &&
         (!options.top_p || sum < double(options.top_p) * total))
    sum += weight(order[kept++]);
  order.resize(kept);
  while (weight(order.back()) < double(options.min_p))
    order.pop_back();
  std::vector<double> result(logits.size());
  sum = 0;
  for (int32_t token : order)
    sum += result[token] =
        std::exp((double(logits[token]) - best) / double(options.temperature));
  for (double &p : result)
    p /= sum;
  return result;
}

/// Draws often: only tokens that may come, in the right proportions.
static void expectDistribution(const qc_rt_sampling &options,
                               const Logits &logits,
                               const Tokens &recent = {}) {
  constexpr int draws = 20000;
  std::vector<double> expected = reference(options, logits, recent);
  std::vector<int> counts(logits.size());
  qc_rt_sampler sampler = {};
  for (int i = 0; i < draws; ++i) {
    int32_t token = next(sampler, options, logits, recent);
    ASSERT_GE(token, 0);
    ASSERT_GT(expected[token], 0) << "token " << token;
    ++counts[token];
  }
  double chiSquare = 0, rest = 0;
  int classes = 0, restCount = draws;
  for (size_t i = 0; i < counts.size(); ++i) {
    double wanted = draws * expected[i];
    // Rare ones count together.
    if (wanted < 10) {
      rest += wanted;
      continue;
    }
    restCount -= counts[i];
    chiSquare += (counts[i] - wanted) * (counts[i] - wanted) / wanted;
    ++classes;
  }
  if (rest >= 10) {
    chiSquare += (restCount - rest) * (restCount - rest) / rest;
    ++classes;
  }
  // Five standard deviations of chi-square.
  double freedom = std::max(classes - 1, 1);
  EXPECT_LT(chiSquare, freedom + 5 * std::sqrt(2 * freedom));
  if (classes > 4)
    EXPECT_GT(chiSquare, freedom - 4 * std::sqrt(2 * freedom));
}

static Logits randomLogits(std::mt19937 &random, size_t size) {
  std::normal_distribution<float> normal(0, 3);
  Logits logits(size);
  for (float &logit : logits)
    logit = normal(random);
  return logits;
}

TEST(Sample, IsGreedyWithoutATemperature) {
  qc_rt_sampler sampler = {};
  EXPECT_EQ(next(sampler, options(0), {1, 3, 2, 3}), 1);
  EXPECT_EQ(sampler.seeded, 0);
  qc_rt_sampling penalty = options(0);
  penalty.repeat_penalty = 2;
  EXPECT_EQ(next(sampler, penalty, {1, 3, 2, 3}, {1}), 3);
  EXPECT_EQ(next(sampler, penalty, {-1, -3, -2, -3}, {0, 0, 0}), 0);
  EXPECT_EQ(next(sampler, penalty, {-1, -1.5, -3}, {0, -1, 99}), 1);
}

TEST(Sample, LooksBackAtAWindow) {
  qc_rt_sampler sampler = {};
  qc_rt_sampling penalty = options(0);
  penalty.repeat_penalty = 2;
  Tokens recent(QC_RT_REPEAT_WINDOW, 2);
  recent[0] = 0;
  EXPECT_EQ(next(sampler, penalty, {3, 2, 1}, recent), 1);
  recent.push_back(2);
  EXPECT_EQ(next(sampler, penalty, {3, 2, 1}, recent), 0);
}

TEST(Sample, FollowsTheDistribution) {
  std::mt19937 random(1);
  for (float temperature : {0.3f, 1.0f, 2.5f})
    expectDistribution(options(temperature), randomLogits(random, 50));
  expectDistribution(options(1), Logits(16, 0.5f));
}

TEST(Sample, KeepsWhatTheOptionsAllow) {
  std::mt19937 random(2);
  for (int i = 0; i < 60; ++i) {
    qc_rt_sampling some = options(0.5f + random() % 4 * 0.5f);
    some.top_k = static_cast<int32_t>(random() % 3 * 10);
    some.top_p = random() % 2 ? 0.05f + random() % 90 * 0.01f : 0;
    some.min_p = random() % 2 ? random() % 30 * 0.01f : 0;
    some.repeat_penalty = random() % 2 ? 1.3f : 0;
    some.seed = random();
    Tokens recent(random() % 90);
    for (int32_t &token : recent)
      token = static_cast<int32_t>(random() % 60);
    expectDistribution(some, randomLogits(random, 60), recent);
  }
}

TEST(Sample, BreaksTiesByToken) {
  qc_rt_sampling some = options(1);
  some.top_k = 3;
  expectDistribution(some, {1, 2, 1, 1, 2, 1});
  some.top_k = 1;
  qc_rt_sampler sampler = {};
  for (int i = 0; i < 50; ++i)
    EXPECT_EQ(next(sampler, some, {1, 2, 1, 1, 2, 1}), 1);
}

TEST(Sample, TakesExtremes) {
  float low = -std::numeric_limits<float>::infinity();
  qc_rt_sampler sampler = {};
  for (int i = 0; i < 200; ++i) {
    EXPECT_EQ(next(sampler, options(1), {low, 0, low}), 1);
    EXPECT_EQ(next(sampler, options(1), {3e38f, -3e38f}), 0);
    EXPECT_EQ(next(sampler, options(1e-45f), {1, 1.0001f}), 1);
    EXPECT_EQ(next(sampler, options(1), {5}), 0);
  }
  qc_rt_sampling penalty = options(1);
  penalty.repeat_penalty = 1e-30f;
  EXPECT_EQ(next(sampler, penalty, {3e38f, 1}, {0}), 0);
  expectDistribution(options(-low), {1, 2, 3, 4});
}

TEST(Sample, RepeatsForASeed) {
  std::mt19937 random(3);
  Logits logits = randomLogits(random, 1000);
  auto draw = [&](uint64_t seed) {
    qc_rt_sampling some = options(1);
    some.seed = seed;
    qc_rt_sampler sampler = {};
    Tokens tokens;
    for (int i = 0; i < 20; ++i)
      tokens.push_back(next(sampler, some, logits));
    return tokens;
  };
  EXPECT_EQ(draw(1), draw(1));
  EXPECT_NE(draw(1), draw(2));
  // A copy goes on as the first one does.
  qc_rt_sampler one = {};
  next(one, options(1), logits);
  qc_rt_sampler other = one;
  EXPECT_EQ(next(one, options(1), logits), next(other, options(1), logits));
}

TEST(Sample, RefusesWhatIsNoLogits) {
  float inf = std::numeric_limits<float>::infinity();
  qc_rt_sampler sampler = {};
  for (float temperature : {0.0f, 1.0f})
    for (const Logits &logits :
         {Logits{1, NAN, 2}, Logits{1, inf}, Logits{-inf, -inf}, Logits{}})
      EXPECT_LT(next(sampler, options(temperature), logits), 0);
}

TEST(Sample, RefusesOptionsOutOfRange) {
  qc_rt_sampler sampler = {};
  auto refuses = [&](auto change) {
    qc_rt_sampling some = options(1);
    change(some);
    return next(sampler, some, {1, 2}) < 0;
  };
  EXPECT_FALSE(refuses([](qc_rt_sampling &) {}));
  EXPECT_TRUE(refuses([](qc_rt_sampling &s) { s.size = 0; }));
  EXPECT_TRUE(refuses([](qc_rt_sampling &s) { s.top_k = -1; }));
  EXPECT_TRUE(refuses([](qc_rt_sampling &s) { s.temperature = -1; }));
  EXPECT_TRUE(refuses([](qc_rt_sampling &s) { s.temperature = NAN; }));
  EXPECT_TRUE(refuses([](qc_rt_sampling &s) { s.top_p = -0.1f; }));
  EXPECT_TRUE(refuses([](qc_rt_sampling &s) { s.top_p = NAN; }));
  EXPECT_TRUE(refuses([](qc_rt_sampling &s) { s.min_p = 1.1f; }));
  EXPECT_TRUE(refuses([](qc_rt_sampling &s) { s.repeat_penalty = -1; }));
  EXPECT_TRUE(refuses([](qc_rt_sampling &s) { s.repeat_penalty = INFINITY; }));
  // A caller with an older header has fewer members.
  EXPECT_FALSE(refuses([](qc_rt_sampling &s) { s.size = 12, s.top_p = NAN; }));
}
