//===- FuseMovement.cpp - Data movement on codes --------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Moving elements and decoding them commute. Decoding goes down and encoding
// up, so that only bytes are moved.
//
//===----------------------------------------------------------------------===//

#include "Fuse.h"
#include "Layout.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "qc/Analysis/LinalgViews.h"
#include "qc/Numerics/Rounding.h"

using namespace mlir;
using namespace mlir::qc;
namespace num = ::qc::numerics;

/// Ops that only move elements; concat has several sources.
static bool isMovement(Operation *op) {
  return isa<tensor::CollapseShapeOp, tensor::ExpandShapeOp,
             tensor::ExtractSliceOp, tensor::PadOp, tensor::ConcatOp,
             linalg::TransposeOp>(op);
}

static unsigned getNumSources(Operation *op) {
  return isa<tensor::ConcatOp>(op) ? op->getNumOperands() : 1;
}

static int32_t encodeOne(AffineAttr affine, float x) {
  return num::quantize(x, affine.getScaleValue(), affine.getZeroPoint(),
                       affine.getQMin(), affine.getQMax());
}

static RankedTensorType getCodeType(RankedTensorType type) {
  return RankedTensorType::get(type.getShape(),
                               IntegerType::get(type.getContext(), 8));
}

/// The bytes of static codes.
static Value getBytes(OpBuilder &builder, Location loc, Value codes) {
  auto type = cast<RankedTensorType>(codes.getType());
  return ComponentOp::create(builder, loc, getCodeType(type), codes, "data");
}

/// `op` on bytes instead of floats.
static Value moveBytes(OpBuilder &builder, Operation *op, ValueRange bytes,
                       AffineAttr affine) {
  Location loc = op->getLoc();
  auto type = getCodeType(cast<RankedTensorType>(op->getResult(0).getType()));
  if (auto pad = dyn_cast<tensor::PadOp>(op)) {
    int32_t code = encodeOne(affine, PadView::match(pad.getResult())->value);
    Value value = arith::ConstantOp::create(
        builder, loc, builder.getI8IntegerAttr(static_cast<int8_t>(code)));
    return tensor::PadOp::create(builder, loc, type, bytes[0],
                                 pad.getMixedLowPad(), pad.getMixedHighPad(),
                                 value, pad.getNofold());
  }
  if (auto transpose = dyn_cast<linalg::TransposeOp>(op))
    return permute(builder, loc, bytes[0], transpose.getPermutation());
  SmallVector<Value> operands(bytes);
  llvm::append_range(operands, op->getOperands().drop_front(getNumSources(op)));
  OperationState state(loc, op->getName(), operands, {type}, op->getAttrs());
  state.propertiesAttr = op->getPropertiesAsAttribute();
  return builder.create(state)->getResult(0);
}

static Value assemble(OpBuilder &builder, Location loc, Value bytes,
                      AffineAttr affine) {
  auto type = cast<RankedTensorType>(bytes.getType());
  return AssembleOp::create(builder, loc, withEncoding(type, affine), bytes);
}

/// What a fused convolution or pooling does itself: padding, and splitting
/// channels in groups.
static bool willBeAbsorbed(Operation *op) {
  bool isPad = isa<tensor::PadOp>(op);
  if ((!isPad && !isa<tensor::ExpandShapeOp>(op)) || op->use_empty())
    return false;
  return llvm::all_of(op->getUsers(), [&](Operation *user) {
    std::optional<ConvView> conv = ConvView::match(user);
    if (!isPad)
      return conv && conv->kind == ConvView::Kind::Grouped;
    return conv || PoolView::match(user) ||
           (isa<tensor::ExpandShapeOp>(user) && willBeAbsorbed(user));
  });
}

/// True if padding has a constant that is the value of a code.
static bool padsWithCode(Operation *op, AffineAttr affine) {
  if (!isa<tensor::PadOp>(op))
    return true;
  std::optional<PadView> pad = PadView::match(op->getResult(0));
  if (!pad)
    return false;
  float decoded =
      num::dequantize(encodeOne(affine, pad->value), affine.getScaleValue(),
                      affine.getZeroPoint());
  return decoded == pad->value;
}

namespace {

/// move(dequantize(q)) -> dequantize(move(q))
struct SinkDequantize : RewritePattern {
  SinkDequantize(MLIRContext *context, const FuseCounts &counts, bool isLast)
      : RewritePattern(MatchAnyOpTypeTag(), 1, context), counts(counts),
        isLast(isLast) {}

  LogicalResult matchAndRewrite(Operation *op,
                                PatternRewriter &rewriter) const override {
    if (!isMovement(op))
      return failure();
    SmallVector<Value> sources;
    AffineAttr affine;
    for (unsigned i = 0; i < getNumSources(op); ++i) {
      Value codes = getStaticCodes(op->getOperand(i));
      AffineAttr own = codes ? getStaticAffine(codes) : AffineAttr();
      if (!own || (affine && own != affine))
        return rewriter.notifyMatchFailure(op, "reads values, not codes");
      affine = own;
      sources.push_back(codes);
    }
    if ((!isLast && willBeAbsorbed(op)) || !padsWithCode(op, affine))
      return rewriter.notifyMatchFailure(op, "padding stays");
    for (Value &source : sources)
      source = getBytes(rewriter, op->getLoc(), source);
    Value bytes = moveBytes(rewriter, op, sources, affine);
    Value codes = assemble(rewriter, op->getLoc(), bytes, affine);
    rewriter.replaceOpWithNewOp<DequantizeOp>(op, op->getResult(0).getType(),
                                              codes);
    ++counts.moved;
    return success();
  }

  FuseCounts counts;
  bool isLast;
};

/// quantize(move(x)) -> move(quantize(x))
struct HoistQuantize : OpRewritePattern<QuantizeOp> {
  HoistQuantize(MLIRContext *context, const FuseCounts &counts)
      : OpRewritePattern(context), counts(counts) {}

  LogicalResult matchAndRewrite(QuantizeOp op,
                                PatternRewriter &rewriter) const override {
    AffineAttr affine = getStaticAffine(op.getResult());
    Operation *move = op.getInput().getDefiningOp();
    if (!affine || affine.getBits() != 8 || !move || !isMovement(move) ||
        !move->hasOneUse() || isa<tensor::ExtractSliceOp>(move))
      return rewriter.notifyMatchFailure(op, "no movement of values before it");
    if (isa<tensor::PadOp>(move) && !PadView::match(move->getResult(0)))
      return rewriter.notifyMatchFailure(op, "padding is no constant");
    rewriter.setInsertionPoint(move);
    SmallVector<Value> sources;
    for (unsigned i = 0; i < getNumSources(move); ++i) {
      Value source = move->getOperand(i);
      auto type = cast<RankedTensorType>(source.getType());
      Value codes = QuantizeOp::create(rewriter, op.getLoc(),
                                       withEncoding(type, affine), source);
      sources.push_back(getBytes(rewriter, op.getLoc(), codes));
    }
    Value bytes = moveBytes(rewriter, move, sources, affine);
    rewriter.replaceOp(op, assemble(rewriter, op.getLoc(), bytes, affine));
    ++counts.moved;
    return success();
  }

  FuseCounts counts;
};

/// quantize(dequantize(q)) with one encoding is exact.
struct FoldRequantize : OpRewritePattern<QuantizeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(QuantizeOp op,
                                PatternRewriter &rewriter) const override {
    Value codes = getCodes(op.getInput());
    if (!codes || codes.getType() != op.getType() || !getStaticAffine(codes))
      return rewriter.notifyMatchFailure(op, "does not undo a dequantize");
    rewriter.replaceOp(op, codes);
    return success();
  }
};

/// assemble(component(q, "data")) -> q
struct FoldAssemble : OpRewritePattern<AssembleOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(AssembleOp op,
                                PatternRewriter &rewriter) const override {
    if (op.getComponents().size() != 1)
      return rewriter.notifyMatchFailure(op, "has several components");
    auto component = op.getComponents()[0].getDefiningOp<ComponentOp>();
    if (!component || component.getInput().getType() != op.getType())
      return rewriter.notifyMatchFailure(op, "is not of the same codes");
    rewriter.replaceOp(op, component.getInput());
    return success();
  }
};

/// Transposes in a row, made by moving codes through them.
struct MergeByteTransposes : OpRewritePattern<linalg::TransposeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(linalg::TransposeOp op,
                                PatternRewriter &rewriter) const override {
    if (!op.getInput().getDefiningOp<linalg::TransposeOp>())
      return rewriter.notifyMatchFailure(op, "reads no transpose");
    rewriter.replaceOp(
        op, permute(rewriter, op.getLoc(), op.getInput(), op.getPermutation()));
    return success();
  }
};

} // namespace

void mlir::qc::populateFuseMovementPatterns(RewritePatternSet &patterns,
                                            const FuseCounts &counts,
                                            bool isLast) {
  MLIRContext *context = patterns.getContext();
  patterns.add<SinkDequantize>(context, counts, isLast);
  patterns.add<HoistQuantize>(context, counts);
  patterns.add<FoldRequantize, FoldAssemble, MergeByteTransposes>(context);
}
