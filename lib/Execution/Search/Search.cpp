//===- Search.cpp - The search for the best network -----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Search.h"

#include "ChannelShares.h"

#include "qc/Support/Error.h"
#include "qc/Support/OutputFile.h"

#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Path.h"

using llvm::Error;
using llvm::Expected;

namespace qc::search {

Error Search::openSpace(const Shape &shape) {
  size_t number = spaces.size();
  bench.begin(number == 0 ? "reading" : "shapes");
  auto candidates = Candidates::open(request, shape, number, hooks);
  if (!candidates)
    return candidates.takeError();
  if (number == 0)
    if (Error error = bench.open(**candidates))
      return error;
  auto space = Space::open(bench, std::move(*candidates), number);
  if (!space)
    return space.takeError();
  spaces.push_back(std::move(*space));
  return Error::success();
}

Error Search::searchAll() {
  if (Error error = whole().explore())
    return error;
  const Trial *plain = whole().uniformTrial(0);
  if (!request.limit && !bench.isInside(*plain))
    return Error::success();
  for (const Shape &shape : Shape::of(request)) {
    if (!shape.isAuto()) {
      if (Error error = exploreShape(shape))
        return error;
      continue;
    }
    auto found = ChannelShares(bench, whole()).find();
    if (!found)
      return found.takeError();
    for (const Shape &each : *found)
      if (Error error = exploreShape(each))
        return error;
  }
  return checkSize();
}

Error Search::exploreShape(const Shape &shape) {
  if (Error error = bench.checkGoesOn(0))
    return error;
  if (Error error = openSpace(shape))
    return error;
  return spaces.back()->explore();
}

Error Search::checkSize() const {
  if (!request.limit || best())
    return Error::success();
  double least = HUGE_VAL;
  for (const auto &space : spaces)
    least = std::min(least, space->leastSize().value_or(HUGE_VAL));
  const SizeLimit &limit = *request.limit;
  return inputError("bad-option", "", "--max-size", limit.text,
                    (limit.bitsPerWeight
                         ? llvm::formatv("{0:f2}bits", least).str()
                         : costText(least, /*bytes=*/true)) +
                        " or more, the smallest with these candidates");
}

const Trial *Search::best() const {
  const Trial *best = nullptr;
  for (const auto &space : spaces) {
    const Trial *own = space->best();
    if (own && (!best || bench.isBetter(*own, *best)))
      best = own;
  }
  return best;
}

bool Search::isUniform(const Trial &trial) const {
  const Candidates &candidates = spaceOf(trial).candidates();
  for (size_t i = 0; i < candidates.names().size(); ++i)
    if (trial.assignment == candidates.uniform(i))
      return true;
  return false;
}

std::string Search::nameOf(const Trial &trial) const {
  const Candidates &candidates = spaceOf(trial).candidates();
  for (size_t i = 0; i < candidates.names().size(); ++i)
    if (trial.assignment == candidates.uniform(i))
      return candidates.shape().named(candidates.names()[i]);
  return candidates.shape().named("mixture");
}

Expected<PrecisionSearchResult> Search::run() {
  if (Error error = openSpace(Shape()))
    return std::move(error);
  Error error = searchAll();
  chosen = best();
  bool stopped = bench.isInterrupted() || bench.isOutOfTime();
  if (error && !chosen && bench.isOutOfTime()) {
    llvm::consumeError(std::move(error));
    return inputError("time-limit", "", "--time-limit",
                      "an end before any network was measured",
                      "more time, or --resume to go on");
  }
  if (error && (!chosen || !stopped))
    return std::move(error);
  // The best so far.
  llvm::consumeError(std::move(error));
  if (Error error = takeTurns())
    return std::move(error);
  chooseSpace();
  preferUniform();
  PrecisionSearchResult result;
  result.interrupted = bench.isInterrupted();
  result.facts.unfinished = bench.isInterrupted() || bench.isOutOfTime();
  llvm::SmallString<128> path(whole().candidates().folder());
  llvm::sys::path::append(path, "recipe.json");
  result.recipe = path.str().str();
  auto recipe = spaceOf(*chosen).candidates().recipe(chosen->assignment);
  if (!recipe)
    return recipe.takeError();
  std::string text =
      llvm::formatv("{0:2}", llvm::json::Value(std::move(*recipe))).str();
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
