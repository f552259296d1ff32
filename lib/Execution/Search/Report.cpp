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
  for (const Trial &trial : trials->all()) {
    if (trial.part != Part::Search)
      continue;
    json::Object row{{"origin", trial.origin},
                     {"choice", summaryOf(*candidates, trial.assignment)},
                     {"bytes", trial.bytes},
                     {"ms", nullptr},
                     {"value", trial.value.value},
                     {"margin", trial.margin.value},
                     {"ci95", intervalJson(trial.margin)},
                     {"sqnr_db", rounded(trial.sqnr(), 100)},
                     {"cosine", trial.cosine},
                     {"kl", trial.kl},
                     {"inside", isInside(trial)},
                     {"chosen", &trial == chosen}};
    if (trial.milliseconds)
      row["ms"] = rounded(*trial.milliseconds, 1e6);
    for (size_t i = 0; i < candidates->names().size(); ++i)
      if (trial.assignment == candidates->uniform(i) && !row.get("precision"))
        row["precision"] = candidates->names()[i];
    array.push_back(std::move(row));
  }
  return array;
}

/// What no other trial beats in bytes, time and margin.
static json::Array frontOf(const std::deque<Trial> &trials) {
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
  int64_t number = 0;
  for (const Trial &trial : trials) {
    if (trial.part != Part::Search)
      continue;
    if (llvm::none_of(trials, [&](const Trial &other) {
          return other.part == Part::Search && beats(other, trial);
        }))
      front.push_back(number);
    ++number;
  }
  return front;
}

/// Why `other` was not taken in place of `now`.
static std::string whyNot(const Model::Sum &now, const Model::Sum &other,
                          const Model::Sum &plain, bool bytes) {
  double saved = now.cost - other.cost;
  std::string difference = costText(std::abs(saved), bytes);
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
  const std::vector<std::string> &names = candidates->names();
  const LayerGroup &layers = candidates->groups()[group];
  size_t now = trial.assignment[group];
  const auto *own = model ? &model->of(group, now) : nullptr;
  if (!own || !*own)
    return "the search ended before it looked at layers";
  std::string text;
  if (rejected)
    text =
        "one precision for all layers, as no mixture was faster beyond doubt";
  else if (!request.forSize && !candidates->isHere())
    text = "by estimates";
  for (size_t i = 0; i < names.size(); ++i) {
    const std::optional<Model::Sum> &other = model->of(group, i);
    bool refused = !layers.refusals[i].empty();
    if (i == now || (!refused && !other))
      continue;
    text += (text.empty() ? "" : "; ") + names[i];
    text += refused ? ": " + layers.refusals[i]
                    : " " + whyNot(**own, *other, *model->of(group, 0),
                                   request.forSize);
  }
  return text;
}

void Search::describe(PrecisionSearchResult &result) const {
  SearchFacts &facts = result.facts;
  const std::vector<std::string> &names = candidates->names();
  json::Array layers;
  Assignment plain = candidates->uniform(0);
  for (size_t group = 0; group < plain.size(); ++group) {
    size_t now = chosen->assignment[group];
    std::string reason = reasonOf(*chosen, group);
    json::Array tried;
    SearchFacts::Layer layer;
    layer.reason = reason;
    for (size_t i = 0; i < names.size(); ++i) {
      const Trial *everywhere =
          trials->find(candidates->uniform(i), Part::Search);
      const Trial *alone = trials->find(with(plain, group, i), Part::Probe);
      json::Object row{{"precision", names[i]}};
      if (!candidates->groups()[group].refusals[i].empty())
        row["refused"] = json::fixUTF8(candidates->groups()[group].refusals[i]);
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
    for (const std::string &name : candidates->groups()[group].layers) {
      facts.layers[name] = layer;
      layers.push_back(json::Object{{"name", json::fixUTF8(name)},
                                    {"precision", names[now]},
                                    {"reason", json::fixUTF8(reason)},
                                    {"candidates", json::Array(tried)}});
    }
  }
  std::chrono::duration<double> spent = Clock::now() - start;
  facts.search = json::Object{
      {"objective", request.forSize ? "size" : "latency"},
      {"band", request.hasBand ? json::Value(request.band.text) : nullptr},
      {"max_size", request.limit ? json::Value(request.limit->text) : nullptr},
      {"candidates", json::Array(names)},
      {"choice", summaryOf(*candidates, chosen->assignment)},
      {"samples", json::Object{{"layers", data->size(Part::Probe)},
                               {"search", data->size(Part::Search)},
                               {"verdict", data->size(Part::Verdict)}}},
      {"times", candidates->isHere() ? "measured" : "estimated"},
      {"seconds", rounded(spent.count(), 10)},
      {"stopped", interrupted ? json::Value("interrupt")
                  : outOfTime ? json::Value("time limit")
                              : json::Value(nullptr)},
      {"summary", besideUniform()},
      {"turns", turnsJson()},
      {"trials", trialsJson()},
      {"layers", std::move(layers)}};
  facts.pareto = frontOf(trials->all());
}

} // namespace qc::search
