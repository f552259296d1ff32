//===- ReadQuantization.cpp - Decisions of a level-2 module ---------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Layers and activations by the source names that importers leave in
// locations. What has no such name, or a meaning that ONNX lacks, is an error
// that names the layer.
//
//===----------------------------------------------------------------------===//

#include "ReadConstants.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "qc/Analysis/LinalgViews.h"
#include "qc/Analysis/Names.h"
#include "qc/Analysis/QuantizationSites.h"
#include "qc/Dialect/QC/IR/QCOps.h"
#include "qc/Export/ONNX/Export.h"
#include "qc/Support/Error.h"

using namespace mlir;
using namespace mlir::qc;
using namespace ::qc::onnx;
using ::qc::HostTensor;
using ::qc::printable;

namespace {
class QuantizationReader {
public:
  explicit QuantizationReader(StringRef path) : path(path), constants(store) {}

  llvm::Expected<Quantization> read(func::FuncOp function);

private:
  llvm::Error readLayer(const QuantizableLayer &layer);
  /// Puts the rows of a weight that follows a flattened image in its order.
  llvm::Error restoreImage(const QuantizableLayer &layer, QuantizedLayer &made);
  llvm::Error readEmbedding(EmbeddingOp op);
  /// A layer of the result with what is known of `op` and its codes `weight`.
  llvm::Expected<QuantizedLayer *>
  addLayer(Operation *op, StringRef name, Value weight,
           const std::optional<ConvView> &conv);
  llvm::Error readBias(const QuantizableLayer &layer, QuantizedLayer &result);
  llvm::Error readValue(QuantizeOp quantize);
  llvm::Error addValue(QuantizedValue value);
  llvm::Error refuse(StringRef where, const llvm::Twine &found,
                     const llvm::Twine &expected);
  llvm::Error refuseLayer(StringRef name, const llvm::Twine &found,
                          const llvm::Twine &expected);

  StringRef path;
  ::qc::ParameterStore store;
  ConstantReader constants;
  DenseMap<Operation *, size_t> weightIndices;
  Quantization result;
};
} // namespace

llvm::Error QuantizationReader::refuse(StringRef where,
                                       const llvm::Twine &found,
                                       const llvm::Twine &expected) {
  return ::qc::inputError("not-in-onnx", path, where, found, expected);
}

llvm::Error QuantizationReader::refuseLayer(StringRef name,
                                            const llvm::Twine &found,
                                            const llvm::Twine &expected) {
  return refuse("layer '" + printable(name) + "'", found,
                expected + ", or --layer '" + printable(name) + "=keep'");
}

/// Whether qc-quantize, or an algorithm on weights, has made `op`: it is put
/// where its value is, and a node has a place of its own.
static bool isChosen(Operation *op) {
  return op->getLoc() == op->getOperand(0).getLoc();
}

/// The op that encodes `value`; null if it is no dequantized value or one of
/// codes that the model brought along.
static QuantizeOp getQuantize(Value value) {
  auto dequantize = value.getDefiningOp<DequantizeOp>();
  auto quantize = dequantize ? dequantize.getInput().getDefiningOp<QuantizeOp>()
                             : QuantizeOp();
  return quantize && isChosen(quantize) ? quantize : QuantizeOp();
}

/// The codes that were made of the weight of a layer, or its values where it is
/// only pruned; null if nothing was done to it.
static Value getChosenWeight(Value weight, StringRef layer) {
  if (auto dequantize = weight.getDefiningOp<DequantizeOp>())
    weight = dequantize.getInput();
  Operation *op = weight.getDefiningOp();
  // Values that an algorithm found are named so (ComponentStore.cpp).
  if (auto parameter = dyn_cast_or_null<ParameterOp>(op))
    return parameter.getName() == (layer + ".values").str() ? weight : Value();
  return isa_and_nonnull<QuantizeOp, AssembleOp, PruneOp>(op) && isChosen(op)
             ? weight
             : Value();
}

llvm::Error QuantizationReader::readBias(const QuantizableLayer &layer,
                                         QuantizedLayer &result) {
  Value init = layer.op->getOperands().back();
  SmallVector<int64_t, 2> axes = {cast<ShapedType>(init.getType()).getRank() -
                                  1};
  if (std::optional<ConvView> conv = ConvView::match(layer.op))
    axes = conv->getResultChannelAxes();
  Value vector = getChannelVector(init, axes);
  if (!vector) {
    // Constant ones have been folded.
    if (layer.epilogue.bias)
      return refuseLayer(layer.name, "a bias that is computed when it runs",
                         "a constant");
    if (isZero(init))
      return llvm::Error::success();
    return refuseLayer(layer.name, "a sum that starts from a whole tensor",
                       "a value for each channel");
  }
  auto bias = constants.readBias(vector);
  if (!bias)
    return bias.takeError();
  result.bias = std::move(*bias);
  return llvm::Error::success();
}

/// The sizes {H, W, C} of the flattened image that `layer` reads in another
/// order than the source's product does; empty if the order is the same.
static SmallVector<int64_t, 3> getMovedRows(const QuantizableLayer &layer) {
  if (!layer.op->hasAttr(movedRowsAttr))
    return {};
  Value input = layer.getInput();
  while (Operation *op = input.getDefiningOp()) {
    if (auto flat = dyn_cast<tensor::CollapseShapeOp>(op);
        flat && flat.getSrcType().getRank() == 4)
      return SmallVector<int64_t, 3>(flat.getSrcType().getShape().drop_front());
    if (!isa<QuantizeOp, DequantizeOp>(op))
      break;
    input = op->getOperand(0);
  }
  return {};
}

/// Puts the rows of `weight`, in the order of {H, W, C}, in that of {C, H, W}.
static void restoreRows(HostTensor &weight, ArrayRef<int64_t> image) {
  SmallVector<int64_t> shape(weight.shape()), split(image);
  split.push_back(shape.back());
  weight =
      qconnx::transposed(weight.reshaped(split), {2, 0, 1, 3}).reshaped(shape);
}

llvm::Error QuantizationReader::restoreImage(const QuantizableLayer &layer,
                                             QuantizedLayer &made) {
  if (SmallVector<int64_t, 3> image = getMovedRows(layer); !image.empty()) {
    if (made.weight.scale && made.weight.scale->rank() > 1)
      return refuseLayer(layer.name,
                         "groups of channels, which lie apart in the flattened "
                         "image of the graph",
                         "a scale for each output");
    restoreRows(made.weight.codes, image);
  } else if (layer.op->hasAttr(movedRowsAttr)) {
    return refuseLayer(layer.name,
                       "rows of a weight in an order that is not known",
                       "those of a flattened image");
  }
  return llvm::Error::success();
}

llvm::Error QuantizationReader::readLayer(const QuantizableLayer &layer) {
  Value input = getCodeSource(layer.getInput());
  QuantizeOp quantize = getQuantize(input);
  if (quantize && !getStaticAffine(quantize.getResult()))
    return refuseLayer(layer.name,
                       "activation scales found at run time, for which ONNX "
                       "has no operator",
                       "static ones by --calib or --stats");
  Value weight = layer.weightOperand
                     ? getChosenWeight(layer.getWeight(), layer.name)
                     : Value();
  if (!weight)
    return llvm::Error::success();
  std::optional<ConvView> conv = ConvView::match(layer.op);
  auto made = addLayer(layer.op, layer.name, weight, conv);
  if (!made)
    return made.takeError();
  (*made)->isStatic = static_cast<bool>(quantize);
  if (llvm::Error error = restoreImage(layer, **made))
    return error;
  return readBias(layer, **made);
}

llvm::Error QuantizationReader::readEmbedding(EmbeddingOp op) {
  StringRef name = getLayerName(op.getLoc());
  Value table = getChosenWeight(op.getTable(), name);
  if (!table)
    return llvm::Error::success();
  auto made = addLayer(op, name, table, /*conv=*/{});
  if (!made)
    return made.takeError();
  (*made)->isLookUp = true;
  return llvm::Error::success();
}

llvm::Expected<QuantizedLayer *>
QuantizationReader::addLayer(Operation *op, StringRef name, Value weight,
                             const std::optional<ConvView> &conv) {
  QuantizedLayer &made = result.layers.emplace_back();
  made.name = name.str();
  made.isConvolution = conv.has_value();
  for (StringRef node : getSourceNodes(op->getLoc()))
    made.nodes.push_back(node.str());
  if (made.nodes.empty())
    return refuseLayer(name,
                       "no node of the graph (it is in a function or a "
                       "subgraph)",
                       "a node");
  made.isWholeNode = !getSourceValue(op->getLoc()).empty();
  if (isa_and_nonnull<NF4Attr>(getEncoding(weight)))
    return refuseLayer(name, "the format nf4, for which ONNX has no operator",
                       "int2 to int8, fp16 or bf16");
  made.weightIndex =
      weightIndices.try_emplace(weight.getDefiningOp(), weightIndices.size())
          .first->second;
  auto constant = constants.readWeight(weight, conv);
  if (!constant)
    return constant.takeError();
  made.weight = std::move(*constant);
  return &made;
}

/// Adds the node that `op` belongs to, or else those of its readers, to what
/// reads `value` as it is.
static void addReader(Operation *op, QuantizedValue &value) {
  auto quantize = dyn_cast<QuantizeOp>(op);
  if (isa<tensor::DimOp>(op) || (quantize && isChosen(quantize)))
    return;
  if (isa<func::ReturnOp>(op)) {
    value.isFloatOutput = true;
    return;
  }
  // What is folded into a layer comes after it.
  SmallVector<StringRef> nodes = getSourceNodes(op->getLoc());
  if (!nodes.empty())
    value.floatReaders.push_back(nodes.front().str());
  else
    for (Operation *user : op->getUsers())
      addReader(user, value);
}

llvm::Error QuantizationReader::addValue(QuantizedValue value) {
  for (const QuantizedValue &other : result.values) {
    if (other.value != value.value || other.transposed != value.transposed)
      continue;
    if (other.scale == value.scale && other.zeroPoint == value.zeroPoint)
      return llvm::Error::success();
    return refuse("value '" + printable(value.value) + "'",
                  "a tensor in several encodings", "one");
  }
  result.values.push_back(std::move(value));
  return llvm::Error::success();
}

llvm::Error QuantizationReader::readValue(QuantizeOp quantize) {
  AffineAttr affine = getStaticAffine(quantize.getResult());
  // What is quantized at run time is refused with its layer.
  if (!affine)
    return llvm::Error::success();
  QuantizedValue made;
  made.scale = affine.getScaleValue();
  made.zeroPoint = static_cast<int8_t>(affine.getZeroPoint());
  Value source = quantize.getInput();
  for (Operation *user : source.getUsers())
    addReader(user, made);
  // An input is quantized where it has been made NHWC.
  auto layout = source.getDefiningOp<linalg::TransposeOp>();
  if (layout) {
    QuantizeOp outer = getQuantize(layout.getInput());
    if (outer && getStaticAffine(outer.getResult()) == affine)
      return llvm::Error::success();
    if (isa<BlockArgument>(layout.getInput())) {
      made.transposed = getSourceValue(source.getLoc()).str();
      source = layout.getInput();
      for (Operation *user : source.getUsers())
        if (user != layout)
          addReader(user, made);
    }
  }
  made.value = isa<BlockArgument>(source)
                   ? getValueName(source)
                   : getSourceValue(source.getLoc()).str();
  if (!made.value.empty())
    return addValue(std::move(made));
  if (isa_and_nonnull<arith::ExtFOp, arith::TruncFOp>(source.getDefiningOp()))
    return refuse("value '" + printable(getValueName(source)) + "'",
                  "other floats than float32, which are quantized",
                  "a model in float32, to which it can be converted");
  return refuse("value '" + printable(getValueName(source)) + "'",
                "a tensor within a node, a function or a subgraph, which is "
                "quantized",
                "a value of the graph; keep the layers that read it in float "
                "with --layer");
}

llvm::Expected<Quantization> QuantizationReader::read(func::FuncOp function) {
  auto all = QuantizationSites::find(
      function, [](const QuantizableLayer &) { return true; });
  for (const QuantizableLayer &layer : all.layers)
    if (llvm::Error error = readLayer(layer))
      return std::move(error);
  SmallVector<EmbeddingOp> embeddings;
  function.walk([&](EmbeddingOp op) { embeddings.push_back(op); });
  for (EmbeddingOp op : embeddings)
    if (llvm::Error error = readEmbedding(op))
      return std::move(error);
  SmallVector<QuantizeOp> ops;
  function.walk([&](QuantizeOp op) {
    if (isChosen(op) && !isConstantSubgraph(op.getResult()))
      ops.push_back(op);
  });
  for (QuantizeOp op : ops)
    if (llvm::Error error = readValue(op))
      return std::move(error);
  return std::move(result);
}

llvm::Expected<Quantization> qconnx::readQuantization(ModuleOp module,
                                                      StringRef path) {
  auto function = module.lookupSymbol<func::FuncOp>("main");
  if (!function)
    return ::qc::inputError("not-in-onnx", path, "", "no function main",
                            "an imported model");
  return QuantizationReader(path).read(function);
}
