//===- QuantizableModels.cpp - Which upstream ops quantize ----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "qc/Analysis/QuantizableModels.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/DialectRegistry.h"
#include "qc/Analysis/LinalgViews.h"
#include "qc/Dialect/QC/IR/QCOps.h"

using namespace mlir;
using namespace mlir::qc;

namespace {

template <typename OpTy>
struct ConvModel
    : QuantizableOpInterface::ExternalModel<ConvModel<OpTy>, OpTy> {
  SmallVector<unsigned> getActivationOperands(Operation *) const { return {0}; }
  std::optional<unsigned> getWeightOperand(Operation *op) const {
    if (!ConvView::match(op) || !isConstantSubgraph(op->getOperand(1)))
      return std::nullopt;
    return 1;
  }
  int64_t getWeightChannelAxis(Operation *op) const {
    std::optional<ConvView> view = ConvView::match(op);
    return view ? view->getFilterChannelAxes().front() : 0;
  }
  StringRef getQuantizableKind(Operation *) const { return "conv"; }
};

template <typename OpTy>
struct MatMulModel
    : QuantizableOpInterface::ExternalModel<MatMulModel<OpTy>, OpTy> {
  SmallVector<unsigned> getActivationOperands(Operation *op) const {
    if (getWeightOperand(op))
      return {0};
    return {0, 1};
  }
  std::optional<unsigned> getWeightOperand(Operation *op) const {
    if (!MatMulView::match(op) || !isConstantSubgraph(op->getOperand(1)))
      return std::nullopt;
    return 1;
  }
  int64_t getWeightChannelAxis(Operation *op) const {
    return cast<ShapedType>(op->getOperand(1).getType()).getRank() - 1;
  }
  StringRef getQuantizableKind(Operation *) const { return "matmul"; }
};

/// Ops without weights.
template <typename OpTy, unsigned numOperands>
struct PlainModel
    : QuantizableOpInterface::ExternalModel<PlainModel<OpTy, numOperands>,
                                            OpTy> {
  SmallVector<unsigned> getActivationOperands(Operation *) const {
    return llvm::to_vector(llvm::seq(numOperands));
  }
  std::optional<unsigned> getWeightOperand(Operation *) const {
    return std::nullopt;
  }
  int64_t getWeightChannelAxis(Operation *) const { return 0; }
  StringRef getQuantizableKind(Operation *) const {
    return numOperands == 1 ? "pool" : "add";
  }
};

} // namespace

template <template <typename> class Model, typename... OpTys>
static void attach(MLIRContext *context) {
  (OpTys::template attachInterface<Model<OpTys>>(*context), ...);
}

template <typename OpTy> using PoolModel = PlainModel<OpTy, 1>;
template <typename OpTy> using AddModel = PlainModel<OpTy, 2>;

void mlir::qc::registerQuantizableOpModels(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, QCDialect *,
                            linalg::LinalgDialect *) {
    attach<ConvModel, linalg::Conv2DNchwFchwOp, linalg::Conv2DNhwcHwcfOp,
           linalg::DepthwiseConv2DNchwChwOp, linalg::DepthwiseConv2DNhwcHwcOp,
           linalg::Conv2DNgchwGfchwOp, linalg::Conv2DNhwgcGfhwcOp>(context);
    attach<MatMulModel, linalg::MatmulOp, linalg::BatchMatmulOp>(context);
    attach<PoolModel, linalg::PoolingNchwMaxOp, linalg::PoolingNchwSumOp,
           linalg::PoolingNhwcMaxOp, linalg::PoolingNhwcSumOp>(context);
  });
  registry.addExtension(
      +[](MLIRContext *context, QCDialect *, arith::ArithDialect *) {
        attach<AddModel, arith::AddFOp>(context);
      });
}
