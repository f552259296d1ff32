//===- CompareLanguage.cpp - qc compare of language models ----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Models of any size and tokenizer in one table. Where tokenizers differ a
// token is not the same to all, and only bits per byte of the text compare.
//
//===----------------------------------------------------------------------===//

#include "Compare.h"
#include "Process.h"
#include "Table.h"

#include "qc/Execution/Perplexity.h"
#include "qc/Execution/Questions.h"

#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

#include <chrono>
#include <cmath>

using namespace qc;
using namespace qc::driver;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;
namespace json = llvm::json;

namespace {
/// A language model of the comparison.
struct LanguageCandidate {
  std::string path;
  std::unique_ptr<LanguageNet> net;
  /// Milliseconds a token, of the prompt and one by one, of each round.
  std::vector<double> prefill, decode;
  MetricRecords records;
  std::vector<int32_t> tokens;
  /// Of a text.
  std::optional<double> bitsPerByte;
};
} // namespace

/// Rounds of measuring: at least, at most, and how long others begin.
static constexpr int leastRounds = 5, mostRounds = 60;
static constexpr std::chrono::seconds roundSeconds(2);

/// Bytes of keys and values of a token, as the manifest has them.
static uint64_t cacheBytesOf(const LoadedNet &net) {
  const json::Object *facts = net.manifest().getObject("language_model");
  auto bytes = facts ? facts->getInteger("kv_bytes_per_token") : std::nullopt;
  return static_cast<uint64_t>(bytes.value_or(0));
}

static Error openModels(Driver &driver, const CompareCommand &command,
                        std::vector<LanguageCandidate> &candidates) {
  for (const std::string &path : command.models) {
    auto net = openLanguage(driver, path, command.threads,
                            command.arguments.options.context);
    if (!net)
      return net.takeError();
    LanguageCandidate candidate;
    candidate.path = path;
    candidate.net = std::move(*net);
    candidates.push_back(std::move(candidate));
  }
  return Error::success();
}

/// The tokens that all of them have room for.
static int64_t commonContext(const std::vector<LanguageCandidate> &candidates) {
  int64_t context = INT64_MAX;
  for (const LanguageCandidate &candidate : candidates)
    context = std::min(context, candidate.net->info().context);
  return context;
}

static Error timeModels(Driver &driver, int threads,
                        std::vector<LanguageCandidate> &candidates) {
  StepsRequest request;
  int64_t context = commonContext(candidates);
  request.prompt = static_cast<int32_t>(std::min<int64_t>(128, context / 2));
  request.tokens = static_cast<int32_t>(std::min<int64_t>(32, context / 2));
  request.threads = threads;
  request.milliseconds = 0;
  request.leastRuns = 1;
  auto end = std::chrono::steady_clock::now() + roundSeconds;
  for (int round = 0;
       round < leastRounds ||
       (round < mostRounds && std::chrono::steady_clock::now() < end);
       ++round)
    for (LanguageCandidate &candidate : candidates) {
      driver.progress.update("measuring",
                             static_cast<double>(round) / mostRounds);
      auto rates =
          measureSteps(*candidate.net, request, [] { return !interrupted(); });
      if (!rates)
        return rates.takeError();
      candidate.prefill.push_back(1e3 / rates->prefill.value_or(1));
      candidate.decode.push_back(1e3 / rates->decode.value_or(1));
    }
  return Error::success();
}

static Error scoreText(Driver &driver, const CompareCommand &command,
                       std::vector<LanguageCandidate> &candidates) {
  auto text = readText(command.data);
  if (!text)
    return text.takeError();
  PerplexityRequest request;
  request.context = std::min<int64_t>(commonContext(candidates), 2048);
  for (LanguageCandidate &candidate : candidates) {
    auto tokens = candidate.net->tokenize(*text, false);
    if (!tokens)
      return tokens.takeError();
    candidate.tokens = std::move(*tokens);
    const LanguageInfo &info = candidate.net->info();
    request.bos = info.bos >= 0;
    auto windows = cutWindows(candidate.tokens, info.bos, request);
    if (command.samples >= 0 &&
        static_cast<int64_t>(windows.size()) > command.samples)
      windows.resize(command.samples);
    if (windows.empty())
      return inputError("bad-data", command.data, "",
                        llvm::Twine(candidate.tokens.size()) + " tokens",
                        "enough for a window");
    auto found =
        measurePerplexity(*candidate.net, nullptr, windows, [&](double done) {
          driver.progress.update("scoring", done);
          return !interrupted();
        });
    if (!found)
      return found.takeError();
    if (command.samples < 0)
      candidate.bitsPerByte = std::log2(found->perplexity) *
                              static_cast<double>(found->tokens) /
                              static_cast<double>(text->size());
    candidate.records = std::move(found->records);
  }
  return Error::success();
}

static Error askAll(Driver &driver, const CompareCommand &command,
                    std::vector<LanguageCandidate> &candidates) {
  QuestionOptions options;
  options.limit = command.samples;
  if (!command.metric.empty()) {
    auto spec = MetricSpec::parse(command.metric);
    if (!spec)
      return spec.takeError();
    if (!spec->isOfQuestions())
      return inputError("bad-option", command.data, "--metric", spec->text,
                        "exact-match, choice or choice-sum for a .jsonl");
    options.metric = *spec;
  }
  for (LanguageCandidate &candidate : candidates) {
    auto result = askQuestions(*candidate.net, nullptr, command.data, options,
                               [&](double done) {
                                 driver.progress.update("asking", done);
                                 return !interrupted();
                               });
    if (!result)
      return result.takeError();
    candidate.records = std::move(result->records);
  }
  return Error::success();
}

/// A rate and its share of the first's, as JSON and as a cell.
static std::string addRate(StringRef name, const std::vector<double> &times,
                           const std::vector<double> &first,
                           json::Object &row) {
  std::vector<double> sorted = times;
  std::sort(sorted.begin(), sorted.end());
  double rate = 1e3 / sorted[sorted.size() / 2];
  row[(name + "_tokens_per_s").str()] = rate;
  std::string text = llvm::formatv("{0:f1}", rate).str();
  if (&times == &first)
    return text;
  MetricValue ratio = pairedRatio(first, times);
  row[(name + "_ratio").str()] = valueJson(ratio);
  return text + llvm::formatv(" ({0:f2}x)", ratio.value).str();
}

/// The metric, beside the first where both have the same samples.
static void addQuality(const LanguageCandidate &candidate,
                       const LanguageCandidate &first, json::Object &row,
                       std::vector<std::string> &cells) {
  const MetricRecords &records = candidate.records;
  MetricValue value = records.value();
  row["metric"] = valueJson(value);
  cells.push_back(metricText(records.spec, value.value));
  bool paired = &candidate != &first && candidate.tokens == first.tokens;
  if (paired)
    row["difference"] = valueJson(records.minus(first.records));
  cells.push_back(
      paired ? intervalText(records.spec, records.minus(first.records)) : "");
  if (!candidate.bitsPerByte)
    return;
  row["bits_per_byte"] = *candidate.bitsPerByte;
  cells.push_back(llvm::formatv("{0:f4}", *candidate.bitsPerByte));
}

static void printModels(Driver &driver, const CompareCommand &command,
                        const std::vector<LanguageCandidate> &candidates) {
  const LanguageCandidate &first = candidates.front();
  std::vector<std::string> head = {"",        "weights",       "artifact",
                                   "memory",  "cache / token", "prefill/s",
                                   "decode/s"};
  bool measured = !command.data.empty();
  if (measured)
    head.insert(head.end(),
                {first.records.spec.text, "difference to the first (95 %)"});
  if (first.bitsPerByte)
    head.push_back("bits/byte");
  Table table(head);
  json::Array rows;
  bool emulated = false;
  for (const LanguageCandidate &candidate : candidates) {
    ComparedSizes sizes = sizesOf(candidate.path, candidate.net->net());
    json::Object row = sizesJson(candidate.path, sizes);
    uint64_t cache = cacheBytesOf(candidate.net->net());
    row["kv_per_token"] = cache;
    row["emulated"] = candidate.net->net().emulated();
    emulated |= candidate.net->net().emulated();
    std::vector<std::string> cells = {
        candidate.path,
        bytesText(sizes.weights),
        bytesText(sizes.files),
        bytesText(sizes.arena),
        bytesText(cache),
        addRate("prefill", candidate.prefill, first.prefill, row),
        addRate("decode", candidate.decode, first.decode, row)};
    if (measured)
      addQuality(candidate, first, row, cells);
    table.add(cells);
    rows.push_back(std::move(row));
  }
  driver.progress.clear();
  bool mixed = llvm::any_of(candidates, [&](const LanguageCandidate &other) {
    return other.tokens != first.tokens;
  });
  if (mixed)
    driver.note("the models tokenize the text in different ways: compare bits "
                "per byte, not perplexities");
  if (emulated)
    driver.note("the CPU is emulated: these times are not those of a real one");
  if (!driver.json) {
    llvm::outs() << table.text();
    return;
  }
  json::Object object{{"candidates", std::move(rows)}};
  if (measured) {
    object["metric"] = first.records.spec.text;
    object["samples"] = first.records.samples();
  }
  driver.print(std::move(object));
}

Expected<int> qc::driver::compareLanguageModels(Driver &driver,
                                                const CompareCommand &command) {
  StringRef ending = llvm::sys::path::extension(command.data);
  bool text = ending == ".txt";
  if (!command.metricCommand.empty() ||
      (text && !command.metric.empty() && command.metric != "ppl"))
    return inputError("bad-option", command.data, "--metric",
                      command.metric + command.metricCommand,
                      "ppl for a .txt, or a .jsonl with exact-match or choice");
  if (!command.data.empty() && !text && ending != ".jsonl")
    return inputError("bad-data", command.data, "", "data of another kind",
                      "a .txt or a .jsonl for language models");
  std::vector<LanguageCandidate> candidates;
  if (Error error = openModels(driver, command, candidates))
    return std::move(error);
  if (Error error = timeModels(driver, command.threads, candidates))
    return std::move(error);
  if (!command.data.empty())
    if (Error error = text ? scoreText(driver, command, candidates)
                           : askAll(driver, command, candidates))
      return std::move(error);
  printModels(driver, command, candidates);
  return ExitDone;
}
