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
using ::qc::printable;

namespace {
class QuantizationReader {
public:
  explicit QuantizationReader(StringRef path) : path(path), constants(store) {}

  llvm::Expected<Quantization> read(func::FuncOp function);

private:
  llvm::Error readLayer(const QuantizableLayer &layer);
  llvm::Error readBias(const QuantizableLayer &layer, QuantizedLayer &result);
  llvm::Error readValue(DequantizeOp op, QuantizeOp quantize);
  llvm::Error addReaders(BlockArgument argument, QuantizedValue &result);
  llvm::Error refuse(StringRef where, const llvm::Twine &found,
                     const llvm::Twine &expected);
  llvm::Error refuseLayer(const QuantizableLayer &layer,
                          const llvm::Twine &found,
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

llvm::Error QuantizationReader::refuseLayer(const QuantizableLayer &layer,
                                            const llvm::Twine &found,
                                            const llvm::Twine &expected) {
  return refuse("layer '" + printable(layer.name) + "'", found,
                expected + ", or --layer '" + printable(layer.name) + "=keep'");
}

/// The op that encodes `value`; null if it is no dequantized value or one of
/// codes that the model brought along.
static QuantizeOp getQuantize(Value value) {
  auto dequantize = value.getDefiningOp<DequantizeOp>();
  if (!dequantize)
    return {};
  auto quantize = dequantize.getInput().getDefiningOp<QuantizeOp>();
  // qc-quantize puts it where the value is; a node has a place of its own.
  if (!quantize || quantize.getLoc() != quantize.getInput().getLoc())
    return {};
  return quantize;
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
      return refuseLayer(layer, "a bias that is computed when it runs",
                         "a constant");
    if (isZero(init))
      return llvm::Error::success();
    return refuseLayer(layer, "a sum that starts from a whole tensor",
                       "a value for each channel");
  }
  auto bias = constants.readBias(vector);
  if (!bias)
    return bias.takeError();
  result.bias = std::move(*bias);
  return llvm::Error::success();
}

llvm::Error QuantizationReader::readLayer(const QuantizableLayer &layer) {
  Value input = getCodeSource(layer.op->getOperand(layer.inputOperand));
  QuantizeOp quantize = getQuantize(input);
  if (quantize && !getStaticAffine(quantize.getResult()))
    return refuseLayer(layer,
                       "activation scales found at run time, for which ONNX "
                       "has no operator",
                       "static ones by --calib or --stats");
  QuantizeOp weight = getQuantize(layer.op->getOperand(layer.weightOperand));
  if (!weight)
    return llvm::Error::success();
  QuantizedLayer &made = result.layers.emplace_back();
  made.name = layer.name;
  std::optional<ConvView> conv = ConvView::match(layer.op);
  made.isConvolution = conv.has_value();
  made.isStatic = static_cast<bool>(quantize);
  for (StringRef node : getSourceNodes(layer.op->getLoc()))
    made.nodes.push_back(node.str());
  if (made.nodes.empty())
    return refuseLayer(layer,
                       "no node of the graph (it is in a function or a "
                       "subgraph)",
                       "a node");
  made.isWholeNode = !getSourceValue(layer.op->getLoc()).empty();
  if (isa<NF4Attr>(getEncoding(weight.getResult())))
    return refuseLayer(layer, "the format nf4, for which ONNX has no operator",
                       "int2 to int8, fp16 or bf16");
  made.weightIndex =
      weightIndices.try_emplace(weight, weightIndices.size()).first->second;
  auto constant = constants.readWeight(weight, conv);
  if (!constant)
    return constant.takeError();
  made.weight = std::move(*constant);
  return readBias(layer, made);
}

/// The nodes of the graph that `op` belongs to, or its readers do.
static void addNodes(Operation *op, std::vector<std::string> &nodes) {
  SmallVector<StringRef> own = getSourceNodes(op->getLoc());
  for (StringRef node : own)
    nodes.push_back(node.str());
  if (own.empty())
    for (Operation *user : op->getUsers())
      addNodes(user, nodes);
}

/// An argument is quantized where it has been made NHWC, so that others may
/// read it as it is.
llvm::Error QuantizationReader::addReaders(BlockArgument argument,
                                           QuantizedValue &result) {
  for (Operation *user : argument.getUsers()) {
    if (isa<tensor::DimOp>(user))
      continue;
    bool isQuantized = isa<linalg::TransposeOp>(user) &&
                       llvm::all_of(user->getUsers(), [](Operation *reader) {
                         return isa<QuantizeOp, tensor::DimOp>(reader);
                       });
    if (isQuantized)
      continue;
    if (isa<QuantizeOp, func::ReturnOp>(user))
      return refuse("input '" + result.value + "'",
                    "a tensor that is read in several encodings", "one");
    addNodes(user, result.floatReaders);
  }
  return llvm::Error::success();
}

llvm::Error QuantizationReader::readValue(DequantizeOp op,
                                          QuantizeOp quantize) {
  AffineAttr affine = getStaticAffine(op.getInput());
  // What is quantized at run time is refused with its layer.
  if (!affine)
    return llvm::Error::success();
  Value source = quantize.getInput();
  auto transpose = source.getDefiningOp<linalg::TransposeOp>();
  // An argument that is in these codes already, before it was made NHWC.
  QuantizeOp outer =
      transpose ? getQuantize(transpose.getInput()) : QuantizeOp();
  if (outer && getStaticAffine(outer.getResult()) == affine)
    return llvm::Error::success();
  QuantizedValue &made = result.values.emplace_back();
  made.scale = affine.getScaleValue();
  made.zeroPoint = static_cast<int8_t>(affine.getZeroPoint());
  if (transpose)
    source = transpose.getInput();
  if (auto argument = dyn_cast<BlockArgument>(source)) {
    made.value = getValueName(argument);
    if (source == quantize.getInput())
      return llvm::Error::success();
    return addReaders(argument, made);
  }
  made.value = getSourceValue(source.getLoc()).str();
  if (made.value.empty())
    return refuse("value '" + printable(getValueName(source)) + "'",
                  "a tensor within a node, a function or a subgraph, which is "
                  "quantized",
                  "a value of the graph; keep the layers that read it in "
                  "float with --layer");
  return llvm::Error::success();
}

llvm::Expected<Quantization> QuantizationReader::read(func::FuncOp function) {
  auto all = QuantizationSites::find(
      function, [](const QuantizableLayer &) { return true; });
  for (const QuantizableLayer &layer : all.layers)
    if (llvm::Error error = readLayer(layer))
      return std::move(error);
  SmallVector<std::pair<DequantizeOp, QuantizeOp>> pairs;
  function.walk([&](DequantizeOp op) {
    QuantizeOp quantize = getQuantize(op.getResult());
    if (quantize && !isConstantSubgraph(op.getResult()))
      pairs.push_back({op, quantize});
  });
  for (auto [op, quantize] : pairs)
    if (llvm::Error error = readValue(op, quantize))
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
