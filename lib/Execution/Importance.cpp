//===- Importance.cpp - Importance matrices of a model --------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "BuildInternal.h"
#include "LayerStages.h"

#include "qc/Import/Llama/ModelConfig.h"
#include "llvm/Support/Path.h"

using llvm::Error;
using llvm::Expected;

namespace qc {

static Error addStages(LoadedModel &model, const SearchRequest &search,
                       const BuildHooks &hooks,
                       quantization::ImportanceMatrix &matrix) {
  std::vector<LayerStage> stages = findStages(*model.module, StageLevel::Float);
  StageRunner runner(model, search, hooks, stages.size(), "calibrating");
  for (const LayerStage &stage : stages) {
    auto inputs = runner.inputsOf(stage, /*withHessian=*/false);
    if (!inputs)
      return inputs.takeError();
    quantization::ImportanceEntry entry;
    for (double sum : (*inputs)->sumSquares())
      entry.sums.push_back(static_cast<float>(sum));
    entry.counts = {static_cast<float>((*inputs)->rows())};
    for (const StageLayer &layer : stage.layers)
      matrix.entries[llama::ggufTensorName(layer.name)] = entry;
    runner.finishStage();
  }
  return Error::success();
}

Expected<quantization::ImportanceMatrix>
makeImportance(const BuildRequest &request, const BuildHooks &hooks) {
  std::unique_ptr<mlir::MLIRContext> context = makeContext();
  auto model =
      loadModel(*context, request.model, request.options, readingStep(hooks));
  if (!model)
    return model.takeError();
  auto samples = openSamples(*model, request.model, request.options);
  if (!samples)
    return samples.takeError();
  SearchRequest search;
  search.options = request.options;
  search.samples = samples->get();
  quantization::ImportanceMatrix matrix;
  Error error = addStages(*model, search, hooks, matrix);
  // The IR goes before the context that owns its types.
  model->module = {};
  if (error)
    return std::move(error);
  for (const std::string &path : request.options.calib)
    matrix.datasets.push_back(llvm::sys::path::filename(path).str());
  auto sample = (*samples)->sample(0);
  if (!sample)
    return sample.takeError();
  matrix.chunks = static_cast<uint32_t>((*samples)->size());
  matrix.chunkSize = static_cast<uint32_t>(
      sample->front().rank() ? sample->front().dim(0) : 1);
  return matrix;
}

} // namespace qc
