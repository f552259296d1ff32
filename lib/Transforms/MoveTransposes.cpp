//===- MoveTransposes.cpp - Transposes towards the borders ----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// op(transpose(x)) becomes transpose(op'(x)) for transposes from NHWC to NCHW.
// Only these move down and only their inverses move up, so it ends.
//
//===----------------------------------------------------------------------===//

#include "Layout.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Utils/ReshapeOpsUtils.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "qc/Analysis/LinalgViews.h"
#include "qc/Dialect/QC/IR/QCOps.h"

using namespace mlir;
using namespace mlir::qc;

/// The NHWC tensor that `value` is the NCHW transpose of; null if it is none.
static Value getChannelsLast(Value value) {
  auto transpose = value.getDefiningOp<linalg::TransposeOp>();
  if (!transpose || transpose.getPermutation() != ArrayRef(toChannelsFirst))
    return {};
  return transpose.getInput();
}

template <typename T> static SmallVector<T> permuteList(ArrayRef<T> list) {
  SmallVector<T> result;
  for (int64_t axis : toChannelsLast)
    result.push_back(list[axis]);
  return result;
}

static bool isImage(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor && tensor.getRank() == 4;
}

/// Codes with groups have groups for each axis; those stay where they are.
static bool hasGroups(Type type) {
  return getEncoding(type) && !getStaticAffine(type);
}

namespace {

/// Ops that treat every element alike.
struct MoveThroughElementwise : RewritePattern {
  MoveThroughElementwise(MLIRContext *context)
      : RewritePattern(MatchAnyOpTypeTag(), 1, context) {}

  LogicalResult matchAndRewrite(Operation *op,
                                PatternRewriter &rewriter) const override {
    if (!OpTrait::hasElementwiseMappableTraits(op) &&
        !isa<UnaryOp, ObserveOp, QuantizeOp, DequantizeOp, ComponentOp,
             AssembleOp>(op))
      return failure();
    if (op->getNumResults() != 1 || !isImage(op->getResult(0).getType()) ||
        hasGroups(op->getResult(0).getType()))
      return rewriter.notifyMatchFailure(op, "is not on images");
    auto transposed = [](Value value) { return !!getChannelsLast(value); };
    if (llvm::none_of(op->getOperands(), transposed))
      return rewriter.notifyMatchFailure(op, "reads no transpose");
    SmallVector<Value> operands;
    for (Value value : op->getOperands()) {
      if (isImage(value.getType())) {
        if (hasGroups(value.getType()))
          return rewriter.notifyMatchFailure(op, "reads codes in groups");
        // Encoded tensors have no transposes before them.
        if (getEncoding(value) && !transposed(value))
          return rewriter.notifyMatchFailure(op, "reads other codes");
        value = permute(rewriter, value.getLoc(), value, toChannelsLast);
      } else if (isa<RankedTensorType>(value.getType())) {
        return rewriter.notifyMatchFailure(op, "reads a tensor of other rank");
      }
      operands.push_back(value);
    }
    auto type = permuteType(cast<RankedTensorType>(op->getResult(0).getType()),
                            toChannelsLast);
    OperationState state(op->getLoc(), op->getName(), operands, {type},
                         op->getAttrs());
    Operation *moved = rewriter.create(state);
    rewriter.replaceOp(op, permute(rewriter, op->getLoc(), moved->getResult(0),
                                   toChannelsFirst));
    return success();
  }
};

/// Loops that treat every element alike and do not ask where they are.
struct MoveThroughGeneric : OpRewritePattern<linalg::GenericOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(linalg::GenericOp op,
                                PatternRewriter &rewriter) const override {
    auto isIdentity = [](AffineMap map) { return map.isIdentity(); };
    auto transposed = [](Value value) { return !!getChannelsLast(value); };
    if (op->getNumResults() != 1 || op.getNumLoops() != 4 ||
        !llvm::all_of(op.getIndexingMapsArray(), isIdentity) ||
        op.hasIndexSemantics() || llvm::none_of(op.getInputs(), transposed))
      return rewriter.notifyMatchFailure(op, "is not alike on transposes");
    SmallVector<Value> operands;
    for (Value value : op->getOperands()) {
      if (!isImage(value.getType()) || getEncoding(value))
        return rewriter.notifyMatchFailure(op, "reads other tensors");
      operands.push_back(
          permute(rewriter, value.getLoc(), value, toChannelsLast));
    }
    IRMapping mapping;
    Operation *moved = rewriter.clone(*op, mapping);
    rewriter.modifyOpInPlace(moved, [&] {
      moved->setOperands(operands);
      moved->getResult(0).setType(operands.back().getType());
    });
    rewriter.replaceOp(op, permute(rewriter, op->getLoc(), moved->getResult(0),
                                   toChannelsFirst));
    return success();
  }
};

struct MoveThroughChannelAffine : OpRewritePattern<ChannelAffineOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ChannelAffineOp op,
                                PatternRewriter &rewriter) const override {
    Value input = getChannelsLast(op.getInput());
    if (!input)
      return rewriter.notifyMatchFailure(op, "reads no transpose");
    int64_t axis = toChannelsFirst[op.getAxis()];
    Value moved =
        ChannelAffineOp::create(rewriter, op.getLoc(), input.getType(), input,
                                op.getScale(), op.getShift(), axis);
    rewriter.replaceOp(op,
                       permute(rewriter, op.getLoc(), moved, toChannelsFirst));
    return success();
  }
};

/// `pad` on another source, with the amounts given.
static Value createPad(PatternRewriter &rewriter, tensor::PadOp pad,
                       Value source, ArrayRef<int64_t> perm) {
  SmallVector<OpFoldResult> low, high;
  for (int64_t axis : perm) {
    low.push_back(pad.getMixedLowPad()[axis]);
    high.push_back(pad.getMixedHighPad()[axis]);
  }
  return tensor::PadOp::create(
      rewriter, pad.getLoc(), permuteType(pad.getResultType(), perm), source,
      low, high, pad.getConstantPaddingValue(), pad.getNofold());
}

struct MovePadDown : OpRewritePattern<tensor::PadOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(tensor::PadOp op,
                                PatternRewriter &rewriter) const override {
    Value source = getChannelsLast(op.getSource());
    if (!source || !op.getConstantPaddingValue())
      return rewriter.notifyMatchFailure(op,
                                         "is no constant pad of a transpose");
    Value moved = createPad(rewriter, op, source, toChannelsLast);
    rewriter.replaceOp(op,
                       permute(rewriter, op.getLoc(), moved, toChannelsFirst));
    return success();
  }
};

/// The transpose to NHWC of a padded argument becomes padding of the
/// transposed argument.
struct MovePadUp : OpRewritePattern<linalg::TransposeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(linalg::TransposeOp op,
                                PatternRewriter &rewriter) const override {
    auto pad = op.getInput().getDefiningOp<tensor::PadOp>();
    if (op.getPermutation() != ArrayRef(toChannelsLast) || !pad ||
        !pad->hasOneUse() || !pad.getConstantPaddingValue())
      return rewriter.notifyMatchFailure(op, "is no transpose of padding");
    Value source = permute(rewriter, getImageLoc(pad.getSource()),
                           pad.getSource(), toChannelsLast);
    rewriter.replaceOp(op, createPad(rewriter, pad, source, toChannelsLast));
    return success();
  }
};

struct MoveThroughSlice : OpRewritePattern<tensor::ExtractSliceOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(tensor::ExtractSliceOp op,
                                PatternRewriter &rewriter) const override {
    Value source = getChannelsLast(op.getSource());
    if (!source || op.getType().getRank() != 4)
      return rewriter.notifyMatchFailure(op, "is no slice of a transpose");
    auto type = permuteType(op.getType(), toChannelsLast);
    auto moved = tensor::ExtractSliceOp::create(
        rewriter, op.getLoc(), type, source,
        permuteList<OpFoldResult>(op.getMixedOffsets()),
        permuteList<OpFoldResult>(op.getMixedSizes()),
        permuteList<OpFoldResult>(op.getMixedStrides()));
    rewriter.replaceOp(op,
                       permute(rewriter, op.getLoc(), moved, toChannelsFirst));
    return success();
  }
};

struct MoveThroughConcat : OpRewritePattern<tensor::ConcatOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(tensor::ConcatOp op,
                                PatternRewriter &rewriter) const override {
    auto transposed = [](Value value) { return !!getChannelsLast(value); };
    if (llvm::none_of(op.getInputs(), transposed))
      return rewriter.notifyMatchFailure(op, "reads no transpose");
    SmallVector<Value> inputs;
    for (Value input : op.getInputs())
      inputs.push_back(permute(rewriter, op.getLoc(), input, toChannelsLast));
    auto moved = tensor::ConcatOp::create(
        rewriter, op.getLoc(), permuteType(op.getResultType(), toChannelsLast),
        toChannelsFirst[op.getDim()], inputs);
    rewriter.replaceOp(op,
                       permute(rewriter, op.getLoc(), moved, toChannelsFirst));
    return success();
  }
};

/// A reduction of NCHW axes is one of the NHWC axes they came from; the axes
/// that stay may be in another order.
struct MoveThroughReduce : OpRewritePattern<linalg::ReduceOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(linalg::ReduceOp op,
                                PatternRewriter &rewriter) const override {
    if (op.getInputs().size() != 1)
      return rewriter.notifyMatchFailure(op, "has several inputs");
    Value input = getChannelsLast(op.getInputs()[0]);
    if (!input)
      return rewriter.notifyMatchFailure(op, "reads no transpose");
    SmallVector<int64_t> dimensions, oldKept, newKept;
    for (int64_t axis = 0; axis < 4; ++axis)
      if (llvm::is_contained(op.getDimensions(), axis))
        dimensions.push_back(toChannelsFirst[axis]);
      else
        oldKept.push_back(toChannelsFirst[axis]);
    llvm::sort(dimensions);
    newKept = oldKept;
    llvm::sort(newKept);
    // perm: axis of the new result for each axis of the old one.
    SmallVector<int64_t> perm;
    for (int64_t axis : oldKept)
      perm.push_back(llvm::find(newKept, axis) - newKept.begin());
    Value init = permute(rewriter, op.getLoc(), op.getInits()[0],
                         invertPermutation(perm));
    auto moved = linalg::ReduceOp::create(
        rewriter, op.getLoc(), TypeRange{init.getType()}, ValueRange{input},
        ValueRange{init}, rewriter.getDenseI64ArrayAttr(dimensions));
    rewriter.cloneRegionBefore(op.getCombiner(), moved.getCombiner(),
                               moved.getCombiner().end());
    rewriter.replaceOp(
        op, permute(rewriter, op.getLoc(), moved->getResult(0), perm));
    return success();
  }
};

/// Where a transpose moves only axes of size 1, a reshape after it reshapes
/// its source.
struct SkipUnitTranspose : OpRewritePattern<tensor::CollapseShapeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(tensor::CollapseShapeOp op,
                                PatternRewriter &rewriter) const override {
    auto transpose = op.getSrc().getDefiningOp<linalg::TransposeOp>();
    if (!transpose)
      return rewriter.notifyMatchFailure(op, "reads no transpose");
    auto source = cast<RankedTensorType>(transpose.getInput().getType());
    if (!movesUnitAxesOnly(source.getShape(), transpose.getPermutation()))
      return rewriter.notifyMatchFailure(op, "the transpose moves data");
    auto groups = getReassociationIndicesForReshape(source, op.getResultType());
    if (!groups)
      return rewriter.notifyMatchFailure(op, "found no equal reshape");
    rewriter.replaceOpWithNewOp<tensor::CollapseShapeOp>(
        op, op.getResultType(), transpose.getInput(), *groups);
    return success();
  }
};

/// A product that reads a flattened NCHW image reads the flattened NHWC image;
/// the rows of its constant weight are put in that order.
struct MoveIntoWeight : OpRewritePattern<linalg::MatmulOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(linalg::MatmulOp op,
                                PatternRewriter &rewriter) const override {
    std::optional<MatMulView> view = MatMulView::match(op);
    auto flat = view ? view->lhs.getDefiningOp<tensor::CollapseShapeOp>()
                     : tensor::CollapseShapeOp();
    SmallVector<ReassociationIndices> rows = {{0}, {1, 2, 3}};
    Value image = flat ? getChannelsLast(flat.getSrc()) : Value();
    if (!image || flat.getReassociationIndices() != rows ||
        !isConstantSubgraph(view->rhs))
      return rewriter.notifyMatchFailure(op, "reads no flattened image");
    ArrayRef<int64_t> shape = flat.getSrcType().getShape();
    auto type = cast<RankedTensorType>(view->rhs.getType());
    if (ShapedType::isDynamicShape(shape.drop_front()))
      return rewriter.notifyMatchFailure(op, "sizes are not known");
    Location loc = op.getLoc();
    SmallVector<int64_t> split(shape.drop_front());
    split.push_back(type.getDimSize(1));
    ReassociationIndices first = {0, 1, 2}, last = {3};
    Value weight = tensor::ExpandShapeOp::create(
        rewriter, loc, RankedTensorType::get(split, type.getElementType()),
        view->rhs, ArrayRef<ReassociationIndices>{first, last});
    weight = permute(rewriter, loc, weight, {1, 2, 0, 3});
    weight = tensor::CollapseShapeOp::create(
        rewriter, loc, type, weight,
        ArrayRef<ReassociationIndices>{first, last});
    Value input = tensor::CollapseShapeOp::create(
        rewriter, flat.getLoc(), flat.getResultType(), image, rows);
    rewriter.modifyOpInPlace(op, [&] {
      op->setOperand(0, input);
      op->setOperand(1, weight);
      op->setAttr(movedRowsAttr, rewriter.getUnitAttr());
    });
    return success();
  }
};

/// Two transposes in a row are one or none.
struct MergeTransposes : OpRewritePattern<linalg::TransposeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(linalg::TransposeOp op,
                                PatternRewriter &rewriter) const override {
    Value input = op.getInput();
    Operation *def = input.getDefiningOp();
    bool identity = llvm::equal(op.getPermutation(),
                                llvm::seq<int64_t>(op.getPermutation().size()));
    if (!identity &&
        !isa_and_nonnull<linalg::TransposeOp, linalg::FillOp, tensor::SplatOp,
                         linalg::BroadcastOp>(def))
      return rewriter.notifyMatchFailure(op, "reads no transpose");
    rewriter.replaceOp(
        op, permute(rewriter, op.getLoc(), input, op.getPermutation()));
    return success();
  }
};

/// Sizes come from as far up as possible, so that nothing is kept alive for
/// its size.
struct FollowDim : OpRewritePattern<tensor::DimOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(tensor::DimOp op,
                                PatternRewriter &rewriter) const override {
    std::optional<int64_t> axis = op.getConstantIndex();
    auto type = dyn_cast<RankedTensorType>(op.getSource().getType());
    if (!axis || !type || *axis < 0 || *axis >= type.getRank() ||
        isa<BlockArgument>(op.getSource()))
      return rewriter.notifyMatchFailure(op, "has no known axis");
    OpFoldResult size = getSize(rewriter, op.getLoc(), op.getSource(), *axis);
    auto value = dyn_cast<Value>(size);
    auto dim = value ? value.getDefiningOp<tensor::DimOp>() : tensor::DimOp();
    if (dim && dim.getSource() == op.getSource()) {
      rewriter.eraseOp(dim);
      return rewriter.notifyMatchFailure(op, "is the source of this size");
    }
    rewriter.replaceOp(
        op, getValueOrCreateConstantIndexOp(rewriter, op.getLoc(), size));
    return success();
  }
};

} // namespace

void mlir::qc::populateMoveTransposePatterns(RewritePatternSet &patterns) {
  patterns.add<MoveThroughElementwise, MoveThroughGeneric, MoveIntoWeight,
               MoveThroughChannelAffine, MovePadDown, MovePadUp,
               MoveThroughSlice, MoveThroughConcat, MoveThroughReduce,
               SkipUnitTranspose, MergeTransposes, FollowDim>(
      patterns.getContext());
}
