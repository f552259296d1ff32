//===- Quantize.cpp - qc quantize -----------------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The quantized model itself, for other programs.
//
//===----------------------------------------------------------------------===//

#include "SearchOptions.h"
#include "Table.h"

#include "qc/Execution/QuantizeModel.h"
#include "qc/Quantization/Precision.h"

#include "llvm/Support/raw_ostream.h"

using namespace qc;
using namespace qc::driver;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;

namespace {
struct QuantizeCommand {
  CompileArguments arguments;
  SearchArguments search;
  BuildRequest request;
};
} // namespace

static void printResult(const BuildRequest &request,
                        const QuantizeResult &result) {
  Table table({"", "float32", StringRef(request.options.precision).str()});
  table.add({"model", bytesText(result.fp32Bytes), bytesText(result.bytes)});
  table.add({"layers quantized", "", std::to_string(result.layers)});
  table.add({"activations quantized", "", std::to_string(result.activations)});
  table.add({"layers refused", "", std::to_string(result.warnings.size())});
  llvm::outs() << table.text() << "written to " << request.output << "\n";
}

/// What is written has the shapes of MODEL.
static Error checkSearch(const QuantizeCommand &command) {
  StringRef output = command.request.output;
  if (output.ends_with("/"))
    return inputError("bad-option", output, "--precision auto",
                      "the layout of GPTQ, which has one format for all",
                      "-o OUT.gguf");
  if (quantization::namesStructures(command.search.candidates))
    return inputError("bad-option", output, "--candidates",
                      "channels, heads or layers that are taken out of a file "
                      "that keeps the shapes of " +
                          command.request.model,
                      "qc compile, which takes them out");
  return Error::success();
}

static Expected<int> runQuantize(Driver &driver, QuantizeCommand &command) {
  BuildRequest &request = command.request;
  auto options = command.arguments.finish();
  if (!options)
    return options.takeError();
  bool isAuto = options->precision == "auto";
  if (!isAuto && (command.search.given() || !request.evalData.empty()))
    return notBuilt("--eval or an option of a search without --precision auto");
  request.options = std::move(*options);
  if (Error error = checkModel(request.model, false))
    return error;
  if (Error error = checkQuantizedOutput(request))
    return error;
  if (!request.options.calib.empty())
    if (Error error = addBounds(request.model, request.options.calib.front(),
                                request.options))
      return error;
  explainPrecision(driver, request.options);
  PrecisionSearchResult found;
  if (isAuto) {
    if (Error error = checkSearch(command))
      return error;
    if (StringRef(request.output).ends_with(".gguf") &&
        command.search.candidates.empty())
      command.search.candidates = "q8_0,q6_K,q5_K,q4_K,q3_K,q5_0,q4_0";
    if (Error error = searchBest(driver, command.search, request, found))
      return error;
  }
  auto result = quantizeModelFile(request, isAuto ? hooksAfterSearch(driver)
                                                  : driver.hooks());
  if (!result)
    return result.takeError();
  driver.progress.clear();
  for (const std::string &warning : result->warnings)
    driver.note(warning);
  for (const std::string &note : found.notes)
    driver.note(note);
  if (isAuto)
    request.options.precision = "auto";
  int code = isAuto ? exitCodeOf(found, request.options.strict) : ExitDone;
  if (!driver.json) {
    printResult(request, *result);
    return code;
  }
  llvm::json::Array refused;
  for (const std::string &warning : result->warnings)
    refused.push_back(llvm::json::fixUTF8(warning));
  driver.print(llvm::json::Object{
      {"output", llvm::json::fixUTF8(request.output)},
      {"bytes", result->bytes},
      {"fp32_bytes", result->fp32Bytes},
      {"layers", static_cast<int64_t>(result->layers)},
      {"activations", static_cast<int64_t>(result->activations)},
      {"refused", std::move(refused)},
      {"search", llvm::json::Object(found.facts.search)},
      {"verdict", llvm::json::Value(found.facts.verdict)}});
  return code;
}

void qc::driver::addQuantize(CLI::App &app, Driver &driver) {
  CLI::App *command = app.add_subcommand(
      "quantize", "The quantized model itself, as ONNX, GGUF or safetensors");
  auto state = std::make_shared<QuantizeCommand>();
  command
      ->add_option("MODEL", state->request.model,
                   "An .onnx file or a language model")
      ->required();
  command
      ->add_option("-o", state->request.output,
                   "The file to write, .onnx or .gguf, or a folder: DIR/")
      ->required();
  state->arguments.addModelOptions(*command);
  state->arguments.addQuantizationOptions(*command);
  state->arguments.addCalibrationOptions(*command);
  state->arguments.addWeightsOption(*command);
  state->search.add(*command);
  command->add_option("--eval", state->request.evalData,
                      "auto: data to search by");
  command->add_option("--metric", state->request.metric,
                      "auto: metric where there is no --within");
  command->add_option("--labels", state->request.labels,
                      "auto: array with the labels (labels)");
  driver.addCommon(*command);
  command->callback([&driver, state] {
    driver.action = [&driver, state] { return runQuantize(driver, *state); };
  });
}
