//===- Pieces.cpp - Sensitivity of the layers of a language model ---------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LayerProbe.h"
#include "Search.h"

#include "qc/Support/Error.h"

using llvm::Error;

namespace qc::search {

/// One group in each of its candidates.
Error Search::probeGroup(LayerProbe &probe, size_t group) {
  const LayerGroup &layers = candidates->groups()[group];
  for (size_t candidate = 1; candidate < candidates->names().size();
       ++candidate) {
    Assignment alone = with(candidates->uniform(0), group, candidate);
    if (!layers.refusals[candidate].empty() || trials->find(alone, Part::Probe))
      continue;
    if (!goesOn(static_cast<double>(group) / candidates->groups().size()))
      return inputError("interrupted", "", "", "an interrupt", "");
    auto measured =
        probe.measure(layers.layers, candidates->names()[candidate]);
    if (!measured)
      return measured.takeError();
    Trial trial;
    trial.assignment = alone;
    trial.part = Part::Probe;
    trial.origin = "layer";
    trial.signal = measured->signal;
    trial.noise = measured->noise;
    if (auto added = trials->add(std::move(trial)); !added)
      return added.takeError();
  }
  return Error::success();
}

Error Search::tryPieces() {
  phase = "sensitivity of layers";
  goesOn(0);
  auto probe = LayerProbe::open(*text, candidates->folder());
  if (!probe)
    return probe.takeError();
  for (size_t piece = 0; piece < (*probe)->size(); ++piece) {
    if (Error error = (*probe)->advanceTo(piece))
      return error;
    for (size_t group = 0; group < candidates->groups().size(); ++group)
      // Layers of a group that come later are replaced with the first.
      if ((*probe)->pieceOf(candidates->groups()[group].layers.front()) ==
          piece)
        if (Error error = probeGroup(**probe, group))
          return error;
  }
  return Error::success();
}

} // namespace qc::search
