//===- SearchWeights.cpp - Algorithms on the weights of a model -----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "qc/Execution/SearchWeights.h"
#include "BuildInternal.h"
#include "ComponentStore.h"
#include "LayerStages.h"

#include "qc/Import/IMatrix/Reader.h"
#include "qc/Import/Llama/ModelConfig.h"
#include "qc/Quantization/Precision.h"
#include "qc/Support/Error.h"

#include "llvm/Support/ThreadPool.h"

#include <cstring>

using namespace mlir;
using llvm::Error;
using llvm::Expected;
using ::qc::quantization::InputStatistics;
using ::qc::quantization::ScaleRule;

namespace qc {

namespace {
/// The second step: rounding, with what the first left.
class Search {
public:
  Search(LoadedModel &model, const SearchRequest &request,
         const BuildHooks &hooks)
      : model(model), request(request), hooks(hooks),
        parameters(model.baseFolder), evaluator(parameters) {}

  Error run();

private:
  Error readImportance();
  /// Leaves the layers that an algorithm is for, and says what it is.
  Error chooseLayers(std::vector<LayerStage> &stages);
  bool needsHessian(const LayerStage &stage) const;
  Error runStages(ComponentStore &store);
  Expected<bool> restoreStage(const LayerStage &stage, ComponentStore &store);
  bool refits(const LayerStage &stage) const;
  /// Fits the matrices of the layers that ask for it to their inputs.
  Error refit(const LayerStage &stage, const InputStatistics &inputs,
              StageRunner &runner,
              std::vector<std::vector<float>> &matrices) const;
  Error quantizeStage(const LayerStage &stage, ComponentStore &store,
                      StageRunner &runner);
  Expected<std::vector<std::vector<float>>> matricesOf(const LayerStage &stage);
  Expected<numerics::Encoded> quantize(const LayerStage &stage,
                                       const StageLayer &layer,
                                       const std::vector<float> &matrix,
                                       const InputStatistics *inputs);

  LoadedModel &model;
  const SearchRequest &request;
  const BuildHooks &hooks;
  ParameterStore parameters;
  Evaluator evaluator;
  quantization::ImportanceMatrix importance;
  /// Of each layer.
  std::map<std::string, quantization::Algorithms> algorithms;
  /// The number of the next weight.
  size_t next = 0;
};
} // namespace

Error Search::readImportance() {
  if (request.options.imatrixFile.empty())
    return Error::success();
  auto read = imatrix::readFile(request.options.imatrixFile);
  if (!read)
    return read.takeError();
  importance = std::move(*read);
  return Error::success();
}

/// What a matrix with such options needs of its inputs is in an importance
/// matrix.
static bool needsImportance(const quantization::MatrixOptions &options) {
  return options.scales == ScaleRule::Importance ||
         (options.pruning.pattern &&
          options.pruning.rule == quantization::PruningRule::Wanda);
}

/// A matrix [outputs, inputs] as the one component of a weight in float.
static numerics::Encoded asValues(const std::vector<float> &matrix,
                                  int64_t inputs) {
  auto outputs = static_cast<int64_t>(matrix.size()) / inputs;
  std::vector<uint8_t> bytes(matrix.size() * sizeof(float));
  for (int64_t n = 0; n < outputs; ++n)
    for (int64_t k = 0; k < inputs; ++k)
      std::memcpy(bytes.data() + (k * outputs + n) * sizeof(float),
                  &matrix[n * inputs + k], sizeof(float));
  return {{}, {{valuesComponent({inputs, outputs}), std::move(bytes)}}};
}

Expected<numerics::Encoded> Search::quantize(const LayerStage &stage,
                                             const StageLayer &layer,
                                             const std::vector<float> &matrix,
                                             const InputStatistics *inputs) {
  quantization::MatrixOptions options;
  options.transposed = true;
  const quantization::Algorithms &asked = algorithms.at(layer.name);
  options.scales = asked.scales;
  options.gptq.enabled = asked.gptq;
  options.descends = asked.quantease;
  options.pruning.rule = asked.pruningRule();
  if (mlir::qc::PruneOp prune = layer.getPrune()) {
    std::string problem;
    options.pruning.pattern =
        numerics::Sparsity::parse(prune.getSparsity().str(), problem);
  }
  quantization::LayerInput input;
  input.statistics = inputs;
  std::vector<float> means;
  auto entry = importance.entries.find(llama::ggufTensorName(layer.name));
  if (entry != importance.entries.end()) {
    means = entry->second.means();
    input.importance = means;
  } else if (needsImportance(options) && !inputs) {
    return inputError("bad-imatrix", request.options.imatrixFile,
                      llama::ggufTensorName(layer.name), "no entry",
                      "one for each quantized matrix, or --calib");
  }
  quantization::WeightMatrix view = viewOf(stage, layer, matrix);
  if (!layer.encoding) {
    auto pruned = quantization::pruneMatrix(view, input, options);
    if (!pruned)
      return pruned.takeError();
    return asValues(pruned->values, stage.channels);
  }
  auto quantized = quantization::quantizeMatrix(
      view, *layer.encoding.getGroupFormat(), input, options);
  if (!quantized)
    return quantized.takeError();
  return std::move(quantized->encoded);
}

Expected<std::vector<std::vector<float>>>
Search::matricesOf(const LayerStage &stage) {
  std::vector<std::vector<float>> matrices;
  for (const StageLayer &layer : stage.layers) {
    auto matrix = matrixOf(layer.getSource(), evaluator);
    if (!matrix)
      return matrix.takeError();
    matrices.push_back(std::move(*matrix));
  }
  return matrices;
}

bool Search::refits(const LayerStage &stage) const {
  return llvm::any_of(stage.layers, [&](const StageLayer &layer) {
    return algorithms.at(layer.name).refit;
  });
}

Error Search::refit(const LayerStage &stage, const InputStatistics &inputs,
                    StageRunner &runner,
                    std::vector<std::vector<float>> &matrices) const {
  auto refit = runner.refitOf(stage, inputs.hessian());
  if (!refit)
    return refit.takeError();
  for (auto [layer, matrix] : llvm::zip_equal(stage.layers, matrices)) {
    if (!algorithms.at(layer.name).refit)
      continue;
    auto residual = runner.residualOf(stage, layer);
    if (!residual)
      return residual.takeError();
    matrix = refit->fit(viewOf(stage, layer, matrix),
                        *residual ? &(*residual)->sum() : nullptr);
  }
  return Error::success();
}

Error Search::quantizeStage(const LayerStage &stage, ComponentStore &store,
                            StageRunner &runner) {
  auto read = runner.inputsOf(stage, needsHessian(stage));
  if (!read)
    return read.takeError();
  const InputStatistics *inputs = *read ? &**read : nullptr;
  auto matrices = matricesOf(stage);
  if (!matrices)
    return matrices.takeError();
  if (inputs && refits(stage))
    if (Error error = refit(stage, *inputs, runner, *matrices))
      return error;
  if (Error error = runner.tell(0.5))
    return error;
  std::vector<std::optional<Expected<numerics::Encoded>>> results(
      stage.layers.size());
  {
    llvm::DefaultThreadPool pool(
        llvm::hardware_concurrency(request.options.jobs));
    for (size_t i = 0; i < results.size(); ++i)
      pool.async([&, i] {
        results[i].emplace(
            quantize(stage, stage.layers[i], (*matrices)[i], inputs));
      });
    pool.wait();
  }
  for (auto [layer, result] : llvm::zip_equal(stage.layers, results)) {
    if (!*result)
      return result->takeError();
    if (Error error = store.replace(next++, layer, &**result))
      return error;
  }
  return Error::success();
}

/// Takes what an earlier run found of a stage, if that is all of it.
Expected<bool> Search::restoreStage(const LayerStage &stage,
                                    ComponentStore &store) {
  for (auto [i, layer] : llvm::enumerate(stage.layers))
    if (!store.has(next + i, layer))
      return false;
  for (const StageLayer &layer : stage.layers)
    if (Error error = store.replace(next++, layer, nullptr))
      return std::move(error);
  return true;
}

Error Search::chooseLayers(std::vector<LayerStage> &stages) {
  for (LayerStage &stage : stages) {
    std::vector<StageLayer> chosen;
    for (StageLayer &layer : stage.layers) {
      quantization::Algorithms asked = request.algorithms;
      if (auto names = layer.getAlgorithms()) {
        auto own = quantization::Algorithms::parse(
            quantization::splitAlgorithms(*names));
        if (!own)
          return own.takeError();
        asked = *own;
      }
      // Others are rounded where they are packed.
      if (!asked.searches())
        continue;
      algorithms[layer.name] = asked;
      chosen.push_back(std::move(layer));
    }
    stage.layers = std::move(chosen);
  }
  llvm::erase_if(stages,
                 [](const LayerStage &stage) { return stage.layers.empty(); });
  return Error::success();
}

bool Search::needsHessian(const LayerStage &stage) const {
  return llvm::any_of(stage.layers, [&](const StageLayer &layer) {
    return algorithms.at(layer.name).needsHessian();
  });
}

Error Search::runStages(ComponentStore &store) {
  std::vector<LayerStage> stages =
      findStages(*model.module, StageLevel::Quantized);
  if (Error error = chooseLayers(stages))
    return error;
  StageRunner runner(model, request, hooks, stages.size(), "quantizing");
  if (llvm::any_of(stages, [&](auto &stage) { return refits(stage); }))
    runner.keepFloat();
  for (const LayerStage &stage : stages) {
    auto restored = restoreStage(stage, store);
    if (!restored)
      return restored.takeError();
    if (!*restored)
      if (Error error = quantizeStage(stage, store, runner))
        return error;
    runner.finishStage();
  }
  return Error::success();
}

Error Search::run() {
  if (Error error = readImportance())
    return error;
  auto store = ComponentStore::open(model, request);
  if (!store)
    return store.takeError();
  Error error = runStages(*store);
  if (error && !store->path().empty() && next > 0 && hooks.note)
    hooks.note(std::to_string(next) + " layers are done, in " + store->path() +
               "; --resume goes on with the next");
  return error;
}

std::set<std::string> layerAlgorithms(ModuleOp module) {
  std::set<std::string> found;
  for (const LayerStage &stage : findStages(module, StageLevel::Quantized))
    for (const StageLayer &layer : stage.layers)
      if (auto names = layer.getAlgorithms()) {
        auto own = quantization::Algorithms::parse(
            quantization::splitAlgorithms(*names));
        if (own && own->searches())
          found.insert(names->str());
        llvm::consumeError(own.takeError());
      }
  return found;
}

Error searchWeights(LoadedModel &model, const SearchRequest &request,
                    const BuildHooks &hooks) {
  return Search(model, request, hooks).run();
}

} // namespace qc
