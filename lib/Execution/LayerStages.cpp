//===- LayerStages.cpp - Layers that read the same input ------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LayerStages.h"
#include "BuildInternal.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "qc/Analysis/LinalgViews.h"
#include "qc/Analysis/QuantizationSites.h"
#include "llvm/ADT/MapVector.h"

using namespace mlir;
using mlir::qc::DequantizeOp;
using mlir::qc::PruneOp;
using mlir::qc::QuantizeOp;

namespace qc {

QuantizeOp StageLayer::getQuantize() const {
  auto dequantize = use->get().getDefiningOp<DequantizeOp>();
  return dequantize ? dequantize.getInput().getDefiningOp<QuantizeOp>()
                    : QuantizeOp();
}

PruneOp StageLayer::getPrune() const {
  QuantizeOp quantize = getQuantize();
  return (quantize ? quantize.getInput() : use->get()).getDefiningOp<PruneOp>();
}

std::optional<llvm::StringRef> StageLayer::getAlgorithms() const {
  for (Operation *op :
       {getQuantize().getOperation(), getPrune().getOperation()})
    if (auto names =
            op ? op->getAttrOfType<StringAttr>("qc.algorithms") : StringAttr())
      return names.getValue();
  return std::nullopt;
}

Operation *StageLayer::getReplaced() const {
  return encoding ? getQuantize().getOperation() : getPrune().getOperation();
}

Value StageLayer::getSource() const {
  PruneOp prune = getPrune();
  return prune ? prune.getInput() : getQuantize().getInput();
}

/// The float values that a layer reads, seen through their quantization and
/// through axes that are merged before the last.
static Value sourceOf(Value input) {
  while (true) {
    if (auto dequantize = input.getDefiningOp<DequantizeOp>()) {
      auto quantize = dequantize.getInput().getDefiningOp<QuantizeOp>();
      if (!quantize)
        return input;
      input = quantize.getInput();
      continue;
    }
    auto collapse = input.getDefiningOp<tensor::CollapseShapeOp>();
    // At level 0 the merged value is as good, and is what the layer reads.
    if (!collapse || collapse.getReassociationIndices().back().size() != 1 ||
        !collapse.getSrc().getDefiningOp<DequantizeOp>())
      return input;
    input = collapse.getSrc();
  }
}

/// Whether the layer's weight becomes codes of a format with groups, or is
/// pruned.
static bool findEncoding(StageLayer &layer) {
  if (QuantizeOp quantize = layer.getQuantize()) {
    auto encoding = mlir::qc::getEncoding(quantize.getResult());
    if (encoding.getGroupFormat())
      layer.encoding = encoding;
  }
  return layer.encoding || layer.getPrune();
}

std::vector<LayerStage> findStages(ModuleOp module, StageLevel level) {
  auto main = module.lookupSymbol<func::FuncOp>("main");
  auto all = mlir::qc::QuantizationSites::find(
      main, [](const mlir::qc::QuantizableLayer &) { return true; });
  llvm::MapVector<Value, LayerStage> found;
  llvm::SmallPtrSet<Operation *, 16> seen;
  for (const mlir::qc::QuantizableLayer &layer : all.layers) {
    if (!layer.weightOperand || !mlir::qc::MatMulView::match(layer.op))
      continue;
    StageLayer made = {
        layer.name, &layer.op->getOpOperand(*layer.weightOperand), {}};
    auto type = cast<RankedTensorType>(made.use->get().getType());
    if (type.getRank() != 2)
      continue;
    // A weight that two layers share belongs to the first.
    if (level == StageLevel::Quantized &&
        (!findEncoding(made) || !seen.insert(made.getReplaced()).second))
      continue;
    Value input = sourceOf(layer.getInput());
    LayerStage &stage = found[input];
    stage.input = input;
    stage.channels = type.getDimSize(0);
    stage.layers.push_back(std::move(made));
  }
  std::vector<LayerStage> stages;
  for (auto &[input, stage] : found)
    stages.push_back(std::move(stage));
  llvm::stable_sort(stages, [](const LayerStage &a, const LayerStage &b) {
    Operation *first = a.input.getDefiningOp();
    Operation *second = b.input.getDefiningOp();
    return first && second ? first->isBeforeInBlock(second) : !first && second;
  });
  return stages;
}

//===----------------------------------------------------------------------===//
// Weights and inputs
//===----------------------------------------------------------------------===//

llvm::Expected<std::vector<float>> matrixOf(Value weight,
                                            Evaluator &evaluator) {
  Evaluator::ConstantCache cache;
  auto value = evaluator.evaluateConstant(weight, cache);
  if (!value)
    return value.takeError();
  HostTensor tensor = value->values();
  int64_t columns = tensor.dim(0), rows = tensor.dim(1);
  llvm::ArrayRef<float> values = tensor.as<float>();
  std::vector<float> matrix(values.size());
  for (int64_t k = 0; k < columns; ++k)
    for (int64_t n = 0; n < rows; ++n)
      matrix[n * columns + k] = values[k * rows + n];
  return matrix;
}

quantization::WeightMatrix viewOf(const LayerStage &stage,
                                  const StageLayer &layer,
                                  const std::vector<float> &matrix) {
  return {matrix, static_cast<int64_t>(matrix.size()) / stage.channels,
          stage.channels, layer.name};
}

StageRunner::StageRunner(LoadedModel &model, const SearchRequest &request,
                         const BuildHooks &hooks, size_t stages,
                         llvm::StringRef what)
    : model(model), request(request), hooks(hooks), stages(stages), what(what) {
  if (request.samples)
    run.emplace(model, *request.samples, request.options);
}

llvm::Expected<std::optional<quantization::InputStatistics>>
StageRunner::inputsOf(const LayerStage &stage, bool withHessian) {
  if (!run)
    return std::nullopt;
  quantization::InputStatistics statistics(stage.channels, withHessian);
  auto add = [&](const HostTensor &tensor) {
    llvm::ArrayRef<float> values = tensor.as<float>();
    statistics.add({values.data(), values.size()});
    return llvm::Error::success();
  };
  if (llvm::Error error = run->runTo(
          stage.input, add, [&](double part) { return tell(part / 2); }))
    return std::move(error);
  return statistics;
}

/// Takes out what is quantized and taken back to float, and what is pruned.
static void undoRounding(ModuleOp module) {
  llvm::SmallVector<Operation *> undone;
  module.walk([&](Operation *op) {
    Value whole;
    if (auto prune = dyn_cast<PruneOp>(op))
      whole = prune.getInput();
    else if (auto dequantize = dyn_cast<DequantizeOp>(op))
      if (auto quantize = dequantize.getInput().getDefiningOp<QuantizeOp>())
        whole = quantize.getInput();
    if (!whole || whole.getType() != op->getResult(0).getType())
      return;
    op->getResult(0).replaceAllUsesWith(whole);
    undone.push_back(op);
  });
  for (Operation *op : undone) {
    Operation *quantize = op->getOperand(0).getDefiningOp();
    op->erase();
    if (isa_and_present<QuantizeOp>(quantize) && quantize->use_empty())
      quantize->erase();
  }
}

void StageRunner::keepFloat() {
  if (!request.samples)
    return;
  kept = model.copy();
  for (const LayerStage &stage :
       findStages(*kept.module, StageLevel::Quantized))
    for (const StageLayer &layer : stage.layers)
      keptLayers[layer.name] = {stage.input, layer.use->getOwner()};
  undoRounding(*kept.module);
  keptRun.emplace(kept, *request.samples, request.options);
}

static llvm::Expected<std::vector<HostTensor>>
valuesOf(StagedRun &run, Value value,
         llvm::function_ref<llvm::Error(double)> progress) {
  std::vector<HostTensor> values;
  auto add = [&](const HostTensor &tensor) {
    values.push_back(tensor);
    return llvm::Error::success();
  };
  if (llvm::Error error = run.runTo(value, add, progress))
    return std::move(error);
  return values;
}

llvm::Expected<quantization::Drift>
StageRunner::driftOf(const LayerStage &stage, Value now, Value before) {
  auto progress = [&](double) { return tell(0.5); };
  auto x = valuesOf(*run, stage.input, progress);
  if (!x)
    return x.takeError();
  auto values = valuesOf(*run, now, progress);
  if (!values)
    return values.takeError();
  auto others = valuesOf(*keptRun, before, progress);
  if (!others)
    return others.takeError();
  auto type = cast<RankedTensorType>(now.getType());
  quantization::Drift drift(type.getShape().back(), stage.channels);
  for (auto [a, b, c] : llvm::zip_equal(*values, *others, *x))
    drift.add(a.as<float>(), b.as<float>(), c.as<float>());
  return drift;
}

llvm::Expected<quantization::Refit>
StageRunner::refitOf(const LayerStage &stage, const Eigen::MatrixXd &hessian) {
  Kept before = keptLayers.lookup(stage.layers.front().name);
  auto drift = driftOf(stage, stage.input, before.input);
  if (!drift)
    return drift.takeError();
  return quantization::Refit(hessian, drift->sum());
}

llvm::Expected<std::optional<quantization::Drift>>
StageRunner::residualOf(const LayerStage &stage, const StageLayer &layer) {
  Kept before = keptLayers.lookup(layer.name);
  Value now, other;
  if (!findResidual(layer.use->getOwner(), now) ||
      !findResidual(before.op, other))
    return std::nullopt;
  // What comes after the inputs has not been run yet.
  Operation *made = now.getDefiningOp(), *reached = stage.input.getDefiningOp();
  if (made && (!reached || !made->isBeforeInBlock(reached)))
    return std::nullopt;
  auto drift = driftOf(stage, now, other);
  if (!drift)
    return drift.takeError();
  return std::move(*drift);
}

llvm::Error StageRunner::tell(double part) {
  return step(hooks, what, (static_cast<double>(done) + part) / stages);
}

arith::AddFOp findResidual(Operation *op, Value &other) {
  Value result = op->getResult(0);
  auto sum = result.hasOneUse()
                 ? dyn_cast<arith::AddFOp>(*result.getUsers().begin())
                 : arith::AddFOp();
  if (!sum)
    return {};
  other = sum.getLhs() == result ? sum.getRhs() : sum.getLhs();
  Operation *made = other.getDefiningOp();
  bool isEarlier = !made || made->isBeforeInBlock(op);
  return isEarlier && !mlir::qc::isConstantSubgraph(other) &&
                 !isa_and_present<linalg::BroadcastOp>(made)
             ? sum
             : arith::AddFOp();
}

} // namespace qc
