//===- PruneLayers.cpp - Layers of a language model that go ---------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Men et al., "ShortGPT: Layers in Large Language Models are More Redundant
// Than You Expect", 2024 (arXiv:2403.03853): what a layer does is worth one
// less the mean cosine of what runs through the model before it and after it.
//
//===----------------------------------------------------------------------===//

#include "PruneLayers.h"

#include "qc/Execution/Samples.h"
#include "qc/Execution/StagedRun.h"
#include "qc/Pipelines/Precisions.h"
#include "qc/Support/Error.h"
#include "qc/Transforms/RemoveLayers.h"

#include <Eigen/Core>

#include <cmath>
#include <numeric>

using namespace mlir;
using llvm::Error;
using llvm::Expected;
using mlir::qc::TransformerLayer;

namespace qc {

/// The sum of the cosines of the rows of two tensors, and how many there are.
static std::pair<double, int64_t> cosinesOf(const HostTensor &a,
                                            const HostTensor &b) {
  using Rows = Eigen::Map<const Eigen::MatrixXf>;
  int64_t width = a.shape().back(), rows = a.size() / width;
  Rows x(a.as<float>().data(), width, rows),
      y(b.as<float>().data(), width, rows);
  double sum = 0;
  for (int64_t r = 0; r < rows; ++r) {
    double norms = std::sqrt(double(x.col(r).squaredNorm()) *
                             double(y.col(r).squaredNorm()));
    sum += norms > 0 ? double(x.col(r).dot(y.col(r))) / norms : 1.0;
  }
  return {sum, rows};
}

/// What each layer is worth.
static Expected<std::vector<double>>
worthOf(LoadedModel &model, llvm::ArrayRef<TransformerLayer> layers,
        const BuildRequest &request, const BuildHooks &hooks) {
  auto samples = openSamples(model, request.model, request.options);
  if (!samples)
    return samples.takeError();
  StagedRun run(model, **samples, request.options);
  std::vector<HostTensor> before, after;
  std::vector<double> worth;
  auto read = [&](Value value) {
    after.clear();
    auto add = [&](const HostTensor &tensor) {
      after.push_back(tensor);
      return Error::success();
    };
    double done = static_cast<double>(worth.size()) / layers.size();
    return run.runTo(value, add,
                     [&](double) { return step(hooks, "pruning", done); });
  };
  if (Error error = read(layers.front().input))
    return std::move(error);
  for (const TransformerLayer &layer : layers) {
    before = std::move(after);
    if (Error error = read(layer.output))
      return std::move(error);
    double sum = 0;
    int64_t rows = 0;
    for (auto [a, b] : llvm::zip_equal(before, after)) {
      auto [cosines, count] = cosinesOf(a, b);
      sum += cosines, rows += count;
    }
    worth.push_back(1 - sum / static_cast<double>(std::max<int64_t>(rows, 1)));
  }
  return worth;
}

/// The numbers of the `count` that are worth least.
static llvm::BitVector leastOf(llvm::ArrayRef<double> worth, int64_t count) {
  std::vector<size_t> order(worth.size());
  std::iota(order.begin(), order.end(), size_t(0));
  llvm::sort(order, [&](size_t a, size_t b) {
    return std::pair(worth[a], a) < std::pair(worth[b], b);
  });
  llvm::BitVector least(worth.size());
  for (size_t number : llvm::ArrayRef(order).take_front(count))
    least.set(number);
  return least;
}

Expected<int64_t> pruneLayers(LoadedModel &model, const BuildRequest &request,
                              const BuildHooks &hooks) {
  auto choice = precisionsOf(*model.module, request.options);
  if (!choice)
    return choice.takeError();
  int64_t count = choice->layersOut();
  if (count == 0)
    return 0;
  auto refuse = [&](const llvm::Twine &found, const llvm::Twine &expected) {
    return inputError("bad-option", model.name, "--precision",
                      "layers:" + std::to_string(count) + found, expected);
  };
  auto main = model.module->lookupSymbol<func::FuncOp>("main");
  llvm::SmallVector<TransformerLayer> layers =
      mlir::qc::findTransformerLayers(main);
  if (layers.empty())
    return refuse(" of a model that is no chain of transformer layers",
                  "a language model");
  if (count >= static_cast<int64_t>(layers.size()))
    return refuse(" of " + llvm::Twine(layers.size()), "fewer");
  if (request.options.calib.empty())
    return refuse(" without data", "--calib DATA");
  auto worth = worthOf(model, layers, request, hooks);
  if (!worth)
    return worth.takeError();
  llvm::BitVector removed = leastOf(*worth, count);
  std::string names;
  for (unsigned number : removed.set_bits())
    names += (names.empty() ? "" : ", ") + std::to_string(number);
  if (hooks.note)
    hooks.note("layers " + names + " of " + std::to_string(layers.size()) +
               " are taken out");
  mlir::qc::removeTransformerLayers(main, layers, removed);
  return count;
}

} // namespace qc
