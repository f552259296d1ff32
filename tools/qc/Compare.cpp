//===- Compare.cpp - qc compare -------------------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Several networks in one table. Times are taken in turns, so that what
// disturbs one disturbs all, and compared pair by pair; metrics are of the same
// samples.
//
//===----------------------------------------------------------------------===//

#include "Compare.h"
#include "Process.h"
#include "Table.h"

#include "qc/Import/Llama/Import.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

#include <algorithm>

using namespace qc;
using namespace qc::driver;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;
namespace json = llvm::json;

namespace {
/// A network of the comparison.
struct Candidate {
  std::string path;
  std::unique_ptr<LoadedNet> net;
  std::vector<HostTensor> inputs;
  /// Milliseconds of all runs, and their median in each round.
  std::vector<double> runs, rounds;
  MetricRecords records;
};
} // namespace

/// Rounds of measuring, and what each network runs in one.
static constexpr int compareRounds = 15;
static constexpr int64_t roundMilliseconds = 60;

/// Bytes of a file, or of the files in a folder that end in `ending`.
static uint64_t bytesOnDisk(StringRef path, StringRef ending) {
  uint64_t bytes = 0, all = 0;
  if (!llvm::sys::fs::is_directory(path))
    return llvm::sys::fs::file_size(path, bytes) ? 0 : bytes;
  std::error_code code;
  for (llvm::sys::fs::directory_iterator entry(path, code), end;
       !code && entry != end; entry.increment(code))
    if (StringRef(entry->path()).ends_with(ending) &&
        !llvm::sys::fs::file_size(entry->path(), bytes))
      all += bytes;
  return all;
}

/// bytes.artifact of report.json; nothing where there is none.
static std::optional<int64_t> artifactBytes(StringRef folder) {
  llvm::SmallString<128> path(folder);
  llvm::sys::path::append(path, "report.json");
  auto buffer = llvm::MemoryBuffer::getFile(path);
  if (!buffer)
    return std::nullopt;
  auto report = json::parse((*buffer)->getBuffer());
  if (!report) {
    llvm::consumeError(report.takeError());
    return std::nullopt;
  }
  const json::Object *object = report->getAsObject();
  const json::Object *bytes = object ? object->getObject("bytes") : nullptr;
  return bytes ? bytes->getInteger("artifact") : std::nullopt;
}

ComparedSizes qc::driver::sizesOf(StringRef path, const LoadedNet &net) {
  ComparedSizes sizes;
  bool artifact = isFolderOfQc(path);
  sizes.files = bytesOnDisk(path, artifact ? "" : ".safetensors");
  if (auto bytes = artifact ? artifactBytes(path) : std::nullopt)
    sizes.files = static_cast<uint64_t>(*bytes);
  sizes.weights = sizes.files;
  const json::Object *weights =
      artifact ? net.manifest().getObject("weights") : nullptr;
  if (weights)
    sizes.weights =
        static_cast<uint64_t>(weights->getInteger("bytes").value_or(0));
  // The memory of a language model depends on its sessions: at the most.
  auto arena = net.manifest().getInteger("arena_bytes");
  sizes.arena = net.arenaBytes() ? net.arenaBytes()
                                 : static_cast<uint64_t>(arena.value_or(0));
  return sizes;
}

json::Object qc::driver::sizesJson(StringRef path, const ComparedSizes &sizes) {
  return json::Object{{"path", json::fixUTF8(path)},
                      {"bytes", sizes.weights},
                      {"artifact", sizes.files},
                      {"memory", sizes.arena}};
}

/// What the records say beside those of the first, as JSON and as two cells.
static std::pair<std::string, std::string>
addQuality(const MetricRecords &records, const MetricRecords &first,
           json::Object &row) {
  MetricValue value = records.value();
  row["metric"] = valueJson(value);
  std::string text = metricText(records.spec, value.value);
  if (&records == &first)
    return {text, ""};
  MetricValue paired = records.minus(first);
  row["difference"] = valueJson(paired);
  return {text, intervalText(records.spec, paired)};
}

std::string qc::driver::ratioText(const MetricValue &ratio) {
  return llvm::formatv("{0:f3} [{1:f3}, {2:f3}]", ratio.value, ratio.low,
                       ratio.high);
}

static Error openAll(Driver &driver, const CompareCommand &command,
                     const CompileOptions &options,
                     std::vector<Candidate> &candidates) {
  LoadOptions load;
  load.threads = command.threads;
  for (const std::string &path : command.models) {
    auto net = openLoaded(driver, path, options, load, command.data);
    if (!net)
      return net.takeError();
    if (isLanguageModel(**net))
      return inputError("model-kind", path, "", "a language model",
                        "a network like the first");
    auto inputs = benchInputs(**net);
    if (!inputs)
      return inputs.takeError();
    candidates.push_back(
        {path, std::move(*net), std::move(*inputs), {}, {}, {}});
  }
  return Error::success();
}

static Error timeAll(Driver &driver, std::vector<Candidate> &candidates) {
  BenchRequest request;
  request.milliseconds = roundMilliseconds;
  request.leastRuns = 2;
  for (int round = 0; round < compareRounds; ++round) {
    driver.progress.update("measuring",
                           static_cast<double>(round) / compareRounds);
    for (Candidate &candidate : candidates) {
      if (interrupted())
        return inputError("interrupted", "", "", "an interrupt", "");
      auto times = candidate.net->bench(candidate.inputs, request);
      if (!times)
        return times.takeError();
      llvm::append_range(candidate.runs, times->runs);
      candidate.rounds.push_back(times->median());
    }
  }
  return Error::success();
}

static Error evaluateAll(Driver &driver, const CompareCommand &command,
                         const MetricSpec &spec,
                         std::vector<Candidate> &candidates) {
  for (Candidate &candidate : candidates) {
    DataOptions options;
    options.labels = command.labels;
    options.limit = command.samples;
    auto data = DataSet::open(command.data, candidate.net->inputs(), options);
    if (!data)
      return data.takeError();
    // Metrics that compare do so with the first of the list.
    LoadedNet *reference =
        spec.needsReference() ? candidates.front().net.get() : nullptr;
    auto result = evaluate(*candidate.net, reference, **data, spec,
                           [&](int64_t done, int64_t all) {
                             driver.progress.update(
                                 "evaluating", static_cast<double>(done) / all);
                             return !interrupted();
                           });
    if (!result)
      return result.takeError();
    if (result->interrupted)
      return inputError("interrupted", "", "", "an interrupt", "");
    candidate.records = std::move(result->records);
  }
  return Error::success();
}

static void printComparison(Driver &driver,
                            const std::vector<Candidate> &candidates,
                            bool measured) {
  const Candidate &first = candidates.front();
  const MetricSpec &spec = first.records.spec;
  std::vector<std::string> head = {
      "", "weights", "artifact", "memory", "latency", "of the first's (95 %)"};
  if (measured)
    head.insert(head.end(), {spec.text, "difference to the first (95 %)"});
  Table table(head);
  json::Array rows;
  for (const Candidate &candidate : candidates) {
    ComparedSizes sizes = sizesOf(candidate.path, *candidate.net);
    json::Object row = sizesJson(candidate.path, sizes);
    row["latency_ms"] = medianOf(candidate.runs).value;
    row["emulated"] = candidate.net->emulated();
    std::string ratio;
    if (&candidate != &first) {
      MetricValue times = pairedRatio(candidate.rounds, first.rounds);
      row["latency_ratio"] = valueJson(times);
      ratio = ratioText(times);
    }
    std::vector<std::string> cells = {
        candidate.path,
        bytesText(sizes.weights),
        bytesText(sizes.files),
        bytesText(sizes.arena),
        millisecondsText(medianOf(candidate.runs).value) +
            (candidate.net->emulated() ? " (emulated)" : ""),
        ratio};
    if (measured) {
      auto [value, difference] =
          addQuality(candidate.records, first.records, row);
      cells.insert(cells.end(), {value, difference});
    }
    table.add(cells);
    rows.push_back(std::move(row));
  }
  driver.progress.clear();
  if (!driver.json) {
    llvm::outs() << table.text();
    return;
  }
  json::Object object{{"candidates", std::move(rows)}};
  if (measured) {
    object["metric"] = spec.text;
    object["samples"] = first.records.samples();
  }
  driver.print(std::move(object));
}

static Expected<int> compareNets(Driver &driver,
                                 const CompareCommand &command) {
  CompileArguments arguments = command.arguments;
  auto options = arguments.finish();
  if (!options)
    return options.takeError();
  bool measured = !command.metric.empty() || !command.metricCommand.empty();
  if (command.data.empty() == measured)
    return inputError("bad-option", "", "--data",
                      "one of --data and --metric alone", "both");
  std::optional<MetricSpec> spec;
  if (measured) {
    auto parsed = MetricSpec::parse(command.metric, command.metricCommand);
    if (!parsed)
      return parsed.takeError();
    spec = *parsed;
  }
  std::vector<Candidate> candidates;
  if (Error error = openAll(driver, command, *options, candidates))
    return std::move(error);
  if (Error error = timeAll(driver, candidates))
    return std::move(error);
  if (spec)
    if (Error error = evaluateAll(driver, command, *spec, candidates))
      return std::move(error);
  printComparison(driver, candidates, measured);
  return ExitDone;
}

/// Whether a folder of qc or a model is a language model.
static bool isOfLanguage(StringRef path) {
  if (!isFolderOfQc(path))
    return llama::isLanguageModel(path);
  auto net = LoadedNet::open(path);
  if (net)
    return isLanguageModel(**net);
  // The error comes again where it is opened.
  llvm::consumeError(net.takeError());
  return false;
}

static Expected<int> compare(Driver &driver, const CompareCommand &command) {
  for (const std::string &path : command.models)
    if (Error error = checkModel(path, true))
      return std::move(error);
  return isOfLanguage(command.models.front())
             ? compareLanguageModels(driver, command)
             : compareNets(driver, command);
}

void qc::driver::addCompare(CLI::App &app, Driver &driver) {
  CLI::App *command = app.add_subcommand(
      "compare", "One table: bytes, memory, latency, quality");
  auto state = std::make_shared<CompareCommand>();
  command
      ->add_option("MODEL", state->models,
                   "Folders of qc and models; the first is compared with")
      ->required();
  command->add_option("--data", state->data,
                      "An .npz or a folder of them; language models: a .txt or "
                      "a .jsonl");
  addMetricOptions(*command, *state);
  state->arguments.addModelOptions(*command);
  driver.addCommon(*command);
  command->callback([&driver, state] {
    driver.action = [&driver, state] { return compare(driver, *state); };
  });
}
