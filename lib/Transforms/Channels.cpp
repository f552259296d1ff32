//===- Channels.cpp - Vectors with a value for each channel ---------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Channels.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"
#include "qc/Analysis/Sizes.h"

using namespace mlir;
using namespace mlir::qc;

Value mlir::qc::broadcastChannels(OpBuilder &builder, Location loc,
                                  Value vector, RankedTensorType type,
                                  ArrayRef<int64_t> axes, Value dest) {
  auto vectorType = cast<RankedTensorType>(vector.getType());
  if (vectorType.getRank() != static_cast<int64_t>(axes.size())) {
    SmallVector<int64_t> sizes;
    ReassociationIndices all;
    for (auto [i, axis] : llvm::enumerate(axes)) {
      sizes.push_back(type.getDimSize(axis));
      all.push_back(i);
    }
    vector = tensor::ExpandShapeOp::create(
        builder, loc, RankedTensorType::get(sizes, vectorType.getElementType()),
        vector, ArrayRef<ReassociationIndices>{all});
  }
  SmallVector<int64_t> others;
  for (int64_t axis = 0; axis < type.getRank(); ++axis)
    if (!llvm::is_contained(axes, axis))
      others.push_back(axis);
  if (others.empty())
    return vector;
  if (!dest)
    dest = tensor::EmptyOp::create(builder, loc, type.getShape(),
                                   type.getElementType());
  return linalg::BroadcastOp::create(builder, loc, vector, dest, others)
      ->getResult(0);
}

Value mlir::qc::flattenVector(OpBuilder &builder, Location loc, Value value) {
  auto type = cast<RankedTensorType>(value.getType());
  if (type.getRank() == 1)
    return value;
  ReassociationIndices all =
      llvm::to_vector<2>(llvm::seq<int64_t>(type.getRank()));
  return tensor::CollapseShapeOp::create(builder, loc, value,
                                         ArrayRef<ReassociationIndices>{all});
}

Value mlir::qc::getDestinationOf(OpBuilder &builder, Value init) {
  if (auto op = init.getDefiningOp<DestinationStyleOpInterface>())
    return op.getDpsInits().front();
  return tensor::EmptyOp::create(
      builder, init.getLoc(), getSizes(builder, init.getLoc(), init),
      cast<RankedTensorType>(init.getType()).getElementType());
}

static void normalizeBroadcast(RewriterBase &rewriter, linalg::BroadcastOp op) {
  auto input = dyn_cast<RankedTensorType>(op.getInput().getType());
  auto result = cast<RankedTensorType>(op.getInit().getType());
  SmallVector<int64_t> dimensions, shape;
  SmallVector<ReassociationIndices> groups;
  ReassociationIndices units;
  int64_t next = 0;
  for (int64_t axis = 0; axis < result.getRank(); ++axis) {
    bool added = llvm::is_contained(op.getDimensions(), axis);
    if (!added && input.getDimSize(next) != 1) {
      shape.push_back(input.getDimSize(next));
      // Units in front of an axis are merged into it.
      groups.push_back(units);
      units.clear();
      groups.back().push_back(next);
    } else {
      dimensions.push_back(axis);
      if (!added && groups.empty())
        units.push_back(next);
      else if (!added)
        groups.back().push_back(next);
    }
    next += !added;
  }
  // The vector of one channel stays one.
  if (shape.empty() && result.getRank() > 0 &&
      llvm::ArrayRef(dimensions).back() == result.getRank() - 1 &&
      !llvm::is_contained(op.getDimensions(), result.getRank() - 1)) {
    dimensions.pop_back();
    shape.push_back(1);
    groups.assign(1, llvm::to_vector(llvm::seq<int64_t>(input.getRank())));
  }
  if (static_cast<int64_t>(shape.size()) == input.getRank())
    return;
  rewriter.setInsertionPoint(op);
  Value collapsed = tensor::CollapseShapeOp::create(
      rewriter, op.getLoc(),
      RankedTensorType::get(shape, input.getElementType()), op.getInput(),
      groups);
  rewriter.replaceOpWithNewOp<linalg::BroadcastOp>(op, collapsed, op.getInit(),
                                                   dimensions);
}

void mlir::qc::normalizeBroadcasts(Operation *root) {
  IRRewriter rewriter(root->getContext());
  SmallVector<linalg::BroadcastOp> ops;
  root->walk([&](linalg::BroadcastOp op) { ops.push_back(op); });
  for (linalg::BroadcastOp op : ops)
    if (op->getNumResults() == 1)
      normalizeBroadcast(rewriter, op);
}
