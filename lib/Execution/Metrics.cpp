//===- Metrics.cpp - From records to values and intervals -----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the numbers of a sample are: top1, top5, agreement: right or wrong;
// cosine, kl: the value; mse: squared error, elements; sqnr: squared reference,
// squared error; psnr: squared error, elements, peak; spearman-cosine: cosine
// and score of a pair; ppl: negative log likelihood and tokens. Rates have
// Wilson's interval, other means the normal one; the rest is resampled (1,000
// times, always the same ones).
//
//===----------------------------------------------------------------------===//

#include "qc/Execution/Metrics.h"

#include "qc/Support/Error.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

using namespace qc;
using llvm::Expected;
using llvm::StringRef;
using Kind = MetricSpec::Kind;

/// The 97.5 % point of the normal distribution.
static constexpr double z975 = 1.959963984540054;
static constexpr int resamples = 1000;

namespace {
struct MetricName {
  const char *name;
  Kind kind;
};
} // namespace

static const MetricName metricNames[] = {
    {"top1", Kind::Top1},
    {"top5", Kind::Top5},
    {"mse", Kind::Mse},
    {"sqnr", Kind::Sqnr},
    {"psnr", Kind::Psnr},
    {"cosine", Kind::Cosine},
    {"agreement", Kind::Agreement},
    {"kl", Kind::Kl},
    {"spearman-cosine", Kind::SpearmanCosine},
    {"exact-match", Kind::ExactMatch},
    {"choice", Kind::Choice},
    {"choice-sum", Kind::ChoiceSum},
    {"command", Kind::Command}};

Expected<MetricSpec> MetricSpec::parse(StringRef given) {
  MetricSpec spec;
  spec.text = given.str();
  StringRef name = given;
  if (given.ends_with(")")) {
    auto [head, tail] = given.drop_back().split('(');
    name = head;
    spec.output = tail.str();
  }
  std::string known;
  for (const MetricName &entry : metricNames) {
    if (name == entry.name) {
      spec.kind = entry.kind;
      return spec;
    }
    known += std::string(known.empty() ? "" : ", ") + entry.name;
  }
  if (name == "ppl")
    return inputError("bad-option", "", "--metric", name,
                      known + "; qc perplexity measures it");
  return inputError("bad-option", "", "--metric", printable(given),
                    known + ", with an output as in top1(logits) if need be");
}

MetricSpec MetricSpec::perplexity() {
  MetricSpec spec;
  spec.kind = Kind::Perplexity;
  spec.text = "ppl";
  return spec;
}

llvm::Error MetricSpec::setCommand(StringRef program) {
  bool wanted = kind == Kind::Command;
  if (wanted == program.empty())
    return inputError("bad-option", "", "--metric-command",
                      wanted ? "none for the metric command"
                             : "one beside the metric " + printable(text),
                      wanted ? "--metric-command CMD" : "one of them");
  command = program.str();
  return llvm::Error::success();
}

Expected<MetricSpec> MetricSpec::parse(StringRef given, StringRef program) {
  auto spec = parse(given.empty() && !program.empty() ? "command" : given);
  if (!spec)
    return spec.takeError();
  if (llvm::Error error = spec->setCommand(program))
    return std::move(error);
  return spec;
}

bool MetricSpec::needsLabels() const {
  return kind == Kind::Top1 || kind == Kind::Top5 ||
         kind == Kind::SpearmanCosine;
}
bool MetricSpec::isOfQuestions() const {
  return kind == Kind::ExactMatch || kind == Kind::Choice ||
         kind == Kind::ChoiceSum;
}
bool MetricSpec::needsReference() const {
  return !needsLabels() && !isOfQuestions() && kind != Kind::Perplexity &&
         kind != Kind::Command;
}
bool MetricSpec::higherIsBetter() const {
  if (kind == Kind::Command)
    return wantsHigher.value_or(commandHigher);
  return kind != Kind::Mse && kind != Kind::Kl && kind != Kind::Perplexity;
}
bool MetricSpec::isRate() const {
  return kind == Kind::Top1 || kind == Kind::Top5 || kind == Kind::Agreement ||
         isOfQuestions() || (kind == Kind::Command && commandRate);
}

static bool isMean(const MetricSpec &spec) {
  return spec.isRate() || spec.kind == Kind::Cosine || spec.kind == Kind::Kl ||
         spec.kind == Kind::Command;
}

/// Ranks from 1; equal values share the mean of theirs.
static std::vector<double> ranks(const std::vector<double> &values) {
  std::vector<size_t> order(values.size());
  std::iota(order.begin(), order.end(), size_t(0));
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return values[a] < values[b]; });
  std::vector<double> out(values.size());
  for (size_t first = 0; first < order.size();) {
    size_t last = first;
    while (last + 1 < order.size() &&
           values[order[last + 1]] == values[order[first]])
      ++last;
    for (size_t i = first; i <= last; ++i)
      out[order[i]] = (first + last) / 2.0 + 1;
    first = last + 1;
  }
  return out;
}

static double correlation(const std::vector<double> &a,
                          const std::vector<double> &b) {
  double n = a.size(), ma = 0, mb = 0, ab = 0, aa = 0, bb = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    ma += a[i] / n;
    mb += b[i] / n;
  }
  for (size_t i = 0; i < a.size(); ++i) {
    ab += (a[i] - ma) * (b[i] - mb);
    aa += (a[i] - ma) * (a[i] - ma);
    bb += (b[i] - mb) * (b[i] - mb);
  }
  return aa > 0 && bb > 0 ? ab / std::sqrt(aa * bb) : 0;
}

/// 10 log10(above / below), finite: 200 dB where nothing differs.
static double decibels(double above, double below) {
  if (below <= 0)
    return 200;
  return above > 0 ? std::min(200.0, 10 * std::log10(above / below)) : -200;
}

/// The value of the samples that `pick` lists.
static double reduce(const MetricRecords &records,
                     const std::vector<size_t> &pick) {
  size_t width = records.width;
  std::vector<double> sums(width, 0.0);
  double peak = 0;
  for (size_t index : pick)
    for (size_t i = 0; i < width; ++i) {
      double number = records.numbers[index * width + i];
      sums[i] += number;
      if (i == 2)
        peak = std::max(peak, number);
    }
  switch (records.spec.kind) {
  case Kind::Mse:
    return sums[1] > 0 ? sums[0] / sums[1] : 0;
  case Kind::Sqnr:
    return decibels(sums[0], sums[1]);
  case Kind::Psnr:
    return decibels(peak * peak, sums[1] > 0 ? sums[0] / sums[1] : 0);
  case Kind::Perplexity:
    return std::exp(sums[0] / std::max(sums[1], 1.0));
  case Kind::SpearmanCosine: {
    std::vector<double> cosines, scores;
    for (size_t index : pick) {
      cosines.push_back(records.numbers[index * 2]);
      scores.push_back(records.numbers[index * 2 + 1]);
    }
    return correlation(ranks(cosines), ranks(scores));
  }
  default:
    return pick.empty() ? 0 : sums[0] / static_cast<double>(pick.size());
  }
}

static std::vector<size_t> everything(const MetricRecords &records) {
  std::vector<size_t> all(records.samples());
  std::iota(all.begin(), all.end(), size_t(0));
  return all;
}

/// The middle 95 % of `value` on samples drawn with replacement.
template <typename F> static void resample(MetricValue &result, F value) {
  std::mt19937_64 random(20240229);
  std::vector<double> values;
  std::vector<size_t> pick(result.samples);
  for (int round = 0; round < resamples; ++round) {
    for (size_t &index : pick)
      index = random() % pick.size();
    values.push_back(value(pick));
  }
  std::sort(values.begin(), values.end());
  result.low = values[resamples / 40];
  result.high = values[resamples - 1 - resamples / 40];
}

static void normalInterval(MetricValue &result,
                           const std::vector<double> &values) {
  double n = values.size(), squares = 0;
  for (double value : values)
    squares += (value - result.value) * (value - result.value);
  double half = n > 1 ? z975 * std::sqrt(squares / (n - 1) / n) : 0;
  result.low = result.value - half;
  result.high = result.value + half;
}

static void wilsonInterval(MetricValue &result) {
  double n = result.samples, p = result.value, z2 = z975 * z975;
  double middle = (p + z2 / (2 * n)) / (1 + z2 / n);
  double half =
      z975 / (1 + z2 / n) * std::sqrt(p * (1 - p) / n + z2 / (4 * n * n));
  result.low = std::max(0.0, middle - half);
  result.high = std::min(1.0, middle + half);
}

MetricValue MetricRecords::value() const {
  MetricValue result;
  result.samples = samples();
  if (result.samples == 0)
    return result;
  if (whole)
    return {whole->value, NAN, NAN, whole->samples};
  result.value = reduce(*this, everything(*this));
  if (spec.isRate())
    wilsonInterval(result);
  else if (isMean(spec))
    normalInterval(result, numbers);
  else
    resample(result, [&](const auto &pick) { return reduce(*this, pick); });
  return result;
}

MetricValue MetricRecords::minus(const MetricRecords &other,
                                 double scale) const {
  MetricValue result;
  result.samples = std::min(samples(), other.samples());
  if (result.samples == 0)
    return result;
  if (whole || other.whole)
    return {value().value - scale * other.value().value, NAN, NAN,
            result.samples};
  std::vector<size_t> all = everything(*this);
  all.resize(result.samples);
  result.value = reduce(*this, all) - scale * reduce(other, all);
  if (isMean(spec)) {
    std::vector<double> differences;
    for (size_t index : all)
      differences.push_back(numbers[index] - scale * other.numbers[index]);
    normalInterval(result, differences);
  } else {
    resample(result, [&](const auto &pick) {
      return reduce(*this, pick) - scale * reduce(other, pick);
    });
  }
  return result;
}

MetricValue qc::medianOf(std::vector<double> numbers) {
  if (numbers.empty())
    return {};
  std::sort(numbers.begin(), numbers.end());
  auto count = static_cast<double>(numbers.size());
  auto at = [&](double rank) {
    return numbers[static_cast<size_t>(std::clamp(rank, 0.0, count - 1))];
  };
  // So many lie below the median, give or take, whatever their distribution.
  double half = z975 * std::sqrt(count) / 2;
  return {at(count / 2), at(std::floor(count / 2 - half)),
          at(std::ceil(count / 2 + half)),
          static_cast<int64_t>(numbers.size())};
}

MetricValue qc::pairedRatio(llvm::ArrayRef<double> a,
                            llvm::ArrayRef<double> b) {
  std::vector<double> ratios;
  for (auto [x, y] : llvm::zip_equal(a, b))
    ratios.push_back(x / y);
  return medianOf(std::move(ratios));
}
