//===- Sizes.cpp - Where the sizes of tensors come from -------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "qc/Analysis/Sizes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "qc/Dialect/QC/IR/QCOps.h"

using namespace mlir;
using namespace mlir::qc;

/// Ops whose results have the shape of operand 0.
static bool keepsShape(Operation *op) {
  return OpTrait::hasElementwiseMappableTraits(op) ||
         isa<ChannelAffineOp, UnaryOp, SoftmaxOp, LayerNormOp, RMSNormOp,
             RopeOp, KVAppendOp, AttentionOp, ObserveOp, QuantizeOp,
             DequantizeOp, tensor::BitcastOp>(op);
}

/// The value and axis that have the same size as `axis` of `value`, one step
/// towards the arguments; a null value if there is none.
static std::pair<Value, int64_t> followAxis(Value value, int64_t axis) {
  Operation *op = value.getDefiningOp();
  if (!op)
    return {};
  if (auto transpose = dyn_cast<linalg::TransposeOp>(op))
    return {transpose.getInput(), transpose.getPermutation()[axis]};
  if (auto dps = dyn_cast<DestinationStyleOpInterface>(op))
    return {dps.getTiedOpOperand(cast<OpResult>(value))->get(), axis};
  if (keepsShape(op) && isa<RankedTensorType>(op->getOperand(0).getType()))
    return {op->getOperand(0), axis};
  if (auto component = dyn_cast<ComponentOp>(op)) {
    if (component.getName() == "data" &&
        cast<ShapedType>(component.getInput().getType()).getRank() ==
            cast<ShapedType>(component.getType()).getRank())
      return {component.getInput(), axis};
  } else if (auto assemble = dyn_cast<AssembleOp>(op)) {
    return {assemble.getComponents()[0], axis};
  } else if (isa<Conv2DOp, Pool2DOp>(op)) {
    if (axis == 0)
      return {op->getOperand(0), 0};
  } else if (auto product = dyn_cast<MatMulOp>(op)) {
    if (axis + 1 < cast<ShapedType>(product.getType()).getRank())
      return {product.getInput(), axis};
  } else if (auto embedding = dyn_cast<EmbeddingOp>(op)) {
    if (axis == 0)
      return {embedding.getTokens(), 0};
  } else if (isa<AddOp, LookupOp>(op)) {
    return {op->getOperand(0), axis};
  } else if (auto pad = dyn_cast<tensor::PadOp>(op)) {
    if (isConstantIntValue(pad.getMixedLowPad()[axis], 0) &&
        isConstantIntValue(pad.getMixedHighPad()[axis], 0))
      return {pad.getSource(), axis};
  } else if (auto concat = dyn_cast<tensor::ConcatOp>(op)) {
    if (static_cast<int64_t>(concat.getDim()) != axis)
      return {concat.getInputs()[0], axis};
  } else if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(op)) {
    ReassociationIndices group = collapse.getReassociationIndices()[axis];
    int64_t found = -1;
    for (int64_t inner : group)
      if (collapse.getSrcType().getDimSize(inner) != 1) {
        if (found >= 0)
          return {};
        found = inner;
      }
    if (found >= 0)
      return {collapse.getSrc(), found};
  }
  return {};
}

OpFoldResult mlir::qc::getSize(OpBuilder &builder, Location loc, Value value,
                               int64_t axis) {
  while (true) {
    auto type = cast<RankedTensorType>(value.getType());
    if (!type.isDynamicDim(axis))
      return builder.getIndexAttr(type.getDimSize(axis));
    if (auto empty = value.getDefiningOp<tensor::EmptyOp>())
      return empty.getMixedSizes()[axis];
    if (auto splat = value.getDefiningOp<tensor::SplatOp>())
      return splat.getDynamicSizes()[type.getDynamicDimIndex(axis)];
    if (auto slice = value.getDefiningOp<tensor::ExtractSliceOp>())
      if (slice.getSourceType().getRank() == type.getRank())
        return slice.getMixedSizes()[axis];
    if (auto expand = value.getDefiningOp<tensor::ExpandShapeOp>())
      return expand.getMixedOutputShape()[axis];
    auto [next, nextAxis] = followAxis(value, axis);
    if (!next)
      return tensor::DimOp::create(builder, loc, value, axis).getResult();
    value = next;
    axis = nextAxis;
  }
}

SmallVector<OpFoldResult> mlir::qc::getSizes(OpBuilder &builder, Location loc,
                                             Value value) {
  SmallVector<OpFoldResult> sizes;
  int64_t rank = cast<RankedTensorType>(value.getType()).getRank();
  for (int64_t axis = 0; axis < rank; ++axis)
    sizes.push_back(getSize(builder, loc, value, axis));
  return sizes;
}

bool mlir::qc::isSameSize(OpFoldResult a, OpFoldResult b) {
  if (a == b)
    return true;
  std::optional<int64_t> x = getConstantIntValue(a), y = getConstantIntValue(b);
  if (x || y)
    return x == y;
  auto first = cast<Value>(a).getDefiningOp<tensor::DimOp>();
  auto second = cast<Value>(b).getDefiningOp<tensor::DimOp>();
  return first && second && first.getSource() == second.getSource() &&
         first.getConstantIndex() &&
         first.getConstantIndex() == second.getConstantIndex();
}
