//===- Builder.cpp - A decoder of the Llama kind as IR --------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The block that ModelConfig.h describes, op by op in the forms of
// docs/Architecture.md.
//
//===----------------------------------------------------------------------===//

#include "Builder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/AsmState.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "qc/Dialect/QC/IR/QCOps.h"
#include "qc/Import/Checkpoints/Encoding.h"
#include "qc/Import/Llama/Import.h"

using namespace mlir;

namespace qc::llama {

constexpr int64_t dynamic = ShapedType::kDynamic;

DecoderBuilder::DecoderBuilder(OpBuilder &b, const ModelConfig &config,
                               const Weights &weights)
    : b(b), loc(b.getUnknownLoc()), config(config), weights(weights) {}

void DecoderBuilder::setName(TensorRole role, int64_t layer) {
  loc = NameLoc::get(b.getStringAttr(weights.layerName(role, layer)));
}

RankedTensorType DecoderBuilder::floats(ArrayRef<int64_t> shape) {
  return RankedTensorType::get(shape, b.getF32Type());
}

Value DecoderBuilder::empty(ArrayRef<int64_t> shape) {
  return tensor::EmptyOp::create(b, loc, floats(shape), ValueRange(count));
}

Value DecoderBuilder::splat(Value like, double number) {
  Value scalar = arith::ConstantOp::create(
      b, loc, b.getF32FloatAttr(static_cast<float>(number)));
  return tensor::SplatOp::create(b, loc, like.getType(), scalar,
                                 ValueRange(count));
}

Value DecoderBuilder::scale(Value x, double factor) {
  return factor == 1
             ? x
             : Value(arith::MulFOp::create(b, loc, x, splat(x, factor)));
}

//===----------------------------------------------------------------------===//
// Weights
//===----------------------------------------------------------------------===//

Value DecoderBuilder::parameter(const SourceTensor &source, Type element,
                                ArrayRef<int64_t> shape) {
  return mlir::qc::ParameterOp::create(
      b, loc, RankedTensorType::get(shape, element), source.name, source.file,
      static_cast<int64_t>(source.offset), static_cast<int64_t>(source.length));
}

Type DecoderBuilder::elementOf(const SourceTensor &source) {
  if (source.type == DType::F32)
    return b.getF32Type();
  return source.type == DType::F16 ? Type(b.getF16Type())
                                   : Type(b.getBF16Type());
}

Value DecoderBuilder::vectorOf(TensorRole role, int64_t layer) {
  const SourceTensor &source = weights.get(role, layer);
  Value value = parameter(source, elementOf(source), source.shape);
  if (source.type == DType::F32)
    return value;
  return arith::ExtFOp::create(b, loc, floats(source.shape), value);
}

/// A component: in a file of such, or as part of the module.
Value DecoderBuilder::componentOf(const QuantizedTensor &tensor, size_t number,
                                  Type type, StringRef name) {
  if (!tensor.offsets.empty()) {
    auto component = cast<RankedTensorType>(type);
    int64_t length = component.getNumElements() *
                     ((component.getElementTypeBitWidth() + 7) / 8);
    return mlir::qc::ParameterOp::create(
        b, loc, type, name, componentsName,
        static_cast<int64_t>(tensor.offsets[number]), length);
  }
  ArrayRef<uint8_t> bytes = tensor.linear.components[number].bytes;
  auto blob = HeapAsmResourceBlob::allocateAndCopyInferAlign(
      ArrayRef(reinterpret_cast<const char *>(bytes.data()), bytes.size()));
  auto values = DenseResourceElementsAttr::get(cast<ShapedType>(type), name,
                                               std::move(blob));
  return arith::ConstantOp::create(b, loc, values);
}

/// The codes of a quantized matrix.
Value DecoderBuilder::codesOf(const QuantizedTensor &tensor) {
  ArrayRef<int64_t> shape = tensor.linear.shape;
  auto encoding = cast<mlir::qc::EncodingAttrInterface>(
      checkpoints::encodingOf(b.getContext(), tensor.linear));
  SmallVector<Value> components;
  for (auto [number, component] :
       llvm::enumerate(encoding.getComponents(shape)))
    components.push_back(componentOf(
        tensor, number, mlir::qc::getComponentType(b.getContext(), component),
        component.name));
  auto type = RankedTensorType::get(shape, b.getF32Type(), encoding);
  return mlir::qc::AssembleOp::create(b, loc, type, components);
}

/// The matrix [inputs, outputs] of a tensor [outputs, inputs]; codes where the
/// file has them.
Value DecoderBuilder::matrix(TensorRole role, int64_t layer) {
  if (const QuantizedTensor *tensor = weights.findQuantized(role, layer))
    return mlir::qc::DequantizeOp::create(b, loc, floats(tensor->linear.shape),
                                          codesOf(*tensor));
  const SourceTensor &source = weights.get(role, layer);
  SmallVector<int64_t> shape = {source.shape[1], source.shape[0]};
  auto encoded = [&](Attribute encoding) {
    return RankedTensorType::get(shape, b.getF32Type(), encoding);
  };
  Value codes;
  if (source.blocks) {
    Value bytes =
        parameter(source, b.getI8Type(), {static_cast<int64_t>(source.length)});
    auto encoding = mlir::qc::GGMLAttr::get(
        b.getContext(), StringRef(source.blocks->name),
        {static_cast<int64_t>(source.blocks->elements), 1});
    codes = mlir::qc::UnpackBlocksOp::create(b, loc, encoded(encoding), bytes);
  } else {
    Type element = elementOf(source);
    Value init = tensor::EmptyOp::create(b, loc, shape, element);
    codes = linalg::TransposeOp::create(
                b, loc, parameter(source, element, source.shape), init,
                ArrayRef<int64_t>{1, 0})
                ->getResult(0);
    if (source.type == DType::F32)
      return codes;
    auto encoding = mlir::qc::FloatEncodingAttr::get(b.getContext(), element);
    codes = mlir::qc::AssembleOp::create(b, loc, encoded(encoding), codes);
  }
  return mlir::qc::DequantizeOp::create(b, loc, floats(shape), codes);
}

//===----------------------------------------------------------------------===//
// Layers
//===----------------------------------------------------------------------===//

/// y[i, j] = x[i, places[j]] for axis 1, x[places[i], j] for axis 0.
Value DecoderBuilder::gather(Value x, Value places, unsigned axis,
                             int64_t columns) {
  Value init = empty({dynamic, columns});
  AffineMap both = b.getMultiDimIdentityMap(2);
  AffineMap one =
      AffineMap::get(2, 0, b.getAffineDimExpr(axis), b.getContext());
  return linalg::GenericOp::create(
             b, loc, init.getType(), ValueRange(places), ValueRange(init),
             ArrayRef<AffineMap>{one, both},
             ArrayRef<utils::IteratorType>{utils::IteratorType::parallel,
                                           utils::IteratorType::parallel},
             [&](OpBuilder &body, Location at, ValueRange args) {
               Value place = arith::IndexCastOp::create(
                   body, at, body.getIndexType(), args[0]);
               Value other = linalg::IndexOp::create(body, at, 1 - axis);
               SmallVector<Value> indices = {place, other};
               if (axis == 1)
                 std::swap(indices[0], indices[1]);
               Value element = tensor::ExtractOp::create(body, at, x, indices);
               linalg::YieldOp::create(body, at, element);
             })
      .getResult(0);
}

/// The columns of `x` in another order.
Value DecoderBuilder::reordered(Value x, ArrayRef<int32_t> order) {
  auto columns = static_cast<int64_t>(order.size());
  auto type = RankedTensorType::get({columns}, b.getI32Type());
  Value places =
      arith::ConstantOp::create(b, loc, DenseElementsAttr::get(type, order));
  return gather(x, places, 1, columns);
}

Value DecoderBuilder::product(Value x, Value weight) {
  int64_t outputs = cast<RankedTensorType>(weight.getType()).getDimSize(1);
  Value zero = arith::ConstantOp::create(b, loc, b.getF32FloatAttr(0.0f));
  Value init = linalg::FillOp::create(b, loc, zero, empty({dynamic, outputs}))
                   .getResult(0);
  return linalg::MatmulOp::create(b, loc, ValueRange{x, weight},
                                  ValueRange(init))
      .getResult(0);
}

Value DecoderBuilder::linear(Value x, TensorRole role, TensorRole bias,
                             int64_t layer) {
  setName(role, layer);
  const QuantizedTensor *quantized = weights.findQuantized(role, layer);
  if (quantized && !quantized->linear.permutation.empty())
    x = reordered(x, quantized->linear.permutation);
  Value y = product(x, matrix(role, layer));
  if (bias == role || !hasTensor(config, bias))
    return y;
  Value vector = vectorOf(bias, layer);
  auto type = cast<RankedTensorType>(y.getType());
  Value rows = linalg::BroadcastOp::create(
                   b, loc, vector, empty(type.getShape()), ArrayRef<int64_t>{0})
                   ->getResult(0);
  return arith::AddFOp::create(b, loc, y, rows);
}

Value DecoderBuilder::norm(Value x, TensorRole role, int64_t layer) {
  setName(role, layer);
  Value gamma = vectorOf(role, layer);
  if (config.normOffset != 0) {
    auto type = cast<RankedTensorType>(gamma.getType());
    auto offset = static_cast<float>(config.normOffset);
    Value shift =
        arith::ConstantOp::create(b, loc, DenseElementsAttr::get(type, offset));
    gamma = arith::AddFOp::create(b, loc, gamma, shift);
  }
  return mlir::qc::RMSNormOp::create(
      b, loc, x, gamma, b.getF32FloatAttr(static_cast<float>(config.rmsEps)));
}

/// [tokens, heads * size] as [tokens, heads, size].
Value DecoderBuilder::split(Value x, int64_t heads) {
  SmallVector<ReassociationIndices> groups = {{0}, {1, 2}};
  SmallVector<OpFoldResult> shape = {count, b.getIndexAttr(heads),
                                     b.getIndexAttr(config.headDim)};
  return tensor::ExpandShapeOp::create(
      b, loc, floats({dynamic, heads, config.headDim}), x, groups, shape);
}

Value DecoderBuilder::merge(Value x, int64_t heads) {
  SmallVector<ReassociationIndices> groups = {{0}, {1, 2}};
  return tensor::CollapseShapeOp::create(
      b, loc, floats({dynamic, heads * config.headDim}), x, groups);
}

/// Queries or keys of each head, normalized and turned.
Value DecoderBuilder::turned(Value x, int64_t heads, TensorRole normRole,
                             int64_t layer) {
  Location at = loc;
  x = split(x, heads);
  if (config.queryKeyNorm)
    x = norm(x, normRole, layer);
  loc = at;
  return mlir::qc::RopeOp::create(b, loc, x, cosines, sines,
                                  config.ropeLayout == RopeLayout::Interleaved);
}

Value DecoderBuilder::attention(Value x, int64_t layer) {
  using Role = TensorRole;
  Value q = turned(linear(x, Role::Query, Role::QueryBias, layer), config.heads,
                   Role::QueryNorm, layer);
  Value k = turned(linear(x, Role::Key, Role::KeyBias, layer), config.kvHeads,
                   Role::KeyNorm, layer);
  Value v =
      split(linear(x, Role::Value, Role::ValueBias, layer), config.kvHeads);
  auto layerAttr = b.getI64IntegerAttr(layer);
  cache = mlir::qc::KVAppendOp::create(b, loc, cache, k, v, positions,
                                       sequences, layerAttr);
  setName(Role::AttentionOutput, layer);
  Value y = mlir::qc::AttentionOp::create(
      b, loc, q, cache, positions, sequences, layerAttr,
      b.getF32FloatAttr(static_cast<float>(config.attentionScale)),
      b.getI64IntegerAttr(config.window[layer]),
      b.getF32FloatAttr(static_cast<float>(config.attentionSoftCap)));
  return linear(merge(y, config.heads), Role::AttentionOutput,
                Role::AttentionOutputBias, layer);
}

Value DecoderBuilder::feedForward(Value x, int64_t layer) {
  using Role = TensorRole;
  Value gate = linear(x, Role::Gate, Role::GateBias, layer);
  StringRef function = config.activation == Activation::Silu       ? "silu"
                       : config.activation == Activation::GeluTanh ? "gelu_tanh"
                                                                   : "gelu";
  gate = mlir::qc::UnaryOp::create(b, loc, function, gate);
  Value up = linear(x, Role::Up, Role::UpBias, layer);
  return linear(arith::MulFOp::create(b, loc, gate, up), Role::Down,
                Role::DownBias, layer);
}

Value DecoderBuilder::block(Value x, int64_t layer) {
  using Role = TensorRole;
  Value a = attention(norm(x, Role::AttentionNorm, layer), layer);
  if (config.postNorms)
    a = norm(a, Role::PostAttentionNorm, layer);
  x = arith::AddFOp::create(b, loc, a, x);
  Value m = feedForward(norm(x, Role::FeedForwardNorm, layer), layer);
  if (config.postNorms)
    m = norm(m, Role::PostFeedForwardNorm, layer);
  return arith::AddFOp::create(b, loc, m, x);
}

//===----------------------------------------------------------------------===//
// The model
//===----------------------------------------------------------------------===//

/// cos and sin of position * frequency, times the factor of YaRN.
void DecoderBuilder::makeAngles(ArrayRef<float> frequencies) {
  loc = NameLoc::get(b.getStringAttr("rope"));
  auto pairs = static_cast<int64_t>(frequencies.size());
  Value rates = arith::ConstantOp::create(
      b, loc, DenseElementsAttr::get(floats({pairs}), frequencies));
  if (hasTensor(config, TensorRole::RopeFactors))
    rates = arith::DivFOp::create(b, loc, rates,
                                  vectorOf(TensorRole::RopeFactors, -1));
  Value at = arith::SIToFPOp::create(b, loc, floats({dynamic}), positions);
  auto spread = [&](Value value, int64_t axis) {
    return linalg::BroadcastOp::create(b, loc, value, empty({dynamic, pairs}),
                                       ArrayRef<int64_t>{axis})
        ->getResult(0);
  };
  Value angles = arith::MulFOp::create(b, loc, spread(at, 1), spread(rates, 0));
  double factor = config.ropeScaling.kind == RopeScaling::Kind::Yarn
                      ? config.ropeScaling.attentionFactor
                      : 1;
  cosines = scale(mlir::qc::UnaryOp::create(b, loc, "cos", angles), factor);
  sines = scale(mlir::qc::UnaryOp::create(b, loc, "sin", angles), factor);
}

/// The rows of `x` that logits are wanted of.
Value DecoderBuilder::pick(Value x, Value rows) {
  count = tensor::DimOp::create(b, loc, rows, 0);
  return gather(x, rows, 0, config.hidden);
}

Value DecoderBuilder::logits(Value x, Value rows) {
  setName(TensorRole::FinalNorm, -1);
  x = norm(pick(x, rows), TensorRole::FinalNorm, -1);
  TensorRole role =
      config.tiedEmbeddings ? TensorRole::Embedding : TensorRole::Head;
  setName(role, -1);
  Value y = product(x, config.tiedEmbeddings ? table : matrix(role, -1));
  if (config.logitSoftCap == 0)
    return y;
  y = arith::DivFOp::create(b, loc, y, splat(y, config.logitSoftCap));
  y = mlir::qc::UnaryOp::create(b, loc, "tanh", y);
  return scale(y, config.logitSoftCap);
}

std::pair<Value, Value> DecoderBuilder::build(ValueRange arguments,
                                              ArrayRef<float> frequencies) {
  Value tokens = arguments[0], rows = arguments[3];
  positions = arguments[1];
  sequences = arguments[2];
  cache = arguments[4];
  count = tensor::DimOp::create(b, loc, tokens, 0);
  makeAngles(frequencies);
  setName(TensorRole::Embedding, -1);
  table = matrix(TensorRole::Embedding, -1);
  Value x = mlir::qc::EmbeddingOp::create(
      b, loc, floats({dynamic, config.hidden}), tokens, table);
  x = scale(x, config.embeddingScale);
  for (int64_t layer = 0; layer < config.layers; ++layer)
    x = block(x, layer);
  Value y = logits(x, rows);
  return {y, cache};
}

} // namespace qc::llama
