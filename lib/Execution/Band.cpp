//===- Band.cpp - The quality that a network has to keep ------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "qc/Execution/Band.h"

#include "qc/Support/Error.h"

#include "llvm/Support/FormatVariadic.h"

#include <algorithm>
#include <cmath>

using namespace qc;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;

/// The 97.5 % point of the normal distribution.
static constexpr double z975OfBand = 1.959963984540054;

static constexpr StringRef bandForm =
    "METRIC OP REFERENCE [OFFSET], as in 'top1 >= ref - 1pp', "
    "'kl <= 0.01' or 'mse <= 2'";

static Error badBand(StringRef text, const llvm::Twine &expected) {
  return inputError("bad-option", "", "--within", printable(text), expected);
}

namespace {
/// A number and what follows it: nothing, `%` or `pp`.
struct Quantity {
  double value = 0;
  StringRef unit;
};
} // namespace

static std::optional<Quantity> parseQuantity(StringRef text) {
  Quantity quantity;
  for (StringRef unit : {"%", "pp"})
    if (text.consume_back(unit))
      quantity.unit = unit;
  if (text.trim().getAsDouble(quantity.value) || !std::isfinite(quantity.value))
    return std::nullopt;
  return quantity;
}

/// `ref`, and a sign with a quantity where there is more.
static Error parseRelative(Band &band, StringRef rest) {
  rest = rest.trim();
  if (rest.empty())
    return Error::success();
  double sign = rest.consume_front("+") ? 1 : rest.consume_front("-") ? -1 : 0;
  auto quantity = parseQuantity(rest.trim());
  if (sign == 0 || !quantity || quantity->value < 0)
    return badBand(band.text, bandForm);
  double value = sign * quantity->value;
  if (quantity->unit == "%")
    band.scale = 1 + value / 100;
  else
    band.offset = quantity->unit == "pp" ? value / 100 : value;
  if (quantity->unit == "pp" && !band.metric.isRate() &&
      band.metric.kind != MetricSpec::Kind::Command)
    return badBand(band.text, "points (pp) with a rate such as top1; of " +
                                  band.metric.text + " a number or per cent");
  return Error::success();
}

Expected<Band> Band::parse(StringRef given) {
  Band band;
  band.text = given.trim().str();
  StringRef text = band.text;
  size_t at = text.find_first_of("<>");
  if (at == StringRef::npos || text.substr(at + 1, 1) != "=")
    return badBand(given, bandForm);
  StringRef name = text.take_front(at).trim();
  auto metric = name == "ppl" ? Expected<MetricSpec>(MetricSpec::perplexity())
                              : MetricSpec::parse(name);
  if (!metric)
    return metric.takeError();
  band.metric = *metric;
  if (band.metric.kind == MetricSpec::Kind::Command)
    band.metric.wantsHigher = text[at] == '>';
  bool least = text[at] == '>';
  if (least != band.metric.higherIsBetter())
    return badBand(given, band.metric.text + (least ? " <=" : " >=") +
                              ": it is better where it is " +
                              (least ? "smaller" : "larger"));
  StringRef rest = text.drop_front(at + 2).trim();
  if (rest.consume_front("ref")) {
    if (band.metric.needsReference())
      return badBand(given, "a number: " + band.metric.text +
                                " compares with the reference already");
    if (Error error = parseRelative(band, rest))
      return std::move(error);
    return band;
  }
  auto quantity = parseQuantity(rest);
  if (!quantity || quantity->unit == "pp")
    return badBand(given, bandForm);
  band.absolute = true;
  band.offset = quantity->unit == "%" ? quantity->value / 100 : quantity->value;
  return band;
}

double Band::threshold(double reference) const {
  return absolute ? offset : scale * reference + offset;
}

StringRef qc::nameOf(Verdict::Kind kind) {
  return kind == Verdict::Kind::Met         ? "met"
         : kind == Verdict::Kind::NotProven ? "not proven"
                                            : "not met";
}

MetricValue qc::pairedRates(int64_t onlyThis, int64_t onlyOther,
                            int64_t samples) {
  MetricValue result;
  result.samples = samples;
  double n = static_cast<double>(samples);
  double a = static_cast<double>(onlyThis), b = static_cast<double>(onlyOther);
  result.value = (a - b) / n;
  double p = (a + 1) / (n + 2), q = (b + 1) / (n + 2);
  double half = z975OfBand * std::sqrt((p + q - (p - q) * (p - q)) / (n + 2));
  result.low = std::max(-1.0, p - q - half);
  result.high = std::min(1.0, p - q + half);
  return result;
}

/// value - (scale * ref + offset) with its interval, whichever is better.
static MetricValue distance(const Band &band, const MetricRecords &records,
                            const MetricRecords &reference) {
  MetricValue result;
  if (band.absolute) {
    result = records.value();
  } else if (records.spec.isRate() && !records.whole && !reference.whole &&
             band.scale == 1) {
    int64_t counts[2] = {0, 0};
    int64_t samples = std::min(records.samples(), reference.samples());
    for (int64_t i = 0; i < samples; ++i)
      if (records.numbers[i] != reference.numbers[i])
        ++counts[records.numbers[i] > reference.numbers[i] ? 0 : 1];
    result = pairedRates(counts[0], counts[1], samples);
  } else {
    result = records.minus(reference, band.scale);
  }
  result.value -= band.offset;
  result.low -= band.offset;
  result.high -= band.offset;
  return result;
}

Verdict qc::judge(const Band &band, const MetricRecords &records,
                  const MetricRecords &reference) {
  Verdict verdict;
  MetricValue &margin = verdict.margin;
  margin = distance(band, records, reference);
  if (!band.metric.higherIsBetter()) {
    std::swap(margin.low, margin.high);
    margin.value = -margin.value;
    margin.low = -margin.low;
    margin.high = -margin.high;
  }
  if (margin.samples == 0 || margin.value < 0)
    return verdict;
  if (margin.low >= 0) {
    verdict.kind = Verdict::Kind::Met;
    return verdict;
  }
  verdict.kind = Verdict::Kind::NotProven;
  if (!margin.hasInterval())
    return verdict;
  // The width of the interval goes with the root of the number of samples.
  double factor = (margin.value - margin.low) / margin.value;
  double all = std::ceil(static_cast<double>(margin.samples) * factor * factor);
  bool pairs = band.metric.kind == MetricSpec::Kind::SpearmanCosine;
  if (margin.value > 0 && all < 1e9)
    verdict.moreSamples =
        (static_cast<int64_t>(all) - margin.samples) * (pairs ? 2 : 1);
  return verdict;
}

llvm::json::Value qc::intervalJson(const MetricValue &value) {
  if (!value.hasInterval())
    return nullptr;
  return llvm::json::Array{value.low, value.high};
}

llvm::json::Value qc::verdictJson(const Band &band, const Verdict &verdict) {
  return llvm::json::Object{{"band", band.text},
                            {"verdict", nameOf(verdict.kind)},
                            {"margin", verdict.margin.value},
                            {"ci95", intervalJson(verdict.margin)},
                            {"samples", verdict.margin.samples},
                            {"more_samples", verdict.moreSamples}};
}

std::string qc::unprovenNote(const Band &band, const Verdict &verdict) {
  std::string text = "inside the band '" + band.text + "', but not proven";
  if (!verdict.margin.hasInterval())
    return text + ": the command gives no per_sample, so that there is no "
                  "interval";
  text += " by " + std::to_string(verdict.margin.samples) + " samples";
  if (verdict.moreSamples)
    text += "; about " + std::to_string(*verdict.moreSamples) +
            " more would prove it";
  return text;
}

std::string qc::unmetNote(const Band &band, const MetricValue &quality,
                          const MetricValue &reference) {
  return "the band '" + band.text + "' is not met: " +
         llvm::formatv("{0:f6} against {1:f6}", quality.value,
                       band.threshold(reference.value))
             .str();
}
