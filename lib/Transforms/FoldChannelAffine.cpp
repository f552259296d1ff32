//===- FoldChannelAffine.cpp - Normalization into weights -----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// sum(x * w) * s + t = sum(x * (w * s)) + t. The products on weights are ops
// of a constant subgraph.
//
//===----------------------------------------------------------------------===//

#include "Channels.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "qc/Analysis/LinalgViews.h"
#include "qc/Analysis/QuantizationSites.h"
#include "qc/Dialect/QC/IR/QCOps.h"
#include "qc/Transforms/Passes.h"

namespace mlir::qc {
#define GEN_PASS_DEF_FOLDCHANNELAFFINEPASS
#include "qc/Transforms/Passes.h.inc"
} // namespace mlir::qc

using namespace mlir;
using namespace mlir::qc;

namespace {

/// A sum with a constant weight that a scale and a shift can go into.
struct Target {
  Operation *op;
  Value sum;
  /// Axis of the channels in `sum`; in the sum op itself and its weight there
  /// may be two.
  int64_t axis;
  SmallVector<int64_t, 2> sumAxes, weightAxes;
};

/// What is done to each channel; null values stand for 1 and 0.
struct ChannelAffine {
  Operation *op;
  Value scale, shift;
};

struct FoldChannelAffine
    : mlir::qc::impl::FoldChannelAffinePassBase<FoldChannelAffine> {
  void runOnOperation() override;
};

} // namespace

static std::optional<Target> matchTarget(Operation *op) {
  Target target;
  target.op = op;
  if (std::optional<ConvView> conv = ConvView::match(op)) {
    target.sumAxes = conv->getResultChannelAxes();
    target.weightAxes = conv->getFilterChannelAxes();
  } else if (std::optional<MatMulView> product = MatMulView::match(op)) {
    int64_t last = cast<ShapedType>(product->rhs.getType()).getRank() - 1;
    target.sumAxes = {last};
    target.weightAxes = {last};
  } else {
    return std::nullopt;
  }
  std::tie(target.sum, target.axis) = getChannelSum(op);
  if (!isConstantSubgraph(op->getOperand(1)))
    return std::nullopt;
  return target;
}

/// The only reader of `target.sum`, if it is affine in each channel.
static std::optional<ChannelAffine> matchAffine(const Target &target) {
  if (!target.sum.hasOneUse())
    return std::nullopt;
  Operation *user = *target.sum.user_begin();
  if (auto affine = dyn_cast<ChannelAffineOp>(user)) {
    if (static_cast<int64_t>(affine.getAxis()) != target.axis ||
        !isConstantSubgraph(affine.getScale()) ||
        !isConstantSubgraph(affine.getShift()))
      return std::nullopt;
    return ChannelAffine{user, affine.getScale(), affine.getShift()};
  }
  if (!isa<arith::MulFOp, arith::AddFOp>(user))
    return std::nullopt;
  Value other = user->getOperand(user->getOperand(0) == target.sum ? 1 : 0);
  Value vector = getChannelVector(other, {target.axis});
  if (!vector || !isConstantSubgraph(vector))
    return std::nullopt;
  if (isa<arith::MulFOp>(user))
    return ChannelAffine{user, vector, Value()};
  return ChannelAffine{user, Value(), vector};
}

/// The vector that the sum starts from: null in `bias` for zeros; false if it
/// starts from anything else.
static bool matchConstantBias(Value init, ArrayRef<int64_t> axes, Value &bias) {
  bias = Value();
  if (isZero(init))
    return true;
  bias = getChannelVector(init, axes);
  return bias && isConstantSubgraph(bias);
}

/// bias * scale + shift, with what is absent left out.
static Value foldBias(OpBuilder &builder, Location loc, Value bias,
                      const ChannelAffine &affine) {
  if (bias && affine.scale)
    bias = arith::MulFOp::create(builder, loc, bias, affine.scale);
  if (!affine.shift)
    return bias;
  if (!bias)
    return affine.shift;
  return arith::AddFOp::create(builder, loc, bias, affine.shift);
}

/// Moves constants that `values` depend on above `op`; they may be defined
/// between it and the affine op.
static void hoistConstants(ArrayRef<Value> values, Operation *op) {
  for (Value value : values) {
    Operation *def = value ? value.getDefiningOp() : nullptr;
    if (!def || def->getBlock() != op->getBlock() || def->isBeforeInBlock(op))
      continue;
    hoistConstants(llvm::to_vector(def->getOperands()), op);
    def->moveBefore(op);
  }
}

static bool tryFold(RewriterBase &rewriter, Operation *op) {
  std::optional<Target> target = matchTarget(op);
  if (!target)
    return false;
  std::optional<ChannelAffine> affine = matchAffine(*target);
  if (!affine)
    return false;
  Value bias;
  Value init = op->getOperands().back();
  if (!matchConstantBias(init, target->sumAxes, bias))
    return false;
  hoistConstants({affine->scale, affine->shift}, op);
  rewriter.setInsertionPoint(op);
  Location loc = op->getLoc();
  if (affine->scale) {
    Value weight = op->getOperand(1);
    Value scale = broadcastChannels(rewriter, loc, affine->scale,
                                    cast<RankedTensorType>(weight.getType()),
                                    target->weightAxes);
    Value scaled = arith::MulFOp::create(rewriter, loc, weight, scale);
    rewriter.modifyOpInPlace(op, [&] { op->setOperand(1, scaled); });
  }
  if (bias)
    bias = flattenVector(rewriter, loc, bias);
  if (Value newBias = foldBias(rewriter, loc, bias, *affine)) {
    Value newInit = broadcastChannels(
        rewriter, loc, newBias, cast<RankedTensorType>(init.getType()),
        target->sumAxes, getDestinationOf(rewriter, init));
    rewriter.modifyOpInPlace(
        op, [&] { op->setOperand(op->getNumOperands() - 1, newInit); });
  }
  // The op now stands for both; the value carries the name of the later one.
  rewriter.modifyOpInPlace(op, [&] {
    op->setLoc(FusedLoc::get(op->getContext(), {loc, affine->op->getLoc()}));
  });
  rewriter.replaceOp(affine->op, target->sum);
  return true;
}

void FoldChannelAffine::runOnOperation() {
  normalizeBroadcasts(getOperation());
  SmallVector<Operation *> ops;
  getOperation()->walk([&](linalg::LinalgOp op) { ops.push_back(op); });
  IRRewriter rewriter(&getContext());
  for (Operation *op : ops)
    while (tryFold(rewriter, op))
      ++numFolded;
}
