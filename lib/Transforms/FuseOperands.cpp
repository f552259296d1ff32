//===- FuseOperands.cpp - Operands in the form of fused ops ---------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FuseOperands.h"
#include "Channels.h"
#include "Layout.h"
#include "qc/Analysis/Sizes.h"
#include "qc/Dialect/QC/IR/QCSparse.h"

using namespace mlir;
using namespace mlir::qc;

//===----------------------------------------------------------------------===//
// Filters
//===----------------------------------------------------------------------===//

/// `filter` of a convolution as [KH, KW, C / groups, F].
static Value shapeFilter(OpBuilder &builder, const ConvView &view,
                         Value filter) {
  Location loc = filter.getLoc();
  auto type = cast<RankedTensorType>(filter.getType());
  switch (view.kind) {
  case ConvView::Kind::Full:
    return filter;
  case ConvView::Kind::Depthwise: {
    auto shaped = RankedTensorType::get(
        {type.getDimSize(0), type.getDimSize(1), 1, type.getDimSize(2)},
        type.getElementType());
    return tensor::ExpandShapeOp::create(
        builder, loc, shaped, filter,
        ArrayRef<ReassociationIndices>{{0}, {1}, {2, 3}});
  }
  case ConvView::Kind::Grouped: {
    Value moved = permute(builder, loc, filter, {2, 3, 4, 0, 1});
    return tensor::CollapseShapeOp::create(
        builder, loc, moved,
        ArrayRef<ReassociationIndices>{{0}, {1}, {2}, {3, 4}});
  }
  }
  llvm_unreachable("all kinds are handled");
}

/// The encoding that goes with shapeFilter; null if there is none.
static Attribute shapeEncoding(const ConvView &view,
                               EncodingAttrInterface encoding) {
  ArrayRef<int64_t> g = encoding.getGroup();
  if (g.empty() || view.kind == ConvView::Kind::Full)
    return encoding;
  if (view.kind == ConvView::Kind::Depthwise)
    return encoding.withGroup({g[0], g[1], -1, g[2]});
  if (g[0] != 1 || g[1] != 1)
    return {};
  return encoding.withGroup({g[2], g[3], g[4], g[1]});
}

FilterOperand mlir::qc::getFilterOperand(RewriterBase &rewriter,
                                         const ConvView &view) {
  FilterOperand result;
  Value codes = getCodes(view.filter);
  if (codes && view.kind == ConvView::Kind::Full && !getStaticAffine(codes)) {
    result.values = view.filter;
    result.codes = codes;
    return result;
  }
  auto quantize = codes ? codes.getDefiningOp<QuantizeOp>() : QuantizeOp();
  Attribute encoding =
      quantize ? shapeEncoding(view, getEncoding(codes)) : Attribute();
  if (!encoding) {
    result.values = shapeFilter(rewriter, view, view.filter);
    result.codes = findWeightCodes(rewriter, result.values);
    return result;
  }
  // Quantizing the reshaped filter gives the same codes.
  Value values = shapeFilter(rewriter, view, quantize.getInput());
  auto type = cast<RankedTensorType>(values.getType());
  result.codes = QuantizeOp::create(rewriter, quantize.getLoc(),
                                    withEncoding(type, encoding), values,
                                    quantize.getAlgorithmAttr());
  result.values =
      DequantizeOp::create(rewriter, quantize.getLoc(), type, result.codes);
  return result;
}

//===----------------------------------------------------------------------===//
// Codes of inputs
//===----------------------------------------------------------------------===//

/// 8-bit symmetric codes with an f32 scale for each index of the axes where
/// `isOwn` is true.
static bool hasScalePer(Value codes, function_ref<bool(size_t, size_t)> isOwn) {
  auto affine = dyn_cast<AffineAttr>(getDenseEncoding(getEncoding(codes)));
  if (!affine || affine.isStatic() || affine.getBits() != 8 ||
      !affine.getSymmetric() ||
      (affine.getStorage() && !affine.getStorage().isF32()))
    return false;
  size_t rank = affine.getGroup().size();
  for (auto [axis, group] : llvm::enumerate(affine.getGroup()))
    if (group != (isOwn(axis, rank) ? 1 : -1))
      return false;
  return true;
}

bool mlir::qc::isChannelCodes(Value codes) {
  return hasScalePer(codes,
                     [](size_t axis, size_t rank) { return axis + 1 == rank; });
}

bool mlir::qc::isRowCodes(Value codes) {
  return hasScalePer(codes,
                     [](size_t axis, size_t rank) { return axis + 1 != rank; });
}

/// One component of an encoded tensor, reshaped like `op` does its operand.
static Value reshapeComponent(RewriterBase &rewriter, Operation *op,
                              Value codes, StringRef name, Type element,
                              bool hasLastAxis) {
  Location loc = op->getLoc();
  auto from = cast<RankedTensorType>(op->getOperand(0).getType());
  auto to = cast<RankedTensorType>(op->getResult(0).getType());
  ArrayRef<int64_t> fromShape = from.getShape(), toShape = to.getShape();
  SmallVector<ReassociationIndices> groups;
  auto expand = dyn_cast<tensor::ExpandShapeOp>(op);
  if (expand)
    groups = expand.getReassociationIndices();
  else
    groups = cast<tensor::CollapseShapeOp>(op).getReassociationIndices();
  SmallVector<OpFoldResult> sizes;
  if (expand)
    sizes = expand.getMixedOutputShape();
  if (!hasLastAxis) {
    fromShape = fromShape.drop_back();
    toShape = toShape.drop_back();
    groups.pop_back();
    if (expand)
      sizes.pop_back();
  }
  Value component = ComponentOp::create(
      rewriter, loc, RankedTensorType::get(fromShape, element), codes, name);
  auto type = RankedTensorType::get(toShape, element);
  if (expand)
    return tensor::ExpandShapeOp::create(rewriter, loc, type, component, groups,
                                         sizes);
  return tensor::CollapseShapeOp::create(rewriter, loc, type, component,
                                         groups);
}

Value mlir::qc::findInputCodes(RewriterBase &rewriter, Value value) {
  if (Value codes = getCodes(value))
    return isRowCodes(codes) || isBlockEncoding(getEncoding(codes)) ||
                   getStaticCodes(value)
               ? codes
               : Value();
  Operation *op = value.getDefiningOp();
  size_t lastGroup = 0;
  if (auto expand = dyn_cast_or_null<tensor::ExpandShapeOp>(op))
    lastGroup = expand.getReassociationIndices().back().size();
  else if (auto collapse = dyn_cast_or_null<tensor::CollapseShapeOp>(op))
    lastGroup = collapse.getReassociationIndices().back().size();
  if (lastGroup != 1)
    return {};
  Value inner = findInputCodes(rewriter, op->getOperand(0));
  if (!inner || isBlockEncoding(getEncoding(inner)))
    return {};
  auto type = cast<RankedTensorType>(value.getType());
  auto affine = cast<AffineAttr>(getEncoding(inner));
  SmallVector<Value> components = {reshapeComponent(
      rewriter, op, inner, "data", rewriter.getI8Type(), true)};
  if (!affine.isStatic()) {
    components.push_back(reshapeComponent(rewriter, op, inner, "scale",
                                          rewriter.getF32Type(), false));
    SmallVector<int64_t> group(type.getRank(), 1);
    group.back() = -1;
    affine = AffineAttr::get(affine.getContext(), 8, FloatAttr(), 0, group,
                             affine.getStorage(), /*symmetric=*/true);
  }
  return AssembleOp::create(rewriter, value.getLoc(),
                            withEncoding(type, affine), components);
}

//===----------------------------------------------------------------------===//
// Epilogue and sizes
//===----------------------------------------------------------------------===//

Value mlir::qc::flattenBias(RewriterBase &rewriter, Value bias) {
  return flattenVector(rewriter, bias.getLoc(), bias);
}

StringAttr mlir::qc::getActivationAttr(Builder &builder,
                                       const Epilogue &epilogue) {
  return epilogue.activation.empty()
             ? StringAttr()
             : builder.getStringAttr(epilogue.activation);
}

bool mlir::qc::isSplitLike(RewriterBase &rewriter, Value value,
                           ArrayRef<OpFoldResult> sizes) {
  auto type = cast<RankedTensorType>(value.getType());
  if (type.getRank() != static_cast<int64_t>(sizes.size()) + 1)
    return false;
  // One unknown size follows from the others.
  unsigned unknown = 0;
  for (auto [axis, size] : llvm::enumerate(sizes))
    if (!isSameSize(getSize(rewriter, value.getLoc(), value, axis), size)) {
      bool bothDynamic = type.isDynamicDim(axis) && isa<Value>(size);
      if (!bothDynamic || ++unknown > 1)
        return false;
    }
  return true;
}

bool mlir::qc::isSplitBatch(RewriterBase &rewriter, Value operand,
                            tensor::ExpandShapeOp expand) {
  SmallVector<ReassociationIndices> groups = {{0, 1}, {2}, {3}};
  auto collapse = operand.getDefiningOp<tensor::CollapseShapeOp>();
  if (!collapse || collapse.getReassociationIndices() != groups ||
      expand.getReassociationIndices() != groups)
    return false;
  SmallVector<OpFoldResult> sizes = expand.getMixedOutputShape();
  for (int64_t axis : {0, 1})
    if (!isSameSize(
            getSize(rewriter, operand.getLoc(), collapse.getSrc(), axis),
            sizes[axis]))
      return false;
  return true;
}
