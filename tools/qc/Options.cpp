//===- Options.cpp - The options of a compilation -------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Declares them and turns their texts into CompileOptions. What depends on the
// model is checked where the model is read.
//
//===----------------------------------------------------------------------===//

#include "Driver.h"
#include "qc/Pipelines/Precisions.h"
#include "qc/Quantization/Algorithms.h"
#include "qc/Quantization/Recipes.h"
#include "qc/Support/OutputFile.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Threading.h"

using namespace qc;
using namespace qc::driver;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;

/// An option that may be given several times, each time with one value.
static void addList(CLI::App &command, const char *name,
                    std::vector<std::string> &list, const char *help) {
  command.add_option(name, list, help)->allow_extra_args(false);
}

void CompileArguments::addModelOptions(CLI::App &command) {
  addList(command, "--shape", shapes, "Sizes of an input: NAME=1x3x224x224");
  addList(command, "--dim", dims,
          "Bounds of a named dimension: SYMBOL=MIN:OPT:MAX");
  command.add_option("--context", options.context,
                     "Language models: most tokens of a sequence (the model's "
                     "own, up to 8192)");
  command.add_option("--cache", options.cache,
                     "Language models: type of the key-value cache, f32, f16 "
                     "(default), bf16 or int8");
}

void CompileArguments::addCalibrationOptions(CLI::App &command) {
  addList(command, "--calib", options.calib,
          "Calibration data: an .npz or a folder of them; for a language model "
          "a .txt");
  command.add_option("--samples", options.samples,
                     "Use the first N samples (128)");
  addList(command, "--stats", options.stats,
          "Statistics files of earlier calibrations, merged");
}

void CompileArguments::addQuantizationOptions(CLI::App &command) {
  command.add_option("--precision", options.precision,
                     "keep (default), fp32, int8, w8a8, w4-g128, nf4 ..., "
                     "pruned: w4-g64/2:4, w8/50%, w8/channels:30%");
  command.add_option(
      "--algorithm", algorithms,
      "awq, smoothquant, refit, magnitude, wanda, sparsegpt, bias, fit, rtn, "
      "mse, imatrix, output, gptq, quantease, applied in this order");
  command.add_option("--imatrix", options.imatrixFile,
                     "An importance matrix, as llama-imatrix writes it");
  command.add_option("--recipe", options.recipeFile,
                     "Precision per layer, as recipe.json has it, or the name "
                     "of one of qc formats");
  addList(command, "--layer", layers,
          "Precision of layers: 'REGEX=P'; =keep leaves them float");
  command.add_flag("--requantize", options.requantize,
                   "Quantize a quantized model again");
  command.add_option("--observer", observer,
                     "minmax, percentile:99.99, entropy or mse (default)");
  command.add_flag("--strict", options.strict,
                   "Fail where a layer can't be quantized as asked");
  command.add_option("--seed", options.seed, "Seed of what is random");
  command.add_flag("--resume", options.resume,
                   "Go on where an interrupted search of weights stopped");
}

void CompileArguments::addWeightsOption(CLI::App &command) {
  command.add_option("--weights", weights,
                     "embedded, or in a file of their own: file");
}

void CompileArguments::addTargetOptions(CLI::App &command) {
  command.add_option("--name", options.name,
                     "Prefix of files and C symbols (the model's name)");
  command.add_option("--target", target,
                     "host (default), a CPU, x86-64-v3+vnni, x86-64, aarch64");
  command.add_option("--threads", options.threads,
                     "Threads that the library is tuned for (1)");
  command.add_option("--threading", threading,
                     "openmp, callback or none (callback; openmp with "
                     "--threads above 1)");
  command.add_option("-j", jobs,
                     "Threads of the compiler (all that the machine has)");
  command.add_option("--memory-budget", memoryBudget,
                     "Memory that the compiler may take: 4G, 800M (no bound)");
  command.add_option("--kernels", options.kernels,
                     "generated (default), onednn or auto");
  command.add_option("--emit", options.emit,
                     "Print a level: model, observed, qdq, integer, packed, "
                     "kernels, llvm or asm");
  command.add_option("--dump-ir", options.dumpFolder,
                     "Write each level to a file of this folder");
  command.add_flag("--print-pipeline", options.printPipeline,
                   "Print the line for qc-opt, with its data in DIR");
  command
      .add_option("--sequences", options.sequences,
                  "Language models: sequences that one step may have tokens of "
                  "(1)")
      ->check(CLI::Range(1, 1024));
  unbuilt.push_back(command.add_flag("--tune")->description("Not built yet"));
  unbuilt.push_back(command.add_option("--input", ignored, "Not built yet"));
}

static Error badOption(StringRef option, StringRef found,
                       const llvm::Twine &expected) {
  return inputError("bad-option", "", option, printable(found), expected);
}

/// Splits NAME=VALUE at the last `=`.
static Expected<std::pair<StringRef, StringRef>>
splitNamed(StringRef option, StringRef text, StringRef form) {
  auto [name, value] = text.rsplit('=');
  if (name.empty() || value.empty() || name.size() == text.size())
    return badOption(option, text, form);
  return std::make_pair(name, value);
}

/// Sizes of at least 1, below 2^31.
static bool parseSizes(StringRef text, char separator,
                       llvm::SmallVectorImpl<int64_t> &sizes) {
  llvm::SmallVector<StringRef> parts;
  text.split(parts, separator);
  for (StringRef part : parts) {
    int64_t size;
    if (part.getAsInteger(10, size) || size < 1 || size > INT32_MAX)
      return false;
    sizes.push_back(size);
  }
  return true;
}

static Expected<DimRange> parseDim(StringRef text) {
  constexpr StringRef form =
      "SYMBOL=MIN:OPT:MAX with 1 <= MIN <= OPT <= MAX, or SYMBOL=N";
  auto named = splitNamed("--dim", text, form);
  if (!named)
    return named.takeError();
  llvm::SmallVector<int64_t, 3> sizes;
  if (!parseSizes(named->second, ':', sizes) ||
      (sizes.size() != 1 && sizes.size() != 3))
    return badOption("--dim", text, form);
  DimRange range{named->first.str(), sizes.front(), sizes.back(), sizes.back()};
  if (sizes.size() == 3)
    range.opt = sizes[1];
  if (range.min > range.opt || range.opt > range.max)
    return badOption("--dim", text, form);
  return range;
}

static Expected<ObserverChoice> parseObserver(StringRef text) {
  ObserverChoice choice;
  choice.text = text.str();
  if (text == "minmax")
    return choice;
  if (text == "entropy" || text == "mse") {
    choice.kind = text == "mse" ? ObserverChoice::Kind::Mse
                                : ObserverChoice::Kind::Entropy;
    return choice;
  }
  auto [name, value] = text.split(':');
  choice.kind = ObserverChoice::Kind::Percentile;
  if (name == "percentile" && !value.getAsDouble(choice.percentile) &&
      choice.percentile > 50 && choice.percentile <= 100)
    return choice;
  return badOption("--observer", text,
                   "minmax, percentile:99.99, entropy or mse");
}

static Error parseThreading(StringRef text, CompileOptions &options) {
  if (text.empty())
    options.threading =
        options.threads > 1 ? Threading::OpenMP : Threading::Callback;
  else if (text == "openmp")
    options.threading = Threading::OpenMP;
  else if (text == "callback")
    options.threading = Threading::Callback;
  else if (text == "none")
    options.threading = Threading::None;
  else
    return badOption("--threading", text, "openmp, callback or none");
  return Error::success();
}

static Error parseWeights(StringRef text, CompileOptions &options) {
  if (text == "embedded")
    options.weights = WeightsMode::Embedded;
  else if (text == "file")
    options.weights = WeightsMode::File;
  else if (text != "auto")
    return badOption("--weights", text, "embedded or file");
  return Error::success();
}

/// oneDNN has to be there, and to know the target.
static Error checkKernels(CompileOptions &options) {
  if (options.kernels == "generated" || options.kernels == "auto")
    return Error::success();
  if (options.kernels != "onednn")
    return badOption("--kernels", options.kernels, "generated, onednn or auto");
  if (!hasOneDNN())
    return inputError("no-onednn", "", "--kernels onednn",
                      "a qc that was built without oneDNN",
                      "one built where CMake finds oneDNN 3.2 with OpenMP "
                      "(third_party/README.md)");
  if (options.target.arch != Arch::X86_64)
    return badOption("--kernels", "onednn for " + options.target.text,
                     "an x86-64 target");
  options.oneDNNLayers = {"*"};
  return Error::success();
}

/// A number of bytes: 4G, 800M, 64K or 12345.
static Error parseMemoryBudget(StringRef text, CompileOptions &options) {
  if (text.empty())
    return Error::success();
  StringRef number = text;
  unsigned shift = number.consume_back("K")   ? 10
                   : number.consume_back("M") ? 20
                   : number.consume_back("G") ? 30
                                              : 0;
  uint64_t value;
  if (number.getAsInteger(10, value) || value == 0 ||
      value > (uint64_t(1) << 50) >> shift)
    return badOption("--memory-budget", text,
                     "a number of bytes, or with K, M or G: 4G");
  options.memoryBudget = value << shift;
  return Error::success();
}

/// Checks plain values and splits lists.
static Error finishValues(const CompileArguments &arguments,
                          CompileOptions &options) {
  if (options.samples < 1)
    return badOption("--samples", std::to_string(options.samples),
                     "at least 1");
  if (options.threads < 1 || options.threads > 1024)
    return badOption("--threads", std::to_string(options.threads), "1 to 1024");
  options.jobs = arguments.jobs.value_or(static_cast<int32_t>(
      llvm::hardware_concurrency().compute_thread_count()));
  if (options.jobs < 1 || options.jobs > 1024)
    return badOption("-j", std::to_string(options.jobs), "1 to 1024");
  if (Error error = parseMemoryBudget(arguments.memoryBudget, options))
    return error;
  if (Error error = checkKernels(options))
    return error;
  llvm::SmallVector<StringRef> names;
  StringRef(arguments.algorithms).split(names, ',', -1, /*KeepEmpty=*/false);
  for (StringRef name : names)
    options.algorithms.push_back(name.str());
  if (options.algorithms.empty() && !options.imatrixFile.empty())
    options.algorithms.push_back("imatrix");
  return quantization::Algorithms::parse(options.algorithms).takeError();
}

/// A recipe by its name, where no file is called so, becomes a file for the
/// moment: all that read recipes read files.
static Error findRecipeFile(CompileOptions &options) {
  std::string &file = options.recipeFile;
  if (file.empty() ||
      (llvm::sys::fs::exists(file) && !llvm::sys::fs::is_directory(file)))
    return Error::success();
  const quantization::NamedRecipe *recipe = quantization::findRecipe(file);
  std::string names;
  for (const quantization::NamedRecipe &known : quantization::namedRecipes())
    names += (names.empty() ? "" : ", ") + known.name.str();
  if (!recipe)
    return badOption("--recipe", file + ", which is no file",
                     "a file, or one of " + names);
  llvm::SmallString<128> path;
  if (std::error_code code =
          llvm::sys::fs::createTemporaryFile("qc-recipe", "json", path))
    return inputError("temporary-folder", "", "", code.message(),
                      "a folder for temporary files that can be written");
  file = path.str().str();
  return writeWholeFile(file, recipe->text);
}

/// The algorithms that a recipe names, where --algorithm names none.
static Error readAlgorithms(CompileOptions &options) {
  if (options.recipeFile.empty() || !options.algorithms.empty())
    return Error::success();
  auto buffer = llvm::MemoryBuffer::getFile(options.recipeFile);
  if (!buffer)
    return inputError("file-unreadable", options.recipeFile, "",
                      buffer.getError().message(), "a recipe");
  // What is wrong with it is said where it is read.
  auto parsed = llvm::json::parse((*buffer)->getBuffer());
  const llvm::json::Object *recipe = parsed ? parsed->getAsObject() : nullptr;
  if (!parsed)
    llvm::consumeError(parsed.takeError());
  const llvm::json::Array *names =
      recipe ? recipe->getArray("algorithms") : nullptr;
  for (size_t i = 0; names && i < names->size(); ++i)
    options.algorithms.push_back((*names)[i].getAsString().value_or("").str());
  return quantization::Algorithms::parse(options.algorithms).takeError();
}

Expected<CompileOptions> CompileArguments::finish() {
  for (const CLI::Option *option : unbuilt)
    if (option->count() > 0)
      return notBuilt("the option " + option->get_name());
  CompileOptions result = options;
  std::string problem;
  std::optional<Target> parsed;
  if (StringRef(target).starts_with("cuda"))
    return notBuilt("the target " + printable(target));
  parsed = parseTarget(target, problem);
  if (!parsed)
    return inputError("bad-option", "", "--target", problem, "");
  result.target = *parsed;
  for (const std::string &text : dims) {
    auto range = parseDim(text);
    if (!range)
      return range.takeError();
    for (const DimRange &other : result.dims)
      if (other.symbol == range->symbol)
        return badOption("--dim", text, "each dimension once");
    result.dims.push_back(*range);
  }
  for (const std::string &text : shapes) {
    auto named = splitNamed("--shape", text, "NAME=1x3x224x224");
    if (!named)
      return named.takeError();
    llvm::SmallVector<int64_t> sizes;
    if (!parseSizes(named->second, 'x', sizes))
      return badOption("--shape", text, "NAME=1x3x224x224");
    result.shapes.push_back({named->first.str(), {sizes.begin(), sizes.end()}});
  }
  for (const std::string &text : layers) {
    auto named = splitNamed("--layer", text, "REGEX=PRECISION");
    if (!named)
      return named.takeError();
    result.layers.push_back({named->first.str(), named->second.str()});
  }
  auto choice = parseObserver(observer);
  if (!choice)
    return choice.takeError();
  result.observer = *choice;
  if (Error error = parseThreading(threading, result))
    return error;
  if (Error error = parseWeights(weights, result))
    return error;
  if (Error error = finishValues(*this, result))
    return error;
  if (Error error = findRecipeFile(result))
    return error;
  if (Error error = readAlgorithms(result))
    return error;
  if (Error error = checkPrecisions(result))
    return error;
  return result;
}
