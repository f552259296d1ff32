//===- Quantize.cpp - qc quantize -----------------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The quantized model itself, for other programs.
//
//===----------------------------------------------------------------------===//

#include "Driver.h"
#include "Table.h"

#include "qc/Execution/QuantizeModel.h"

#include "llvm/Support/raw_ostream.h"

using namespace qc;
using namespace qc::driver;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;

namespace {
struct QuantizeCommand {
  CompileArguments arguments;
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

static Expected<int> runQuantize(Driver &driver, QuantizeCommand &command) {
  BuildRequest &request = command.request;
  auto options = command.arguments.finish();
  if (!options)
    return options.takeError();
  if (options->precision == "auto")
    return notBuilt("--precision auto of qc quantize");
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
  auto result = quantizeModelFile(request, driver.hooks());
  if (!result)
    return result.takeError();
  driver.progress.clear();
  for (const std::string &warning : result->warnings)
    driver.note(warning);
  if (!driver.json) {
    printResult(request, *result);
    return ExitDone;
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
      {"refused", std::move(refused)}});
  return ExitDone;
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
  driver.addCommon(*command);
  command->callback([&driver, state] {
    driver.action = [&driver, state] { return runQuantize(driver, *state); };
  });
}
