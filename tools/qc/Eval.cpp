//===- Eval.cpp - qc eval -------------------------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A metric on data, of one network or of two on the same samples.
//
//===----------------------------------------------------------------------===//

#include "Compare.h"
#include "Process.h"
#include "Table.h"

#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

using namespace qc;
using namespace qc::driver;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;
namespace json = llvm::json;

namespace {
struct EvalCommand : MetricArguments {
  std::string model, reference, within;
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
  if (!command.within.empty() || !command.metricCommand.empty())
    return inputError("bad-option", command.data,
                      "--within or --metric-command", "questions",
                      "--metric and --reference alone");
  QuestionsRequest &request = command.questions;
  request.model = command.model;
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
  auto net = open(driver, command, command.model, *options);
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
  if (verdict && verdict->kind == Verdict::Kind::NotProven)
    driver.note(unprovenNote(*band, *verdict));
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

void qc::driver::addMetricOptions(CLI::App &command, MetricArguments &state) {
  command.add_option("--metric", state.metric,
                     "top1, top5, mse, sqnr, psnr, cosine, agreement, kl, "
                     "spearman-cosine, or with an output: top1(logits)");
  command.add_option("--metric-command", state.metricCommand,
                     "A program that computes the metric: CMD OUTPUTS.npz "
                     "DATA.npz prints {\"value\", \"higher_is_better\", "
                     "\"per_sample\"}");
  command.add_option("--labels", state.labels,
                     "Array with the labels (labels)");
  command.add_option("--samples", state.samples, "Use the first N samples")
      ->check(CLI::Range(1, INT32_MAX));
  command.add_option("--threads", state.threads, "Threads to run on (1)")
      ->check(CLI::Range(1, 1024));
}

void qc::driver::addEval(CLI::App &app, Driver &driver) {
  CLI::App *command = app.add_subcommand("eval", "Measure quality on data");
  auto state = std::make_shared<EvalCommand>();
  command->add_option("MODEL", state->model, "A folder of qc, or a model")
      ->required();
  command
      ->add_option("--data", state->data,
                   "An .npz or a folder of them; language models: a .jsonl")
      ->required();
  addMetricOptions(*command, *state);
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
