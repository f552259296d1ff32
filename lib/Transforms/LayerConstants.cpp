//===- LayerConstants.cpp - Weights and biases as numbers -----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "qc/Transforms/LayerConstants.h"
#include "Channels.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/AsmState.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "qc/Analysis/LinalgViews.h"
#include "qc/Analysis/Names.h"
#include "qc/Dialect/QC/IR/QCOps.h"

using namespace mlir;
using namespace mlir::qc;

static SmallVector<int64_t, 2> resultChannels(Operation *layer) {
  if (std::optional<ConvView> conv = ConvView::match(layer))
    return conv->getResultChannelAxes();
  return {cast<RankedTensorType>(layer->getResult(0).getType()).getRank() - 1};
}

std::optional<Value> mlir::qc::getLayerBias(Operation *layer) {
  Value init = layer->getOperand(2);
  if (isZero(init))
    return Value();
  Value vector = getChannelVector(init, resultChannels(layer));
  if (!vector || !isConstantSubgraph(vector))
    return std::nullopt;
  return vector;
}

void mlir::qc::setLayerBias(Operation *layer, ArrayRef<float> bias) {
  OpBuilder b(layer);
  Value init = layer->getOperand(2);
  auto type = cast<RankedTensorType>(init.getType());
  auto vectorType = RankedTensorType::get({static_cast<int64_t>(bias.size())},
                                          b.getF32Type());
  Value vector = arith::ConstantOp::create(
      b, layer->getLoc(), DenseElementsAttr::get(vectorType, bias));
  layer->setOperand(2, broadcastChannels(b, layer->getLoc(), vector, type,
                                         resultChannels(layer),
                                         getDestinationOf(b, init)));
}

void mlir::qc::setLayerWeight(Operation *layer, ArrayRef<float> weight) {
  OpBuilder b(layer);
  Value old = layer->getOperand(1);
  Location loc = old.getLoc();
  auto type = cast<RankedTensorType>(old.getType());
  auto blob = HeapAsmResourceBlob::allocateAndCopyInferAlign(weight);
  StringRef name = getLayerName(layer->getLoc());
  Value made = arith::ConstantOp::create(
      b, loc,
      DenseResourceElementsAttr::get(type, name.empty() ? "weight" : name,
                                     std::move(blob)));
  auto dequantize = old.getDefiningOp<DequantizeOp>();
  if (dequantize &&
      isa<FloatEncodingAttr>(getEncoding(dequantize.getInput()))) {
    Value codes =
        QuantizeOp::create(b, loc, dequantize.getInput().getType(), made);
    made = DequantizeOp::create(b, loc, type, codes);
  }
  layer->setOperand(1, made);
}
