//===- ChannelScales.cpp - Scales between a layer and its input -----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "qc/Transforms/ChannelScales.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "qc/Analysis/LinalgViews.h"
#include "qc/Dialect/QC/IR/QCOps.h"

using namespace mlir;
using namespace mlir::qc;

namespace {
/// The constants [..., K] that a value [..., K] is linear in.
class LinearConstants {
public:
  /// False where `value` has none, or one of its parts is read elsewhere too.
  bool collect(Value value);

  SmallVector<OpOperand *> uses;

private:
  bool addConstant(OpOperand &use) {
    uses.push_back(&use);
    return isConstantSubgraph(use.get());
  }
  /// The same of an operand, of which `value` must be the only reader.
  bool collectPart(Value part) { return part.hasOneUse() && collect(part); }
  bool collectFactor(Value a, Value b);
  bool collectAttention(AttentionOp attention);
};
} // namespace

bool LinearConstants::collectFactor(Value a, Value b) {
  size_t before = uses.size();
  if (collectPart(a))
    return true;
  uses.truncate(before);
  return collectPart(b);
}

/// Attention is linear in the values that it mixes.
bool LinearConstants::collectAttention(AttentionOp attention) {
  auto append = attention.getCache().getDefiningOp<KVAppendOp>();
  auto queries = cast<RankedTensorType>(attention.getQueries().getType());
  if (!append || append.getLayer() != attention.getLayer() ||
      cast<RankedTensorType>(append.getValues().getType()).getDimSize(1) !=
          queries.getDimSize(1))
    return false;
  auto split = append.getValues().getDefiningOp<tensor::ExpandShapeOp>();
  return split && split.getResult().hasOneUse() && collectPart(split.getSrc());
}

bool LinearConstants::collect(Value value) {
  Operation *op = value.getDefiningOp();
  if (auto norm = dyn_cast_or_null<RMSNormOp>(op))
    return addConstant(norm.getGammaMutable());
  if (auto norm = dyn_cast_or_null<LayerNormOp>(op))
    return addConstant(norm.getGammaMutable()) &&
           addConstant(norm.getBetaMutable());
  if (auto product = dyn_cast_or_null<arith::MulFOp>(op))
    return collectFactor(product.getLhs(), product.getRhs());
  if (auto sum = dyn_cast_or_null<arith::AddFOp>(op))
    return collectPart(sum.getLhs()) && collectPart(sum.getRhs());
  if (auto repeated = dyn_cast_or_null<linalg::BroadcastOp>(op)) {
    int64_t last = cast<ShapedType>(value.getType()).getRank() - 1;
    return !llvm::is_contained(repeated.getDimensions(), last) &&
           addConstant(repeated.getInputMutable());
  }
  if (auto collapse = dyn_cast_or_null<tensor::CollapseShapeOp>(op)) {
    if (auto attention = collapse.getSrc().getDefiningOp<AttentionOp>())
      return attention.getResult().hasOneUse() && collectAttention(attention);
    return collapse.getReassociationIndices().back().size() == 1 &&
           collectPart(collapse.getSrc());
  }
  if (!isa_and_present<linalg::MatmulOp>(op))
    return false;
  std::optional<MatMulView> product = MatMulView::match(op);
  return product && addConstant(op->getOpOperand(1)) &&
         (isZero(product->init) || collect(product->init));
}

/// A constant [length] along `axis` of a matrix, or as it is.
static Value along(OpBuilder &b, Location loc, ArrayRef<float> numbers,
                   RankedTensorType type, int64_t axis) {
  auto length = static_cast<int64_t>(numbers.size());
  auto vectorType = RankedTensorType::get({length}, b.getF32Type());
  Value vector = arith::ConstantOp::create(
      b, loc, DenseElementsAttr::get(vectorType, numbers));
  if (type.getRank() == 1)
    return vector;
  Value init =
      tensor::EmptyOp::create(b, loc, type.getShape(), type.getElementType());
  return linalg::BroadcastOp::create(b, loc, vector, init,
                                     ArrayRef<int64_t>{1 - axis})
      ->getResult(0);
}

bool mlir::qc::canDivideChannels(Value value, ArrayRef<Operation *> readers) {
  LinearConstants constants;
  return llvm::all_of(value.getUsers(),
                      [&](Operation *user) {
                        return llvm::is_contained(readers, user);
                      }) &&
         constants.collect(value);
}

void mlir::qc::divideChannels(Value value, ArrayRef<float> by) {
  LinearConstants constants;
  if (!constants.collect(value))
    return;
  for (OpOperand *use : constants.uses) {
    OpBuilder b(use->getOwner());
    Location loc = use->get().getLoc();
    auto type = cast<RankedTensorType>(use->get().getType());
    use->set(arith::DivFOp::create(
        b, loc, use->get(), along(b, loc, by, type, type.getRank() - 1)));
  }
}

void mlir::qc::scaleWeightRows(OpOperand &use, ArrayRef<float> scales) {
  OpBuilder b(use.getOwner());
  Location loc = use.get().getLoc();
  auto type = cast<RankedTensorType>(use.get().getType());
  use.set(
      arith::MulFOp::create(b, loc, use.get(), along(b, loc, scales, type, 0)));
}
