//===- Judge.cpp - What was chosen, on data that nobody chose by ----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Search.h"

#include "llvm/Support/FormatVariadic.h"

using llvm::Error;
using llvm::StringRef;
namespace json = llvm::json;

namespace qc::search {

/// So many layers are named as those that keep a network out of its band.
static constexpr size_t namedLayers = 3;

Error Search::judgeBest(PrecisionSearchResult &result) {
  bench.begin("judging");
  auto net = spaceOf(*chosen).candidates().compile(chosen->assignment);
  if (!net)
    return net.takeError();
  auto reference = bench.referenceOf(Part::Verdict);
  if (!reference)
    return reference.takeError();
  // A user who has interrupted still wants to know.
  auto measured = bench.data().measure(**net, Part::Verdict, [&](double done) {
    bench.goesOn(done);
    return true;
  });
  if (!measured)
    return measured.takeError();
  const MetricRecords &records = measured->records;
  result.verdict = judge(request.band, records, **reference);
  Verdict &verdict = result.verdict;
  // A network does not differ from itself by chance.
  if (chosen->isReference() && !request.band.absolute &&
      verdict.kind == Verdict::Kind::NotProven) {
    verdict.kind = Verdict::Kind::Met;
    verdict.moreSamples.reset();
  }
  SearchFacts &facts = result.facts;
  facts.metric = records.spec;
  facts.quality = records.value();
  if ((*reference)->samples() > 0) {
    facts.referenceQuality = (*reference)->value();
    facts.difference = records.minus(**reference);
  }
  if (!request.hasBand) {
    verdict.kind = Verdict::Kind::Met;
    return Error::success();
  }
  facts.verdict = verdictJson(request.band, verdict);
  return Error::success();
}

/// A note about the change that wins the most quality for its cost.
static std::string cheapestFix(const Candidates &candidates, const Model &model,
                               const Assignment &assignment) {
  double best = 0;
  std::string text;
  for (size_t group = 0; group < assignment.size(); ++group)
    for (size_t next = 0; next < candidates.names().size(); ++next) {
      auto now = model.of(group, assignment[group]),
           other = model.of(group, next);
      if (!now || !other || other->loss >= now->loss)
        continue;
      double cost = std::max(other->cost - now->cost, 1e-9);
      double gain = (now->loss - other->loss) / cost;
      if (gain <= best)
        continue;
      best = gain;
      text = "cheapest fix: layer '" + candidates.groups()[group].layers[0] +
             "' in " + candidates.names()[next] + ", for " +
             model.differenceText(*other, *now) +
             (other->cost < now->cost ? " less" : " more");
    }
  return text;
}

/// Names the layers that lose the most.
static std::string blockingLayers(const Candidates &candidates,
                                  const Model &model,
                                  const Assignment &assignment) {
  std::vector<std::pair<double, size_t>> losses;
  for (size_t group = 0; group < assignment.size(); ++group)
    if (auto now = model.of(group, assignment[group]); now && now->loss > 0)
      losses.push_back({-now->loss, group});
  std::sort(losses.begin(), losses.end());
  losses.resize(std::min(losses.size(), namedLayers));
  std::string text;
  for (auto [loss, group] : losses)
    text += (text.empty() ? "'" : ", '") +
            candidates.groups()[group].layers[0] + "' (" +
            candidates.names()[assignment[group]] + ")";
  return text;
}

void Search::explain(PrecisionSearchResult &result) const {
  const Verdict &verdict = result.verdict;
  std::vector<std::string> &notes = result.notes;
  if (bench.isOutOfTime())
    notes.push_back("the time limit was reached; this is the best until then, "
                    "and --resume goes on");
  if (!request.hasBand)
    return;
  if (verdict.kind == Verdict::Kind::NotProven)
    notes.push_back(unprovenNote(request.band, verdict));
  if (verdict.kind != Verdict::Kind::NotMet)
    return;
  notes.push_back(unmetNote(request.band, result.facts.quality,
                            result.facts.referenceQuality));
  const Trial *plain = whole().uniformTrial(0);
  if (plain && !bench.isInside(*plain)) {
    notes.push_back("float32 itself is outside the band, so that no precision "
                    "can meet it");
    return;
  }
  const std::optional<Model> &model = spaceOf(*chosen).model();
  if (!model)
    return;
  const Candidates &candidates = spaceOf(*chosen).candidates();
  std::string blocking = blockingLayers(candidates, *model, chosen->assignment);
  if (!blocking.empty())
    notes.push_back("what loses the most: " + blocking);
  std::string fix = cheapestFix(candidates, *model, chosen->assignment);
  if (!fix.empty())
    notes.push_back(fix);
}

} // namespace qc::search
