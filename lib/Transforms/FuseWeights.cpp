//===- FuseWeights.cpp - Weights that come as codes -----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Models that were quantized elsewhere carry bytes and scales. What lies
// between these and a layer, transposes and reshapes, is done on the bytes.
//
//===----------------------------------------------------------------------===//

#include "FuseOperands.h"
#include "Layout.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace mlir::qc;

namespace {
/// 8-bit codes with a scale for each index of one axis.
struct ChannelCodes {
  Value bytes;
  /// A vector, or null where `scale` holds for all channels.
  Value scales;
  FloatAttr scale;
  int64_t axis = -1;
};
} // namespace

static std::optional<ChannelCodes> openCodes(RewriterBase &rewriter,
                                             Value codes) {
  auto type = cast<RankedTensorType>(codes.getType());
  auto affine = dyn_cast<AffineAttr>(getEncoding(codes));
  if (!affine || affine.getBits() != 8 || affine.getZeroPoint() != 0 ||
      (!affine.isStatic() && !affine.getSymmetric()) ||
      (affine.getStorage() && !affine.getStorage().isF32()))
    return std::nullopt;
  ChannelCodes result;
  result.scale = affine.getScale();
  for (auto [axis, group] : llvm::enumerate(affine.getGroup())) {
    if (group == -1)
      continue;
    if (group != 1 || result.axis >= 0)
      return std::nullopt;
    result.axis = axis;
  }
  if (!affine.isStatic() && result.axis < 0)
    return std::nullopt;
  Location loc = codes.getLoc();
  result.bytes = ComponentOp::create(
      rewriter, loc,
      RankedTensorType::get(type.getShape(), rewriter.getI8Type()), codes,
      "data");
  if (!affine.isStatic())
    result.scales = ComponentOp::create(
        rewriter, loc,
        RankedTensorType::get({type.getDimSize(result.axis)},
                              rewriter.getF32Type()),
        codes, "scale");
  return result;
}

/// The axis of the result of a reshape that alone carries `axis` of its
/// source; -1 if it is split or merged.
static int64_t followAxis(Operation *reshape, int64_t axis) {
  if (axis < 0)
    return -1;
  auto from = cast<RankedTensorType>(reshape->getOperand(0).getType());
  auto to = cast<RankedTensorType>(reshape->getResult(0).getType());
  auto expand = dyn_cast<tensor::ExpandShapeOp>(reshape);
  auto groups =
      expand ? expand.getReassociationIndices()
             : cast<tensor::CollapseShapeOp>(reshape).getReassociationIndices();
  for (auto [outer, group] : llvm::enumerate(groups))
    for (int64_t inner : group) {
      int64_t source = expand ? static_cast<int64_t>(outer) : inner;
      int64_t target = expand ? inner : static_cast<int64_t>(outer);
      if (source == axis && from.getDimSize(source) == to.getDimSize(target))
        return target;
    }
  return -1;
}

static std::optional<ChannelCodes> findChannelCodes(RewriterBase &rewriter,
                                                    Value value) {
  if (Value codes = getCodes(value))
    return openCodes(rewriter, codes);
  Operation *op = value.getDefiningOp();
  if (!op ||
      !isa<linalg::TransposeOp, tensor::ExpandShapeOp, tensor::CollapseShapeOp>(
          op))
    return std::nullopt;
  std::optional<ChannelCodes> inner =
      findChannelCodes(rewriter, op->getOperand(0));
  if (!inner)
    return std::nullopt;
  if (auto transpose = dyn_cast<linalg::TransposeOp>(op)) {
    inner->bytes = permute(rewriter, op->getLoc(), inner->bytes,
                           transpose.getPermutation());
    if (inner->axis >= 0)
      inner->axis = invertPermutation(transpose.getPermutation())[inner->axis];
    return inner;
  }
  auto type = cast<RankedTensorType>(value.getType());
  if (!type.hasStaticShape())
    return std::nullopt;
  int64_t axis = followAxis(op, inner->axis);
  if (inner->axis >= 0 && axis < 0)
    return std::nullopt;
  inner->axis = axis;
  auto bytes = RankedTensorType::get(type.getShape(), rewriter.getI8Type());
  if (auto expand = dyn_cast<tensor::ExpandShapeOp>(op))
    inner->bytes = tensor::ExpandShapeOp::create(
        rewriter, op->getLoc(), bytes, inner->bytes,
        expand.getReassociationIndices());
  else
    inner->bytes = tensor::CollapseShapeOp::create(
        rewriter, op->getLoc(), bytes, inner->bytes,
        cast<tensor::CollapseShapeOp>(op).getReassociationIndices());
  return inner;
}

Value mlir::qc::findWeightCodes(RewriterBase &rewriter, Value value) {
  Value codes = getCodes(value);
  if ((codes && !getStaticAffine(codes)) || !isConstantSubgraph(value))
    return codes;
  std::optional<ChannelCodes> found = findChannelCodes(rewriter, value);
  auto type = cast<RankedTensorType>(value.getType());
  int64_t last = type.getRank() - 1;
  if (!found || (found->axis >= 0 && found->axis != last))
    return codes;
  if (!found->scales) {
    auto vector =
        RankedTensorType::get({type.getDimSize(last)}, rewriter.getF32Type());
    found->scales = arith::ConstantOp::create(
        rewriter, value.getLoc(),
        DenseElementsAttr::get(vector, found->scale.getValue()));
  }
  auto encoding =
      AffineAttr::getPerChannel(value.getContext(), 8, type.getRank(), last);
  return AssembleOp::create(rewriter, value.getLoc(),
                            withEncoding(type, encoding),
                            ValueRange{found->bytes, found->scales});
}

namespace {
/// A transposed matrix of codes that have bytes of their own is one of
/// transposed codes.
struct TransposeCodes : OpRewritePattern<linalg::TransposeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(linalg::TransposeOp op,
                                PatternRewriter &rewriter) const override;
};

/// A table that is looked up in decodes what it is asked for.
struct EmbedCodes : OpRewritePattern<EmbeddingOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(EmbeddingOp op,
                                PatternRewriter &rewriter) const override {
    Value codes = findWeightCodes(rewriter, op.getTable());
    if (!codes || !isConstantSubgraph(codes))
      return rewriter.notifyMatchFailure(op, "has no codes");
    rewriter.modifyOpInPlace(op, [&] { op.getTableMutable().assign(codes); });
    return success();
  }
};
} // namespace

LogicalResult TransposeCodes::matchAndRewrite(linalg::TransposeOp op,
                                              PatternRewriter &rewriter) const {
  auto dequantize = op.getInput().getDefiningOp<DequantizeOp>();
  auto assemble = dequantize ? dequantize.getInput().getDefiningOp<AssembleOp>()
                             : AssembleOp();
  auto affine = assemble
                    ? dyn_cast<AffineAttr>(getEncoding(assemble.getResult()))
                    : AffineAttr();
  if (!affine || affine.isStatic() || !isConstantSubgraph(assemble) ||
      op.getPermutation() != ArrayRef<int64_t>{1, 0})
    return rewriter.notifyMatchFailure(op, "no matrix of constant codes");
  auto turned = AffineAttr::get(op.getContext(), affine.getBits(),
                                affine.getScale(), affine.getZeroPoint(),
                                {affine.getGroup()[1], affine.getGroup()[0]},
                                affine.getStorage(), affine.getSymmetric());
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  auto wanted = turned.getComponents(type.getShape());
  SmallVector<Value> components;
  for (auto [component, value] :
       llvm::zip_equal(wanted, assemble.getComponents())) {
    auto given = cast<RankedTensorType>(value.getType());
    if (given.getRank() == 2)
      given = permuteType(given, op.getPermutation());
    // Codes of fewer bits share bytes along the last axis.
    if (given != getComponentType(op.getContext(), component))
      return rewriter.notifyMatchFailure(op, "codes share bytes");
    components.push_back(value);
  }
  for (Value &value : components)
    if (cast<RankedTensorType>(value.getType()).getRank() == 2)
      value = permute(rewriter, op.getLoc(), value, op.getPermutation());
  Value codes = AssembleOp::create(rewriter, assemble.getLoc(),
                                   withEncoding(type, turned), components);
  rewriter.replaceOpWithNewOp<DequantizeOp>(op, type, codes);
  return success();
}

void mlir::qc::populateFuseWeightsPatterns(RewritePatternSet &patterns) {
  patterns.add<EmbedCodes, TransposeCodes>(patterns.getContext());
}
