//===- Space.cpp - The networks of one shape ------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Space.h"

#include "SearchData.h"

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

Space::~Space() = default;

Expected<std::unique_ptr<Space>>
Space::open(Bench &bench, std::unique_ptr<Candidates> candidates,
            size_t number) {
  std::unique_ptr<Space> space(new Space(bench, std::move(candidates), number));
  auto known = Trials::open(*space->owned, number);
  if (!known)
    return known.takeError();
  space->tried = std::move(*known);
  const Trial *plain = space->uniformTrial(0);
  if (plain)
    bench.setReference(*plain);
  return space;
}

/// What layers alone do to the whole model is lost in what its shape does.
Expected<TrialData *> Space::dataOf(Part part) {
  if (number == 0 || part != Part::Probe)
    return &bench.data();
  if (!probes) {
    auto net = owned->compile(owned->uniform(0));
    if (!net)
      return net.takeError();
    auto data = SearchData::open(request, std::move(*net));
    if (!data)
      return data.takeError();
    probes = std::move(*data);
  }
  return probes.get();
}

Expected<const MetricRecords *> Space::referenceOf(Part part) {
  if (number == 0 || part != Part::Probe)
    return bench.referenceOf(part);
  if (!probeReference) {
    auto data = dataOf(part);
    if (!data)
      return data.takeError();
    auto records =
        (*data)->reference(part, [&](double) { return bench.goesOn(0); });
    if (!records)
      return records.takeError();
    probeReference = std::move(*records);
  }
  return &*probeReference;
}

/// The noise as a number that a file can keep.
static double bounded(double value) {
  return std::isfinite(value) ? value : 1e300;
}

Expected<const Trial *> Space::record(JitNet &net, const Assignment &assignment,
                                      Part part, StringRef origin,
                                      const std::vector<double> &launches) {
  auto compared = referenceOf(part);
  if (!compared)
    return compared.takeError();
  auto data = dataOf(part);
  if (!data)
    return data.takeError();
  auto measured =
      (*data)->measure(net, part, [&](double) { return bench.goesOn(0); });
  if (!measured)
    return measured.takeError();
  Trial trial;
  trial.assignment = assignment;
  trial.shape = number;
  trial.part = part;
  trial.origin = origin.str();
  trial.value = measured->records.value();
  if (measured->records.samples() < (*compared)->samples()) {
    // Of a part of the samples only the difference tells.
    double reference = (*compared)->value().value;
    trial.value = measured->records.minus(**compared);
    for (double *value :
         {&trial.value.value, &trial.value.low, &trial.value.high})
      *value += reference;
  }
  trial.margin = judge(request.band, measured->records, **compared).margin;
  trial.signal = bounded(measured->signal);
  trial.noise = bounded(measured->noise);
  if (measured->cosine)
    trial.cosine = bounded(*measured->cosine);
  if (measured->kl)
    trial.kl = bounded(*measured->kl);
  addCosts(net, launches, trial);
  if (part == Part::Search)
    bench.setReference(trial);
  return tried->add(std::move(trial));
}

void Space::addCosts(const JitNet &net, const std::vector<double> &launches,
                     Trial &trial) const {
  trial.bytes = net.compiled().weightsBytes + owned->tokenizerBytes();
  size_t groups = owned->groups().size();
  trial.groupBytes.resize(groups);
  const std::map<std::string, size_t> &groupOf = owned->groupOf();
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
  if (!owned->isHere())
    estimate(net, trial);
}

/// Of layers alone: what lies between them is the same in all networks.
void Space::estimate(const JitNet &net, Trial &trial) const {
  trial.milliseconds = 0;
  trial.groupTimes.resize(owned->groups().size());
  for (const CompiledLayer &layer : net.compiled().layers) {
    double time = owned->estimates().of(layer);
    *trial.milliseconds += time;
    auto found = owned->groupOf().find(layer.name);
    if (found != owned->groupOf().end())
      trial.groupTimes[found->second] += time;
  }
}

Expected<const Trial *> Space::tryOut(const Assignment &assignment, Part part,
                                      StringRef origin) {
  if (const Trial *known = tried->find(assignment, part))
    return known;
  if (Error error = bench.checkGoesOn(0))
    return std::move(error);
  auto net = owned->compile(assignment);
  if (!net)
    return net.takeError();
  std::vector<std::vector<double>> times(1);
  if (part == Part::Search && owned->isHere())
    if (Error error = bench.timeBesideFloat({net->get()}, times, /*rounds=*/25,
                                            /*milliseconds=*/1000))
      return std::move(error);
  return record(**net, assignment, part, origin, times.front());
}

/// All of them are timed in turns, so that what disturbs one disturbs all.
Error Space::tryUniform() {
  bench.begin("uniform precisions");
  std::vector<Assignment> assignments;
  std::vector<std::unique_ptr<JitNet>> nets;
  std::vector<JitNet *> timed;
  for (size_t i = 0; i < owned->names().size(); ++i) {
    Assignment assignment = owned->uniform(i);
    if (tried->find(assignment, Part::Search) ||
        llvm::is_contained(assignments, assignment))
      continue;
    if (Error error = bench.checkGoesOn(0))
      return error;
    auto net = owned->compile(assignment);
    if (!net)
      return net.takeError();
    assignments.push_back(std::move(assignment));
    nets.push_back(std::move(*net));
    timed.push_back(nets.back().get());
  }
  std::vector<std::vector<double>> times(nets.size());
  if (owned->isHere())
    if (Error error = bench.timeBesideFloat(timed, times, /*rounds=*/50,
                                            /*milliseconds=*/2000))
      return error;
  for (size_t i = 0; i < nets.size(); ++i) {
    bench.goesOn(static_cast<double>(i) / nets.size());
    auto trial =
        record(*nets[i], assignments[i], Part::Search, "uniform", times[i]);
    if (!trial)
      return trial.takeError();
  }
  return Error::success();
}

/// Where the smallest precision is inside the band in all layers, or too large
/// still, a smaller one may do in some.
Error Space::trySmaller() {
  while (true) {
    const Trial &smallest = *uniformTrial(owned->names().size() - 1);
    bool wanted = request.limit ? !fits(smallest)
                                : request.forSize && bench.isInside(smallest);
    if (!wanted)
      return Error::success();
    auto added = owned->addSmaller();
    if (!added)
      return added.takeError();
    if (!*added)
      return Error::success();
    if (Error error = tryUniform())
      return error;
  }
}

Error Space::tryLayers() {
  bench.begin("sensitivity of layers");
  size_t groups = owned->groups().size();
  size_t count = owned->names().size();
  for (size_t candidate = 1; candidate < count; ++candidate) {
    Assignment everywhere = owned->uniform(candidate);
    for (size_t group = 0; group < groups; ++group) {
      size_t done = (candidate - 1) * groups + group;
      if (Error error = bench.checkGoesOn(static_cast<double>(done) /
                                          ((count - 1) * groups)))
        return error;
      if (everywhere[group] != candidate)
        continue;
      auto trial = tryOut(with(owned->uniform(0), group, candidate),
                          Part::Probe, "layer");
      if (!trial)
        return trial.takeError();
    }
  }
  return Error::success();
}

const Trial *Space::best(bool withMoves) const {
  const Trial *best = nullptr;
  for (const Trial &trial : tried->all())
    if (trial.part == Part::Search && (withMoves || trial.origin != "move") &&
        (!request.limit || fits(trial)) &&
        (!best || bench.isBetter(trial, *best)))
      best = &trial;
  return best;
}

/// Bisects the front by the logarithm of the loss: the cheapest point inside.
Error Space::followFront() {
  bench.begin("following the front");
  size_t inside = 0, outside = sums->size() - 1;
  auto last = tryOut(sums->at(outside), Part::Search, "front");
  if (!last)
    return last.takeError();
  if (bench.isInside(**last))
    return Error::success();
  double most = sums->lossAt(outside);
  for (int step = 0; step < frontSteps && outside - inside > 1; ++step) {
    bench.goesOn(static_cast<double>(step) / frontSteps);
    double low = std::max(sums->lossAt(inside), most * 1e-6);
    ptrdiff_t middle = sums->within(std::sqrt(low * sums->lossAt(outside)));
    middle = std::clamp<ptrdiff_t>(middle, inside + 1, outside - 1);
    auto trial = tryOut(sums->at(middle), Part::Search, "front");
    if (!trial)
      return trial.takeError();
    (bench.isInside(**trial) ? inside : outside) = middle;
  }
  return Error::success();
}

/// The noisiest trial of those that are inside like all that make less noise.
const Trial &Space::lastInside() const {
  std::vector<const Trial *> sorted;
  for (const Trial &trial : tried->all())
    if (trial.part == Part::Search && trial.origin != "move")
      sorted.push_back(&trial);
  llvm::stable_sort(sorted, [](const Trial *a, const Trial *b) {
    return a->relativeNoise() < b->relativeNoise();
  });
  const Trial *last = sorted.front();
  for (const Trial *trial : sorted) {
    if (!bench.isInside(*trial))
      break;
    last = trial;
  }
  return *last;
}

Error Space::moveLayers() {
  bench.begin("moving layers");
  // A search that goes on makes the moves that it has made again.
  const Trial *now = best(/*withMoves=*/false);
  size_t all = std::max<size_t>(4, owned->groups().size() / 2);
  const Trial &last = lastInside();
  double mostLoss = std::max(sums->sumOf(now->assignment).loss,
                             sums->sumOf(last.assignment).loss) *
                    lossSlack;
  double most =
      std::max(now->relativeNoise(), last.relativeNoise()) * noiseSlack;
  std::set<Assignment> tried;
  for (bool moved = true; moved;) {
    moved = false;
    for (const Assignment &assignment : sums->movesFrom(*now, mostLoss)) {
      if (tried.size() == all)
        return Error::success();
      if (!tried.insert(assignment).second)
        continue;
      bench.goesOn(static_cast<double>(tried.size()) / all);
      auto trial = tryOut(assignment, Part::Search, "move");
      if (!trial)
        return trial.takeError();
      double gain = bench.costOf(*now) - bench.costOf(**trial);
      double least = request.forSize ? 0 : leastGain * bench.costOf(*now);
      if (!bench.isInside(**trial) || (*trial)->relativeNoise() > most ||
          gain <= least)
        continue;
      now = *trial;
      moved = true;
      break;
    }
  }
  return Error::success();
}

Error Space::explore() {
  if (number != 0) {
    // Nothing else makes up for what a shape loses.
    bench.begin("shapes");
    auto plain = tryOut(owned->uniform(0), Part::Search, "uniform");
    if (!plain)
      return plain.takeError();
    if (!request.limit && !bench.isInside(**plain))
      return Error::success();
  }
  if (Error error = tryUniform())
    return error;
  // Where float itself is outside nothing else is looked for.
  if (!request.limit && !bench.isInside(*uniformTrial(0)))
    return Error::success();
  if (Error error = trySmaller())
    return error;
  if (Error error = owned->isOfTexts() ? tryPieces() : tryLayers())
    return error;
  sums.emplace(*owned, *tried, bench.costs());
  if (request.limit)
    return fitSize();
  // Of language models sums tell so well that moves find nothing.
  if (owned->isOfTexts())
    return bracketFront();
  if (Error error = followFront())
    return error;
  return moveLayers();
}

} // namespace qc::search
