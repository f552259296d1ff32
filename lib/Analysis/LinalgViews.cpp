//===- LinalgViews.cpp - Linalg ops as layers of a network ----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "qc/Analysis/LinalgViews.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Transforms/RegionUtils.h"
#include "qc/Dialect/QC/IR/QCOps.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::qc;

static bool isF32Tensor(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type && type.getElementType().isF32();
}

static bool allF32Tensors(Operation *op) {
  return llvm::all_of(op->getOperands(), isF32Tensor) &&
         llvm::all_of(op->getResults(), isF32Tensor);
}

template <typename OpTy>
static SmallVector<int64_t, 2> getIntegers(OpTy op, StringRef name) {
  auto attr = op->template getAttrOfType<DenseIntElementsAttr>(name);
  if (!attr)
    return {1, 1};
  return llvm::to_vector<2>(attr.template getValues<int64_t>());
}

//===----------------------------------------------------------------------===//
// Convolutions
//===----------------------------------------------------------------------===//

std::optional<ConvView> ConvView::match(Operation *op) {
  using Shape = std::pair<Kind, ImageLayout>;
  std::optional<Shape> shape;
  auto is = [&](Kind kind, ImageLayout layout) {
    return [&shape, kind, layout](auto) { shape = Shape{kind, layout}; };
  };
  constexpr ImageLayout first = ImageLayout::ChannelsFirst;
  constexpr ImageLayout last = ImageLayout::ChannelsLast;
  llvm::TypeSwitch<Operation *>(op)
      .Case<linalg::Conv2DNchwFchwOp>(is(Kind::Full, first))
      .Case<linalg::Conv2DNhwcHwcfOp>(is(Kind::Full, last))
      .Case<linalg::DepthwiseConv2DNchwChwOp>(is(Kind::Depthwise, first))
      .Case<linalg::DepthwiseConv2DNhwcHwcOp>(is(Kind::Depthwise, last))
      .Case<linalg::Conv2DNgchwGfchwOp>(is(Kind::Grouped, first))
      .Case<linalg::Conv2DNhwgcGfhwcOp>(is(Kind::Grouped, last));
  if (!shape || !allF32Tensors(op) || op->getNumResults() != 1)
    return std::nullopt;
  ConvView view;
  view.op = cast<linalg::LinalgOp>(op);
  std::tie(view.kind, view.layout) = *shape;
  view.input = op->getOperand(0);
  view.filter = op->getOperand(1);
  view.init = op->getOperand(2);
  view.strides = getIntegers(op, "strides");
  view.dilations = getIntegers(op, "dilations");
  if (!cast<ShapedType>(view.filter.getType()).hasStaticShape())
    return std::nullopt;
  return view;
}

int64_t ConvView::getGroups() const {
  auto type = cast<RankedTensorType>(filter.getType());
  switch (kind) {
  case Kind::Full:
    return 1;
  case Kind::Depthwise:
    return type.getDimSize(layout == ImageLayout::ChannelsFirst ? 0 : 2);
  case Kind::Grouped:
    return type.getDimSize(0);
  }
  llvm_unreachable("all kinds are handled");
}

SmallVector<int64_t, 2> ConvView::getResultChannelAxes() const {
  if (kind == Kind::Grouped)
    return layout == ImageLayout::ChannelsFirst ? SmallVector<int64_t, 2>{1, 2}
                                                : SmallVector<int64_t, 2>{3, 4};
  return {layout == ImageLayout::ChannelsFirst ? 1 : 3};
}

SmallVector<int64_t, 2> ConvView::getFilterChannelAxes() const {
  if (kind == Kind::Grouped)
    return {0, 1};
  if (layout == ImageLayout::ChannelsFirst)
    return {0};
  return {kind == Kind::Depthwise ? 2 : 3};
}

int64_t ConvView::getFilterInputAxis() const {
  switch (kind) {
  case Kind::Full:
    return layout == ImageLayout::ChannelsFirst ? 1 : 2;
  case Kind::Depthwise:
    return -1;
  case Kind::Grouped:
    return layout == ImageLayout::ChannelsFirst ? 2 : 4;
  }
  llvm_unreachable("all kinds are handled");
}

int64_t ConvView::getReductionSize() const {
  auto type = cast<RankedTensorType>(filter.getType());
  int64_t size = type.getNumElements();
  for (int64_t axis : getFilterChannelAxes())
    size /= std::max<int64_t>(type.getDimSize(axis), 1);
  return size;
}

//===----------------------------------------------------------------------===//
// Products and pooling
//===----------------------------------------------------------------------===//

std::optional<MatMulView> MatMulView::match(Operation *op) {
  bool plain = llvm::TypeSwitch<Operation *, bool>(op)
                   .Case<linalg::MatmulOp, linalg::BatchMatmulOp>(
                       [](auto mm) { return !mm.hasUserDefinedMaps(); })
                   .Default([](Operation *) { return false; });
  if (!plain || !allF32Tensors(op) || op->getNumResults() != 1)
    return std::nullopt;
  MatMulView view;
  view.op = cast<linalg::LinalgOp>(op);
  view.lhs = op->getOperand(0);
  view.rhs = op->getOperand(1);
  view.init = op->getOperand(2);
  view.batched = isa<linalg::BatchMatmulOp>(op);
  return view;
}

int64_t MatMulView::getReductionSize() const {
  return cast<RankedTensorType>(lhs.getType()).getShape().back();
}

std::optional<PoolView> PoolView::match(Operation *op) {
  if (!isa<linalg::PoolingNchwMaxOp, linalg::PoolingNchwSumOp,
           linalg::PoolingNhwcMaxOp, linalg::PoolingNhwcSumOp>(op) ||
      !allF32Tensors(op) || op->getNumResults() != 1)
    return std::nullopt;
  PoolView view;
  view.op = cast<linalg::LinalgOp>(op);
  view.isMax = isa<linalg::PoolingNchwMaxOp, linalg::PoolingNhwcMaxOp>(op);
  view.layout = isa<linalg::PoolingNchwMaxOp, linalg::PoolingNchwSumOp>(op)
                    ? ImageLayout::ChannelsFirst
                    : ImageLayout::ChannelsLast;
  view.input = op->getOperand(0);
  view.window = op->getOperand(1);
  view.init = op->getOperand(2);
  auto window = cast<RankedTensorType>(view.window.getType());
  if (!window.hasStaticShape())
    return std::nullopt;
  view.kernel.assign(window.getShape().begin(), window.getShape().end());
  view.strides = getIntegers(op, "strides");
  view.dilations = getIntegers(op, "dilations");
  return view;
}

//===----------------------------------------------------------------------===//
// Splats, broadcasts, padding
//===----------------------------------------------------------------------===//

static std::optional<float> getScalarFloat(Value value) {
  FloatAttr attr;
  if (!matchPattern(value, m_Constant(&attr)) || !attr.getType().isF32())
    return std::nullopt;
  return attr.getValue().convertToFloat();
}

std::optional<float> mlir::qc::getSplatFloat(Value value) {
  for (unsigned depth = 0; depth < 8; ++depth) {
    DenseElementsAttr dense;
    if (matchPattern(value, m_Constant(&dense))) {
      if (!dense.isSplat() || !dense.getElementType().isF32())
        return std::nullopt;
      return dense.getSplatValue<APFloat>().convertToFloat();
    }
    Operation *op = value.getDefiningOp();
    if (!op)
      return std::nullopt;
    if (auto splat = dyn_cast<tensor::SplatOp>(op))
      return getScalarFloat(splat.getInput());
    if (auto fill = dyn_cast<linalg::FillOp>(op))
      return getScalarFloat(fill.getInputs()[0]);
    if (auto broadcast = dyn_cast<linalg::BroadcastOp>(op)) {
      value = broadcast.getInput();
      continue;
    }
    if (isa<tensor::CollapseShapeOp, tensor::ExpandShapeOp, tensor::CastOp,
            linalg::TransposeOp>(op)) {
      value = op->getOperand(0);
      continue;
    }
    return std::nullopt;
  }
  return std::nullopt;
}

bool mlir::qc::isZero(Value value) {
  std::optional<float> splat = getSplatFloat(value);
  return splat && *splat == 0.0f;
}

/// A vector along one axis that was split in two, `axes`.
static Value getSplitChannelVector(tensor::ExpandShapeOp expand,
                                   ArrayRef<int64_t> axes) {
  for (auto [axis, group] : llvm::enumerate(expand.getReassociationIndices()))
    if (ArrayRef<int64_t>(group) == axes)
      return getChannelVector(expand.getSrc(), {static_cast<int64_t>(axis)});
  return {};
}

Value mlir::qc::getChannelVector(Value value, ArrayRef<int64_t> axes) {
  if (auto expand = value.getDefiningOp<tensor::ExpandShapeOp>())
    return getSplitChannelVector(expand, axes);
  auto broadcast = value.getDefiningOp<linalg::BroadcastOp>();
  if (!broadcast)
    return {};
  auto input = cast<RankedTensorType>(broadcast.getInput().getType());
  auto rank = cast<RankedTensorType>(value.getType()).getRank();
  if (input.getRank() != static_cast<int64_t>(axes.size()) ||
      input.getRank() +
              static_cast<int64_t>(broadcast.getDimensions().size()) !=
          rank)
    return {};
  for (int64_t axis : axes)
    if (llvm::is_contained(broadcast.getDimensions(), axis))
      return {};
  return broadcast.getInput();
}

std::optional<PadView> PadView::match(Value value) {
  auto op = value.getDefiningOp<tensor::PadOp>();
  if (!op)
    return std::nullopt;
  Value padding = op.getConstantPaddingValue();
  std::optional<float> scalar =
      padding ? getScalarFloat(padding) : std::nullopt;
  auto low = getConstantIntValues(op.getMixedLowPad());
  auto high = getConstantIntValues(op.getMixedHighPad());
  if (!scalar || !low || !high)
    return std::nullopt;
  PadView view;
  view.op = op;
  view.value = *scalar;
  view.low = *low;
  view.high = *high;
  return view;
}

std::pair<int64_t, int64_t> mlir::qc::getImageAxes(ImageLayout layout,
                                                   bool grouped) {
  if (layout == ImageLayout::ChannelsLast)
    return {1, 2};
  return grouped ? std::pair<int64_t, int64_t>{3, 4}
                 : std::pair<int64_t, int64_t>{2, 3};
}

bool PadView::padsImageOnly(ImageLayout layout) const {
  if (low.size() != 4)
    return false;
  auto [y, x] = getImageAxes(layout);
  for (int64_t axis = 0; axis < 4; ++axis)
    if (axis != y && axis != x && (low[axis] != 0 || high[axis] != 0))
      return false;
  return true;
}

bool mlir::qc::isConstantSubgraph(Value root) {
  SmallVector<Value> pending = {root};
  SmallPtrSet<Operation *, 16> seen;
  while (!pending.empty()) {
    Operation *op = pending.pop_back_val().getDefiningOp();
    if (!op)
      return false;
    if (!seen.insert(op).second)
      continue;
    if (!isMemoryEffectFree(op))
      return false;
    SetVector<Value> captured;
    getUsedValuesDefinedAbove(op->getRegions(), captured);
    llvm::append_range(pending, op->getOperands());
    llvm::append_range(pending, captured);
  }
  return true;
}
