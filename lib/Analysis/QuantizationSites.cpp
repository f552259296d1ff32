//===- QuantizationSites.cpp - Where activations are quantized ------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "qc/Analysis/QuantizationSites.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "qc/Analysis/LinalgViews.h"
#include "qc/Analysis/Names.h"
#include "qc/Dialect/QC/IR/QCOps.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringMap.h"

using namespace mlir;
using namespace mlir::qc;

/// The operand whose codes the codes of `value` are; null if they are its own.
static OpOperand *getMovedOperand(Value value) {
  Operation *op = value.getDefiningOp();
  if (!op)
    return nullptr;
  if (std::optional<PoolView> pool = PoolView::match(op)) {
    if (!pool->isMax)
      return nullptr;
    std::optional<PadView> pad = PadView::match(pool->input);
    if (pad && std::isinf(pad->value))
      return &pad->op.getSourceMutable();
    return &op->getOpOperand(0);
  }
  if (isa<tensor::CollapseShapeOp, tensor::ExpandShapeOp,
          tensor::ExtractSliceOp, linalg::TransposeOp>(op)) {
    // Statistics of an input keep the layout that the layer reads.
    bool isLayout =
        isa<linalg::TransposeOp>(op) && isa<BlockArgument>(op->getOperand(0));
    return isLayout ? nullptr : &op->getOpOperand(0);
  }
  std::optional<PadView> pad = PadView::match(value);
  return pad && pad->value == 0.0f ? &pad->op.getSourceMutable() : nullptr;
}

OpOperand &mlir::qc::getCodeSourceUse(OpOperand &use) {
  OpOperand *source = &use;
  while (OpOperand *moved = getMovedOperand(source->get()))
    source = moved;
  return *source;
}

Value mlir::qc::getCodeSource(Value value) {
  while (OpOperand *moved = getMovedOperand(value))
    value = moved->get();
  return value;
}

std::pair<Value, int64_t> mlir::qc::getChannelSum(Operation *op) {
  Value sum = op->getResult(0);
  std::optional<ConvView> conv = ConvView::match(op);
  Operation *user = sum.hasOneUse() ? *sum.user_begin() : nullptr;
  if (!conv) {
    // The rows of a product may come from several axes.
    auto expand = dyn_cast_or_null<tensor::ExpandShapeOp>(user);
    if (isa<linalg::MatmulOp>(op) && expand &&
        expand.getReassociationIndices().back().size() == 1)
      sum = expand.getResult();
    return {sum, cast<ShapedType>(sum.getType()).getRank() - 1};
  }
  if (conv->kind == ConvView::Kind::Grouped)
    if (auto collapse = dyn_cast_or_null<tensor::CollapseShapeOp>(user))
      if (collapse.getResultType().getRank() == 4)
        sum = collapse.getResult();
  return {sum, conv->getResultChannelAxes().front()};
}

namespace {
/// Collects layers and sites of one function.
class SiteFinder {
public:
  SiteFinder(QuantizationSites &result,
             function_ref<bool(const QuantizableLayer &)> isQuantized)
      : result(result), isQuantized(isQuantized) {}

  void run(FunctionOpInterface function);

private:
  void findLayers(FunctionOpInterface function);
  void findProducts(FunctionOpInterface function);
  /// The value of `use` is wanted in 8 bits; gives its code source, null if it
  /// has none.
  Value want(OpOperand &use);
  /// Wants what the producer of a quantized value reads; false if it works on
  /// floats.
  bool wantOperandsOf(Value site);
  /// The operand that the chain of clamps that ends in `value` starts from;
  /// null if there is none.
  static OpOperand *getFirstClamp(Value value);

  QuantizationSites &result;
  function_ref<bool(const QuantizableLayer &)> isQuantized;
  /// Ends of epilogues of layers that are quantized.
  DenseMap<Value, const QuantizableLayer *> ends;
  /// Values inside or at the end of any layer's epilogue.
  DenseSet<Value> covered;
  SetVector<Value> wanted;
  /// Those whose zero point has to be 0.
  DenseSet<Value> symmetric;
  /// Those that no integer layer makes.
  DenseSet<Value> madeInFloat;
  DenseMap<Value, SmallVector<OpOperand *>> uses;
};
} // namespace

void SiteFinder::findLayers(FunctionOpInterface function) {
  SmallVector<Operation *> ops;
  function.walk([&](QuantizableOpInterface op) {
    if (op.getWeightOperand())
      ops.push_back(op);
  });
  // The last of two layers that meet in an add takes it, so later ones choose
  // first.
  DenseSet<Operation *> taken;
  for (Operation *op : llvm::reverse(ops)) {
    auto layer = cast<QuantizableOpInterface>(op);
    auto [sum, axis] = getChannelSum(op);
    Value init = op->getOperands().back();
    Value bias = getChannelVector(init, {axis});
    Epilogue epilogue = matchEpilogue(sum, axis, bias, [&](OpOperand &other) {
      return !taken.contains(other.getOwner()) &&
             other.get().getType() == other.getOwner()->getResult(0).getType();
    });
    taken.insert_range(epilogue.ops);
    result.layers.push_back(
        {op, getLayerName(op->getLoc()).str(), layer.getQuantizableKind(),
         layer.getActivationOperands().front(), *layer.getWeightOperand(),
         std::nullopt, std::move(epilogue)});
  }
  std::reverse(result.layers.begin(), result.layers.end());
}

/// Products of two activations.
void SiteFinder::findProducts(FunctionOpInterface function) {
  function.walk([&](QuantizableOpInterface op) {
    SmallVector<unsigned> operands = op.getActivationOperands();
    if (op.getWeightOperand() || op.getQuantizableKind() != "matmul" ||
        operands.size() != 2 || isConstantSubgraph(op->getOperand(operands[0])))
      return;
    Epilogue epilogue;
    epilogue.result = op->getResult(0);
    result.layers.push_back({op, getLayerName(op->getLoc()).str(),
                             op.getQuantizableKind(), operands[0], std::nullopt,
                             operands[1], std::move(epilogue)});
  });
}

bool mlir::qc::isRepeatedConstant(Value value) {
  while (auto broadcast = value.getDefiningOp<linalg::BroadcastOp>())
    value = broadcast.getInput();
  if (auto splat = value.getDefiningOp<tensor::SplatOp>())
    value = splat.getInput();
  return isConstantSubgraph(value);
}

Value SiteFinder::want(OpOperand &use) {
  OpOperand &source = getCodeSourceUse(use);
  Value value = source.get();
  auto type = dyn_cast<RankedTensorType>(value.getType());
  if (!type || !type.getElementType().isF32() || type.getEncoding() ||
      isRepeatedConstant(value))
    return {};
  if (!llvm::is_contained(uses[value], &source))
    uses[value].push_back(&source);
  if (wanted.insert(value) && !wantOperandsOf(value))
    madeInFloat.insert(value);
  return value;
}

OpOperand *SiteFinder::getFirstClamp(Value value) {
  OpOperand *first = nullptr;
  while (Operation *op = value.getDefiningOp()) {
    Clamp clamp;
    value = getClampInput(op, clamp);
    if (!value)
      break;
    first = &op->getOpOperand(op->getOperand(0) == value ? 0 : 1);
  }
  return first;
}

bool SiteFinder::wantOperandsOf(Value site) {
  if (const QuantizableLayer *layer = ends.lookup(site)) {
    if (layer->epilogue.residual)
      want(*layer->epilogue.residualUse);
    return true;
  }
  if (covered.contains(site))
    return false;
  OpOperand *clamp = getFirstClamp(site);
  // A clamp of a value that others read too: a table between codes.
  if (clamp && covered.contains(clamp->get())) {
    want(*clamp);
    return true;
  }
  Value value = clamp ? clamp->get() : site;
  Operation *op = value.getDefiningOp();
  if (!op)
    return false;
  if (isa<arith::AddFOp>(op)) {
    want(op->getOpOperand(0));
    want(op->getOpOperand(1));
    return true;
  }
  if (auto unary = dyn_cast<UnaryOp>(op)) {
    want(unary.getInputMutable());
    return true;
  }
  if (isa<arith::DivFOp, arith::MulFOp>(op) && getSplatFloat(op->getOperand(1)))
    if (Operation *sum = op->getOperand(0).getDefiningOp())
      if (std::optional<PoolView> pool = PoolView::match(sum))
        if (!pool->isMax) {
          want(sum->getOpOperand(0));
          return true;
        }
  return false;
}

void SiteFinder::run(FunctionOpInterface function) {
  findLayers(function);
  findProducts(function);
  for (const QuantizableLayer &layer : result.layers) {
    covered.insert(layer.weightOperand ? getChannelSum(layer.op).first
                                       : layer.epilogue.result);
    for (Operation *op : layer.epilogue.ops)
      covered.insert(op->getResult(0));
    if (isQuantized(layer))
      ends[layer.epilogue.result] = &layer;
  }
  for (const QuantizableLayer &layer : result.layers) {
    if (!isQuantized(layer))
      continue;
    want(layer.op->getOpOperand(layer.inputOperand));
    if (layer.rightOperand)
      if (Value right = want(layer.op->getOpOperand(*layer.rightOperand)))
        symmetric.insert(right);
  }

  // Program order, and names that do not depend on what stays in float.
  llvm::StringMap<unsigned> counts;
  auto add = [&](Value value) {
    if (!wanted.contains(value))
      return;
    std::string name = getValueName(value);
    if (unsigned count = counts[name]++)
      name += "#" + std::to_string(count);
    result.sites.push_back({value, std::move(name), symmetric.contains(value),
                            uses.lookup(value), madeInFloat.contains(value)});
  };
  for (BlockArgument argument : function.getArguments())
    add(argument);
  function.walk([&](Operation *op) {
    for (Value value : op->getResults())
      add(value);
  });
}

QuantizationSites QuantizationSites::find(
    FunctionOpInterface function,
    function_ref<bool(const QuantizableLayer &)> isQuantized) {
  QuantizationSites result;
  SiteFinder(result, isQuantized).run(function);
  return result;
}
