//===- Turns.cpp - What was chosen beside uniform precisions --------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Times that trials took at different moments do not say which of two is
// faster. Here the chosen network and the uniform ones run in turns in one
// process, and pairs of one round are compared.
//
//===----------------------------------------------------------------------===//

#include "Search.h"

#include "qc/Execution/LayerTimes.h"

#include "llvm/Support/FormatVariadic.h"

#include <algorithm>
#include <cmath>

using llvm::Error;
namespace json = llvm::json;

namespace qc::search {

static constexpr int mostRounds = 200;
static constexpr int64_t turnMilliseconds = 3000;

MetricValue Search::Turn::ratioTo(const Turn &other) const {
  return pairedRatio(times, other.times);
}

Error Search::takeTurns() {
  if (interrupted || !candidates->isHere())
    return Error::success();
  phase = "timing in turns";
  turns.clear();
  std::vector<std::unique_ptr<JitNet>> nets;
  std::vector<JitNet *> timed;
  auto add = [&](const Trial *trial, const std::string &name) -> Error {
    auto net = candidates->compile(trial->assignment);
    if (!net)
      return net.takeError();
    nets.push_back(std::move(*net));
    timed.push_back(nets.back().get());
    turns.push_back({trial, name, {}});
    return Error::success();
  };
  for (size_t i = 0; i < candidates->names().size(); ++i) {
    const Trial *trial = trials->find(candidates->uniform(i), Part::Search);
    bool known = llvm::any_of(
        turns, [&](const Turn &turn) { return turn.trial == trial; });
    if (trial && !known)
      if (Error error = add(trial, candidates->names()[i]))
        return error;
  }
  if (llvm::none_of(turns,
                    [&](const Turn &turn) { return turn.trial == chosen; }))
    if (Error error = add(chosen, "chosen"))
      return error;
  std::vector<std::vector<double>> totals;
  if (Error error = timeTotals(timed, totals, mostRounds, turnMilliseconds))
    return error;
  for (auto [turn, times] : llvm::zip_equal(turns, totals))
    turn.times = std::move(times);
  return Error::success();
}

const Search::Turn *Search::turnOf(const Trial *trial) const {
  for (const Turn &turn : turns)
    if (turn.trial == trial)
      return &turn;
  return nullptr;
}

/// The objective is time, and a uniform network inside the band is faster
/// beyond doubt.
void Search::preferFaster() {
  const Turn *best = turnOf(chosen);
  if (!best || request.forSize)
    return;
  for (const Turn &turn : turns)
    if (isInside(*turn.trial) && best->ratioTo(turn).low > 1)
      best = &turn;
  chosen = best->trial;
}

json::Value Search::turnsJson() const {
  const Turn *ours = turnOf(chosen);
  if (!ours)
    return nullptr;
  json::Array rows;
  for (const Turn &turn : turns) {
    std::vector<double> sorted = turn.times;
    std::sort(sorted.begin(), sorted.end());
    json::Object row{
        {"precision", turn.name},
        {"chosen", &turn == ours},
        {"inside", isInside(*turn.trial)},
        {"bytes", turn.trial->bytes},
        {"ms", json::Object{{"median", sorted[sorted.size() / 2]},
                            {"p95", sorted[sorted.size() * 95 / 100]}}}};
    if (&turn != ours) {
      MetricValue ratio = ours->ratioTo(turn);
      row["ratio"] = json::Object{{"value", ratio.value},
                                  {"ci95", json::Array{ratio.low, ratio.high}}};
    }
    rows.push_back(std::move(row));
  }
  return json::Object{{"rounds", static_cast<int64_t>(ours->times.size())},
                      {"networks", std::move(rows)}};
}

std::string Search::besideUniform() const {
  const Turn *ours = turnOf(chosen), *best = nullptr;
  auto cost = [&](const Turn &turn) {
    return request.forSize ? static_cast<double>(turn.trial->bytes)
                           : medianOf(turn.times).value;
  };
  for (const Turn &turn : turns)
    if (&turn != ours && turn.name != "chosen" && isInside(*turn.trial) &&
        (!request.limit || fits(*turn.trial)) &&
        (!best || cost(turn) < cost(*best)))
      best = &turn;
  if (!ours || !best)
    return "";
  std::string text =
      llvm::formatv("best other precision for all layers inside the band: {0}, "
                    "{1} and {2:f4} ms; ",
                    best->name, costText(best->trial->bytes, /*bytes=*/true),
                    medianOf(best->times).value);
  MetricValue ratio = ours->ratioTo(*best);
  return text +
         llvm::formatv("this has {0:f3} of its bytes and, run in turns, {1:f3} "
                       "[{2:f3}, {3:f3}] of its time",
                       static_cast<double>(chosen->bytes) /
                           static_cast<double>(best->trial->bytes),
                       ratio.value, ratio.low, ratio.high)
             .str();
}

} // namespace qc::search
