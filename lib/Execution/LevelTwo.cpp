//===- LevelTwo.cpp - From a model to its quantized form ------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What --precision, --calib, --stats and --algorithm ask for, in the order in
// which it is done: scales of channels, statistics of activations, encodings,
// the algorithms on weights.
//
//===----------------------------------------------------------------------===//

#include "BuildInternal.h"

#include "mlir/Interfaces/FunctionInterfaces.h"
#include "qc/Analysis/LinalgViews.h"
#include "qc/Analysis/QuantizationSites.h"
#include "qc/Dialect/QC/IR/QCOps.h"
#include "qc/Execution/Calibrate.h"
#include "qc/Execution/PruneStructures.h"
#include "qc/Execution/SearchFolder.h"
#include "qc/Execution/SearchWeights.h"
#include "qc/Quantization/Precision.h"
#include "qc/Support/Error.h"
#include "qc/Support/OutputFile.h"

#include "llvm/ADT/StringSet.h"

using namespace qc;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;

/// Runs `model`, which is used up, on the data of --calib.
static Error addCalibration(LoadedModel &model, const BuildRequest &request,
                            const BuildHooks &hooks, StatisticsFile &file,
                            quantization::Statistics &merged) {
  auto samples = openSamples(model, request.model, request.options);
  if (!samples)
    return samples.takeError();
  auto result = calibrate(model, **samples, request.options,
                          [&](StringRef what, double done) {
                            llvm::consumeError(step(hooks, what, done));
                          });
  if (!result)
    return result.takeError();
  merged.merge(result->statistics);
  file.hash = result->hash;
  file.seconds = result->seconds;
  return Error::success();
}

/// An error where most of the tensors that `statistics` are about are none of
/// `model`: then they are another network's.
static Error checkTensors(const LoadedModel &model, StringRef modelPath,
                          const quantization::Statistics &statistics,
                          StringRef path) {
  llvm::StringSet<> known;
  model.module.get()->walk([&](mlir::FunctionOpInterface function) {
    auto all = mlir::qc::QuantizationSites::find(
        function, [](const mlir::qc::QuantizableLayer &) { return true; });
    for (const mlir::qc::QuantizationSite &site : all.sites)
      known.insert(site.name);
  });
  size_t unknown = 0;
  std::string first;
  for (const auto &entry : statistics.tensors)
    if (!known.contains(entry.first) && unknown++ == 0)
      first = entry.first;
  if (unknown * 2 <= statistics.tensors.size())
    return Error::success();
  return inputError("bad-statistics", path, "tensor " + printable(first),
                    std::to_string(unknown) + " tensors of " +
                        std::to_string(statistics.tensors.size()) +
                        " that the model does not have",
                    "statistics that qc calibrate made of " +
                        printable(modelPath));
}

Expected<StatisticsFile> qc::makeStatistics(const LoadedModel &model,
                                            const BuildRequest &request,
                                            const BuildHooks &hooks, bool run) {
  const CompileOptions &options = request.options;
  StatisticsFile file;
  quantization::Statistics merged;
  for (const std::string &path : options.stats) {
    auto statistics = quantization::Statistics::readFile(path);
    if (!statistics)
      return statistics.takeError();
    if (Error error = checkTensors(model, request.model, *statistics, path))
      return std::move(error);
    merged.merge(*statistics);
  }
  if (run) {
    LoadedModel copy = model.copy();
    if (Error error = addCalibration(copy, request, hooks, file, merged))
      return std::move(error);
  }
  if (options.stats.empty() && !run)
    return file;
  file.samples = static_cast<int64_t>(merged.samples);
  file.bytes = merged.write();
  return file;
}

Expected<StatisticsFile> qc::makeStatistics(const BuildRequest &request,
                                            const BuildHooks &hooks) {
  if (request.options.stats.empty() && request.options.calib.empty())
    return StatisticsFile();
  std::unique_ptr<mlir::MLIRContext> context = makeContext();
  auto model =
      loadModel(*context, request.model, request.options, readingStep(hooks));
  if (!model)
    return model.takeError();
  auto file =
      makeStatistics(*model, request, hooks, !request.options.calib.empty());
  // The IR goes before the context that owns its types.
  model->module = {};
  return file;
}

/// Whether a precision that the options name has static activations.
static bool wantsStatistics(const CompileOptions &options) {
  auto isStatic = [](StringRef precision) {
    StringRef base = quantization::baseOf(precision);
    return base == "int8" || base == "w8a8";
  };
  return isStatic(options.precision) || !options.recipeFile.empty() ||
         llvm::any_of(options.layers, [&](const LayerRule &rule) {
           return isStatic(rule.precision);
         });
}

static bool hasConvolutions(mlir::ModuleOp module) {
  bool found = false;
  module.walk([&](mlir::Operation *op) {
    found |= mlir::qc::ConvView::match(op).has_value();
  });
  return found;
}

/// Whether `names` holds for a precision that the options name.
static bool wantsAny(const CompileOptions &options,
                     llvm::function_ref<bool(StringRef)> names) {
  return names(options.precision) ||
         llvm::any_of(options.layers, [&](const LayerRule &rule) {
           return names(rule.precision);
         });
}

bool qc::wantsStructures(const CompileOptions &options) {
  return wantsAny(options, quantization::namesStructures);
}

bool qc::wantsQuantization(const CompileOptions &options) {
  return (options.precision != "keep" && options.precision != "fp32") ||
         !options.layers.empty() || !options.recipeFile.empty();
}

Expected<bool> qc::checkQuantization(const BuildRequest &request,
                                     mlir::ModuleOp module) {
  const CompileOptions &options = request.options;
  bool wanted = wantsQuantization(options);
  if (wanted && !reachedLevel(module).empty())
    return inputError("quantized", request.model, "--precision",
                      options.precision + " for a model that is lowered to " +
                          "the level " + reachedLevel(module),
                      "--precision keep");
  bool keeps = options.precision == "keep" ||
               llvm::StringRef(options.precision).starts_with("keep-a8");
  if (isQuantized(module) && !keeps && !options.requantize)
    return inputError("quantized", request.model, "--precision",
                      options.precision + " for a model that is quantized",
                      "--precision keep, or --requantize");
  return wanted;
}

/// Level 0 to level 2 with the statistics that were made for it.
static Error quantize(LoadedModel &model, const BuildRequest &request,
                      const StatisticsFile &statistics,
                      std::vector<std::string> &remarks) {
  TemporaryFolder folder("qc-statistics");
  std::string path;
  if (!statistics.bytes.empty()) {
    path = folder.path("statistics");
    if (Error error = writeWholeFile(path, statistics.bytes))
      return error;
  }
  std::vector<std::string> made;
  Error error = quantizeModel(*model.module, request.options, path, made);
  llvm::append_range(remarks, made);
  return error;
}

/// Opens the data that algorithms need, if they need some.
static Error openInputs(const LoadedModel &model, const BuildRequest &request,
                        const quantization::Algorithms &algorithms,
                        llvm::StringRef name, std::unique_ptr<Samples> &samples,
                        SearchRequest &search) {
  const CompileOptions &options = request.options;
  bool fromFile = !options.imatrixFile.empty() && !algorithms.needsInputs();
  if (samples || !algorithms.searches() || fromFile)
    return Error::success();
  if (options.calib.empty())
    return inputError("bad-option", "", "--algorithm", name + " without data",
                      "--calib DATA");
  auto opened = openSamples(model, request.model, options);
  if (!opened)
    return opened.takeError();
  samples = std::move(*opened);
  search.samples = samples.get();
  return Error::success();
}

/// What the algorithms on weights need.
static Expected<SearchRequest> searchOf(const LoadedModel &model,
                                        const BuildRequest &request,
                                        std::unique_ptr<Samples> &samples) {
  const CompileOptions &options = request.options;
  SearchRequest search;
  auto algorithms = quantization::Algorithms::parse(options.algorithms);
  if (!algorithms)
    return algorithms.takeError();
  search.algorithms = *algorithms;
  search.options = options;
  // What is printed has its weights with it.
  if (options.emit.empty() && options.dumpFolder.empty())
    search.output = request.output;
  // The folder of a search for precisions is not to be emptied.
  if (request.search) {
    search.output = searchFolder(request.output) + "/weights";
    search.options.resume = false;
  }
  llvm::StringRef last = options.algorithms.empty() ? llvm::StringRef()
                                                    : options.algorithms.back();
  if (Error error =
          openInputs(model, request, *algorithms, last, samples, search))
    return std::move(error);
  return search;
}

/// An error where a rule for pruning was named and nothing is pruned, but for
/// recipes: what a search chose may need none. A note where there is data and
/// no rule was named. `removed` channels have gone.
static Error checkPruning(LoadedModel &model, const BuildRequest &request,
                          const quantization::Algorithms &algorithms,
                          int64_t removed, const BuildHooks &hooks) {
  bool byRecipe = !request.options.recipeFile.empty();
  if (algorithms.repair && !removed && !byRecipe)
    return inputError("bad-option", "", "--algorithm",
                      "bias or fit without channels that are taken out",
                      "a precision with some, such as w8/channels:30%");
  bool prunes = removed != 0;
  bool zeros = false;
  model.module->walk([&](mlir::qc::PruneOp) { prunes = zeros = true; });
  if (algorithms.pruning && !prunes && !byRecipe)
    return inputError("bad-option", "", "--algorithm",
                      "a rule for pruning without a layer that is pruned",
                      "a precision with a sparsity, such as w8/50%");
  if (zeros && !algorithms.pruning && !request.options.calib.empty() &&
      !hasConvolutions(*model.module) && hooks.note)
    hooks.note("weights are pruned by magnitude; --algorithm wanda or "
               "sparsegpt looks at the data of --calib");
  return Error::success();
}

Expected<StatisticsFile> qc::toLevelTwo(LoadedModel &model,
                                        const BuildRequest &request,
                                        const BuildHooks &hooks,
                                        std::vector<std::string> &remarks) {
  auto wanted = checkQuantization(request, *model.module);
  if (!wanted)
    return wanted.takeError();
  if (!*wanted)
    return StatisticsFile();
  auto removed = pruneStructures(model, request, hooks, remarks);
  if (!removed)
    return removed.takeError();
  std::unique_ptr<Samples> samples;
  auto search = searchOf(model, request, samples);
  if (!search)
    return search.takeError();
  using Channels = quantization::Algorithms::Channels;
  if (search->algorithms.channels != Channels::None) {
    LoadedModel quantized = model.copy();
    std::vector<std::string> ignored;
    if (Error error = quantize(quantized, request, {}, ignored))
      return std::move(error);
    if (Error error = scaleChannels(model, quantized, *search, hooks, remarks))
      return std::move(error);
  }
  bool run = !request.options.calib.empty() &&
             (wantsStatistics(request.options) ||
              // Biases make up for what filters lose.
              (wantsAny(request.options, quantization::namesSparsity) &&
               hasConvolutions(*model.module)));
  auto statistics = makeStatistics(model, request, hooks, run);
  if (!statistics)
    return statistics.takeError();
  if (Error error = step(hooks, "quantizing"))
    return std::move(error);
  if (Error error = quantize(model, request, *statistics, remarks))
    return std::move(error);
  if (Error error =
          checkPruning(model, request, search->algorithms, *removed, hooks))
    return std::move(error);
  for (const std::string &names : layerAlgorithms(*model.module)) {
    auto own =
        quantization::Algorithms::parse(quantization::splitAlgorithms(names));
    if (!own)
      return own.takeError();
    if (Error error = openInputs(model, request, *own, names, samples, *search))
      return std::move(error);
  }
  if (search->algorithms.searches() || !layerAlgorithms(*model.module).empty())
    if (Error error = searchWeights(model, *search, hooks))
      return std::move(error);
  return statistics;
}
