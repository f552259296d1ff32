//===- Fuse.cpp - Level 2 to level 3 --------------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// First codes flow through data movement, so that each layer sees what it
// reads as codes; then convolutions and products take up what follows them;
// then the same patterns as before finish what is left.
//
//===----------------------------------------------------------------------===//

#include "Fuse.h"
#include "Channels.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Dominance.h"
#include "mlir/Transforms/CSE.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "qc/Transforms/Passes.h"

namespace mlir::qc {
#define GEN_PASS_DEF_FUSEPASS
#include "qc/Transforms/Passes.h.inc"
} // namespace mlir::qc

using namespace mlir;
using namespace mlir::qc;

Value mlir::qc::getCodes(Value value) {
  auto dequantize = value.getDefiningOp<DequantizeOp>();
  return dequantize ? dequantize.getInput() : Value();
}

Value mlir::qc::getStaticCodes(Value value) {
  Value codes = getCodes(value);
  AffineAttr affine = codes ? getStaticAffine(codes) : AffineAttr();
  return affine && affine.getBits() == 8 ? codes : Value();
}

QuantizeOp mlir::qc::getStaticQuantize(Value value) {
  if (!value.hasOneUse())
    return {};
  auto quantize = dyn_cast<QuantizeOp>(*value.user_begin());
  AffineAttr affine =
      quantize ? getStaticAffine(quantize.getResult()) : AffineAttr();
  return affine && affine.getBits() == 8 ? quantize : QuantizeOp();
}

FloatAttr mlir::qc::getBoundAttr(OpBuilder &builder,
                                 std::optional<float> bound) {
  return bound ? builder.getF32FloatAttr(*bound) : FloatAttr();
}

Location mlir::qc::fuseLocs(Operation *first, Operation *last) {
  return FusedLoc::get(first->getContext(), {first->getLoc(), last->getLoc()});
}

namespace {
struct Fuse : mlir::qc::impl::FusePassBase<Fuse> {
  void runOnOperation() override;

private:
  LogicalResult applyPatterns(const FuseCounts &counts, bool isLast);
};
} // namespace

LogicalResult Fuse::applyPatterns(const FuseCounts &counts, bool isLast) {
  RewritePatternSet patterns(&getContext());
  populateFuseElementwisePatterns(patterns, counts, isLast);
  populateFuseMovementPatterns(patterns, counts, isLast);
  populateFuseWeightsPatterns(patterns);
  tensor::CollapseShapeOp::getCanonicalizationPatterns(patterns, &getContext());
  tensor::ExpandShapeOp::getCanonicalizationPatterns(patterns, &getContext());
  return applyPatternsGreedily(getOperation(), std::move(patterns));
}

void Fuse::runOnOperation() {
  FuseCounts counts{numInteger, numFloat, numMoved};
  IRRewriter rewriter(&getContext());
  normalizeBroadcasts(getOperation());
  // One quantization of a value, whoever asked for it.
  DominanceInfo dominance(getOperation());
  eliminateCommonSubExpressions(rewriter, dominance, getOperation());
  if (failed(applyPatterns(counts, /*isLast=*/false)))
    return signalPassFailure();
  fuseContractions(getOperation(), counts);
  if (failed(applyPatterns(counts, /*isLast=*/true)))
    return signalPassFailure();
  DominanceInfo after(getOperation());
  eliminateCommonSubExpressions(rewriter, after, getOperation());
}
