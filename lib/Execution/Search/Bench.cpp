//===- Bench.cpp - What networks of a search are measured by --------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Bench.h"

#include "SearchData.h"

#include "qc/Execution/LayerTimes.h"
#include "qc/Support/Error.h"

#include <cmath>
#include <numeric>

using llvm::Error;
using llvm::Expected;

namespace qc::search {

/// A margin of so many standard errors is as good as known.
static constexpr double clearErrors = 4;
/// All bytes of the float network count for so much of its time.
static constexpr double byteShare = 0.01;

bool Bench::goesOn(double done) {
  if (hooks.progress && !hooks.progress(phase, done))
    interrupted = true;
  if (request.seconds && seconds() > *request.seconds)
    outOfTime = true;
  return !interrupted && !outOfTime;
}

Error Bench::checkGoesOn(double done) {
  return goesOn(done) ? Error::success()
                      : inputError("interrupted", "", "", "an interrupt", "");
}

double Bench::seconds() const {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

Error Bench::open(Candidates &model) {
  whole = &model;
  if (model.isOfTexts()) {
    auto language = LanguageData::open(request, model.trialOptions());
    if (!language)
      return language.takeError();
    ofLanguage = language->get();
    ofLanguage->isEnough = [this](const MetricRecords &records) {
      const MetricValue margin =
          judge(request.band, records, references[Part::Search]).margin;
      return std::abs(margin.value) >
             clearErrors * (margin.value - margin.low) / 1.96;
    };
    opened = std::move(*language);
    return Error::success();
  }
  auto net = model.compile(model.uniform(0));
  if (!net)
    return net.takeError();
  auto data = SearchData::open(request, std::move(*net));
  if (!data)
    return data.takeError();
  opened = std::move(*data);
  return Error::success();
}

Expected<const MetricRecords *> Bench::referenceOf(Part part) {
  auto found = references.find(part);
  if (found != references.end())
    return &found->second;
  // What is judged is judged to the end.
  auto records = opened->reference(
      part, [&](double) { return part == Part::Verdict || goesOn(0); });
  if (!records)
    return records.takeError();
  return &(references[part] = std::move(*records));
}

void Bench::setReference(const Trial &trial) {
  if (!trial.isReference() || !trial.milliseconds)
    return;
  floatTime = *trial.milliseconds;
  rule.byteTime =
      byteShare * *floatTime / std::max(1.0, static_cast<double>(trial.bytes));
}

double Bench::safeMargin(const Trial &trial) const {
  const MetricValue &margin = trial.margin;
  if (trial.isReference() || !margin.hasInterval())
    return margin.value;
  // The interval is 1.96 standard errors on either side. With --strict only
  // what is proven counts, here as in the end.
  double errors = request.build.options.strict ? 1.96 : 1;
  return margin.value - (margin.value - margin.low) / 1.96 * errors;
}

bool Bench::isBetter(const Trial &trial, const Trial &other) const {
  bool inside = isInside(trial);
  if (inside != isInside(other))
    return inside;
  return inside && !request.limit ? costOf(trial) < costOf(other)
                                  : trial.margin.value > other.margin.value;
}

/// The reference of a language model has another cache than the networks that
/// are tried.
Expected<JitNet *> Bench::yardstick() {
  if (!ofLanguage)
    return &opened->floatNet();
  if (!plainNet) {
    auto net = whole->compile(whole->uniform(0));
    if (!net)
      return net.takeError();
    plainNet = std::move(*net);
  }
  return plainNet.get();
}

/// What disturbs one disturbs float32 in the same round: the median of their
/// ratios is what counts, as a share of the time that float32 took at first.
Error Bench::timeBesideFloat(llvm::ArrayRef<JitNet *> nets,
                             std::vector<std::vector<double>> &launches,
                             int rounds, int64_t milliseconds) {
  if (nets.empty())
    return Error::success();
  auto plainest = yardstick();
  if (!plainest)
    return plainest.takeError();
  std::vector<JitNet *> all = {*plainest};
  llvm::append_range(all, nets);
  std::vector<std::vector<double>> totals;
  if (Error error = timeInTurns(all, launches, rounds, milliseconds, &totals))
    return error;
  auto sumOf = [](const std::vector<double> &times) {
    return std::accumulate(times.begin(), times.end(), 0.0);
  };
  double plain = floatTime.value_or(sumOf(launches.front()));
  launches.erase(launches.begin());
  for (auto [index, times] : llvm::enumerate(launches)) {
    double ratio = pairedRatio(totals[index + 1], totals.front()).value;
    double factor = ratio * plain / sumOf(times);
    for (double &time : times)
      time *= factor;
  }
  return Error::success();
}

} // namespace qc::search
