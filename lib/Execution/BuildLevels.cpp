//===- BuildLevels.cpp - The levels of a compilation as files -------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// --emit, --dump-ir and --print-pipeline of `qc compile`: the stations of a
// build without the artifact.
//
//===----------------------------------------------------------------------===//

#include "BuildInternal.h"
#include "qc/Execution/Build.h"
#include "qc/Execution/SearchWeights.h"
#include "qc/Quantization/Algorithms.h"
#include "qc/Support/Error.h"

#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"

using namespace qc;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;

llvm::ArrayRef<StringRef> qc::levelNames() {
  static const StringRef levels[] = {"model",  "observed", "qdq",  "integer",
                                     "packed", "kernels",  "llvm", "asm"};
  return levels;
}

static Error checkLevel(StringRef level) {
  if (llvm::is_contained(levelNames(), level))
    return Error::success();
  return inputError("bad-option", "", "--emit", printable(level),
                    "model, observed, qdq, integer, packed, kernels, llvm "
                    "or asm");
}

/// Level 1 is a branch: quantization goes on from level 0.
static Expected<std::string> emitObserved(const LoadedModel &model,
                                          const CompileOptions &options,
                                          EmitForm form) {
  LoadedModel copy = model.copy();
  if (Error error = insertObservers(*copy.module))
    return error;
  return emitLevel(copy, options, "observed", form);
}

/// To level 2; also sets the layers of `options` that oneDNN computes.
static Error quantize(LoadedModel &model, const BuildRequest &request,
                      const BuildHooks &hooks, CompileOptions &options) {
  if (Error error = checkBounds(model, request.model))
    return error;
  KernelChoice choice;
  auto statistics = toLevelTwo(model, request, hooks, choice.remarks);
  if (!statistics)
    return statistics.takeError();
  return chooseKernels(request.model, model, options, choice);
}

Error qc::buildLevels(
    const BuildRequest &request, llvm::ArrayRef<StringRef> levels,
    const BuildHooks &hooks,
    llvm::function_ref<EmitForm(StringRef level)> formOf,
    llvm::function_ref<Error(StringRef level, StringRef bytes)> write) {
  std::unique_ptr<mlir::MLIRContext> context = makeContext();
  auto model = loadModel(*context, request.model, request.options);
  if (!model)
    return model.takeError();
  CompileOptions options = request.options;
  bool quantized = false;
  for (StringRef level : levels) {
    bool observed = level == "observed";
    if (!quantized && !observed && level != "model") {
      if (Error error = quantize(*model, request, hooks, options))
        return error;
      quantized = true;
    }
    auto bytes = observed ? emitObserved(*model, options, formOf(level))
                          : emitLevel(*model, options, level, formOf(level));
    if (!bytes)
      return bytes.takeError();
    if (Error error = write(level, *bytes))
      return error;
  }
  return Error::success();
}

Expected<std::string> qc::buildLevel(const BuildRequest &request,
                                     const BuildHooks &hooks) {
  if (Error error = checkLevel(request.options.emit))
    return error;
  std::string text;
  auto keep = [&](StringRef, StringRef bytes) {
    text = bytes.str();
    return Error::success();
  };
  auto form = [](StringRef) { return EmitForm::Text; };
  if (Error error =
          buildLevels(request, {request.options.emit}, hooks, form, keep))
    return error;
  return text;
}

/// The data files of a pipeline, whose names the line gets in `files`.
static Expected<std::vector<ExtraFile>>
pipelineData(const BuildRequest &request, const BuildHooks &hooks,
             mlir::ModuleOp module, const std::string &name,
             PipelineFiles &files) {
  const CompileOptions &options = request.options;
  std::vector<ExtraFile> data;
  auto add = [&](const std::string &base, std::string contents) {
    data.push_back({base, std::move(contents)});
    llvm::SmallString<128> path(request.output);
    llvm::sys::path::append(path, base);
    return path.str().str();
  };
  files.model = add("model.mlirbc", bytecodeOf(module));
  auto statistics = makeStatistics(request, hooks);
  if (!statistics)
    return statistics.takeError();
  if (!statistics->bytes.empty())
    files.stats = add(name + ".stats", std::move(statistics->bytes));
  if (!options.recipeFile.empty()) {
    auto recipe = llvm::MemoryBuffer::getFile(options.recipeFile);
    if (!recipe)
      return inputError("file-unreadable", options.recipeFile, "",
                        recipe.getError().message(), "a recipe");
    files.recipe = add("recipe.json", (*recipe)->getBuffer().str());
  }
  return data;
}

/// Sets the layers that oneDNN computes as a build does.
static Error chooseKernelsOf(const BuildRequest &request,
                             const BuildHooks &hooks, CompileOptions &options) {
  if (options.kernels == "generated")
    return Error::success();
  std::unique_ptr<mlir::MLIRContext> context = makeContext();
  auto model = loadModel(*context, request.model, options);
  if (!model)
    return model.takeError();
  Error error = quantize(*model, request, hooks, options);
  model->module = {};
  return error;
}

static Error refuseAlgorithm(const std::string &name) {
  return inputError("bad-option", "", "--print-pipeline",
                    "--algorithm " + name +
                        ", which is no pass but runs the model",
                    "rtn or mse, or --dump-ir");
}

/// An error where layers have algorithms of their own that are no passes.
static Error checkLayerAlgorithms(const LoadedModel &model,
                                  const CompileOptions &options) {
  LoadedModel copy = model.copy();
  std::vector<std::string> ignored;
  if (Error error = quantizeModel(*copy.module, options, "", ignored))
    return error;
  std::set<std::string> found = layerAlgorithms(*copy.module);
  return found.empty() ? Error::success() : refuseAlgorithm(*found.begin());
}

Expected<std::string> qc::buildPipeline(const BuildRequest &request,
                                        const BuildHooks &hooks) {
  CompileOptions options = request.options;
  std::string level = options.emit.empty() ? "llvm" : options.emit;
  if (Error error = checkLevel(level))
    return error;
  auto algorithms = quantization::Algorithms::parse(options.algorithms);
  if (!algorithms)
    return algorithms.takeError();
  if (algorithms->searches())
    return refuseAlgorithm(options.algorithms.back());
  if (wantsStructures(options))
    return inputError("bad-option", "", "--print-pipeline",
                      "channels that are taken out, for which the model is run",
                      "--dump-ir");
  if (Error error = checkOutputFolder(request.output, request.force))
    return error;
  std::unique_ptr<mlir::MLIRContext> context = makeContext();
  auto model = importModel(*context, request.model, options);
  if (!model)
    return model.takeError();
  if (level != "model" && level != "observed")
    if (Error error = checkBounds(*model, request.model))
      return error;
  auto name = nameOf(request, *model);
  if (!name)
    return name.takeError();
  auto wanted = checkQuantization(request, *model->module);
  if (!wanted)
    return wanted.takeError();
  if (*wanted)
    if (Error error = checkLayerAlgorithms(*model, options))
      return error;
  if (Error error = chooseKernelsOf(request, hooks, options))
    return error;
  PipelineFiles files;
  auto data = pipelineData(request, hooks, *model->module, *name, files);
  if (!data)
    return data.takeError();
  auto line = pipelineLine(options, *wanted, files, level);
  if (!line)
    return line.takeError();
  if (Error error = writeFiles(*data, request.output, request.force))
    return error;
  // The IR goes before the context that owns its types.
  model->module = {};
  return line;
}
