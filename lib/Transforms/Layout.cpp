//===- Layout.cpp - Permuting axes ----------------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Layout.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"
#include "qc/Analysis/Names.h"

using namespace mlir;
using namespace mlir::qc;

SmallVector<int64_t> mlir::qc::invertPermutation(ArrayRef<int64_t> perm) {
  SmallVector<int64_t> inverse(perm.size());
  for (auto [i, axis] : llvm::enumerate(perm))
    inverse[axis] = i;
  return inverse;
}

RankedTensorType mlir::qc::permuteType(RankedTensorType type,
                                       ArrayRef<int64_t> perm) {
  SmallVector<int64_t> shape;
  for (int64_t axis : perm)
    shape.push_back(type.getDimSize(axis));
  return RankedTensorType::get(shape, type.getElementType(),
                               type.getEncoding());
}

//===----------------------------------------------------------------------===//
// Permuting
//===----------------------------------------------------------------------===//

static bool isIdentity(ArrayRef<int64_t> perm) {
  return llvm::equal(perm, llvm::seq<int64_t>(perm.size()));
}

bool mlir::qc::movesUnitAxesOnly(ArrayRef<int64_t> shape,
                                 ArrayRef<int64_t> perm) {
  int64_t last = -1;
  for (int64_t axis : perm) {
    if (shape[axis] == 1)
      continue;
    if (axis < last)
      return false;
    last = axis;
  }
  return true;
}

static Value permuteEmpty(OpBuilder &builder, Location loc, Value value,
                          ArrayRef<int64_t> perm) {
  SmallVector<OpFoldResult> sizes;
  for (int64_t axis : perm)
    sizes.push_back(getSize(builder, loc, value, axis));
  return tensor::EmptyOp::create(
      builder, loc, sizes,
      cast<RankedTensorType>(value.getType()).getElementType());
}

static Value permuteBroadcast(OpBuilder &builder, Location loc,
                              linalg::BroadcastOp op, ArrayRef<int64_t> perm) {
  // Axes of the result that come from the input, in order.
  SmallVector<int64_t> inputAxis(perm.size(), -1);
  int64_t next = 0;
  for (int64_t axis = 0; axis < static_cast<int64_t>(perm.size()); ++axis)
    if (!llvm::is_contained(op.getDimensions(), axis))
      inputAxis[axis] = next++;
  SmallVector<int64_t> dimensions, inputPerm;
  for (auto [i, axis] : llvm::enumerate(perm)) {
    if (inputAxis[axis] < 0)
      dimensions.push_back(i);
    else
      inputPerm.push_back(inputAxis[axis]);
  }
  Value input = permute(builder, loc, op.getInput(), inputPerm);
  Value dest = permuteEmpty(builder, loc, op.getInit(), perm);
  return linalg::BroadcastOp::create(builder, loc, input, dest, dimensions)
      ->getResult(0);
}

Value mlir::qc::permute(OpBuilder &builder, Location loc, Value value,
                        ArrayRef<int64_t> perm) {
  if (isIdentity(perm))
    return value;
  if (auto inner = value.getDefiningOp<linalg::TransposeOp>()) {
    SmallVector<int64_t> both;
    for (int64_t axis : perm)
      both.push_back(inner.getPermutation()[axis]);
    return permute(builder, loc, inner.getInput(), both);
  }
  auto type = cast<RankedTensorType>(value.getType());
  RankedTensorType result = permuteType(type, perm);
  DenseElementsAttr dense;
  if (matchPattern(value, m_Constant(&dense)) && dense.isSplat())
    return arith::ConstantOp::create(builder, loc, dense.reshape(result));
  if (value.getDefiningOp<tensor::EmptyOp>())
    return permuteEmpty(builder, loc, value, perm);
  if (auto splat = value.getDefiningOp<tensor::SplatOp>()) {
    SmallVector<Value> sizes;
    for (int64_t axis : perm)
      if (type.isDynamicDim(axis))
        sizes.push_back(splat.getDynamicSizes()[type.getDynamicDimIndex(axis)]);
    return tensor::SplatOp::create(builder, loc, result, splat.getInput(),
                                   sizes);
  }
  if (auto fill = value.getDefiningOp<linalg::FillOp>()) {
    Value dest = permuteEmpty(builder, loc, fill.getOutputs()[0], perm);
    return linalg::FillOp::create(builder, loc, fill.getInputs()[0], dest)
        .getResult(0);
  }
  if (auto broadcast = value.getDefiningOp<linalg::BroadcastOp>())
    return permuteBroadcast(builder, loc, broadcast, perm);
  Value dest = permuteEmpty(builder, loc, value, perm);
  return linalg::TransposeOp::create(builder, loc, value, dest, perm)
      ->getResult(0);
}

Location mlir::qc::getImageLoc(Value image) {
  return NameLoc::get(StringAttr::get(image.getContext(), getValueName(image)));
}
