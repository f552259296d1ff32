//===- Estimates.cpp - Times of a target that is not at hand --------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Estimates.h"

#include "qc/Analysis/LinalgViews.h"
#include "qc/Analysis/QuantizationSites.h"
#include "qc/Analysis/Sizes.h"
#include "qc/TargetInfo/KernelKey.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

#include <cmath>

using namespace mlir;
using mlir::qc::QuantizableLayer;

namespace qc::search {

/// The size that an axis of an argument is tuned for; 1 where nothing tells.
static int64_t tunedAxis(BlockArgument argument, int64_t axis) {
  auto function = cast<func::FuncOp>(argument.getOwner()->getParentOp());
  auto names =
      function.getArgAttrOfType<ArrayAttr>(argument.getArgNumber(), "qc.dims");
  auto bounds =
      function->getParentOfType<ModuleOp>()->getAttrOfType<DictionaryAttr>(
          "qc.bounds");
  if (!names || !bounds || axis >= static_cast<int64_t>(names.size()))
    return 1;
  auto bound = dyn_cast_or_null<DenseI64ArrayAttr>(
      bounds.get(cast<StringAttr>(names[axis])));
  return bound && bound.size() == 3 ? bound[1] : 1;
}

/// A size at those of the arguments.
static int64_t tunedSize(OpFoldResult size) {
  if (auto known = getConstantIntValue(size))
    return *known;
  Operation *op = cast<Value>(size).getDefiningOp();
  if (auto dim = dyn_cast_or_null<tensor::DimOp>(op)) {
    auto argument = dyn_cast<BlockArgument>(dim.getSource());
    auto axis = dim.getConstantIndex();
    return argument && axis ? tunedAxis(argument, *axis) : 1;
  }
  if (isa_and_nonnull<arith::MulIOp>(op))
    return tunedSize(op->getOperand(0)) * tunedSize(op->getOperand(1));
  if (isa_and_nonnull<arith::AddIOp>(op))
    return tunedSize(op->getOperand(0)) + tunedSize(op->getOperand(1));
  if (isa_and_nonnull<arith::DivSIOp, arith::DivUIOp>(op))
    return tunedSize(op->getOperand(0)) /
           std::max<int64_t>(1, tunedSize(op->getOperand(1)));
  return 1;
}

/// Elements of a value, but for so many of its last axes.
static double elementsOf(OpBuilder &b, Value value, size_t without = 0) {
  double elements = 1;
  auto sizes = mlir::qc::getSizes(b, value.getLoc(), value);
  for (OpFoldResult size :
       llvm::ArrayRef(sizes).drop_back(std::min<size_t>(without, sizes.size())))
    elements *= static_cast<double>(std::max<int64_t>(1, tunedSize(size)));
  return elements;
}

/// The outputs of a weight.
static double channelsOf(const QuantizableLayer &layer) {
  auto shape = cast<ShapedType>(layer.getWeight().getType()).getShape();
  auto view = mlir::qc::ConvView::match(layer.op);
  if (!view)
    return static_cast<double>(shape.back());
  double channels = 1;
  for (int64_t axis : view->getFilterChannelAxes())
    channels *= static_cast<double>(shape[axis]);
  return channels;
}

Estimates::Estimates(ModuleOp module, const CpuLevel &level) : level(level) {
  // Sizes are computed by ops that are put into a copy.
  OwningOpRef<ModuleOp> copy(cast<ModuleOp>(module->clone()));
  auto main = copy->lookupSymbol<func::FuncOp>("main");
  OpBuilder b(main.getBody().front().getTerminator());
  auto sites = mlir::qc::QuantizationSites::find(
      main, [](const QuantizableLayer &) { return true; });
  for (const QuantizableLayer &layer : sites.layers) {
    Layer &work = layers[layer.name];
    double outputs = elementsOf(b, layer.op->getResult(0));
    Value right = layer.op->getOperand(
        layer.weightOperand ? *layer.weightOperand : *layer.rightOperand);
    double factors = elementsOf(b, right);
    if (!layer.weightOperand) {
      // Rows of the left, columns of the right, and what both are summed over.
      double inputs = elementsOf(b, layer.getInput());
      double batch = elementsOf(b, layer.op->getResult(0), 2);
      work.products = std::sqrt(inputs * factors * outputs / batch);
      continue;
    }
    // Every weight is used once for each place of the output.
    work.rows = outputs / channelsOf(layer);
    work.weights = factors;
    work.products = work.rows * factors;
  }
}

double Estimates::of(const CompiledLayer &launch) const {
  auto found = layers.find(launch.name);
  auto key = KernelKey::parse(launch.kernel);
  if (found == layers.end() || !key || key->types.empty())
    return 0;
  const Layer &layer = found->second;
  bool hasWeights = layer.weights > 0;
  if (hasWeights ? launch.bytes == 0 : key->op != "batch_matmul")
    return 0;
  LayerWork work;
  work.products = layer.products;
  work.rows = layer.rows;
  work.weightBytes = static_cast<double>(launch.bytes);
  llvm::StringRef input = key->types.front();
  work.integer = input == "u8" || input == "i8";
  std::string weights = key->types.size() > 1 ? key->types[1] : "f32";
  bool plain = weights == "f32" || weights == "i8";
  if (hasWeights && !work.integer && !plain)
    work.decoded = layer.weights;
  return estimateMilliseconds(level, work);
}

} // namespace qc::search
