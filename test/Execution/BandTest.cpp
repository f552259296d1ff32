//===- BandTest.cpp - Bands and verdicts ----------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The expected intervals were computed with NumPy by the formulas of Bonett and
// Price (paired rates) and of the normal distribution (means).
//
//===----------------------------------------------------------------------===//

#include "qc/Execution/Band.h"
#include "gtest/gtest.h"

using namespace qc;

static Band bandOf(llvm::StringRef text) {
  llvm::Expected<Band> band = Band::parse(text);
  EXPECT_TRUE(bool(band)) << text.str();
  return band ? *band : Band();
}

static std::string problemOf(llvm::StringRef text) {
  llvm::Expected<Band> band = Band::parse(text);
  return band ? "" : llvm::toString(band.takeError());
}

static MetricRecords recordsOf(const Band &band, std::vector<double> numbers,
                               size_t width = 1) {
  return {band.metric, width, std::move(numbers)};
}

/// Rates of `samples` samples: the first `both` are right in both, then those
/// that only one gets right.
static std::pair<MetricRecords, MetricRecords>
rates(const Band &band, int both, int onlyThis, int onlyOther, int samples) {
  std::vector<double> ours(samples), theirs(samples);
  for (int i = 0; i < both + onlyThis; ++i)
    ours[i] = 1;
  for (int i = 0; i < both; ++i)
    theirs[i] = 1;
  for (int i = both + onlyThis; i < both + onlyThis + onlyOther; ++i)
    theirs[i] = 1;
  return {recordsOf(band, ours), recordsOf(band, theirs)};
}

TEST(Band, Forms) {
  EXPECT_DOUBLE_EQ(bandOf("top1 >= ref - 1pp").threshold(0.8), 0.79);
  EXPECT_DOUBLE_EQ(bandOf("top1(logits)>=ref").threshold(0.8), 0.8);
  EXPECT_DOUBLE_EQ(bandOf("top5 >= ref - 2%").threshold(0.8), 0.784);
  EXPECT_DOUBLE_EQ(bandOf("top1 >= 88.5%").threshold(0.8), 0.885);
  EXPECT_DOUBLE_EQ(bandOf("kl <= 0.01").threshold(5), 0.01);
  EXPECT_DOUBLE_EQ(bandOf("sqnr >= 30").threshold(5), 30);
  EXPECT_DOUBLE_EQ(bandOf("spearman-cosine >= ref - 0.005").threshold(0.8),
                   0.795);
  EXPECT_EQ(bandOf("top1(a b) >= ref - 1pp").metric.output, "a b");
}

TEST(Band, Problems) {
  EXPECT_NE(problemOf("top1").find("expected METRIC OP"), std::string::npos);
  EXPECT_NE(problemOf("top1 > ref").find("expected METRIC OP"),
            std::string::npos);
  EXPECT_NE(problemOf("top1 >= ref 1pp").find("expected METRIC OP"),
            std::string::npos);
  EXPECT_NE(problemOf("top1 >= ref - -1pp").find("expected METRIC OP"),
            std::string::npos);
  EXPECT_NE(problemOf("top1 >= 3pp").find("expected METRIC OP"),
            std::string::npos);
  EXPECT_NE(problemOf("top1 <= ref + 1pp").find("better where it is larger"),
            std::string::npos);
  EXPECT_NE(problemOf("sqnr >= ref - 1").find("compares with the reference"),
            std::string::npos);
  EXPECT_NE(problemOf("spearman-cosine >= ref - 1pp").find("with a rate"),
            std::string::npos);
  EXPECT_NE(problemOf("speed >= ref").find("found speed"), std::string::npos);
}

TEST(Band, PairedRates) {
  MetricValue value = pairedRates(3, 9, 100);
  EXPECT_NEAR(value.value, -0.06, 1e-12);
  EXPECT_NEAR(value.low, -0.129808670688, 1e-11);
  EXPECT_NEAR(value.high, 0.012161611865, 1e-11);
  value = pairedRates(0, 0, 50);
  EXPECT_EQ(value.value, 0);
  EXPECT_NEAR(value.low, -0.053303993244, 1e-11);
  EXPECT_NEAR(value.high, 0.053303993244, 1e-11);
}

TEST(Band, VerdictsOfRates) {
  // 20 against 31 of 1,250: -0.88 pp [-2.02, +0.26].
  Band band = bandOf("top1 >= ref - 3pp");
  auto [ours, theirs] = rates(band, 900, 20, 31, 1250);
  Verdict met = judge(band, ours, theirs);
  EXPECT_EQ(met.kind, Verdict::Kind::Met);
  EXPECT_NEAR(met.margin.value, 0.0212, 1e-12);
  EXPECT_NEAR(met.margin.low, 0.03 - 0.020172314483, 1e-11);

  Verdict open = judge(bandOf("top1 >= ref - 1pp"), ours, theirs);
  EXPECT_EQ(open.kind, Verdict::Kind::NotProven);
  // margin 0.12 pp, low end 1.017 pp below the border: the interval has to
  // become (0.0012 + 0.010172...) / 0.0012 = 9.4769 times narrower.
  EXPECT_EQ(open.moreSamples, 112266 - 1250);

  Verdict out = judge(bandOf("top1 >= ref - 0.5pp"), ours, theirs);
  EXPECT_EQ(out.kind, Verdict::Kind::NotMet);
  EXPECT_NEAR(out.margin.value, -0.0038, 1e-12);
  EXPECT_FALSE(out.moreSamples);
}

TEST(Band, VerdictsOfMeans) {
  Band band = bandOf("cosine >= 0.5");
  MetricRecords ours = recordsOf(band, {0.9, 0.8, 0.7, 0.95, 0.6});
  EXPECT_EQ(judge(band, ours, {}).kind, Verdict::Kind::Met);
  // Paired with a scale, as x - 0.98 r.
  MetricRecords theirs = recordsOf(band, {0.92, 0.85, 0.7, 0.9, 0.75});
  MetricValue paired = ours.minus(theirs, 0.98);
  EXPECT_NEAR(paired.value, -0.01752, 1e-12);
  EXPECT_NEAR(paired.low, -0.083407751026, 1e-11);
  EXPECT_NEAR(paired.high, 0.048367751026, 1e-11);
}

TEST(Band, SmallerIsBetter) {
  Band band = bandOf("kl <= 0.02");
  MetricRecords ours = recordsOf(band, {0.01, 0.012, 0.008, 0.01});
  Verdict verdict = judge(band, ours, {});
  EXPECT_EQ(verdict.kind, Verdict::Kind::Met);
  EXPECT_NEAR(verdict.margin.value, 0.01, 1e-12);
  EXPECT_LT(verdict.margin.low, verdict.margin.value);
  EXPECT_GT(verdict.margin.high, verdict.margin.value);
  EXPECT_EQ(judge(bandOf("kl <= 0.005"), ours, {}).kind, Verdict::Kind::NotMet);
}

TEST(Band, OfAProgram) {
  Band band = bandOf("command <= ref + 1pp");
  EXPECT_FALSE(band.metric.higherIsBetter());
  EXPECT_DOUBLE_EQ(band.threshold(0.2), 0.21);
  EXPECT_TRUE(bandOf("command >= 3").metric.higherIsBetter());
  // A value without numbers of samples is never proven, and may be not met.
  MetricRecords ours, theirs;
  ours.spec = theirs.spec = band.metric;
  ours.whole = {0.2, 50};
  theirs.whole = {0.2, 50};
  Verdict verdict = judge(band, ours, theirs);
  EXPECT_EQ(verdict.kind, Verdict::Kind::NotProven);
  EXPECT_NEAR(verdict.margin.value, 0.01, 1e-12);
  EXPECT_FALSE(verdict.margin.hasInterval());
  EXPECT_FALSE(verdict.moreSamples.has_value());
  ours.whole = {0.22, 50};
  EXPECT_EQ(judge(band, ours, theirs).kind, Verdict::Kind::NotMet);
}

TEST(Metrics, MedianOfRatios) {
  std::vector<double> ours, theirs;
  for (int i = 1; i <= 100; ++i) {
    ours.push_back(i * 0.5);
    theirs.push_back(i);
  }
  // What disturbs both of a round cancels.
  MetricValue ratio = pairedRatio(ours, theirs);
  EXPECT_DOUBLE_EQ(ratio.value, 0.5);
  EXPECT_DOUBLE_EQ(ratio.low, 0.5);
  // The ranks 50 -+ 9.8 of 1 to 100.
  MetricValue median = medianOf(theirs);
  EXPECT_DOUBLE_EQ(median.value, 51);
  EXPECT_DOUBLE_EQ(median.low, 41);
  EXPECT_DOUBLE_EQ(median.high, 61);
}
