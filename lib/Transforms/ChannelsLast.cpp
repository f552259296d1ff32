//===- ChannelsLast.cpp - Images in NHWC ----------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every NCHW op becomes its NHWC form between two transposes; the patterns of
// MoveTransposes.cpp then remove all transposes but those at the borders.
//
//===----------------------------------------------------------------------===//

#include "Channels.h"
#include "Layout.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "qc/Analysis/LinalgViews.h"
#include "qc/Dialect/QC/IR/QCOps.h"
#include "qc/Transforms/Passes.h"

namespace mlir::qc {
#define GEN_PASS_DEF_CHANNELSLASTPASS
#include "qc/Transforms/Passes.h.inc"
} // namespace mlir::qc

using namespace mlir;
using namespace mlir::qc;

namespace {
struct ChannelsLast : mlir::qc::impl::ChannelsLastPassBase<ChannelsLast> {
  void runOnOperation() override;
};
} // namespace

static Value toLast(OpBuilder &builder, Value image) {
  return permute(builder, getImageLoc(image), image, toChannelsLast);
}

static DenseIntElementsAttr pairAttr(OpBuilder &builder,
                                     ArrayRef<int64_t> values) {
  return builder.getI64TensorAttr(values);
}

template <typename OpTy>
static Value createWindowed(OpBuilder &builder, Location loc, Value input,
                            Value filter, Value init, ArrayRef<int64_t> strides,
                            ArrayRef<int64_t> dilations) {
  return OpTy::create(builder, loc, TypeRange{init.getType()},
                      ValueRange{input, filter}, ValueRange{init},
                      pairAttr(builder, strides), pairAttr(builder, dilations))
      ->getResult(0);
}

namespace {

struct ConvertConv : RewritePattern {
  ConvertConv(MLIRContext *context, Pass::Statistic &count)
      : RewritePattern(MatchAnyOpTypeTag(), 2, context), count(count) {}

  LogicalResult matchAndRewrite(Operation *op,
                                PatternRewriter &rewriter) const override {
    std::optional<ConvView> conv = ConvView::match(op);
    if (!conv || conv->layout != ImageLayout::ChannelsFirst ||
        conv->kind == ConvView::Kind::Grouped)
      return failure();
    bool full = conv->kind == ConvView::Kind::Full;
    Location loc = op->getLoc();
    Value input = toLast(rewriter, conv->input);
    SmallVector<int64_t> filterPerm =
        full ? SmallVector<int64_t>{2, 3, 1, 0} : SmallVector<int64_t>{1, 2, 0};
    Value filter = permute(rewriter, loc, conv->filter, filterPerm);
    Value init = permute(rewriter, loc, conv->init, toChannelsLast);
    Value result = full ? createWindowed<linalg::Conv2DNhwcHwcfOp>(
                              rewriter, loc, input, filter, init, conv->strides,
                              conv->dilations)
                        : createWindowed<linalg::DepthwiseConv2DNhwcHwcOp>(
                              rewriter, loc, input, filter, init, conv->strides,
                              conv->dilations);
    rewriter.replaceOp(op, permute(rewriter, loc, result, toChannelsFirst));
    ++count;
    return success();
  }

  Pass::Statistic &count;
};

/// expand_shape, grouped convolution, collapse_shape.
struct ConvertGroupedConv : OpRewritePattern<tensor::CollapseShapeOp> {
  ConvertGroupedConv(MLIRContext *context, Pass::Statistic &count)
      : OpRewritePattern(context, 2), count(count) {}

  LogicalResult matchAndRewrite(tensor::CollapseShapeOp op,
                                PatternRewriter &rewriter) const override {
    Operation *sum = op.getSrc().getDefiningOp();
    std::optional<ConvView> conv;
    if (sum)
      conv = ConvView::match(sum);
    SmallVector<ReassociationIndices> images = {{0}, {1, 2}, {3}, {4}};
    if (!conv || conv->kind != ConvView::Kind::Grouped ||
        conv->layout != ImageLayout::ChannelsFirst || !sum->hasOneUse() ||
        op.getReassociationIndices() != images)
      return rewriter.notifyMatchFailure(op, "is no grouped NCHW convolution");
    auto expand = conv->input.getDefiningOp<tensor::ExpandShapeOp>();
    if (!expand || expand.getReassociationIndices() != images)
      return rewriter.notifyMatchFailure(op,
                                         "its input is not split in groups");
    Location loc = sum->getLoc();
    Value image = toLast(rewriter, expand.getSrc());
    constexpr int64_t groupsLast[] = {0, 3, 4, 1, 2};
    SmallVector<ReassociationIndices> lastGroups = {{0}, {1}, {2}, {3, 4}};
    SmallVector<OpFoldResult> sizes;
    for (int64_t axis : groupsLast)
      sizes.push_back(getSize(rewriter, loc, conv->input, axis));
    Value input = tensor::ExpandShapeOp::create(
        rewriter, loc, permuteType(expand.getResultType(), groupsLast), image,
        lastGroups, sizes);
    Value filter = permute(rewriter, loc, conv->filter, {0, 1, 3, 4, 2});
    Value init = splitLast(rewriter, loc, conv->init, images, lastGroups);
    Value result = createWindowed<linalg::Conv2DNhwgcGfhwcOp>(
        rewriter, loc, input, filter, init, conv->strides, conv->dilations);
    Value merged =
        tensor::CollapseShapeOp::create(rewriter, loc, result, lastGroups);
    rewriter.replaceOp(op, permute(rewriter, loc, merged, toChannelsFirst));
    ++count;
    return success();
  }

  /// The start value: an image that was split in groups is permuted first.
  static Value splitLast(OpBuilder &builder, Location loc, Value init,
                         ArrayRef<ReassociationIndices> firstGroups,
                         ArrayRef<ReassociationIndices> lastGroups) {
    constexpr int64_t groupsLast[] = {0, 3, 4, 1, 2};
    auto expand = init.getDefiningOp<tensor::ExpandShapeOp>();
    if (!expand || ArrayRef(expand.getReassociationIndices()) != firstGroups)
      return permute(builder, loc, init, groupsLast);
    SmallVector<OpFoldResult> sizes;
    for (int64_t axis : groupsLast)
      sizes.push_back(getSize(builder, loc, init, axis));
    Value image = permute(builder, loc, expand.getSrc(), toChannelsLast);
    return tensor::ExpandShapeOp::create(
        builder, loc, permuteType(expand.getResultType(), groupsLast), image,
        lastGroups, sizes);
  }

  Pass::Statistic &count;
};

struct ConvertPool : RewritePattern {
  ConvertPool(MLIRContext *context, Pass::Statistic &count)
      : RewritePattern(MatchAnyOpTypeTag(), 2, context), count(count) {}

  LogicalResult matchAndRewrite(Operation *op,
                                PatternRewriter &rewriter) const override {
    std::optional<PoolView> pool = PoolView::match(op);
    if (!pool || pool->layout != ImageLayout::ChannelsFirst)
      return failure();
    Location loc = op->getLoc();
    Value input = toLast(rewriter, pool->input);
    Value init = permute(rewriter, loc, pool->init, toChannelsLast);
    Value result = pool->isMax ? createWindowed<linalg::PoolingNhwcMaxOp>(
                                     rewriter, loc, input, pool->window, init,
                                     pool->strides, pool->dilations)
                               : createWindowed<linalg::PoolingNhwcSumOp>(
                                     rewriter, loc, input, pool->window, init,
                                     pool->strides, pool->dilations);
    rewriter.replaceOp(op, permute(rewriter, loc, result, toChannelsFirst));
    ++count;
    return success();
  }

  Pass::Statistic &count;
};

/// A transpose that only moves axes of size 1 drops them and puts them back
/// elsewhere.
struct UnitTransposeToReshape : OpRewritePattern<linalg::TransposeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(linalg::TransposeOp op,
                                PatternRewriter &rewriter) const override {
    auto source = cast<RankedTensorType>(op.getInput().getType());
    auto result = cast<RankedTensorType>(op->getResult(0).getType());
    if (!movesUnitAxesOnly(source.getShape(), op.getPermutation()))
      return rewriter.notifyMatchFailure(op, "the transpose moves data");
    SmallVector<int64_t> kept;
    for (int64_t size : source.getShape())
      if (size != 1)
        kept.push_back(size);
    if (kept.empty() || kept.size() == source.getShape().size())
      return rewriter.notifyMatchFailure(op, "has no axes to drop");
    auto small = RankedTensorType::get(kept, source.getElementType());
    Value dropped = tensor::CollapseShapeOp::create(
        rewriter, op.getLoc(), small, op.getInput(), groupUnits(source));
    SmallVector<OpFoldResult> sizes;
    for (int64_t axis : op.getPermutation())
      sizes.push_back(getSize(rewriter, op.getLoc(), op.getInput(), axis));
    rewriter.replaceOpWithNewOp<tensor::ExpandShapeOp>(
        op, result, dropped, groupUnits(result), sizes);
    return success();
  }

  /// Each group holds one axis that is not 1 and the units around it.
  static SmallVector<ReassociationIndices> groupUnits(RankedTensorType type) {
    SmallVector<ReassociationIndices> groups(1);
    bool full = false;
    for (auto [axis, size] : llvm::enumerate(type.getShape())) {
      if (size != 1 && full)
        groups.emplace_back();
      groups.back().push_back(axis);
      full |= size != 1;
    }
    return groups;
  }
};

} // namespace

void ChannelsLast::runOnOperation() {
  normalizeBroadcasts(getOperation());
  MLIRContext *context = &getContext();
  RewritePatternSet convert(context);
  convert.add<ConvertConv, ConvertGroupedConv, ConvertPool>(context,
                                                            numConverted);
  populateMoveTransposePatterns(convert);
  if (failed(applyPatternsGreedily(getOperation(), std::move(convert))))
    return signalPassFailure();

  RewritePatternSet clean(context);
  clean.add<UnitTransposeToReshape>(context);
  tensor::CollapseShapeOp::getCanonicalizationPatterns(clean, context);
  tensor::ExpandShapeOp::getCanonicalizationPatterns(clean, context);
  if (failed(applyPatternsGreedily(getOperation(), std::move(clean))))
    signalPassFailure();
}
