//===- Pieces.cpp - Sensitivity of the layers of a language model ---------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LayerProbe.h"
#include "Space.h"

using llvm::Error;

namespace qc::search {

/// The border of the band is looked for in so many steps, or until so much of
/// the cost is left to win.
static constexpr int bracketSteps = 6;
static constexpr double leastSaved = 0.003;

/// One group in each of its candidates.
Error Space::probeGroup(LayerProbe &probe, size_t group) {
  const LayerGroup &layers = owned->groups()[group];
  for (size_t candidate = 1; candidate < owned->names().size(); ++candidate) {
    Assignment alone = with(owned->uniform(0), group, candidate);
    if (!layers.refusals[candidate].empty() || tried->find(alone, Part::Probe))
      continue;
    if (Error error = bench.checkGoesOn(static_cast<double>(group) /
                                        owned->groups().size()))
      return error;
    auto measured = probe.measure(layers.layers, owned->names()[candidate]);
    if (!measured)
      return measured.takeError();
    Trial trial;
    trial.assignment = alone;
    trial.shape = number;
    trial.part = Part::Probe;
    trial.origin = "layer";
    trial.signal = measured->signal;
    trial.noise = measured->noise;
    trial.cosine = measured->cosine;
    trial.kl = measured->kl;
    trial.value = measured->records.value();
    trial.margin =
        judge(request.band, measured->records, probe.reference()).margin;
    if (auto added = tried->add(std::move(trial)); !added)
      return added.takeError();
  }
  return Error::success();
}

Error Space::tryPieces() {
  bench.begin("sensitivity of layers");
  bench.goesOn(0);
  auto probe = LayerProbe::open(*bench.languageData(), *owned);
  if (!probe)
    return probe.takeError();
  for (size_t piece = 0; piece < (*probe)->size(); ++piece) {
    if (Error error = (*probe)->advanceTo(piece))
      return error;
    for (size_t group = 0; group < owned->groups().size(); ++group)
      // Layers of a group that come later are replaced with the first.
      if ((*probe)->pieceOf(owned->groups()[group].layers.front()) == piece)
        if (Error error = probeGroup(**probe, group))
          return error;
  }
  return Error::success();
}

Error Space::bracketFront() {
  bench.begin("following the front");
  struct End {
    size_t point;
    double loss, margin;
  };
  auto endOf = [&](const Trial &trial) {
    double loss = sums->sumOf(trial.assignment).loss;
    ptrdiff_t point = std::max<ptrdiff_t>(0, sums->within(loss));
    return End{static_cast<size_t>(point), loss, bench.safeMargin(trial)};
  };
  auto last = tryOut(sums->at(sums->size() - 1), Part::Search, "front");
  if (!last)
    return last.takeError();
  End inside = endOf(*tried->find(owned->uniform(0), Part::Search));
  End outside = endOf(**last);
  if (outside.margin >= 0)
    return Error::success();
  std::vector<End> known;
  for (const Trial &trial : tried->all())
    if (trial.part == Part::Search && trial.origin == "uniform")
      known.push_back(endOf(trial));
  for (const End &end : known)
    if (end.margin < 0 && end.loss < outside.loss)
      outside = end;
  for (const End &end : known)
    if (end.margin >= 0 && end.loss > inside.loss && end.loss < outside.loss)
      inside = end;
  for (int step = 0; step < bracketSteps; ++step) {
    bench.goesOn(static_cast<double>(step) / bracketSteps);
    double saved = sums->costAt(inside.point) - sums->costAt(outside.point);
    if (outside.point <= inside.point + 1 ||
        saved < leastSaved * sums->costAt(inside.point))
      break;
    double share =
        std::clamp(inside.margin / (inside.margin - outside.margin), 0.1, 0.9);
    ptrdiff_t middle =
        sums->within(inside.loss + share * (outside.loss - inside.loss));
    middle = std::clamp<ptrdiff_t>(middle, inside.point + 1, outside.point - 1);
    auto trial = tryOut(sums->at(middle), Part::Search, "front");
    if (!trial)
      return trial.takeError();
    (bench.isInside(**trial) ? inside : outside) = {static_cast<size_t>(middle),
                                                    sums->lossAt(middle),
                                                    bench.safeMargin(**trial)};
  }
  return Error::success();
}

} // namespace qc::search
