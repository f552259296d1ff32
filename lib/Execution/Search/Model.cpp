//===- Model.cpp - What an assignment should cost and lose ----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Model.h"

#include "llvm/Support/FormatVariadic.h"

#include <algorithm>

namespace qc::search {

Assignment with(Assignment assignment, size_t group, size_t candidate) {
  assignment[group] = candidate;
  return assignment;
}

Model::Model(const Candidates &candidates, const Trials &trials,
             const CostRule &costs)
    : costs(costs) {
  size_t groups = candidates.groups().size();
  size_t count = candidates.names().size();
  predictions.assign(groups, std::vector<std::optional<Sum>>(count));
  Assignment plain = candidates.uniform(0);
  for (size_t candidate = 0; candidate < count; ++candidate) {
    Assignment everywhere = candidates.uniform(candidate);
    const Trial *trial = trials.find(everywhere, Part::Search);
    for (size_t group = 0; group < groups && trial; ++group) {
      const Trial *alone =
          trials.find(with(plain, group, candidate), Part::Probe);
      bool isFloat = candidate == 0;
      if (!isFloat && (everywhere[group] != candidate || !alone))
        continue;
      Sum sum;
      sum.bytes = static_cast<double>(trial->groupBytes[group]);
      if (!trial->groupTimes.empty())
        sum.milliseconds = trial->groupTimes[group];
      sum.cost = costs.of(sum.milliseconds, sum.bytes);
      sum.loss = isFloat ? 0 : alone->relativeNoise();
      predictions[group][candidate] = sum;
    }
  }
  std::vector<std::vector<quantization::AllocationOption>> items;
  for (const auto &group : predictions) {
    items.emplace_back();
    options.emplace_back();
    for (size_t candidate = 0; candidate < count; ++candidate) {
      // Never slower than float.
      if (!group[candidate] || group[candidate]->cost > group[0]->cost)
        continue;
      items.back().push_back({group[candidate]->cost, group[candidate]->loss});
      options.back().push_back(candidate);
    }
  }
  front.emplace(items);
}

Model::Sum Model::sumOf(const Assignment &assignment) const {
  Sum sum;
  for (size_t group = 0; group < assignment.size(); ++group) {
    sum.cost += predictions[group][assignment[group]]->cost;
    sum.loss += predictions[group][assignment[group]]->loss;
  }
  return sum;
}

Assignment Model::at(size_t point) const {
  Assignment assignment = front->assignment(point);
  for (size_t group = 0; group < assignment.size(); ++group)
    assignment[group] = options[group][assignment[group]];
  return assignment;
}

/// Cheaper by the model; for time also what the group's neighbours have, as the
/// values between them need no conversion then, and float where what was
/// measured is slower than that.
bool Model::isPromising(const Trial &trial, size_t group,
                        size_t candidate) const {
  size_t now = trial.assignment[group];
  const std::optional<Sum> &next = predictions[group][candidate];
  if (candidate == now || !next)
    return false;
  if (next->cost < predictions[group][now]->cost)
    return true;
  if (costs.forSize)
    return false;
  if (candidate == 0)
    return trial.groupTimes[group] > predictions[group][0]->milliseconds;
  bool before = group > 0 && trial.assignment[group - 1] == candidate;
  bool after = group + 1 < trial.assignment.size() &&
               trial.assignment[group + 1] == candidate;
  return before || after;
}

std::vector<Assignment> Model::movesFrom(const Trial &trial,
                                         double mostLoss) const {
  struct Move {
    Assignment assignment;
    double price;
  };
  std::vector<Move> moves;
  Sum now = sumOf(trial.assignment);
  for (size_t group = 0; group < predictions.size(); ++group)
    for (size_t next = 0; next < predictions[group].size(); ++next) {
      if (!isPromising(trial, group, next))
        continue;
      Assignment assignment = with(trial.assignment, group, next);
      Sum sum = sumOf(assignment);
      if (sum.loss > mostLoss)
        continue;
      double saved = now.cost - sum.cost;
      // What loses nothing comes first, then the least loss for what it saves.
      double loss = std::max(0.0, sum.loss - now.loss);
      moves.push_back({assignment, saved > 0 ? loss / saved : loss * 1e12});
    }
  std::stable_sort(
      moves.begin(), moves.end(),
      [](const Move &a, const Move &b) { return a.price < b.price; });
  std::vector<Assignment> assignments;
  for (Move &move : moves)
    assignments.push_back(std::move(move.assignment));
  return assignments;
}

std::string Model::differenceText(const Sum &a, const Sum &b) const {
  double time = a.milliseconds - b.milliseconds;
  bool bytes = costs.forSize || (a.cost > b.cost) != (time > 0);
  return costText(std::abs(bytes ? a.bytes - b.bytes : time), bytes);
}

std::string costText(double cost, bool bytes) {
  return bytes ? llvm::formatv("{0:N} bytes", static_cast<int64_t>(cost)).str()
               : llvm::formatv("{0:f4} ms", cost).str();
}

} // namespace qc::search
