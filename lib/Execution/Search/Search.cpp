//===- Search.cpp - The steps of a search ---------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Search.h"

#include "qc/Support/Error.h"
#include "qc/Support/OutputFile.h"

#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Path.h"

#include <cmath>
#include <set>

using llvm::Error;
using llvm::Expected;
using llvm::StringRef;

namespace qc::search {

/// The front is followed to the border of the band in so many steps.
static constexpr int frontSteps = 10;
/// A move has to save so much of the time, or it is chance.
static constexpr double leastGain = 0.005;
/// A move may make no more noise than what is inside without doubt, but for so
/// little: the metric alone, asked often enough, says yes by luck.
static constexpr double noiseSlack = 1.02;
/// Moves that should make more than so much of that are not tried.
static constexpr double lossSlack = 1.25;

/// A margin of so many standard errors is as good as known.
static constexpr double clearErrors = 4;

static Error interruption() {
  return inputError("interrupted", "", "", "an interrupt", "");
}

bool Search::goesOn(double done) {
  if (hooks.progress && !hooks.progress(phase, done))
    interrupted = true;
  std::chrono::duration<double> spent = Clock::now() - start;
  if (request.seconds && spent.count() > *request.seconds)
    outOfTime = true;
  return !interrupted && !outOfTime;
}

Error Search::open() {
  phase = "reading";
  auto made = Candidates::open(request, hooks);
  if (!made)
    return made.takeError();
  candidates = std::move(*made);
  if (Error error = openData())
    return error;
  auto known = Trials::open(*candidates);
  if (!known)
    return known.takeError();
  trials = std::move(*known);
  return Error::success();
}

Error Search::openData() {
  if (candidates->isOfTexts()) {
    auto opened = TextData::open(request, candidates->trialOptions());
    if (!opened)
      return opened.takeError();
    text = opened->get();
    text->isEnough = [this](const MetricRecords &records) {
      const MetricValue margin =
          judge(request.band, records, references[Part::Search]).margin;
      return std::abs(margin.value) >
             clearErrors * (margin.value - margin.low) / 1.96;
    };
    data = std::move(*opened);
    return Error::success();
  }
  auto net = candidates->compile(candidates->uniform(0));
  if (!net)
    return net.takeError();
  auto opened = SearchData::open(request, std::move(*net));
  if (!opened)
    return opened.takeError();
  data = std::move(*opened);
  return Error::success();
}

Expected<const MetricRecords *> Search::referenceOf(Part part) {
  auto found = references.find(part);
  if (found != references.end())
    return &found->second;
  // What is judged is judged to the end.
  auto records = data->reference(
      part, [&](double) { return part == Part::Verdict || goesOn(0); });
  if (!records)
    return records.takeError();
  return &(references[part] = std::move(*records));
}

/// The noise as a number that a file can keep.
static double bounded(double value) {
  return std::isfinite(value) ? value : 1e300;
}

Expected<const Trial *> Search::record(JitNet &net,
                                       const Assignment &assignment, Part part,
                                       StringRef origin,
                                       const std::vector<double> &launches) {
  auto compared = referenceOf(part);
  if (!compared)
    return compared.takeError();
  double done = 0;
  auto measured =
      data->measure(net, part, [&](double) { return goesOn(done); });
  if (!measured)
    return measured.takeError();
  Trial trial;
  trial.assignment = assignment;
  trial.part = part;
  trial.origin = origin.str();
  trial.value = measured->records.value();
  if (measured->records.samples() < (*compared)->samples()) {
    // Of a part of the samples only the difference tells.
    double reference = (*compared)->value().value;
    trial.value = measured->records.minus(**compared);
    for (double *number :
         {&trial.value.value, &trial.value.low, &trial.value.high})
      *number += reference;
  }
  trial.margin = judge(request.band, measured->records, **compared).margin;
  trial.signal = bounded(measured->signal);
  trial.noise = bounded(measured->noise);
  if (measured->cosine)
    trial.cosine = bounded(*measured->cosine);
  if (measured->kl)
    trial.kl = bounded(*measured->kl);
  trial.bytes = net.compiled().weightsBytes + candidates->tokenizerBytes();
  size_t groups = candidates->groups().size();
  trial.groupBytes.resize(groups);
  const std::map<std::string, size_t> &groupOf = candidates->groupOf();
  for (const CompiledLayer &layer : net.compiled().layers) {
    auto found = groupOf.find(layer.name);
    if (found != groupOf.end())
      trial.groupBytes[found->second] += layer.bytes;
  }
  if (!launches.empty()) {
    trial.milliseconds = 0;
    trial.groupTimes.resize(groups);
    for (auto [name, time] :
         llvm::zip_equal(net.compiled().launches, launches)) {
      *trial.milliseconds += time;
      auto found = groupOf.find(name);
      if (found != groupOf.end())
        trial.groupTimes[found->second] += time;
    }
  }
  if (!candidates->isHere())
    estimate(net, trial);
  return trials->add(std::move(trial));
}

/// Of layers alone: what lies between them is the same in all networks.
void Search::estimate(const JitNet &net, Trial &trial) const {
  trial.milliseconds = 0;
  trial.groupTimes.resize(candidates->groups().size());
  for (const CompiledLayer &layer : net.compiled().layers) {
    double time = candidates->estimates().of(layer);
    *trial.milliseconds += time;
    auto found = candidates->groupOf().find(layer.name);
    if (found != candidates->groupOf().end())
      trial.groupTimes[found->second] += time;
  }
}

Expected<const Trial *> Search::tryOut(const Assignment &assignment, Part part,
                                       StringRef origin) {
  if (const Trial *known = trials->find(assignment, part))
    return known;
  if (!goesOn(0))
    return interruption();
  auto net = candidates->compile(assignment);
  if (!net)
    return net.takeError();
  std::vector<std::vector<double>> times(1);
  if (part == Part::Search && candidates->isHere())
    if (Error error = timeBesideFloat({net->get()}, times, /*rounds=*/25,
                                      /*milliseconds=*/1000))
      return std::move(error);
  return record(**net, assignment, part, origin, times.front());
}

/// All of them are timed in turns, so that what disturbs one disturbs all.
Error Search::tryUniform() {
  phase = "uniform precisions";
  std::vector<Assignment> assignments;
  std::vector<std::unique_ptr<JitNet>> nets;
  std::vector<JitNet *> timed;
  for (size_t i = 0; i < candidates->names().size(); ++i) {
    Assignment assignment = candidates->uniform(i);
    if (trials->find(assignment, Part::Search) ||
        llvm::is_contained(assignments, assignment))
      continue;
    if (!goesOn(0))
      return interruption();
    auto net = candidates->compile(assignment);
    if (!net)
      return net.takeError();
    assignments.push_back(std::move(assignment));
    nets.push_back(std::move(*net));
    timed.push_back(nets.back().get());
  }
  std::vector<std::vector<double>> times(nets.size());
  if (candidates->isHere())
    if (Error error = timeBesideFloat(timed, times, /*rounds=*/50,
                                      /*milliseconds=*/2000))
      return error;
  for (size_t i = 0; i < nets.size(); ++i) {
    goesOn(static_cast<double>(i) / nets.size());
    auto trial =
        record(*nets[i], assignments[i], Part::Search, "uniform", times[i]);
    if (!trial)
      return trial.takeError();
  }
  return Error::success();
}

Error Search::tryLayers() {
  phase = "sensitivity of layers";
  size_t groups = candidates->groups().size();
  size_t count = candidates->names().size();
  for (size_t candidate = 1; candidate < count; ++candidate) {
    Assignment everywhere = candidates->uniform(candidate);
    for (size_t group = 0; group < groups; ++group) {
      size_t done = (candidate - 1) * groups + group;
      if (!goesOn(static_cast<double>(done) / ((count - 1) * groups)))
        return interruption();
      if (everywhere[group] != candidate)
        continue;
      auto trial = tryOut(with(candidates->uniform(0), group, candidate),
                          Part::Probe, "layer");
      if (!trial)
        return trial.takeError();
    }
  }
  return Error::success();
}

double Search::safeMargin(const Trial &trial) const {
  const MetricValue &margin = trial.margin;
  if (trial.assignment == candidates->uniform(0) || !margin.hasInterval())
    return margin.value;
  // The interval is 1.96 standard errors on either side. With --strict only
  // what is proven counts, here as in the end.
  double errors = request.build.options.strict ? 1.96 : 1;
  return margin.value - (margin.value - margin.low) / 1.96 * errors;
}

const Trial *Search::best() const {
  const Trial *best = nullptr;
  for (const Trial &trial : trials->all()) {
    if (trial.part != Part::Search || (request.limit && !fits(trial)))
      continue;
    bool inside = isInside(trial), bestInside = best && isInside(*best);
    bool better = !best || (inside && !bestInside);
    if (best && inside == bestInside)
      better = inside && !request.limit
                   ? costOf(trial) < costOf(*best)
                   : trial.margin.value > best->margin.value;
    if (better)
      best = &trial;
  }
  return best;
}

/// Bisects the front by the logarithm of the loss: the cheapest point inside.
Error Search::followFront() {
  phase = "following the front";
  size_t inside = 0, outside = model->size() - 1;
  auto last = tryOut(model->at(outside), Part::Search, "front");
  if (!last)
    return last.takeError();
  if (isInside(**last))
    return Error::success();
  double most = model->lossAt(outside);
  for (int step = 0; step < frontSteps && outside - inside > 1; ++step) {
    goesOn(static_cast<double>(step) / frontSteps);
    double low = std::max(model->lossAt(inside), most * 1e-6);
    ptrdiff_t middle = model->within(std::sqrt(low * model->lossAt(outside)));
    middle = std::clamp<ptrdiff_t>(middle, inside + 1, outside - 1);
    auto trial = tryOut(model->at(middle), Part::Search, "front");
    if (!trial)
      return trial.takeError();
    (isInside(**trial) ? inside : outside) = middle;
  }
  return Error::success();
}

/// The noisiest trial of those that are inside like all that make less noise.
const Trial &Search::lastInside() const {
  std::vector<const Trial *> sorted;
  for (const Trial &trial : trials->all())
    if (trial.part == Part::Search && trial.origin != "move")
      sorted.push_back(&trial);
  llvm::stable_sort(sorted, [](const Trial *a, const Trial *b) {
    return a->relativeNoise() < b->relativeNoise();
  });
  const Trial *last = sorted.front();
  for (const Trial *trial : sorted) {
    if (!isInside(*trial))
      break;
    last = trial;
  }
  return *last;
}

Error Search::moveLayers() {
  phase = "moving layers";
  const Trial *now = best();
  size_t all = std::max<size_t>(4, candidates->groups().size() / 2);
  const Trial &last = lastInside();
  double mostLoss = std::max(model->sumOf(now->assignment).loss,
                             model->sumOf(last.assignment).loss) *
                    lossSlack;
  double most =
      std::max(now->relativeNoise(), last.relativeNoise()) * noiseSlack;
  std::set<Assignment> tried;
  for (bool moved = true; moved;) {
    moved = false;
    for (const Assignment &assignment : model->movesFrom(*now, mostLoss)) {
      if (tried.size() == all)
        return Error::success();
      if (!tried.insert(assignment).second)
        continue;
      goesOn(static_cast<double>(tried.size()) / all);
      auto trial = tryOut(assignment, Part::Search, "move");
      if (!trial)
        return trial.takeError();
      double gain = costOf(*now) - costOf(**trial);
      double least = request.forSize ? 0 : leastGain * costOf(*now);
      if (!isInside(**trial) || (*trial)->relativeNoise() > most ||
          gain <= least)
        continue;
      now = *trial;
      moved = true;
      break;
    }
  }
  return Error::success();
}

Error Search::searchAll() {
  if (Error error = tryUniform())
    return error;
  // Where float itself is outside nothing else is looked for.
  if (!request.limit &&
      !isInside(*trials->find(candidates->uniform(0), Part::Search)))
    return Error::success();
  if (Error error = text ? tryPieces() : tryLayers())
    return error;
  model.emplace(*candidates, *trials, request.forSize);
  if (request.limit)
    return fitSize();
  // Of language models sums tell so well that moves find nothing.
  if (text)
    return bracketFront();
  if (Error error = followFront())
    return error;
  return moveLayers();
}

Expected<PrecisionSearchResult> Search::run() {
  if (Error error = open())
    return std::move(error);
  Error error = searchAll();
  chosen = best();
  if (error && !chosen && outOfTime) {
    llvm::consumeError(std::move(error));
    return inputError("time-limit", "", "--time-limit",
                      "an end before any network was measured",
                      "more time, or --resume to go on");
  }
  if (error && (!chosen || !(interrupted || outOfTime)))
    return std::move(error);
  // The best so far.
  llvm::consumeError(std::move(error));
  if (Error error = takeTurns())
    return std::move(error);
  preferUniform();
  PrecisionSearchResult result;
  result.interrupted = interrupted;
  result.facts.unfinished = interrupted || outOfTime;
  llvm::SmallString<128> path(candidates->folder());
  llvm::sys::path::append(path, "recipe.json");
  result.recipe = path.str().str();
  std::string text =
      llvm::formatv("{0:2}",
                    llvm::json::Value(candidates->recipe(chosen->assignment)))
          .str();
  if (Error error = writeWholeFile(result.recipe, text))
    return std::move(error);
  if (Error error = judgeBest(result))
    return std::move(error);
  explain(result);
  describe(result);
  result.summary = besideUniform();
  return result;
}

} // namespace qc::search

namespace qc {

Expected<PrecisionSearchResult>
searchPrecision(const PrecisionSearchRequest &request,
                const BuildHooks &hooks) {
  return search::Search(request, hooks).run();
}

} // namespace qc
