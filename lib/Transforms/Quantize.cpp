//===- Quantize.cpp - Level 0 to level 2 ----------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Three steps: what precision each layer gets and why not another one; the
// encodings of activations, from statistics; quantize and dequantize in place.
//
//===----------------------------------------------------------------------===//

#include "QuantizeWeights.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "qc/Analysis/LinalgViews.h"
#include "qc/Analysis/Names.h"
#include "qc/Analysis/QuantizationSites.h"
#include "qc/Dialect/QC/IR/QCBlocks.h"
#include "qc/Dialect/QC/IR/QCDialect.h"
#include "qc/Dialect/QC/IR/QCOps.h"
#include "qc/Dialect/QC/IR/QCSparse.h"
#include "qc/Numerics/Rounding.h"
#include "qc/Numerics/Sparse.h"
#include "qc/Quantization/Precision.h"
#include "qc/Quantization/Range.h"
#include "qc/Transforms/FormatGroups.h"
#include "qc/Transforms/Passes.h"
#include "llvm/Support/MemoryBuffer.h"

namespace mlir::qc {
#define GEN_PASS_DEF_QUANTIZEPASS
#include "qc/Transforms/Passes.h.inc"
} // namespace mlir::qc

using namespace mlir;
using namespace mlir::qc;
namespace quant = ::qc::quantization;
using quant::Precision;

namespace {

/// A layer and what becomes of it.
struct LayerPlan {
  Precision precision;
  bool isStatic() const {
    return precision.activations == Precision::Activations::Static;
  }
};

struct Quantize : mlir::qc::impl::QuantizePassBase<Quantize> {
  using QuantizePassBase::QuantizePassBase;
  void runOnOperation() override;

private:
  LogicalResult readOptions();
  LogicalResult runOnFunction(FunctionOpInterface function);
  /// The precision of a layer: what is asked for, or float with a remark.
  FailureOr<Precision> plan(const QuantizableLayer &layer);
  /// Why `layer` cannot have `precision`; empty if it can. May turn static
  /// activations into dynamic ones.
  std::string refuse(const QuantizableLayer &layer, Precision &precision);
  std::string refuseWeight(const QuantizableLayer &layer, Precision &precision);
  std::string refuseBlocks(const QuantizableLayer &layer, Precision &precision,
                           Attribute encoding);
  /// Why the statistics do not tell the range of `activation`.
  std::string refuseActivation(Value activation);
  LogicalResult quantizeSites(ArrayRef<QuantizationSite> sites);
  /// Asks the mixture about all matrices of the function, if there is one.
  llvm::Error mix(FunctionOpInterface function,
                  ArrayRef<QuantizableLayer> layers);
  void quantizeEmbedding(EmbeddingOp op);
  /// Of each layer what tells the means of its input, by which its bias is
  /// corrected: of those with static codes, and of pruned convolutions.
  SmallVector<const quant::TensorStatistics *>
  findMeans(const QuantizationSites &planned,
            function_ref<bool(const QuantizableLayer &)> isPruned);
  void quantizeRows(const QuantizableLayer &layer, int64_t block);
  /// An error where the weight's format has no zero for what is pruned.
  LogicalResult nameOthers(FunctionOpInterface function);
  LogicalResult checkZeros(const QuantizableLayer &layer,
                           const Precision &precision);
  void pruneWeight(const QuantizableLayer &layer, const Precision &precision);
  void quantizeWeight(OpOperand &use, Attribute encoding,
                      StringRef algorithms = "");

  std::optional<quant::PrecisionChoice> choice;
  std::optional<quant::Statistics> statistics;
  quant::Observer rangeOf;
  /// Names of values as the observers gave them.
  DenseMap<Value, std::string> names;
  /// Dequantized forms made already.
  DenseMap<std::pair<Value, Attribute>, Value> encoded;
};

} // namespace

LogicalResult Quantize::readOptions() {
  auto fail = [&](llvm::Error error) {
    getOperation().emitError() << llvm::toString(std::move(error));
    return failure();
  };
  std::string text;
  if (!recipe.empty()) {
    auto buffer = llvm::MemoryBuffer::getFile(recipe);
    if (!buffer)
      return getOperation().emitError()
             << recipe << ": " << buffer.getError().message();
    text = (*buffer)->getBuffer().str();
  }
  auto made = quant::PrecisionChoice::create(precision, layer, text, recipe,
                                             getFormatGroups(&getContext()));
  if (!made)
    return fail(made.takeError());
  choice = std::move(*made);
  auto parsed = quant::Observer::parse(observer);
  if (!parsed)
    return fail(parsed.takeError());
  rangeOf = *parsed;
  if (weights != "minmax" && weights != "mse")
    return getOperation().emitError()
           << "found weights '" << weights << "', expected minmax or mse";
  if (stats.empty())
    return success();
  auto read = quant::Statistics::readFile(stats);
  if (!read)
    return fail(read.takeError());
  statistics = std::move(*read);
  return success();
}

/// The axis of the weight that its sums run along; -1 for a depthwise
/// convolution.
static int64_t getWeightInputAxis(Operation *op) {
  if (std::optional<ConvView> conv = ConvView::match(op))
    return conv->getFilterInputAxis();
  return cast<ShapedType>(op->getOperand(1).getType()).getRank() - 2;
}

/// The axes of a layer's weight whose elements belong to one output each.
static SmallVector<int64_t, 2> channelsOf(const QuantizableLayer &layer) {
  if (std::optional<ConvView> conv = ConvView::match(layer.op))
    return conv->getFilterChannelAxes();
  return {cast<QuantizableOpInterface>(layer.op).getWeightChannelAxis()};
}

/// The encoding of a layer's weight; null if there is none that suits.
static Attribute encodingOf(const QuantizableLayer &layer,
                            const Precision &precision) {
  if (precision.weights == Precision::Weights::Keep) {
    auto dequantize = layer.getWeight().getDefiningOp<DequantizeOp>();
    return dequantize ? Attribute(getEncoding(dequantize.getInput()))
                      : Attribute();
  }
  Value weight = layer.op->getOperand(*layer.weightOperand);
  return getWeightEncoding(cast<RankedTensorType>(weight.getType()), precision,
                           channelsOf(layer), getWeightInputAxis(layer.op),
                           ConvView::match(layer.op).has_value());
}

/// The encoding of a layer's weight, in a sparse one where that pays: 8 bits
/// with a scale for each output of a product.
static Attribute wrapZeros(const QuantizableLayer &layer,
                           const Precision &precision) {
  Attribute encoding = encodingOf(layer, precision);
  auto affine = dyn_cast<AffineAttr>(encoding);
  int64_t axis = getWeightInputAxis(layer.op);
  if (!precision.sparsity || !affine || affine.getBits() != 8 ||
      !affine.getSymmetric() || affine.getGroup()[axis] != -1 ||
      !MatMulView::match(layer.op))
    return encoding;
  const ::qc::numerics::Sparsity &zeros = *precision.sparsity;
  auto type = cast<RankedTensorType>(layer.getWeight().getType());
  return sparseEncoding(encoding, type.getShape(), axis,
                        {zeros.kept, zeros.run, zeros.share(), zeros.blockRows,
                         zeros.blockColumns});
}

/// Why the weight cannot have `encoding`; empty if it can.
static std::string refuseShape(Operation *op, Value weight,
                               Attribute encoding) {
  std::string problem;
  ScopedDiagnosticHandler handler(op->getContext(),
                                  [&](Diagnostic &diagnostic) {
                                    problem = diagnostic.str();
                                    return success();
                                  });
  auto type = cast<RankedTensorType>(weight.getType());
  (void)cast<EncodingAttrInterface>(encoding).verifyShape(
      [&] { return op->emitError(); }, type.getShape());
  return problem;
}

std::string Quantize::refuseActivation(Value activation) {
  auto found = names.find(getCodeSource(activation));
  if (found == names.end())
    return "its input is no activation";
  const quant::TensorStatistics *seen = statistics->find(found->second);
  if (!seen)
    return "the statistics have no tensor '" + found->second + "'";
  if (seen->getCount() == 0)
    return "the statistics of '" + found->second + "' are empty";
  return "";
}

/// Run-time activations with a scale for each `size` elements of a row, -1 for
/// each row.
static AffineAttr getRunTimeEncoding(RankedTensorType type, int64_t size) {
  SmallVector<int64_t> group(type.getRank(), 1);
  group.back() = size;
  return AffineAttr::get(type.getContext(), 8, FloatAttr(), 0, group, Type(),
                         /*symmetric=*/true);
}

std::string Quantize::refuseBlocks(const QuantizableLayer &layer,
                                   Precision &precision, Attribute encoding) {
  auto input = cast<RankedTensorType>(layer.getInput().getType());
  auto weight = cast<RankedTensorType>(layer.getWeight().getType());
  if (!MatMulView::match(layer.op))
    return "8-bit activations of a convolution need symmetric 8-bit weights "
           "with a scale for each channel";
  auto encoded = withEncoding(weight, encoding);
  if (!precision.activationBlock)
    precision.activationBlock = getActivationBlock(encoded);
  if (!getGroupSums(withEncoding(input, getRunTimeEncoding(
                                            input, precision.activationBlock)),
                    encoded))
    return "8-bit activations need symmetric 8-bit weights with a scale for "
           "each channel, or integers with scales for groups of a multiple of "
           "16";
  precision.activations = Precision::Activations::Dynamic;
  return "";
}

std::string Quantize::refuseWeight(const QuantizableLayer &layer,
                                   Precision &precision) {
  using Activations = Precision::Activations;
  if (precision.weights == Precision::Weights::Float32)
    return "";
  bool isProduct = MatMulView::match(layer.op).has_value();
  Attribute encoding = encodingOf(layer, precision);
  if (!encoding && precision.weights == Precision::Weights::Keep)
    return "its weight is not quantized";
  if (!encoding)
    return precision.format + " has no groups that suit its weight";
  if (std::string problem = refuseShape(layer.op, layer.getWeight(), encoding);
      !problem.empty())
    return problem;
  if (precision.activations == Activations::Float)
    return "";
  bool byChannel = precision.weights == Precision::Weights::Integer &&
                   precision.weightBits == 8 && precision.group == 0 &&
                   precision.symmetric.value_or(true);
  if (!byChannel)
    return refuseBlocks(layer, precision, encoding);
  if (precision.activations == Activations::Static && !statistics)
    precision.activations = Activations::Dynamic;
  if (precision.activations == Activations::Dynamic && !isProduct)
    return "a convolution needs calibration statistics for 8-bit activations";
  auto type = cast<RankedTensorType>(layer.getWeight().getType());
  if (precision.activations == Activations::Dynamic && type.getRank() > 2)
    return "a stack of weights needs calibration statistics for 8-bit "
           "activations";
  int64_t terms = isProduct ? type.getDimSize(type.getRank() - 2)
                            : ConvView::match(layer.op)->getReductionSize();
  if (!::qc::numerics::accumulatorFits(terms, 255, 127, 0))
    return "a sum of " + std::to_string(terms) +
           " products can overflow 32 bits";
  return precision.activations == Activations::Dynamic
             ? ""
             : refuseActivation(layer.getInput());
}

std::string Quantize::refuse(const QuantizableLayer &layer,
                             Precision &precision) {
  if (precision.activationBits == 16)
    return "activations of 16 bits are not built yet";
  if (layer.weightOperand)
    return refuseWeight(layer, precision);
  if (isRepeatedConstant(
          getCodeSource(layer.op->getOperand(*layer.rightOperand))))
    return "its weight is repeated for each sample";
  // Without weights only static encodings ask anything of a product.
  if (precision.activations != Precision::Activations::Static || !statistics) {
    precision = Precision();
    return "";
  }
  std::string reason = refuseActivation(layer.getInput());
  return reason.empty()
             ? refuseActivation(layer.op->getOperand(*layer.rightOperand))
             : reason;
}

FailureOr<Precision> Quantize::plan(const QuantizableLayer &layer) {
  Precision precision = choice->get(layer.name);
  std::string reason = precision.isFloat() ? "" : refuse(layer, precision);
  if (reason.empty()) {
    if (failed(checkZeros(layer, precision)))
      return failure();
    return precision;
  }
  if (strict)
    return layer.op->emitError()
           << "layer '" << layer.name << "' cannot be quantized: " << reason;
  layer.op->emitRemark() << "layer '" << layer.name
                         << "' stays in float: " << reason;
  return Precision();
}

/// Convolutions that are no layers, those of volumes, are named all the same.
LogicalResult Quantize::nameOthers(FunctionOpInterface function) {
  WalkResult result = function.walk([&](linalg::ConvolutionOpInterface op) {
    std::string name = getLayerName(op.getLoc()).str();
    if (!op->getName().getStringRef().starts_with("linalg.conv_") ||
        ConvView::match(op) || name.empty() || choice->get(name).isFloat())
      return WalkResult::advance();
    StringRef reason = "only convolutions of images are quantized";
    if (strict) {
      op->emitError() << "layer '" << name
                      << "' cannot be quantized: " << reason;
      return WalkResult::interrupt();
    }
    op->emitRemark() << "layer '" << name << "' stays in float: " << reason;
    return WalkResult::advance();
  });
  return failure(result.wasInterrupted());
}

LogicalResult Quantize::checkZeros(const QuantizableLayer &layer,
                                   const Precision &precision) {
  if (!precision.sparsity || !layer.weightOperand ||
      precision.weights == Precision::Weights::Float32)
    return success();
  auto encoding = cast<EncodingAttrInterface>(encodingOf(layer, precision));
  auto type = cast<RankedTensorType>(layer.getWeight().getType());
  if (::qc::numerics::hasZeroCode(encoding.getDecodeSpec(type.getShape())))
    return success();
  return layer.op->emitError()
         << "layer '" << layer.name << "': found " << precision.format << "/"
         << precision.sparsity->text()
         << ", expected a format with an exact zero, which " << precision.format
         << " has not";
}

LogicalResult Quantize::quantizeSites(ArrayRef<QuantizationSite> sites) {
  OpBuilder builder(&getContext());
  for (QuantizationSite site : sites) {
    const std::string &name = names[site.value];
    const quant::TensorStatistics *seen = statistics->find(name);
    if (!seen)
      return emitError(site.value.getLoc())
             << "the statistics have no tensor '" << name << "'";
    auto affine = quant::chooseScale(*seen, rangeOf, -128, 127, site.symmetric);
    auto type = cast<RankedTensorType>(site.value.getType());
    auto encoding =
        AffineAttr::getStatic(&getContext(), 8, affine.scale, affine.zeroPoint);
    builder.setInsertionPointAfterValue(site.value);
    Location loc = site.value.getLoc();
    auto quantized = QuantizeOp::create(
        builder, loc, withEncoding(type, encoding), site.value);
    Value value = DequantizeOp::create(builder, loc, type, quantized);
    // A size does not wait for codes.
    site.value.replaceUsesWithIf(value, [&](OpOperand &use) {
      if (site.isMadeInFloat)
        return llvm::is_contained(site.uses, &use);
      return use.getOwner() != quantized && !isa<tensor::DimOp>(use.getOwner());
    });
    ++numActivations;
  }
  return success();
}

/// Run-time scales, one for each block of a product's input, or for each row if
/// `block` is 0.
void Quantize::quantizeRows(const QuantizableLayer &layer, int64_t block) {
  OpOperand *use = &layer.op->getOpOperand(layer.inputOperand);
  auto collapse = use->get().getDefiningOp<tensor::CollapseShapeOp>();
  // Rows that come from several axes are quantized before they are merged.
  if (!block && collapse &&
      collapse.getReassociationIndices().back().size() == 1)
    use = &collapse.getSrcMutable();
  Value value = use->get();
  if (value.getDefiningOp<DequantizeOp>())
    return;
  auto type = cast<RankedTensorType>(value.getType());
  auto encoding = getRunTimeEncoding(type, block ? block : -1);
  Value &made = encoded[{value, encoding}];
  if (!made) {
    OpBuilder builder(&getContext());
    builder.setInsertionPointAfterValue(value);
    Value codes = QuantizeOp::create(builder, value.getLoc(),
                                     withEncoding(type, encoding), value);
    made = DequantizeOp::create(builder, value.getLoc(), type, codes);
    ++numDynamic;
  }
  use->set(made);
}

/// Leaves a word for who finds the values: the layer has algorithms of its own.
static void nameAlgorithms(Operation *op, StringRef algorithms) {
  if (!algorithms.empty())
    op->setAttr("qc.algorithms", StringAttr::get(op->getContext(), algorithms));
}

void Quantize::pruneWeight(const QuantizableLayer &layer,
                           const Precision &precision) {
  OpOperand &use = layer.op->getOpOperand(*layer.weightOperand);
  Value weight = use.get();
  OpBuilder builder(&getContext());
  StringAttr pattern = builder.getStringAttr(precision.sparsity->text());
  Value &made = encoded[{weight, pattern}];
  if (!made) {
    builder.setInsertionPointAfterValue(weight);
    made = PruneOp::create(builder, weight.getLoc(), weight, pattern,
                           builder.getDenseI64ArrayAttr(channelsOf(layer)));
    nameAlgorithms(made.getDefiningOp(), precision.algorithms);
    ++numPruned;
  }
  use.set(made);
}

void Quantize::quantizeWeight(OpOperand &use, Attribute encoding,
                              StringRef algorithms) {
  Value weight = use.get();
  auto type = cast<RankedTensorType>(weight.getType());
  Value &made = encoded[{weight, encoding}];
  if (!made) {
    OpBuilder builder(&getContext());
    builder.setInsertionPointAfterValue(weight);
    bool hasOwn = !algorithms.empty();
    StringRef rule = !hasOwn                      ? StringRef(weights)
                     : algorithms.contains("mse") ? "mse"
                                                  : "minmax";
    auto codes = QuantizeOp::create(builder, weight.getLoc(),
                                    withEncoding(type, encoding), weight,
                                    builder.getStringAttr(rule));
    nameAlgorithms(codes, algorithms);
    made = DequantizeOp::create(builder, weight.getLoc(), type, codes);
    ++numWeights;
  }
  use.set(made);
}

/// The scale of a static input, seen through what only moves its codes.
static FloatAttr getInputScale(const QuantizableLayer &layer) {
  Value source = getCodeSource(layer.getInput());
  auto dequantize = source.getDefiningOp<DequantizeOp>();
  return getStaticAffine(dequantize.getInput()).getScale();
}

/// Embeddings come before the layers, as in the model.
llvm::Error Quantize::mix(FunctionOpInterface function,
                          ArrayRef<QuantizableLayer> layers) {
  std::vector<quant::MixtureMatrix> matrices;
  auto add = [&](StringRef name, Value weight) {
    ArrayRef<int64_t> shape = cast<ShapedType>(weight.getType()).getShape();
    // The head may be the embedding.
    if (shape.size() == 2 && (matrices.empty() || matrices[0].name != name))
      matrices.push_back({name.str(), shape[0], shape[1]});
  };
  function.walk([&](EmbeddingOp op) {
    add(getLayerName(op.getLoc()).str(), op.getTable());
  });
  for (const QuantizableLayer &layer : layers)
    if (layer.weightOperand)
      add(layer.name, layer.getWeight());
  return choice->mix(matrices);
}

void Quantize::quantizeEmbedding(EmbeddingOp op) {
  StringRef name = getLayerName(op.getLoc());
  Precision precision = choice->get(name);
  if (!choice->names(name))
    return;
  if (precision.sparsity)
    op.emitRemark() << "embedding '" << name
                    << "' keeps its values: only layers are pruned";
  if (precision.weights == Precision::Weights::Float32 ||
      precision.weights == Precision::Weights::Keep)
    return;
  Value table = op.getTable();
  Attribute encoding = getWeightEncoding(
      cast<RankedTensorType>(table.getType()), precision, /*channels=*/{1},
      /*inputAxis=*/0, /*isConvolution=*/false);
  std::string reason = refuseShape(op, table, encoding);
  if (!reason.empty())
    op.emitRemark() << "embedding '" << name << "' stays in float: " << reason;
  else
    quantizeWeight(op.getTableMutable(), encoding);
}

SmallVector<const quant::TensorStatistics *>
Quantize::findMeans(const QuantizationSites &planned,
                    function_ref<bool(const QuantizableLayer &)> isPruned) {
  SmallVector<const quant::TensorStatistics *> inputs(planned.layers.size());
  if (!biasCorrection || !statistics)
    return inputs;
  DenseMap<Value, const quant::TensorStatistics *> seen;
  for (const QuantizationSite &site : planned.sites)
    seen[site.value] = statistics->find(names[site.value]);
  for (auto [layer, input] : llvm::zip_equal(planned.layers, inputs)) {
    Value source = getMeanSource(layer.getInput());
    input = isPruned(layer) && ConvView::match(layer.op)
                ? statistics->find(names.lookup(source))
                : seen.lookup(source);
  }
  return inputs;
}

LogicalResult Quantize::runOnFunction(FunctionOpInterface function) {
  function.walk([](ObserveOp op) {
    op.getResult().replaceAllUsesWith(op.getInput());
    op.erase();
  });
  names.clear();
  encoded.clear();
  auto all = QuantizationSites::find(
      function, [](const QuantizableLayer &) { return true; });
  for (const QuantizationSite &site : all.sites)
    names[site.value] = site.name;
  std::vector<std::string> layerNames;
  if (choice->isMixture())
    if (llvm::Error error = mix(function, all.layers))
      return function.emitError() << llvm::toString(std::move(error));
  function.walk([&](EmbeddingOp op) {
    if (StringRef name = getLayerName(op.getLoc()); choice->names(name))
      layerNames.push_back(name.str());
  });
  std::vector<quant::LayerPlace> places;
  for (const QuantizableLayer &layer : all.layers)
    places.push_back(
        {layer.name, layer.weightOperand ? layer.kind : "attention"});
  choice->resolve(places);
  DenseMap<Operation *, LayerPlan> plans;
  for (const QuantizableLayer &layer : all.layers) {
    layerNames.push_back(layer.name);
    FailureOr<Precision> precision = plan(layer);
    if (failed(precision))
      return failure();
    plans[layer.op] = {*precision};
    if (precision->isFloat() && layer.weightOperand)
      ++numFloat;
  }
  if (failed(nameOthers(function)))
    return failure();
  if (llvm::Error error = choice->checkPatterns(layerNames))
    return function.emitError() << llvm::toString(std::move(error));

  auto planned =
      QuantizationSites::find(function, [&](const QuantizableLayer &layer) {
        return plans[layer.op].isStatic();
      });
  // Sources are read before the sites change them.
  SmallVector<const quant::TensorStatistics *> inputs =
      findMeans(planned, [&](const QuantizableLayer &layer) {
        return plans[layer.op].precision.sparsity.has_value();
      });
  if (failed(quantizeSites(planned.sites)))
    return failure();
  for (auto [layer, input] : llvm::zip_equal(planned.layers, inputs)) {
    const Precision &precision = plans[layer.op].precision;
    if (precision.isFloat() || !layer.weightOperand)
      continue;
    if (precision.activations == Precision::Activations::Dynamic)
      quantizeRows(layer, precision.activationBlock);
    if (precision.weights == Precision::Weights::Keep)
      continue;
    if (precision.sparsity)
      pruneWeight(layer, precision);
    if (precision.weights != Precision::Weights::Float32)
      quantizeWeight(layer.op->getOpOperand(*layer.weightOperand),
                     sparse ? wrapZeros(layer, precision)
                            : encodingOf(layer, precision),
                     precision.algorithms);
    if (input)
      correctBias(layer, *input);
    if (plans[layer.op].isStatic())
      roundBias(layer, getInputScale(layer));
  }
  function.walk([&](EmbeddingOp op) { quantizeEmbedding(op); });
  return success();
}

void Quantize::runOnOperation() {
  if (failed(readOptions()))
    return signalPassFailure();
  WalkResult result = getOperation().walk([&](FunctionOpInterface function) {
    return failed(runOnFunction(function)) ? WalkResult::interrupt()
                                           : WalkResult::skip();
  });
  if (result.wasInterrupted())
    signalPassFailure();
}
