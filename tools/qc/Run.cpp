//===- Run.cpp - qc run ---------------------------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Arrays that are the inputs themselves are run as they are; arrays with more
// samples than the network takes at once are run sample by sample, and the
// outputs put together again.
//
//===----------------------------------------------------------------------===//

#include "Driver.h"
#include "Process.h"

#include "qc/Execution/DataSet.h"
#include "qc/Support/Npz.h"

#include "llvm/Support/raw_ostream.h"

using namespace qc;
using namespace qc::driver;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;

namespace {
struct RunCommand {
  std::string model, inputs, output;
  int threads = 1;
  CompileArguments arguments;
};
} // namespace

/// The arrays as inputs; nothing where their shapes are not those of inputs.
static Expected<std::optional<std::vector<HostTensor>>>
wholeInputs(StringRef path, const Network &net) {
  auto npz = NpzFile::open(path);
  if (!npz)
    return npz.takeError();
  for (const NetPort &port : net.inputs()) {
    auto header = (*npz)->header(port.name);
    if (!header)
      return header.takeError();
    if (!port.accepts(header->shape))
      return std::nullopt;
  }
  std::vector<HostTensor> tensors;
  for (const NetPort &port : net.inputs()) {
    auto raw = (*npz)->read(port.name);
    if (!raw)
      return raw.takeError();
    auto tensor = convertExactly(*raw, port.type, path, port.name);
    if (!tensor)
      return tensor.takeError();
    tensors.push_back(std::move(*tensor));
  }
  return tensors;
}

static Expected<std::vector<HostTensor>>
runSamples(Driver &driver, StringRef path, Network &net, int64_t &samples) {
  auto data = DataSet::open(path, net.inputs());
  if (!data)
    return data.takeError();
  samples = (*data)->size();
  std::vector<std::vector<HostTensor>> parts(net.outputs().size());
  for (int64_t i = 0; i < samples; ++i) {
    auto sample = (*data)->sample(i);
    if (!sample)
      return sample.takeError();
    auto outputs = net.run(*sample);
    if (!outputs)
      return outputs.takeError();
    for (size_t output = 0; output < parts.size(); ++output)
      parts[output].push_back(std::move((*outputs)[output]));
    driver.progress.update("running", static_cast<double>(i + 1) / samples);
    if (interrupted())
      return inputError("interrupted", "", "", "an interrupt", "");
  }
  std::vector<HostTensor> all;
  for (auto [port, list] : llvm::zip_equal(net.outputs(), parts)) {
    auto whole = concatenate(port.name, list);
    if (!whole)
      return whole.takeError();
    all.push_back(std::move(*whole));
  }
  return all;
}

static Error writeOutputs(StringRef path, const Network &net,
                          llvm::ArrayRef<HostTensor> outputs) {
  auto writer = NpzWriter::create(path);
  if (!writer)
    return writer.takeError();
  for (auto [port, tensor] : llvm::zip_equal(net.outputs(), outputs))
    if (Error error = (*writer)->add(port.name, tensor))
      return error;
  return (*writer)->finish();
}

static Expected<int> run(Driver &driver, RunCommand &command) {
  auto options = command.arguments.finish();
  if (!options)
    return options.takeError();
  LoadOptions load;
  load.threads = command.threads;
  auto net = openNetwork(driver, command.model, *options, load, command.inputs);
  if (!net)
    return net.takeError();
  auto whole = wholeInputs(command.inputs, **net);
  if (!whole)
    return whole.takeError();
  int64_t samples = 1;
  auto outputs = *whole ? (*net)->run(**whole)
                        : runSamples(driver, command.inputs, **net, samples);
  if (!outputs)
    return outputs.takeError();
  if (Error error = writeOutputs(command.output, **net, *outputs))
    return error;
  driver.progress.clear();
  llvm::json::Array arrays;
  for (auto [port, tensor] : llvm::zip_equal((*net)->outputs(), *outputs)) {
    arrays.push_back(
        llvm::json::Object{{"name", llvm::json::fixUTF8(port.name)},
                           {"shape", llvm::json::Array(tensor.shape())},
                           {"dtype", name(tensor.dtype())}});
    if (!driver.json)
      llvm::outs() << printable(port.name) << ": " << tensor.describe() << "\n";
  }
  if (driver.json)
    driver.print(
        llvm::json::Object{{"output", llvm::json::fixUTF8(command.output)},
                           {"runs", samples},
                           {"outputs", std::move(arrays)}});
  return ExitDone;
}

void qc::driver::addRun(CLI::App &app, Driver &driver) {
  CLI::App *command = app.add_subcommand(
      "run", "Run an artifact, or a model in float32 as the reference");
  auto state = std::make_shared<RunCommand>();
  command->add_option("MODEL", state->model, "A folder of qc, or a model")
      ->required();
  command->add_option("--inputs", state->inputs, "An .npz with the inputs")
      ->required();
  command->add_option("-o", state->output, "The .npz to write")->required();
  command->add_option("--threads", state->threads, "Threads to run on (1)")
      ->check(CLI::Range(1, 1024));
  state->arguments.addModelOptions(*command);
  driver.addCommon(*command);
  command->callback([&driver, state] {
    driver.action = [&driver, state] { return run(driver, *state); };
  });
}
