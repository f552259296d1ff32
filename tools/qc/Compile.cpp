//===- Compile.cpp - qc compile and qc calibrate --------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The table at the end: size, latency and quality against float32.
//
//===----------------------------------------------------------------------===//

#include "Process.h"
#include "SearchOptions.h"
#include "Table.h"

#include "qc/Execution/Calibrate.h"
#include "qc/Export/IMatrix/Writer.h"
#include "qc/Quantization/Precision.h"
#include "qc/Support/OutputFile.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

using namespace qc;
using namespace qc::driver;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;

namespace {
struct CompileCommand {
  CompileArguments arguments;
  SearchArguments search;
  BuildRequest request;
};
} // namespace

static void printTable(const BuildRequest &request, const BuildResult &result) {
  Table table({"", "float32", StringRef(request.options.precision).str()});
  table.add({"weights", bytesText(result.fp32Bytes),
             bytesText(result.sizes.weights)});
  table.add({"arena", "", bytesText(result.arenaBytes)});
  auto latency = [](const std::optional<BenchTimes> &times) {
    return times ? millisecondsText(times->median()) : std::string();
  };
  if (result.times)
    table.add(
        {"latency (median)", latency(result.fp32Times), latency(result.times)});
  auto rate = [](std::optional<double> tokens) {
    return tokens ? llvm::formatv("{0:f1} tokens/s", *tokens).str()
                  : std::string();
  };
  if (result.steps) {
    table.add({"prefill", "", rate(result.steps->prefill)});
    table.add({"decode", "", rate(result.steps->decode)});
  }
  if (result.metric) {
    bool compared = result.referenceQuality.samples > 0;
    table.add({result.metric->text,
               compared
                   ? metricText(*result.metric, result.referenceQuality.value)
                   : "",
               metricText(*result.metric, result.quality.value)});
    if (compared)
      table.add({"difference (95 %)", "",
                 intervalText(*result.metric, result.difference)});
  }
  llvm::outs() << table.text() << "written to " << request.output << ": lib"
               << result.name << ".a, lib" << result.name << ".so, "
               << result.name << ".h\n";
}

static llvm::json::Object resultJson(const BuildRequest &request,
                                     const BuildResult &result) {
  llvm::SmallString<128> path(request.output);
  llvm::sys::path::append(path, "report.json");
  llvm::json::Object object{{"output", llvm::json::fixUTF8(request.output)},
                            {"name", result.name}};
  if (auto buffer = llvm::MemoryBuffer::getFile(path)) {
    auto report = llvm::json::parse((*buffer)->getBuffer());
    if (report)
      object["report"] = std::move(*report);
    else
      llvm::consumeError(report.takeError());
  }
  return object;
}

static void printResult(Driver &driver, const BuildRequest &request,
                        const BuildResult &result) {
  if (driver.json)
    driver.print(resultJson(request, result));
  else
    printTable(request, result);
}

/// Every level that there is, into files of their own. Those that hold weights
/// are bytecode.
static Error dumpLevels(const BuildRequest &request, const BuildHooks &hooks) {
  StringRef folder = request.options.dumpFolder;
  if (std::error_code code = llvm::sys::fs::create_directories(folder))
    return inputError("output-folder", folder, "", code.message(),
                      "a folder that can be made");
  auto isBytecode = [](StringRef level) {
    return level == "kernels" || level == "llvm";
  };
  auto formOf = [&](StringRef level) {
    return isBytecode(level) ? EmitForm::Bytecode : EmitForm::Text;
  };
  int number = 0;
  auto write = [&](StringRef level, StringRef bytes) -> Error {
    StringRef suffix = level == "asm"      ? ".s"
                       : isBytecode(level) ? ".mlirbc"
                                           : ".mlir";
    llvm::SmallString<128> path(folder);
    llvm::sys::path::append(path,
                            std::to_string(number++) + "-" + level + suffix);
    return writeWholeFile(path, bytes);
  };
  return buildLevels(request, levelNames(), hooks, formOf, write);
}

/// --emit and --print-pipeline: a text instead of the library.
static Expected<int> printText(Driver &driver, CompileCommand &command) {
  const BuildRequest &request = command.request;
  bool pipeline = request.options.printPipeline;
  auto text = pipeline ? buildPipeline(request, driver.hooks())
                       : buildLevel(request, driver.hooks());
  if (!text)
    return text.takeError();
  driver.progress.clear();
  if (driver.json)
    driver.print(llvm::json::Object{
        {pipeline ? "pipeline" : "level", llvm::json::fixUTF8(*text)}});
  else
    llvm::outs() << *text << (pipeline ? "\n" : "");
  return ExitDone;
}

void qc::driver::explainPrecision(Driver &driver,
                                  const CompileOptions &options) {
  bool statistics = !options.calib.empty() || !options.stats.empty();
  StringRef base = quantization::baseOf(options.precision);
  if (base == "int8")
    driver.note(statistics
                    ? "int8 is w8a8, with activation scales from calibration"
                    : "int8 is w8a8, with activation scales found at run time "
                      "(give --calib for static ones)");
  else if (base == "int4")
    driver.note("int4 is w4-g128");
}

/// --precision auto: the search, then the build by its recipe.
static Expected<int> compileBest(Driver &driver, CompileCommand &command) {
  BuildRequest &request = command.request;
  if (Error error = checkOutputFolder(request.output, request.force))
    return std::move(error);
  PrecisionSearchResult found;
  if (Error error = searchBest(driver, command.search, request, found))
    return std::move(error);
  auto result = build(request, hooksAfterSearch(driver));
  if (!result)
    return result.takeError();
  driver.progress.clear();
  for (const std::string &note : found.notes)
    driver.note(note);
  request.options.precision = "auto";
  printResult(driver, request, *result);
  if (!driver.json && !found.summary.empty())
    llvm::outs() << found.summary << "\n";
  return exitCodeOf(found, request.options.strict);
}

static Expected<int> compile(Driver &driver, CompileCommand &command) {
  BuildRequest &request = command.request;
  auto options = command.arguments.finish();
  if (!options)
    return options.takeError();
  request.options = std::move(*options);
  request.command = driver.commandLine;
  request.version = version;
  if (Error error = checkModel(request.model, false))
    return error;
  bool isAuto = request.options.precision == "auto";
  if (!isAuto)
    if (Error error = command.search.setBand(request))
      return error;
  bool pipeline = request.options.printPipeline;
  bool prints = pipeline || !request.options.emit.empty() ||
                !request.options.dumpFolder.empty();
  if (isAuto && prints)
    return inputError("bad-option", "", "--precision auto",
                      "a level or a pipeline to print",
                      "--recipe with the recipe.json of what was found");
  if (!request.options.emit.empty() && !pipeline)
    return printText(driver, command);
  if (request.output.empty())
    return inputError("bad-option", "", "-o", "no output folder", "-o DIR");
  if (pipeline)
    return printText(driver, command);
  if (!request.options.dumpFolder.empty())
    if (Error error = dumpLevels(request, driver.hooks()))
      return error;
  explainPrecision(driver, request.options);
  if (command.arguments.target == "host")
    driver.note("target host is " + request.options.target.text);
  if (isAuto)
    return compileBest(driver, command);
  auto result = build(request, driver.hooks());
  if (!result)
    return result.takeError();
  driver.progress.clear();
  for (const std::string &warning : result->warnings)
    driver.note(warning);
  printResult(driver, request, *result);
  if (!result->verdict)
    return ExitDone;
  if (result->verdict->kind == Verdict::Kind::NotMet)
    driver.note(
        unmetNote(*request.band, result->quality, result->referenceQuality));
  if (result->verdict->kind == Verdict::Kind::NotProven)
    driver.note(unprovenNote(*request.band, *result->verdict));
  return exitCodeOf(*result->verdict, request.options.strict);
}

void qc::driver::addCompile(CLI::App &app, Driver &driver) {
  CLI::App *command =
      app.add_subcommand("compile", "Native library, header and report");
  auto state = std::make_shared<CompileCommand>();
  BuildRequest &request = state->request;
  command
      ->add_option("MODEL", request.model,
                   "An .onnx, .gguf or .mlir file, or the folder of a language "
                   "model")
      ->required();
  command->add_option("-o", request.output, "The folder to write");
  command->add_flag("--force", request.force,
                    "Write into a folder with files that qc did not write");
  state->arguments.addTargetOptions(*command);
  state->arguments.addWeightsOption(*command);
  state->arguments.addModelOptions(*command);
  state->arguments.addQuantizationOptions(*command);
  state->arguments.addCalibrationOptions(*command);
  state->search.add(*command);
  command->add_option("--eval", request.evalData,
                      "Data to measure the quality on");
  command->add_option("--metric", request.metric,
                      "Metric for --eval: top1, sqnr, top1(OUTPUT) ...");
  command->add_option("--metric-command", request.metricCommand,
                      "A program that computes the metric: CMD OUTPUTS.npz "
                      "DATA.npz prints {\"value\", \"higher_is_better\", "
                      "\"per_sample\"}");
  command->add_option("--labels", request.labels,
                      "Array with the labels (labels)");
  driver.addCommon(*command);
  command->callback([&driver, state] {
    driver.action = [&driver, state] { return compile(driver, *state); };
  });
}

//===----------------------------------------------------------------------===//
// qc calibrate
//===----------------------------------------------------------------------===//

/// The names that importance matrices have in llama.cpp.
static bool isImportanceMatrix(StringRef path) {
  return path.ends_with(".gguf") || path.ends_with(".dat") ||
         path.ends_with(".imatrix");
}

static Expected<int> writeImportance(Driver &driver,
                                     const BuildRequest &request) {
  if (request.options.calib.empty())
    return inputError("bad-option", "", "--calib",
                      "no data for an importance matrix", "--calib DATA");
  auto matrix = makeImportance(request, driver.hooks());
  if (!matrix)
    return matrix.takeError();
  if (Error error = imatrix::writeFile(*matrix, request.output))
    return error;
  driver.progress.clear();
  auto entries = static_cast<int64_t>(matrix->entries.size());
  if (driver.json)
    driver.print(
        llvm::json::Object{{"output", llvm::json::fixUTF8(request.output)},
                           {"samples", matrix->chunks},
                           {"tensors", entries}});
  else
    llvm::outs() << "importance of " << entries << " matrices from "
                 << matrix->chunks << " samples written to " << request.output
                 << "\n";
  return ExitDone;
}

static Expected<int> runCalibrate(Driver &driver, CompileCommand &command) {
  BuildRequest &request = command.request;
  auto options = command.arguments.finish();
  if (!options)
    return options.takeError();
  request.options = std::move(*options);
  if (Error error = checkModel(request.model, false))
    return error;
  if (request.options.calib.empty() && request.options.stats.empty())
    return inputError("bad-option", "", "--calib", "no data", "--calib DATA");
  if (!request.options.calib.empty())
    if (Error error = addBounds(request.model, request.options.calib.front(),
                                request.options))
      return error;
  if (isImportanceMatrix(request.output))
    return writeImportance(driver, request);
  auto statistics = makeStatistics(request, driver.hooks());
  if (!statistics)
    return statistics.takeError();
  auto parsed =
      quantization::Statistics::read(statistics->bytes, request.output);
  if (!parsed)
    return parsed.takeError();
  if (Error error = parsed->writeFile(request.output))
    return error;
  driver.progress.clear();
  if (driver.json)
    driver.print(llvm::json::Object{
        {"output", llvm::json::fixUTF8(request.output)},
        {"samples", statistics->samples},
        {"tensors", static_cast<int64_t>(parsed->tensors.size())},
        {"hash", statistics->hash},
        {"seconds", statistics->seconds}});
  else
    llvm::outs() << "statistics of " << parsed->tensors.size()
                 << " tensors from " << statistics->samples
                 << " samples written to " << request.output << "\n";
  return ExitDone;
}

void qc::driver::addCalibrate(CLI::App &app, Driver &driver) {
  CLI::App *command =
      app.add_subcommand("calibrate", "Statistics of a model on data, only");
  auto state = std::make_shared<CompileCommand>();
  command
      ->add_option("MODEL", state->request.model,
                   "An .onnx, .gguf or .mlir file, or the folder of a language "
                   "model")
      ->required();
  command->add_option("-o", state->request.output, "The file to write")
      ->required();
  state->arguments.addModelOptions(*command);
  state->arguments.addCalibrationOptions(*command);
  driver.addCommon(*command);
  command->callback([&driver, state] {
    driver.action = [&driver, state] { return runCalibrate(driver, *state); };
  });
}
