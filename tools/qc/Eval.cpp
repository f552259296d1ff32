//===- Eval.cpp - qc eval and qc compare ----------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A metric on data, of one network or of several on the same samples.
//
//===----------------------------------------------------------------------===//

#include "Language.h"
#include "Process.h"
#include "Table.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

using namespace qc;
using namespace qc::driver;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;
namespace json = llvm::json;

namespace {
struct EvalCommand {
  std::vector<std::string> models;
  std::string data, metric, reference, labels = "labels", metricCommand, within;
  int64_t samples = -1;
  int threads = 1;
  /// Of a .jsonl.
  QuestionsRequest questions;
  CompileArguments arguments;
};
} // namespace

static Expected<std::unique_ptr<Network>> open(Driver &driver,
                                               const EvalCommand &command,
                                               StringRef path,
                                               const CompileOptions &options) {
  LoadOptions load;
  load.threads = command.threads;
  return openNetwork(driver, path, options, load, command.data);
}

/// Runs one network on the data.
static Expected<Evaluation> evaluateOne(Driver &driver,
                                        const EvalCommand &command,
                                        const MetricSpec &spec, Network &net,
                                        Network *reference) {
  DataOptions options;
  options.labels = command.labels;
  options.limit = command.samples;
  auto data = DataSet::open(command.data, net.inputs(), options);
  if (!data)
    return data.takeError();
  auto result =
      evaluate(net, reference, **data, spec, [&](int64_t done, int64_t all) {
        driver.progress.update("evaluating", static_cast<double>(done) / all);
        return !interrupted();
      });
  if (result && result->interrupted)
    return inputError("interrupted", "", "", "an interrupt", "");
  return result;
}

static Expected<int> evalJsonLines(Driver &driver, EvalCommand &command) {
  QuestionsRequest &request = command.questions;
  request.model = command.models.front();
  request.reference = command.reference;
  request.data = command.data;
  request.metric = command.metric;
  request.context = command.arguments.options.context;
  request.samples = command.samples;
  request.threads = command.threads;
  return evalQuestions(driver, request);
}

static Expected<int> eval(Driver &driver, EvalCommand &command) {
  if (llvm::sys::path::extension(command.data) == ".jsonl")
    return evalJsonLines(driver, command);
  std::optional<Band> band;
  if (!command.within.empty()) {
    auto parsed = Band::parse(command.within);
    if (!parsed)
      return parsed.takeError();
    band = std::move(*parsed);
    if (command.metric.empty())
      command.metric = band->metric.text;
    if (command.metric != band->metric.text)
      return inputError("bad-option", "", "--metric", command.metric,
                        band->metric.text + ", as --within has it");
    if (!band->absolute && command.reference.empty())
      return inputError("bad-option", "", "--reference", "no reference",
                        "the model that 'ref' in the band is");
  }
  if (command.metric.empty() && command.metricCommand.empty())
    return inputError("bad-option", "", "--metric", "none", "a metric");
  auto options = command.arguments.finish();
  if (!options)
    return options.takeError();
  auto spec = MetricSpec::parse(command.metric, command.metricCommand);
  if (!spec)
    return spec.takeError();
  if (band)
    spec->wantsHigher = band->metric.wantsHigher;
  if (spec->needsReference() && command.reference.empty())
    return inputError("bad-option", "", "--reference", "no reference",
                      "the model that " + spec->text + " compares with");
  auto net = open(driver, command, command.models.front(), *options);
  if (!net)
    return net.takeError();
  std::unique_ptr<Network> reference;
  if (!command.reference.empty()) {
    auto opened = open(driver, command, command.reference, *options);
    if (!opened)
      return opened.takeError();
    reference = std::move(*opened);
  }
  auto result = evaluateOne(driver, command, *spec, **net, reference.get());
  if (!result)
    return result.takeError();
  driver.progress.clear();
  // What a program says of its metric is known now.
  *spec = result->records.spec;
  MetricValue value = result->records.value();
  json::Object object = valueJson(value);
  object["metric"] = spec->text;
  object["samples"] = value.samples;
  bool compared = result->reference.samples() > 0;
  MetricValue difference;
  if (compared) {
    difference = result->records.minus(result->reference);
    object["reference"] = valueJson(result->reference.value());
    object["difference"] = valueJson(difference);
  }
  std::optional<Verdict> verdict;
  if (band) {
    verdict = judge(*band, result->records, result->reference);
    object["verdict"] = verdictJson(*band, *verdict);
  }
  int code =
      verdict && verdict->kind == Verdict::Kind::NotMet ? ExitBand : ExitDone;
  if (driver.json) {
    driver.print(std::move(object));
    return code;
  }
  llvm::outs() << valueText(*spec, value) << "\n";
  if (compared)
    llvm::outs() << "reference "
                 << metricText(*spec, result->reference.value().value)
                 << ", difference " << intervalText(*spec, difference) << "\n";
  if (verdict)
    llvm::outs() << band->text << ": " << nameOf(verdict->kind) << "\n";
  return code;
}

static void addData(CLI::App &command, EvalCommand &state) {
  command.add_option("--metric", state.metric,
                     "top1, top5, mse, sqnr, psnr, cosine, agreement, kl, "
                     "spearman-cosine, or with an output: top1(logits)");
  command.add_option("--metric-command", state.metricCommand,
                     "A program that computes the metric: CMD OUTPUTS.npz "
                     "DATA.npz prints {\"value\", \"higher_is_better\", "
                     "\"per_sample\"}");
  command.add_option("--labels", state.labels,
                     "Array with the labels (labels)");
  command.add_option("--samples", state.samples, "Use the first N samples");
  command.add_option("--threads", state.threads, "Threads to run on (1)")
      ->check(CLI::Range(1, 1024));
}

void qc::driver::addEval(CLI::App &app, Driver &driver) {
  CLI::App *command = app.add_subcommand("eval", "Measure quality on data");
  auto state = std::make_shared<EvalCommand>();
  state->models.resize(1);
  command->add_option("MODEL", state->models[0], "A folder of qc, or a model")
      ->required();
  command
      ->add_option("--data", state->data,
                   "An .npz or a folder of them; language models: a .jsonl")
      ->required();
  addData(*command, *state);
  command->add_option("--reference", state->reference,
                      "A model or folder to compare with, paired");
  command->add_option("--within", state->within,
                      "Exit code 2 if the value is outside this band: 'top1 >= "
                      "88%' or, with --reference, 'top1 >= ref - 1pp'");
  command
      ->add_option("-n", state->questions.most,
                   "exact-match: most tokens of an answer (64)")
      ->check(CLI::Range(1, INT32_MAX));
  command
      ->add_option("--stop", state->questions.stops,
                   "exact-match: text that ends an answer (a line break)")
      ->allow_extra_args(false);
  state->arguments.addModelOptions(*command);
  driver.addCommon(*command);
  command->callback([&driver, state] {
    driver.action = [&driver, state] { return eval(driver, *state); };
  });
}

//===----------------------------------------------------------------------===//
// qc compare
//===----------------------------------------------------------------------===//

namespace {
/// One line of the comparison.
struct Candidate {
  std::string path;
  uint64_t bytes = 0, arena = 0;
  BenchTimes times;
  bool emulated = false;
  MetricRecords records;
};
} // namespace

static uint64_t bytesOf(StringRef path, const LoadedNet &net) {
  if (isFolderOfQc(path))
    if (const json::Object *weights = net.manifest().getObject("weights"))
      return static_cast<uint64_t>(weights->getInteger("bytes").value_or(0));
  uint64_t bytes = 0;
  return llvm::sys::fs::file_size(path, bytes) ? 0 : bytes;
}

static Expected<Candidate> measure(Driver &driver, const EvalCommand &command,
                                   StringRef path,
                                   const CompileOptions &options,
                                   const std::optional<MetricSpec> &spec,
                                   Network *reference) {
  LoadOptions load;
  load.threads = command.threads;
  auto opened = openLoaded(driver, path, options, load, command.data);
  if (!opened)
    return opened.takeError();
  LoadedNet &net = **opened;
  Candidate candidate;
  candidate.path = path.str();
  candidate.bytes = bytesOf(path, net);
  candidate.arena = net.arenaBytes();
  candidate.emulated = net.emulated();
  auto inputs = benchInputs(net);
  if (!inputs)
    return inputs.takeError();
  driver.progress.update("measuring", 0);
  BenchRequest request;
  request.milliseconds = 1000;
  auto times = net.bench(*inputs, request);
  if (!times)
    return times.takeError();
  candidate.times = std::move(*times);
  if (spec) {
    auto result = evaluateOne(driver, command, *spec, net,
                              spec->needsReference() ? reference : nullptr);
    if (!result)
      return result.takeError();
    candidate.records = std::move(result->records);
  }
  return candidate;
}

static void printComparison(Driver &driver,
                            const std::vector<Candidate> &candidates,
                            const std::optional<MetricSpec> &spec) {
  Table table({"", "bytes", "memory", "latency", spec ? spec->text : "",
               spec ? "difference to the first (95 %)" : ""});
  json::Array rows;
  const Candidate &first = candidates.front();
  for (const Candidate &candidate : candidates) {
    json::Object row{{"path", json::fixUTF8(candidate.path)},
                     {"bytes", candidate.bytes},
                     {"memory", candidate.arena},
                     {"latency_ms", candidate.times.median()},
                     {"emulated", candidate.emulated}};
    std::string value, difference;
    if (spec) {
      MetricValue metric = candidate.records.value();
      row["metric"] = valueJson(metric);
      value = metricText(*spec, metric.value);
      if (&candidate != &first) {
        MetricValue paired = candidate.records.minus(first.records);
        row["difference"] = valueJson(paired);
        difference = intervalText(*spec, paired);
      }
    }
    table.add({candidate.path, bytesText(candidate.bytes),
               bytesText(candidate.arena),
               millisecondsText(candidate.times.median()) +
                   (candidate.emulated ? " (emulated)" : ""),
               value, difference});
    rows.push_back(std::move(row));
  }
  driver.progress.clear();
  if (!driver.json) {
    llvm::outs() << table.text();
    return;
  }
  json::Object object{{"candidates", std::move(rows)}};
  if (spec) {
    object["metric"] = spec->text;
    object["samples"] = first.records.samples();
  }
  driver.print(std::move(object));
}

static Expected<int> compare(Driver &driver, EvalCommand &command) {
  auto options = command.arguments.finish();
  if (!options)
    return options.takeError();
  if (command.data.empty() != command.metric.empty())
    return inputError("bad-option", "", "--data",
                      "one of --data and --metric alone", "both");
  std::optional<MetricSpec> spec;
  std::unique_ptr<Network> reference;
  if (!command.metric.empty()) {
    auto parsed = MetricSpec::parse(command.metric);
    if (!parsed)
      return parsed.takeError();
    spec = *parsed;
    // Metrics that compare do so with the first of the list.
    if (spec->needsReference()) {
      auto opened = open(driver, command, command.models.front(), *options);
      if (!opened)
        return opened.takeError();
      reference = std::move(*opened);
    }
  }
  std::vector<Candidate> candidates;
  for (const std::string &path : command.models) {
    auto candidate =
        measure(driver, command, path, *options, spec, reference.get());
    if (!candidate)
      return candidate.takeError();
    candidates.push_back(std::move(*candidate));
  }
  printComparison(driver, candidates, spec);
  return ExitDone;
}

void qc::driver::addCompare(CLI::App &app, Driver &driver) {
  CLI::App *command = app.add_subcommand(
      "compare", "One table: bytes, memory, latency, quality");
  auto state = std::make_shared<EvalCommand>();
  command
      ->add_option("MODEL", state->models,
                   "Folders of qc and models; the first is compared with")
      ->required();
  command->add_option("--data", state->data, "An .npz or a folder of them");
  addData(*command, *state);
  state->arguments.addModelOptions(*command);
  driver.addCommon(*command);
  command->callback([&driver, state] {
    driver.action = [&driver, state] { return compare(driver, *state); };
  });
}
