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

MetricValue Search::Turn::ratioTo(const Turn &other) const {
  return pairedRatio(times, other.times);
}

std::vector<const Trial *> Search::contenders() const {
  std::vector<const Trial *> all;
  auto add = [&](const Trial *trial) {
    if (trial && !llvm::is_contained(all, trial))
      all.push_back(trial);
  };
  for (size_t i = 0; i < whole().candidates().names().size(); ++i)
    add(whole().uniformTrial(i));
  add(chosen);
  for (const auto &space : spaces) {
    const Trial *best = space->best();
    if (best && (bench.isInside(*best) || request.limit))
      add(best);
  }
  return all;
}

Error Search::takeTurns() {
  if (bench.isInterrupted() || !whole().candidates().isHere())
    return Error::success();
  bench.begin("timing in turns");
  turns.clear();
  std::vector<std::unique_ptr<JitNet>> nets;
  std::vector<JitNet *> timed;
  for (const Trial *trial : contenders()) {
    auto net = spaceOf(*trial).candidates().compile(trial->assignment);
    if (!net)
      return net.takeError();
    nets.push_back(std::move(*net));
    timed.push_back(nets.back().get());
    turns.push_back({trial, {}});
  }
  std::vector<std::vector<double>> totals;
  if (Error error = timeTotals(timed, totals, mostRounds, turnMilliseconds))
    return error;
  for (auto [turn, times] : llvm::zip_equal(turns, totals))
    turn.times = std::move(times);
  return Error::success();
}

double Search::costOf(const Turn &turn) const {
  return bench.costs().of(medianOf(turn.times).value,
                          static_cast<double>(turn.trial->bytes));
}

void Search::chooseSpace() {
  const Turn *ours = turnOf(chosen);
  if (!ours || request.forSize || !bench.isInside(*chosen))
    return;
  for (const auto &space : spaces) {
    const Trial *trial = space->best();
    const Turn *other = turnOf(trial);
    if (other && bench.isInside(*trial) && costOf(*other) < costOf(*ours))
      ours = other;
  }
  chosen = ours->trial;
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
  const Turn *best = nullptr;
  for (const Turn &turn : turns)
    if (turn.trial != chosen && isUniform(*turn.trial) &&
        bench.isInside(*turn.trial) &&
        (!request.limit || spaceOf(*turn.trial).fits(*turn.trial)) &&
        (!best || costOf(turn) < costOf(*best)))
      best = &turn;
  return best;
}

/// The objective is time: a mixture that is not faster than the best uniform
/// network beyond doubt gives way to it, and so does a uniform network that is
/// slower beyond doubt. A smaller one may take a little longer.
void Search::preferUniform() {
  const Turn *ours = turnOf(chosen), *other = bestUniform();
  if (request.forSize || !ours || !other)
    return;
  MetricValue ratio = ours->ratioTo(*other);
  double bytes = static_cast<double>(ours->trial->bytes) -
                 static_cast<double>(other->trial->bytes);
  double most =
      1 - bench.costs().byteTime * bytes / medianOf(other->times).value;
  if (isUniform(*chosen) ? ratio.low <= most : ratio.high < most)
    return;
  if (!isUniform(*chosen))
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
        {"precision", nameOf(*turn.trial)},
        {"chosen", &turn == ours},
        {"inside", bench.isInside(*turn.trial)},
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
  for (const Trial *trial : contenders())
    if (trial != chosen && isUniform(*trial) && bench.isInside(*trial) &&
        (!best || bench.costOf(*trial) < bench.costOf(*best)))
      best = trial;
  std::string text =
      "times are estimates for " + request.build.options.target.text +
      " by its tables, nothing was measured: " +
      costText(*chosen->milliseconds, /*bytes=*/false) + " in the layers";
  if (!best)
    return text;
  return text + "; best other precision for all layers inside the band: " +
         nameOf(*best) + ", " +
         costText(static_cast<double>(best->bytes), /*bytes=*/true) + " and " +
         costText(*best->milliseconds, /*bytes=*/false);
}

std::string Search::besideUniform() const {
  if (!whole().candidates().isHere())
    return besideEstimates();
  const Turn *ours = turnOf(chosen);
  if (rejected && ours) {
    MetricValue ratio = rejected->ratioTo(*ours);
    return llvm::formatv("{0} for all layers: the best mixture took {1:f3} "
                         "[{2:f3}, {3:f3}] of its time, run in turns, which is "
                         "not faster beyond doubt",
                         nameOf(*ours->trial), ratio.value, ratio.low,
                         ratio.high)
        .str();
  }
  const Turn *best = bestUniform();
  if (!ours || !best)
    return "";
  std::string text = llvm::formatv(
      "best other precision for all layers inside the band: {0}, "
      "{1} and {2:f4} ms; ",
      nameOf(*best->trial), costText(best->trial->bytes, /*bytes=*/true),
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
