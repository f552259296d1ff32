//===- RemoveLayers.cpp - Layers taken out of a language model ------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "qc/Transforms/RemoveLayers.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "qc/Analysis/LinalgViews.h"
#include "qc/Dialect/QC/IR/QCDialect.h"
#include "qc/Dialect/QC/IR/QCOps.h"
#include "qc/Transforms/Passes.h"
#include "qc/Transforms/RemoveChannels.h"

namespace mlir::qc {
#define GEN_PASS_DEF_REMOVELAYERSPASS
#include "qc/Transforms/Passes.h.inc"
} // namespace mlir::qc

using namespace mlir;
using namespace mlir::qc;

/// Whether a value is repeated from a constant: a bias.
static bool isConstantVector(Value value) {
  auto repeated = value.getDefiningOp<linalg::BroadcastOp>();
  return isConstantSubgraph(value) ||
         (repeated && isConstantSubgraph(repeated.getInput()));
}

/// The sum that adds what is made of `value` to something that depends on other
/// data, which `other` becomes.
static arith::AddFOp nextSum(Value value, Value &other) {
  while (value.hasOneUse()) {
    Operation *user = *value.getUsers().begin();
    auto sum = dyn_cast<arith::AddFOp>(user);
    if (sum) {
      other = sum.getLhs() == value ? sum.getRhs() : sum.getLhs();
      if (!isConstantVector(other))
        return sum;
    }
    if (user->getNumResults() != 1)
      return {};
    value = user->getResult(0);
  }
  return {};
}

/// The sum that adds to `value`, which a norm reads too.
static arith::AddFOp sumWith(Value value) {
  arith::AddFOp found;
  for (Operation *user : value.getUsers())
    if (auto sum = dyn_cast<arith::AddFOp>(user)) {
      if (found)
        return {};
      found = sum;
    }
  return found;
}

SmallVector<TransformerLayer>
mlir::qc::findTransformerLayers(FunctionOpInterface function) {
  SmallVector<TransformerLayer> layers;
  bool isChain = true;
  function.walk([&](AttentionOp attention) {
    Value input;
    arith::AddFOp middle = nextSum(attention.getResult(), input);
    arith::AddFOp end = middle ? sumWith(middle.getResult()) : arith::AddFOp();
    auto append = attention.getCache().getDefiningOp<KVAppendOp>();
    isChain &=
        end && append && (layers.empty() || layers.back().output == input);
    if (end)
      layers.push_back({input, end.getResult(), append});
  });
  return isChain ? layers : SmallVector<TransformerLayer>();
}

void mlir::qc::removeTransformerLayers(FunctionOpInterface function,
                                       ArrayRef<TransformerLayer> layers,
                                       const llvm::BitVector &removed) {
  // From the last to the first: an input may be the output of one that goes.
  for (size_t i = layers.size(); i-- > 0;) {
    if (!removed.test(i))
      continue;
    TransformerLayer layer = layers[i];
    layer.output.replaceAllUsesWith(layer.input);
    auto append = cast<KVAppendOp>(layer.append);
    for (OpOperand &use :
         llvm::make_early_inc_range(append.getResult().getUses()))
      if (!isa<AttentionOp>(use.getOwner()))
        use.set(append.getCache());
  }
  Block &body = function.getFunctionBody().front();
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(body)))
    if (isOpTriviallyDead(&op))
      op.erase();
  int64_t number = 0;
  function.walk([&](KVAppendOp append) {
    for (Operation *user : append.getResult().getUsers())
      if (auto attention = dyn_cast<AttentionOp>(user))
        attention.setLayer(number);
    append.setLayer(number++);
  });
  fitCaches(function);
}

//===----------------------------------------------------------------------===//
// The pass
//===----------------------------------------------------------------------===//

namespace {
struct RemoveLayers : mlir::qc::impl::RemoveLayersPassBase<RemoveLayers> {
  using RemoveLayersPassBase::RemoveLayersPassBase;
  void runOnOperation() override;
};
} // namespace

void RemoveLayers::runOnOperation() {
  auto function = cast<FunctionOpInterface>(getOperation());
  SmallVector<TransformerLayer> found = findTransformerLayers(function);
  llvm::BitVector removed(found.size());
  for (int64_t number : layers) {
    if (number < 0 || number >= static_cast<int64_t>(found.size())) {
      function.emitError() << "found layer " << number << ", expected one of "
                           << found.size();
      return signalPassFailure();
    }
    removed.set(number);
  }
  if (found.empty() || removed.all()) {
    function.emitError() << "found no layer that stays";
    return signalPassFailure();
  }
  numRemoved += removed.count();
  removeTransformerLayers(function, found, removed);
}
