//===- SearchOptions.cpp - The options of a search ------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SearchOptions.h"

#include "Process.h"
#include "qc/Import/Llama/Import.h"

#include "llvm/Support/Path.h"

using namespace qc;
using namespace qc::driver;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;

void SearchArguments::add(CLI::App &command) {
  command.add_option("--within", within,
                     "The band of quality, 'top1 >= ref - 1pp'");
  command.add_option("--verdict-data", verdictData,
                     "Data to judge on (auto: half of --eval)");
  command.add_option("--objective", objective,
                     "auto: latency (default) or size");
  command.add_option("--max-size", maxSize,
                     "auto: the least loss in weights of 35G, 800M, 3500K or "
                     "4.5bits");
  command.add_option("--time-limit", timeLimit,
                     "auto: take the best after this time: 90s, 10m, 2h");
  command.add_option("--candidates", candidates,
                     "auto: precisions to try beside fp32, and what to take "
                     "out: w8a8,w4-g32,fp32/channels:auto");
}

bool SearchArguments::given() const {
  for (const std::string *text :
       {&within, &verdictData, &objective, &maxSize, &timeLimit, &candidates})
    if (!text->empty())
      return true;
  return false;
}

/// 90s, 10m or 2h.
static Expected<double> parseTime(StringRef text) {
  StringRef number = text;
  double unit = number.consume_back("s")   ? 1
                : number.consume_back("m") ? 60
                : number.consume_back("h") ? 3600
                                           : 0;
  double value = 0;
  if (unit == 0 || number.getAsDouble(value) || !(value > 0) || value > 1e6)
    return inputError("bad-option", "", "--time-limit", printable(text),
                      "a time such as 90s, 10m or 2h");
  return value * unit;
}

static Error badSearch(StringRef option, const llvm::Twine &found,
                       const llvm::Twine &expected) {
  return inputError("bad-option", "", option, found, expected);
}

static bool isQuestions(StringRef data) {
  return llvm::sys::path::extension(data) == ".jsonl";
}

/// What the search does not do yet, and data of another kind than the model.
static Error checkBuilt(const BuildRequest &build, const Band &band) {
  const CompileOptions &options = build.options;
  if (options.kernels == "onednn")
    return badSearch("--kernels", "onednn with --precision auto",
                     "auto, which takes oneDNN where it is faster, or "
                     "generated");
  StringRef ending = llvm::sys::path::extension(build.evalData);
  if (!llama::isLanguageModel(build.model)) {
    if (ending == ".txt" || ending == ".jsonl")
      return badSearch("--eval", printable(build.evalData),
                       "arrays for a model that is no language model");
    if (band.metric.kind == MetricSpec::Kind::Perplexity)
      return badSearch("--within", "ppl",
                       "a metric of outputs: the model is no language model");
    return Error::success();
  }
  using Kind = MetricSpec::Kind;
  if (isQuestions(build.evalData))
    return band.metric.isOfQuestions()
               ? Error::success()
               : badSearch("--within", band.metric.text,
                           "exact-match, choice or choice-sum for questions");
  if (ending != ".txt")
    return badSearch("--eval", printable(build.evalData),
                     "a .txt or .jsonl for a language model");
  if (band.metric.kind != Kind::Perplexity && band.metric.kind != Kind::Kl &&
      band.metric.kind != Kind::Agreement)
    return badSearch("--within", band.metric.text,
                     "ppl, kl or agreement for a language model on a text");
  return Error::success();
}

/// The band where there is only a limit: what is measured.
static Expected<Band> bandOfLimit(const BuildRequest &build) {
  if (llama::isLanguageModel(build.model) && build.metric.empty() &&
      !isQuestions(build.evalData))
    return Band::parse("ppl <= ref");
  if (build.metric.empty() && build.metricCommand.empty())
    return badSearch("--max-size", "no metric",
                     "--metric, or a band, --within");
  auto metric = MetricSpec::parse(build.metric, build.metricCommand);
  if (!metric)
    return metric.takeError();
  return Band::parse(metric->text +
                     (metric->higherIsBetter() ? " >= " : " <= ") +
                     (metric->needsReference() ? "0" : "ref"));
}

Expected<Band> SearchArguments::bandOf(const BuildRequest &build) const {
  auto band = within.empty() ? bandOfLimit(build) : Band::parse(within);
  if (!band)
    return band.takeError();
  if (!build.metric.empty() && build.metric != band->metric.text)
    return badSearch("--metric", build.metric,
                     band->metric.text + ", as --within has it");
  if (Error error = band->metric.setCommand(build.metricCommand))
    return std::move(error);
  return band;
}

Error SearchArguments::setBand(BuildRequest &build) const {
  if (!objective.empty() || !timeLimit.empty() || !candidates.empty() ||
      !maxSize.empty())
    return badSearch("--objective, --max-size, --time-limit, --candidates",
                     "one of them with --precision " + build.options.precision,
                     "--precision auto");
  if (within.empty()) {
    if (!verdictData.empty())
      return badSearch("--verdict-data", "data without a band", "--within");
    bool measured = !build.metric.empty() || !build.metricCommand.empty();
    if (build.evalData.empty() == measured)
      return badSearch("--eval", "one of --eval and --metric alone", "both");
    return Error::success();
  }
  auto band = bandOf(build);
  if (!band)
    return band.takeError();
  if (!verdictData.empty())
    build.evalData = verdictData;
  if (build.evalData.empty())
    return badSearch("--within", "no data to judge on", "--eval DATA");
  build.metric = band->metric.text;
  build.band = std::move(*band);
  return Error::success();
}

Expected<PrecisionSearchRequest>
SearchArguments::finish(BuildRequest build) const {
  PrecisionSearchRequest request;
  if (within.empty() && maxSize.empty())
    return badSearch("--precision auto", "no band of quality",
                     "--within, as in --within 'top1 >= ref - 1pp', or "
                     "--max-size");
  auto band = bandOf(build);
  if (!band)
    return band.takeError();
  if (build.evalData.empty())
    return badSearch("--precision auto", "no data to search by", "--eval DATA");
  if (!build.options.recipeFile.empty())
    return badSearch("--recipe", "a recipe with --precision auto",
                     "one of them; --layer fixes layers");
  if (!objective.empty() && objective != "latency" && objective != "size")
    return badSearch("--objective", objective, "latency or size");
  if (Error error = checkBuilt(build, *band))
    return std::move(error);
  if (!maxSize.empty()) {
    auto limit = SizeLimit::parse(maxSize);
    if (!limit)
      return limit.takeError();
    if (objective == "latency")
      return badSearch("--objective", "latency with --max-size",
                       "size: the least loss within it is looked for");
    request.limit = std::move(*limit);
  }
  if (!timeLimit.empty()) {
    auto seconds = parseTime(timeLimit);
    if (!seconds)
      return seconds.takeError();
    request.seconds = *seconds;
  }
  llvm::SmallVector<StringRef> names;
  StringRef(candidates).split(names, ',', -1, /*KeepEmpty=*/false);
  for (StringRef name : names)
    request.candidates.push_back(name.str());
  request.band = std::move(*band);
  request.verdictData = verdictData;
  request.hasBand = !within.empty();
  request.forSize = objective == "size" || request.limit;
  request.build = std::move(build);
  request.build.metric = request.band.metric.text;
  return request;
}

Error qc::driver::searchBest(Driver &driver, const SearchArguments &arguments,
                             BuildRequest &request,
                             PrecisionSearchResult &found) {
  auto search = arguments.finish(request);
  if (!search)
    return search.takeError();
  // The first interrupt ends the search, not the process.
  deferInterrupts();
  auto result = searchPrecision(*search, driver.hooks());
  if (!result)
    return result.takeError();
  found = std::move(*result);
  request.options.precision = "fp32";
  request.options.recipeFile = found.recipe;
  request.judgedData =
      search->verdictData.empty() ? request.evalData : search->verdictData;
  request.judgedHalf = search->verdictData.empty();
  request.evalData.clear();
  request.metric.clear();
  request.search = &found.facts;
  return Error::success();
}

BuildHooks qc::driver::hooksAfterSearch(Driver &driver) {
  BuildHooks hooks = driver.hooks();
  hooks.progress = [&driver](StringRef what, double done) {
    driver.progress.update(what, done);
    return true;
  };
  return hooks;
}

int qc::driver::exitCodeOf(const Verdict &verdict, bool strict) {
  using Kind = Verdict::Kind;
  return verdict.kind == Kind::NotMet ||
                 (strict && verdict.kind == Kind::NotProven)
             ? ExitBand
             : ExitDone;
}

int qc::driver::exitCodeOf(const PrecisionSearchResult &found, bool strict) {
  return found.interrupted ? ExitInterrupted
                           : exitCodeOf(found.verdict, strict);
}
