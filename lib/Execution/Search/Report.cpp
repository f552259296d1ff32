//===- Report.cpp - What a search says of itself --------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The sections `search` and `pareto` of report.json, and what its table of
// layers says of each choice.
//
//===----------------------------------------------------------------------===//

#include "Search.h"

#include <cmath>

using llvm::StringRef;
namespace json = llvm::json;

namespace qc::search {

/// So many digits as anybody reads.
static double rounded(double value, double scale) {
  return std::round(value * scale) / scale;
}

/// `20 w8a8`, `18 w8a8, 2 fp32`: counts of groups.
static std::string summaryOf(const Candidates &candidates,
                             const Assignment &assignment) {
  std::string text;
  for (size_t i = 0; i < candidates.names().size(); ++i)
    if (auto count = llvm::count(assignment, i))
      text += (text.empty() ? "" : ", ") + std::to_string(count) + " " +
              candidates.names()[i];
  return text;
}

json::Array Search::trialsJson() const {
  json::Array array;
  for (const auto &space : spaces)
    for (const Trial &trial : space->trials().all()) {
      if (trial.part != Part::Search)
        continue;
      const Candidates &candidates = space->candidates();
      json::Object row{{"origin", trial.origin},
                       {"shape", candidates.shape().json()},
                       {"choice", summaryOf(candidates, trial.assignment)},
                       {"bytes", trial.bytes},
                       {"ms", nullptr},
                       {"value", trial.value.value},
                       {"margin", trial.margin.value},
                       {"ci95", intervalJson(trial.margin)},
                       {"sqnr_db", rounded(trial.sqnr(), 100)},
                       {"cosine", trial.cosine},
                       {"kl", trial.kl},
                       {"inside", bench.isInside(trial)},
                       {"chosen", &trial == chosen}};
      if (trial.milliseconds)
        row["ms"] = rounded(*trial.milliseconds, 1e6);
      if (isUniform(trial))
        row["precision"] = nameOf(trial);
      array.push_back(std::move(row));
    }
  return array;
}

/// What no other trial beats in bytes, time and margin: numbers of trialsJson.
json::Array Search::frontJson() const {
  std::vector<const Trial *> all;
  for (const auto &space : spaces)
    for (const Trial &trial : space->trials().all())
      if (trial.part == Part::Search)
        all.push_back(&trial);
  auto beats = [](const Trial &a, const Trial &b) {
    double timeA = a.milliseconds.value_or(0),
           timeB = b.milliseconds.value_or(0);
    bool noWorse = a.bytes <= b.bytes && timeA <= timeB &&
                   a.margin.value >= b.margin.value;
    bool better =
        a.bytes < b.bytes || timeA < timeB || a.margin.value > b.margin.value;
    return noWorse && better;
  };
  json::Array front;
  for (auto [number, trial] : llvm::enumerate(all))
    if (llvm::none_of(
            all, [&](const Trial *other) { return beats(*other, *trial); }))
      front.push_back(static_cast<int64_t>(number));
  return front;
}

/// What was taken out, and whether that alone is inside the band.
json::Array Search::shapesJson() const {
  json::Array array;
  for (const auto &space : llvm::drop_begin(spaces)) {
    const Trial *plain = space->uniformTrial(0), *best = space->best();
    const Shape &shape = space->candidates().shape();
    json::Object row{{"shape", shape.json()},
                     {"removed", space->candidates().removed()}};
    if (!shape.shares.empty()) {
      json::Object shares;
      for (const auto &[layer, share] : shape.shares)
        shares[json::fixUTF8(layer)] = share;
      row["shares"] = std::move(shares);
    }
    if (plain) {
      row["float_margin"] = plain->margin.value;
      row["float_inside"] = bench.isInside(*plain);
    }
    if (best && bench.isInside(*best))
      row["best"] = json::Object{
          {"choice", summaryOf(space->candidates(), best->assignment)},
          {"bytes", best->bytes},
          {"ms", best->milliseconds}};
    array.push_back(std::move(row));
  }
  return array;
}

/// Why `other` was not taken in place of `now`.
static std::string whyNot(const Model &model, const Model::Sum &now,
                          const Model::Sum &other, const Model::Sum &plain,
                          bool bytes) {
  double saved = now.cost - other.cost;
  std::string difference = model.differenceText(now, other);
  if (saved <= 0)
    return saved < 0 ? "takes " + difference + " more" : "takes as much";
  if (other.cost > plain.cost)
    return std::string(bytes ? "is larger" : "is slower") + " than float";
  std::string text = "would save " + difference;
  if (other.loss <= now.loss)
    return text + ", but no network with it measured better";
  if (now.loss <= 0)
    return text + ", for noise that the band has no room for";
  return text +
         llvm::formatv(", for {0:f1} times the noise", other.loss / now.loss)
             .str();
}

std::string Search::reasonOf(const Trial &trial, size_t group) const {
  const Space &space = spaceOf(trial);
  const std::vector<std::string> &names = space.candidates().names();
  const LayerGroup &layers = space.candidates().groups()[group];
  const std::optional<Model> &model = space.model();
  size_t now = trial.assignment[group];
  const auto *own = model ? &model->of(group, now) : nullptr;
  if (!own || !*own)
    return "the search ended before it looked at layers";
  std::string text;
  if (rejected)
    text =
        "one precision for all layers, as no mixture was faster beyond doubt";
  else if (!request.forSize && !whole().candidates().isHere())
    text = "by estimates";
  for (size_t i = 0; i < names.size(); ++i) {
    const std::optional<Model::Sum> &other = model->of(group, i);
    bool refused = !layers.refusals[i].empty();
    if (i == now || (!refused && !other))
      continue;
    text += (text.empty() ? "" : "; ") + names[i];
    text += refused ? ": " + layers.refusals[i]
                    : " " + whyNot(*model, **own, *other, *model->of(group, 0),
                                   request.forSize);
  }
  return text;
}

void Search::describeLayers(SearchFacts &facts, json::Array &layers) const {
  const Space &space = spaceOf(*chosen);
  const Candidates &candidates = space.candidates();
  const std::vector<std::string> &names = candidates.names();
  Assignment plain = candidates.uniform(0);
  for (size_t group = 0; group < plain.size(); ++group) {
    size_t now = chosen->assignment[group];
    std::string reason = reasonOf(*chosen, group);
    json::Array tried;
    SearchFacts::Layer layer;
    layer.reason = reason;
    for (size_t i = 0; i < names.size(); ++i) {
      const Trial *everywhere = space.uniformTrial(i);
      const Trial *alone =
          space.trials().find(with(plain, group, i), Part::Probe);
      json::Object row{{"precision", names[i]}};
      if (!candidates.groups()[group].refusals[i].empty())
        row["refused"] = json::fixUTF8(candidates.groups()[group].refusals[i]);
      else if (everywhere) {
        row["bytes"] = everywhere->groupBytes[group];
        if (!everywhere->groupTimes.empty())
          row["ms"] = rounded(everywhere->groupTimes[group], 1e6);
      }
      if (alone) {
        row["sqnr_db"] = rounded(alone->sqnr(), 100);
        row["cosine"] = alone->cosine;
        row["kl"] = alone->kl;
        row["margin"] = alone->margin.value;
        if (i == now) {
          layer.sqnr = rounded(alone->sqnr(), 100);
          layer.sensitivity = alone->relativeNoise();
          layer.cosine = alone->cosine;
          layer.kl = alone->kl;
        }
      }
      tried.push_back(std::move(row));
    }
    for (const std::string &name : candidates.groups()[group].layers) {
      facts.layers[name] = layer;
      layers.push_back(json::Object{{"name", json::fixUTF8(name)},
                                    {"precision", names[now]},
                                    {"reason", json::fixUTF8(reason)},
                                    {"candidates", json::Array(tried)}});
    }
  }
}

void Search::describe(PrecisionSearchResult &result) const {
  SearchFacts &facts = result.facts;
  const Candidates &candidates = spaceOf(*chosen).candidates();
  json::Array layers;
  describeLayers(facts, layers);
  const TrialData &data = bench.data();
  facts.search = json::Object{
      {"objective", request.forSize ? "size" : "latency"},
      {"band", request.hasBand ? json::Value(request.band.text) : nullptr},
      {"max_size", request.limit ? json::Value(request.limit->text) : nullptr},
      {"candidates", json::Array(candidates.names())},
      {"choice", summaryOf(candidates, chosen->assignment)},
      {"shape", candidates.shape().json()},
      {"shapes", shapesJson()},
      {"samples", json::Object{{"layers", data.size(Part::Probe)},
                               {"search", data.size(Part::Search)},
                               {"verdict", data.size(Part::Verdict)}}},
      {"times", candidates.isHere() ? "measured" : "estimated"},
      {"seconds", rounded(bench.seconds(), 10)},
      {"stopped", bench.isInterrupted() ? json::Value("interrupt")
                  : bench.isOutOfTime() ? json::Value("time limit")
                                        : json::Value(nullptr)},
      {"summary", besideUniform()},
      {"turns", turnsJson()},
      {"trials", trialsJson()},
      {"layers", std::move(layers)}};
  facts.pareto = frontJson();
}

} // namespace qc::search
