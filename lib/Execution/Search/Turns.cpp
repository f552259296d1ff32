//===- Turns.cpp - What was chosen beside uniform precisions --------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Times that networks took at different moments do not say which of two is
// faster. Each trial runs in turns with the float network; at last the chosen
// network and the uniform ones do, and pairs of one round are compared.
//
//===----------------------------------------------------------------------===//

#include "Search.h"

#include "qc/Execution/LayerTimes.h"

#include "llvm/Support/FormatVariadic.h"

#include <algorithm>
#include <cmath>
#include <numeric>

using llvm::Error;
namespace json = llvm::json;

namespace qc::search {

static constexpr int mostRounds = 200;
static constexpr int64_t turnMilliseconds = 3000;

/// The reference of a text has another cache than the networks that are tried.
llvm::Expected<JitNet *> Search::yardstick() {
  if (!text)
    return &data->floatNet();
  if (!plainNet) {
    auto net = candidates->compile(candidates->uniform(0));
    if (!net)
      return net.takeError();
    plainNet = std::move(*net);
  }
  return plainNet.get();
}

/// What disturbs one disturbs float32 in the same round: the median of their
/// ratios is what counts, as a share of the time that float32 took at first.
Error Search::timeBesideFloat(llvm::ArrayRef<JitNet *> nets,
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
  const Trial *known = trials->find(candidates->uniform(0), Part::Search);
  double plain = known && known->milliseconds ? *known->milliseconds
                                              : sumOf(launches.front());
  launches.erase(launches.begin());
  for (auto [index, times] : llvm::enumerate(launches)) {
    double ratio = pairedRatio(totals[index + 1], totals.front()).value;
    double factor = ratio * plain / sumOf(times);
    for (double &time : times)
      time *= factor;
  }
  return Error::success();
}

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
    if (Error error = add(chosen, "mixture"))
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

/// The cheapest of the other uniform networks inside the band; null where there
/// is none.
const Search::Turn *Search::bestUniform() const {
  auto cost = [&](const Turn &turn) {
    return request.forSize ? static_cast<double>(turn.trial->bytes)
                           : medianOf(turn.times).value;
  };
  const Turn *best = nullptr;
  for (const Turn &turn : turns)
    if (turn.trial != chosen && turn.isUniform() && isInside(*turn.trial) &&
        (!request.limit || fits(*turn.trial)) &&
        (!best || cost(turn) < cost(*best)))
      best = &turn;
  return best;
}

/// The objective is time: a mixture that is not faster than the best uniform
/// network beyond doubt gives way to it, and so does a uniform network that is
/// slower beyond doubt.
void Search::preferUniform() {
  const Turn *ours = turnOf(chosen), *other = bestUniform();
  if (request.forSize || !ours || !other)
    return;
  MetricValue ratio = ours->ratioTo(*other);
  if (ours->isUniform() ? ratio.low <= 1 : ratio.high < 1)
    return;
  if (!ours->isUniform())
    rejected = ours;
  chosen = other->trial;
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

std::string Search::besideEstimates() const {
  const Trial *best = nullptr;
  size_t precision = 0;
  for (size_t i = 0; i < candidates->names().size(); ++i) {
    const Trial *trial = trials->find(candidates->uniform(i), Part::Search);
    if (trial && trial != chosen && isInside(*trial) &&
        (!best || costOf(*trial) < costOf(*best))) {
      best = trial;
      precision = i;
    }
  }
  std::string text =
      "times are estimates for " + request.build.options.target.text +
      " by its tables, nothing was measured: " +
      costText(*chosen->milliseconds, /*bytes=*/false) + " in the layers";
  if (!best)
    return text;
  return text + "; best other precision for all layers inside the band: " +
         candidates->names()[precision] + ", " +
         costText(static_cast<double>(best->bytes), /*bytes=*/true) + " and " +
         costText(*best->milliseconds, /*bytes=*/false);
}

std::string Search::besideUniform() const {
  if (!candidates->isHere())
    return besideEstimates();
  const Turn *ours = turnOf(chosen);
  if (rejected && ours) {
    MetricValue ratio = rejected->ratioTo(*ours);
    return llvm::formatv("{0} for all layers: the best mixture took {1:f3} "
                         "[{2:f3}, {3:f3}] of its time, run in turns, which is "
                         "not faster beyond doubt",
                         ours->name, ratio.value, ratio.low, ratio.high)
        .str();
  }
  const Turn *best = bestUniform();
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
