//===- QuantizeWeights.cpp - Encodings of weights -------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "QuantizeWeights.h"
#include "Channels.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "qc/Analysis/LinalgViews.h"
#include "qc/Dialect/QC/IR/QCDialect.h"
#include "qc/Dialect/QC/IR/QCOps.h"
#include "qc/Dialect/QC/IR/QCSparse.h"
#include "qc/Transforms/FormatGroups.h"

using namespace mlir;
using namespace mlir::qc;
namespace quant = ::qc::quantization;

quant::FormatGroups mlir::qc::getFormatGroups(MLIRContext *context) {
  quant::FormatGroups groups;
  for (const auto &format :
       context->getLoadedDialect<QCDialect>()->getFormats()) {
    auto encoding = cast<EncodingAttrInterface>(format.second);
    ArrayRef<int64_t> group = encoding.getGroup();
    groups[format.first().str()] =
        group.empty() ? 0 : *llvm::max_element(group);
  }
  return groups;
}

/// The largest part of `size` elements that is at most `limit`; with `even` one
/// that divides it.
static int64_t partOf(int64_t size, int64_t limit, bool even) {
  int64_t part = std::min(size, limit);
  while (even && size % part)
    --part;
  return part;
}

/// Which weights share a scale: `limit` along the sum of each channel (0: all).
/// A convolution's sum runs over several axes; the innermost ones are taken
/// whole while they fit, the next in equal parts, so that kernels meet groups
/// of one length.
static SmallVector<int64_t> chooseGroup(RankedTensorType type, int64_t limit,
                                        ArrayRef<int64_t> channels,
                                        int64_t inputAxis, bool isConvolution) {
  bool grouped = limit > 0 && inputAxis >= 0;
  SmallVector<int64_t> group(type.getRank(), grouped ? 1 : -1);
  for (int64_t axis : channels)
    group[axis] = 1;
  if (!grouped)
    return group;
  // The axes of the sum, innermost first.
  SmallVector<int64_t> axes = {inputAxis};
  for (int64_t axis = inputAxis - 1; isConvolution && axis >= 0; --axis)
    if (!llvm::is_contained(channels, axis))
      axes.push_back(axis);
  if (axes.size() == 1) {
    group[inputAxis] = limit;
    return group;
  }
  for (auto [place, axis] : llvm::enumerate(axes)) {
    int64_t size = type.getDimSize(axis);
    if (size > limit) {
      bool outermost = llvm::all_of(
          ArrayRef(axes).drop_front(place + 1),
          [&](int64_t outer) { return type.getDimSize(outer) == 1; });
      group[axis] = partOf(size, limit, !outermost);
      break;
    }
    group[axis] = -1;
    limit /= std::max<int64_t>(size, 1);
  }
  return group;
}

Attribute mlir::qc::getWeightEncoding(RankedTensorType type,
                                      const quant::Precision &precision,
                                      ArrayRef<int64_t> channels,
                                      int64_t inputAxis, bool isConvolution) {
  using Weights = quant::Precision::Weights;
  MLIRContext *context = type.getContext();
  Builder builder(context);
  if (precision.weights == Weights::Float16)
    return FloatEncodingAttr::get(context, builder.getF16Type());
  if (precision.weights == Weights::BFloat16)
    return FloatEncodingAttr::get(context, builder.getBF16Type());
  SmallVector<int64_t> group =
      chooseGroup(type, precision.group, channels, inputAxis, isConvolution);
  if (precision.weights == Weights::Format) {
    auto *dialect = context->getLoadedDialect<QCDialect>();
    auto format = cast<EncodingAttrInterface>(
        dialect->getFormats().lookup(precision.format));
    return format.withGroup(group);
  }
  // Few levels are worth a zero point; 8 bits are not.
  bool symmetric = precision.symmetric.value_or(precision.weightBits > 4);
  bool grouped = precision.group > 0 && inputAxis >= 0;
  Type storage = grouped ? builder.getF16Type() : Type();
  return AffineAttr::get(context, precision.weightBits, FloatAttr(), 0, group,
                         storage, symmetric);
}

Value mlir::qc::getMeanSource(Value input) {
  while (true) {
    std::optional<PadView> pad = PadView::match(input);
    if (pad && pad->value == 0.0f && pad->low.back() == 0 &&
        pad->high.back() == 0) {
      input = pad->op.getSource();
      continue;
    }
    Operation *op = input.getDefiningOp();
    if (!op || !isa<tensor::CollapseShapeOp, tensor::ExpandShapeOp>(op))
      return input;
    auto from = cast<RankedTensorType>(op->getOperand(0).getType());
    auto to = cast<RankedTensorType>(input.getType());
    if (from.getRank() == 0 || to.getRank() == 0 ||
        ShapedType::isDynamic(from.getShape().back()) ||
        from.getShape().back() != to.getShape().back())
      return input;
    input = op->getOperand(0);
  }
}

/// Sum over all axes of `value` but `kept`.
static Value sumOver(OpBuilder &builder, Location loc, Value value,
                     ArrayRef<int64_t> kept) {
  auto type = cast<RankedTensorType>(value.getType());
  SmallVector<int64_t> axes, shape;
  for (int64_t axis = 0; axis < type.getRank(); ++axis) {
    if (!llvm::is_contained(kept, axis))
      axes.push_back(axis);
    else
      shape.push_back(type.getDimSize(axis));
  }
  Value zero =
      arith::ConstantOp::create(builder, loc, builder.getF32FloatAttr(0.0f));
  Value empty =
      tensor::EmptyOp::create(builder, loc, shape, type.getElementType());
  Value init = linalg::FillOp::create(builder, loc, zero, empty).getResult(0);
  return linalg::ReduceOp::create(
             builder, loc, value, init, axes,
             [](OpBuilder &body, Location at, ValueRange args) {
               Value sum = arith::AddFOp::create(body, at, args[0], args[1]);
               linalg::YieldOp::create(body, at, sum);
             })
      ->getResult(0);
}

namespace {
/// Where a layer takes its bias.
struct BiasSlot {
  /// The broadcast bias; null if it cannot be found.
  OpOperand *use = nullptr;
  /// The bias itself; null if there are zeros.
  Value vector;
  SmallVector<int64_t, 2> axes;

  void set(OpBuilder &builder, Value newVector) {
    auto full = cast<RankedTensorType>(use->get().getType());
    Value dest = getDestinationOf(builder, use->get());
    use->set(broadcastChannels(builder, newVector.getLoc(), newVector, full,
                               axes, dest));
  }
};
} // namespace

/// The bias is what the sum starts from, or what is added right after it.
static BiasSlot findBias(const QuantizableLayer &layer) {
  Operation *op = layer.op;
  auto [sum, axis] = getChannelSum(op);
  BiasSlot slot;
  OpOperand &init = op->getOpOperand(op->getNumOperands() - 1);
  slot.axes = {cast<ShapedType>(init.get().getType()).getRank() - 1};
  if (std::optional<ConvView> conv = ConvView::match(op))
    slot.axes = conv->getResultChannelAxes();
  slot.vector = getChannelVector(init.get(), slot.axes);
  if (!slot.vector && !isZero(init.get()))
    return {};
  slot.use = &init;
  if (slot.vector || !layer.epilogue.bias || layer.epilogue.ops.empty())
    return slot;
  Operation *add = layer.epilogue.ops.front();
  slot.use = &add->getOpOperand(add->getOperand(0) == sum ? 1 : 0);
  slot.vector = layer.epilogue.bias;
  slot.axes = {axis};
  return slot;
}

void mlir::qc::correctBias(const QuantizableLayer &layer,
                           const quant::TensorStatistics &input) {
  Operation *op = layer.op;
  Value weight = layer.getWeight();
  auto dequantize = weight.getDefiningOp<DequantizeOp>();
  auto quantize = dequantize ? dequantize.getInput().getDefiningOp<QuantizeOp>()
                             : QuantizeOp();
  auto type = cast<RankedTensorType>(weight.getType());
  SmallVector<int64_t, 2> channels = {type.getRank() - 1};
  int64_t inputAxis = type.getRank() - 2;
  std::optional<ConvView> conv = ConvView::match(op);
  if (conv) {
    channels = conv->getFilterChannelAxes();
    inputAxis = conv->getFilterInputAxis();
    if (conv->kind == ConvView::Kind::Depthwise)
      inputAxis = channels.front();
  }
  bool grouped = channels.size() != 1;
  bool lastAxis = !conv || conv->layout == ImageLayout::ChannelsLast;
  Value original = quantize ? quantize.getInput() : weight;
  if (auto prune = original.getDefiningOp<PruneOp>())
    original = prune.getInput();
  if (original == weight || grouped || !lastAxis ||
      static_cast<int64_t>(input.channelSums.size()) !=
          type.getDimSize(inputAxis))
    return;

  BiasSlot slot = findBias(layer);
  if (!slot.use)
    return;
  OpBuilder builder(slot.use->getOwner());
  Location loc = op->getLoc();
  SmallVector<float> means;
  for (size_t i = 0; i < input.channelSums.size(); ++i)
    means.push_back(static_cast<float>(input.getMean(i)));
  auto meansType = RankedTensorType::get({static_cast<int64_t>(means.size())},
                                         builder.getF32Type());
  Value mean = arith::ConstantOp::create(
      builder, loc, DenseElementsAttr::get(meansType, ArrayRef<float>(means)));
  Value error = arith::SubFOp::create(builder, loc, weight, original);
  error = arith::MulFOp::create(
      builder, loc, error,
      broadcastChannels(builder, loc, mean, type, {inputAxis}));
  Value shift = sumOver(builder, loc, error, channels);
  Value corrected;
  if (slot.vector)
    corrected = arith::SubFOp::create(builder, loc, slot.vector, shift);
  else
    corrected = arith::NegFOp::create(builder, loc, shift);
  slot.set(builder, corrected);
}

void mlir::qc::roundBias(const QuantizableLayer &layer, FloatAttr inputScale) {
  BiasSlot slot = findBias(layer);
  Value weight = layer.getWeight();
  auto dequantize = weight.getDefiningOp<DequantizeOp>();
  if (!slot.use || !slot.vector || !dequantize ||
      !isConstantSubgraph(slot.vector))
    return;
  OpBuilder builder(slot.use->getOwner());
  Location loc = layer.op->getLoc();
  Value codes = dequantize.getInput();
  auto encoding = cast<AffineAttr>(getDenseEncoding(getEncoding(codes)));
  auto type = cast<RankedTensorType>(codes.getType());
  // Groups have their channels on two axes of the weight.
  SmallVector<int64_t> shape;
  for (auto [size, group] :
       llvm::zip_equal(type.getShape(), encoding.getGroup()))
    if (group == 1)
      shape.push_back(size);
  Value scale = ComponentOp::create(
      builder, loc, RankedTensorType::get(shape, builder.getF32Type()), codes,
      "scale");
  scale = flattenVector(builder, loc, scale);
  Value bias = flattenVector(builder, loc, slot.vector);
  auto vector = cast<RankedTensorType>(bias.getType());
  Value inputScales = arith::ConstantOp::create(
      builder, loc, DenseElementsAttr::get(vector, inputScale.getValue()));
  Value unit = arith::MulFOp::create(builder, loc, inputScales, scale);
  Value rounded = QuantizeBiasOp::create(
      builder, loc,
      RankedTensorType::get(vector.getShape(), builder.getI32Type()), bias,
      codes, inputScale);
  Value value = arith::SIToFPOp::create(builder, loc, vector, rounded);
  slot.set(builder, arith::MulFOp::create(builder, loc, value, unit));
}
