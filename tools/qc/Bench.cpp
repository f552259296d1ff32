//===- Bench.cpp - qc bench -----------------------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Latency of one run, or with --streams the throughput of several at a time; of
// language models, tokens per second.
//
//===----------------------------------------------------------------------===//

#include "Language.h"
#include "Table.h"

#include "qc/Execution/DataSet.h"
#include "qc/Import/Llama/Import.h"

#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"

using namespace qc;
using namespace qc::driver;
using llvm::Expected;

namespace {
struct BenchCommand {
  std::string model, inputs;
  LoadOptions load;
  int64_t batch = 0, seconds = 2;
  CompileArguments arguments;
  /// Of language models: tokens at once, and one by one after them.
  std::optional<int32_t> prompt, tokens;
};
} // namespace

/// The first sample of --inputs, or numbers of the tuned shapes.
static Expected<std::vector<HostTensor>> inputsOf(const BenchCommand &command,
                                                  const LoadedNet &net) {
  if (command.inputs.empty())
    return benchInputs(net, command.batch ? std::optional(command.batch)
                                          : std::nullopt);
  auto data = DataSet::open(command.inputs, net.inputs());
  if (!data)
    return data.takeError();
  return (*data)->sample(0);
}

static void report(Driver &driver, const BenchCommand &command,
                   const LoadedNet &net, const BenchTimes &times,
                   int64_t batch) {
  double throughput = times.runsPerSecond * static_cast<double>(batch);
  if (driver.json) {
    driver.print(llvm::json::Object{
        {"latency_ms", llvm::json::Object{{"median", times.median()},
                                          {"p95", times.p95()},
                                          {"min", times.runs.front()}}},
        {"threads", command.load.threads},
        {"streams", command.load.streams},
        {"batch", batch},
        {"runs", static_cast<int64_t>(times.runs.size())},
        {"throughput", throughput},
        {"emulated", net.emulated()}});
    return;
  }
  Table table({"median", "p95", "min", "samples/s"});
  table.add({millisecondsText(times.median()), millisecondsText(times.p95()),
             millisecondsText(times.runs.front()),
             llvm::formatv("{0:f1}", throughput)});
  llvm::outs() << table.text() << times.runs.size() << " runs, batch " << batch
               << ", " << command.load.threads << " threads, "
               << command.load.streams << " streams\n";
}

static Expected<int> benchLanguage(Driver &driver, const BenchCommand &command,
                                   LanguageNet &net) {
  if (command.batch || command.load.streams != 1 || !command.inputs.empty())
    return inputError("bad-option", command.model,
                      "--batch, --streams and --inputs", "a language model",
                      "-p and -n instead");
  StepsRequest request;
  request.prompt = command.prompt.value_or(request.prompt);
  request.tokens = command.tokens.value_or(request.tokens);
  request.threads = command.load.threads;
  request.milliseconds = command.seconds * 1000;
  return benchSteps(driver, command.model, net, request);
}

/// Anything but a language model.
static Expected<int> benchNet(Driver &driver, const BenchCommand &command,
                              LoadedNet &net) {
  if (command.prompt || command.tokens)
    return inputError("bad-option", command.model, "-p and -n",
                      "a network that is no language model", "one");
  if (net.emulated())
    driver.note("the CPU is emulated: these times are not those of a real one");
  auto inputs = inputsOf(command, net);
  if (!inputs)
    return inputs.takeError();
  int64_t batch = inputs->empty() || inputs->front().rank() == 0
                      ? 1
                      : inputs->front().dim(0);
  BenchRequest request;
  request.milliseconds = command.seconds * 1000;
  driver.progress.update("measuring", 0);
  auto times = net.bench(*inputs, request);
  if (!times)
    return times.takeError();
  driver.progress.clear();
  report(driver, command, net, *times, batch);
  return ExitDone;
}

static Expected<int> bench(Driver &driver, BenchCommand &command) {
  if (!isFolderOfQc(command.model) && llama::isLanguageModel(command.model)) {
    auto net = openLanguage(driver, command.model, command.load.threads,
                            command.arguments.options.context);
    if (!net)
      return net.takeError();
    return benchLanguage(driver, command, **net);
  }
  auto options = command.arguments.finish();
  if (!options)
    return options.takeError();
  options->threads = command.load.threads;
  if (command.batch && !isFolderOfQc(command.model))
    for (DimRange &range : options->dims)
      range.opt = std::clamp(command.batch, range.min, range.max);
  auto opened =
      openLoaded(driver, command.model, *options, command.load, command.inputs);
  if (!opened)
    return opened.takeError();
  if (!isLanguageModel(**opened))
    return benchNet(driver, command, **opened);
  auto net = LanguageNet::create(std::move(*opened));
  if (!net)
    return net.takeError();
  return benchLanguage(driver, command, **net);
}

void qc::driver::addBench(CLI::App &app, Driver &driver) {
  CLI::App *command =
      app.add_subcommand("bench", "Measure latency and throughput");
  auto state = std::make_shared<BenchCommand>();
  command->add_option("MODEL", state->model, "A folder of qc, or a model")
      ->required();
  command->add_option("--threads", state->load.threads, "Threads of a run (1)")
      ->check(CLI::Range(1, 1024));
  command->add_option("--batch", state->batch, "Samples of a run")
      ->check(CLI::Range(1, INT32_MAX));
  command
      ->add_option("--streams", state->load.streams,
                   "Runs at the same time (1)")
      ->check(CLI::Range(1, 1024));
  command->add_option("--inputs", state->inputs,
                      "Inputs to run on: the first sample");
  command->add_option("--seconds", state->seconds, "Time to measure (2)")
      ->check(CLI::Range(1, 3600));
  command
      ->add_option("-p", state->prompt,
                   "Language models: tokens of the prompt (128)")
      ->check(CLI::Range(0, INT32_MAX));
  command
      ->add_option("-n", state->tokens,
                   "Language models: tokens one by one after it (128)")
      ->check(CLI::Range(0, INT32_MAX));
  state->arguments.addModelOptions(*command);
  driver.addCommon(*command);
  command->callback([&driver, state] {
    driver.action = [&driver, state] { return bench(driver, *state); };
  });
}
