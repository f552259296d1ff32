//===- ScaleChannels.cpp - AWQ and SmoothQuant on a model -----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LayerStages.h"

#include "qc/Quantization/ChannelScales.h"
#include "qc/Transforms/ChannelScales.h"

using namespace mlir;
using llvm::Error;
using llvm::Expected;
using ::qc::quantization::Algorithms;
using ::qc::quantization::InputStatistics;

namespace qc {

static Expected<std::vector<float>> chooseScales(const LayerStage &stage,
                                                 const LayerStage &encodings,
                                                 const InputStatistics &inputs,
                                                 Algorithms::Channels algorithm,
                                                 Evaluator &evaluator) {
  std::vector<std::vector<float>> matrices;
  for (const StageLayer &layer : stage.layers) {
    auto matrix = matrixOf(layer.use->get(), evaluator);
    if (!matrix)
      return matrix.takeError();
    matrices.push_back(std::move(*matrix));
  }
  std::vector<quantization::WeightMatrix> layers;
  for (auto [layer, matrix] : llvm::zip_equal(stage.layers, matrices))
    layers.push_back(viewOf(stage, layer, matrix));
  if (algorithm == Algorithms::Channels::SmoothQuant)
    return quantization::chooseSmoothQuantScales(layers,
                                                 inputs.largestMagnitudes())
        .values;
  quantization::LayerInput input;
  input.statistics = &inputs;
  auto scales = quantization::chooseAwqScales(
      layers, *encodings.layers.front().encoding.getGroupFormat(), input,
      /*transposed=*/true);
  if (!scales)
    return scales.takeError();
  return scales->values;
}

Error scaleChannels(LoadedModel &model, LoadedModel &quantized,
                    const SearchRequest &request, const BuildHooks &hooks,
                    std::vector<std::string> &remarks) {
  bool awq = request.algorithms.channels == Algorithms::Channels::Awq;
  const char *name = awq ? "awq" : "smoothquant";
  llvm::StringMap<LayerStage> encodings;
  for (LayerStage &stage : findStages(*quantized.module, StageLevel::Quantized))
    if (!stage.layers.empty())
      encodings[stage.layers.front().name] = stage;
  std::vector<LayerStage> stages = findStages(*model.module, StageLevel::Float);
  llvm::erase_if(stages, [&](const LayerStage &stage) {
    auto found = encodings.find(stage.layers.front().name);
    llvm::SmallVector<Operation *> readers;
    for (const StageLayer &layer : stage.layers)
      readers.push_back(layer.use->getOwner());
    // All of them or none: the input is one.
    return found == encodings.end() ||
           found->second.layers.size() != stage.layers.size() ||
           // Without codes there is nothing to round more finely.
           !found->second.layers.front().encoding ||
           !mlir::qc::canDivideChannels(stage.input, readers);
  });
  if (stages.empty())
    remarks.push_back(
        (llvm::Twine(name) +
         " changes nothing: the input of no quantized product can take scales "
         "of its channels (others read it too, or no weights scale what "
         "computes it)")
            .str());
  StageRunner runner(model, request, hooks, stages.size(), name);
  ParameterStore store(model.baseFolder);
  Evaluator evaluator(store);
  std::vector<std::vector<float>> scales;
  for (const LayerStage &stage : stages) {
    auto inputs = runner.inputsOf(stage, awq);
    if (!inputs)
      return inputs.takeError();
    auto chosen =
        chooseScales(stage, encodings.find(stage.layers.front().name)->second,
                     **inputs, request.algorithms.channels, evaluator);
    if (!chosen)
      return chosen.takeError();
    scales.push_back(std::move(*chosen));
    runner.finishStage();
  }
  // Statistics are those of the model as it was.
  for (auto [stage, by] : llvm::zip_equal(stages, scales)) {
    mlir::qc::divideChannels(stage.input, by);
    for (const StageLayer &layer : stage.layers)
      mlir::qc::scaleWeightRows(*layer.use, by);
  }
  return Error::success();
}

} // namespace qc
