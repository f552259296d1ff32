//===- SearchOptions.cpp - The options of a search ------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SearchOptions.h"

#include "llvm/Support/Path.h"

using namespace qc;
using namespace qc::driver;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;

void SearchArguments::add(CLI::App &command) {
  command.add_option("--within", within,
                     "auto: the band of quality, 'top1 >= ref - 1pp'");
  command.add_option("--verdict-data", verdictData,
                     "auto: data to judge on (half of --eval)");
  command.add_option("--objective", objective,
                     "auto: latency (default) or size");
  command.add_option("--time-limit", timeLimit,
                     "auto: take the best after this time: 90s, 10m, 2h");
  command.add_option("--candidates", candidates,
                     "auto: precisions to try beside fp32: w8a8,w8,w4-g32");
}

bool SearchArguments::given() const {
  for (const std::string *text :
       {&within, &verdictData, &objective, &timeLimit, &candidates})
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

/// What the search does not do yet.
static Error checkBuilt(const BuildRequest &build) {
  const CompileOptions &options = build.options;
  if (llvm::sys::path::extension(build.evalData) == ".jsonl" ||
      llvm::sys::path::extension(build.evalData) == ".txt")
    return notBuilt("--precision auto on texts");
  if (options.kernels != "generated")
    return notBuilt("--precision auto with --kernels " + options.kernels);
  for (const std::string &algorithm : options.algorithms)
    if (algorithm != "rtn" && algorithm != "mse")
      return notBuilt("--precision auto with --algorithm " + algorithm);
  return Error::success();
}

Expected<PrecisionSearchRequest>
SearchArguments::finish(BuildRequest build) const {
  auto missing = [](StringRef option, StringRef found, StringRef expected) {
    return inputError("bad-option", "", option, found, expected);
  };
  PrecisionSearchRequest request;
  if (within.empty())
    return missing("--precision auto", "no band of quality",
                   "--within, as in --within 'top1 >= ref - 1pp'");
  auto band = Band::parse(within);
  if (!band)
    return band.takeError();
  if (!build.metric.empty() && build.metric != band->metric.text)
    return missing("--metric", build.metric,
                   band->metric.text + ", as --within has it");
  if (build.evalData.empty())
    return missing("--precision auto", "no data to search by", "--eval DATA");
  if (!build.options.recipeFile.empty())
    return missing("--recipe", "a recipe with --precision auto",
                   "one of them; --layer fixes layers");
  if (!objective.empty() && objective != "latency" && objective != "size")
    return missing("--objective", objective, "latency or size");
  if (Error error = checkBuilt(build))
    return std::move(error);
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
  request.forSize = objective == "size";
  request.build = std::move(build);
  request.build.metric = request.band.metric.text;
  return request;
}
