//===- Channels.cpp - Vectors with a value for each channel ---------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Channels.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
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
        builder, loc,
        RankedTensorType::get(sizes, vectorType.getElementType()), vector,
        ArrayRef<ReassociationIndices>{all});
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
