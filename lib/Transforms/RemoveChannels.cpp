//===- RemoveChannels.cpp - Channels taken out of a function --------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "qc/Transforms/RemoveChannels.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "qc/Analysis/LinalgViews.h"
#include "qc/Analysis/Names.h"
#include "qc/Dialect/QC/IR/QCDialect.h"
#include "qc/Dialect/QC/IR/QCOps.h"
#include "qc/Transforms/Passes.h"

namespace mlir::qc {
#define GEN_PASS_DEF_REMOVECHANNELSPASS
#include "qc/Transforms/Passes.h.inc"
} // namespace mlir::qc

using namespace mlir;
using namespace mlir::qc;

using Kept = ArrayRef<int64_t>;

static RankedTensorType withSize(Type type, int64_t axis, int64_t size) {
  auto tensor = cast<RankedTensorType>(type);
  SmallVector<int64_t> shape(tensor.getShape());
  shape[axis] = size;
  return tensor.clone(shape);
}

static RankedTensorType selectedType(Value value, int64_t axis, Kept kept) {
  return withSize(value.getType(), axis, static_cast<int64_t>(kept.size()));
}

//===----------------------------------------------------------------------===//
// Entries of a tensor without data
//===----------------------------------------------------------------------===//

/// A tensor of the entries `kept` of an axis of `value`, which has static
/// sizes.
static Value gather(OpBuilder &b, Value value, int64_t axis, Kept kept) {
  Location loc = value.getLoc();
  RankedTensorType type = selectedType(value, axis, kept);
  int64_t rank = type.getRank();
  auto indexType = RankedTensorType::get({static_cast<int64_t>(kept.size())},
                                         b.getIndexType());
  Value indices = arith::ConstantOp::create(
      b, loc,
      DenseElementsAttr::get(
          indexType, llvm::to_vector_of<APInt>(llvm::map_range(
                         kept, [](int64_t i) { return APInt(64, i); }))));
  Value init =
      tensor::EmptyOp::create(b, loc, type.getShape(), type.getElementType());
  SmallVector<AffineMap> maps = {
      AffineMap::get(rank, 0, b.getAffineDimExpr(axis)),
      b.getMultiDimIdentityMap(rank)};
  SmallVector<utils::IteratorType> iterators(rank,
                                             utils::IteratorType::parallel);
  auto body = [&](OpBuilder &inner, Location at, ValueRange arguments) {
    SmallVector<Value> place;
    for (int64_t i = 0; i < rank; ++i)
      place.push_back(i == axis ? arguments[0]
                                : linalg::IndexOp::create(inner, at, i));
    Value element = tensor::ExtractOp::create(inner, at, value, place);
    linalg::YieldOp::create(inner, at, element);
  };
  return linalg::GenericOp::create(b, loc, type, ValueRange{indices},
                                   ValueRange{init}, maps, iterators, body)
      .getResult(0);
}

static Value selectEntries(OpBuilder &b, Value value, int64_t axis, Kept kept);

/// Of a broadcast, what it repeats; an axis that it adds is only shorter.
static Value selectRepeated(OpBuilder &b, linalg::BroadcastOp op, int64_t axis,
                            Kept kept) {
  Value input = op.getInput();
  Value init = selectEntries(b, op.getInit(), axis, kept);
  if (!llvm::is_contained(op.getDimensions(), axis)) {
    int64_t added = llvm::count_if(op.getDimensions(),
                                   [&](int64_t at) { return at < axis; });
    input = selectEntries(b, input, axis - added, kept);
  }
  return linalg::BroadcastOp::create(b, op.getLoc(), input, init,
                                     op.getDimensions())
      ->getResult(0);
}

/// Floats of 16 bits stay such.
static Value selectFloats(OpBuilder &b, DequantizeOp op, int64_t axis,
                          Kept kept) {
  auto assemble = op.getInput().getDefiningOp<AssembleOp>();
  if (!assemble || !isa<FloatEncodingAttr>(getEncoding(assemble.getType())))
    return gather(b, op.getResult(), axis, kept);
  Value part = selectEntries(b, assemble.getComponents().front(), axis, kept);
  Value codes = AssembleOp::create(
      b, op.getLoc(), selectedType(op.getInput(), axis, kept), part);
  return DequantizeOp::create(b, op.getLoc(),
                              selectedType(op.getResult(), axis, kept), codes);
}

static Value selectEntries(OpBuilder &b, Value value, int64_t axis, Kept kept) {
  Operation *op = value.getDefiningOp();
  Location loc = value.getLoc();
  RankedTensorType type = selectedType(value, axis, kept);
  if (auto empty = dyn_cast<tensor::EmptyOp>(op))
    return tensor::EmptyOp::create(b, loc, type, empty.getDynamicSizes());
  if (auto splat = dyn_cast<tensor::SplatOp>(op))
    return tensor::SplatOp::create(b, loc, splat.getInput(), type,
                                   splat.getDynamicSizes());
  if (auto fill = dyn_cast<linalg::FillOp>(op))
    return linalg::FillOp::create(
               b, loc, fill.getInputs(),
               ValueRange{selectEntries(b, fill.getOutputs()[0], axis, kept)})
        ->getResult(0);
  if (auto broadcast = dyn_cast<linalg::BroadcastOp>(op))
    return selectRepeated(b, broadcast, axis, kept);
  if (auto dequantize = dyn_cast<DequantizeOp>(op))
    return selectFloats(b, dequantize, axis, kept);
  DenseElementsAttr dense;
  if (matchPattern(value, m_Constant(&dense)) && dense.isSplat())
    return arith::ConstantOp::create(b, loc, dense.resizeSplat(type));
  return gather(b, value, axis, kept);
}

//===----------------------------------------------------------------------===//
// The group
//===----------------------------------------------------------------------===//

SmallVector<int64_t> mlir::qc::keptEntries(const ChannelAxis &at,
                                           const llvm::BitVector &removed) {
  SmallVector<int64_t> kept;
  for (auto [i, channel] : llvm::enumerate(at.channels))
    if (!removed.test(channel))
      kept.push_back(static_cast<int64_t>(i));
  return kept;
}

/// `sizes` with that of `axis` changed.
static SmallVector<int64_t> changed(ArrayRef<int64_t> sizes, int64_t axis,
                                    int64_t size) {
  SmallVector<int64_t> result(sizes);
  result[axis] = size;
  return result;
}

/// Sizes that an op has as attributes follow the types. `source` are the
/// channels of what it reads, `at` those of its result.
static void updateSizes(Operation *op, const ChannelAxis &source,
                        const ChannelAxis &at, const llvm::BitVector &removed) {
  auto keptBefore = [&](const ChannelAxis &of, int64_t end) {
    return llvm::count_if(ArrayRef(of.channels).take_front(end),
                          [&](int64_t c) { return !removed.test(c); });
  };
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  if (auto pad = dyn_cast<tensor::PadOp>(op)) {
    int64_t low = pad.getStaticLow()[at.axis];
    int64_t end = low + static_cast<int64_t>(source.channels.size());
    pad.setStaticLow(changed(pad.getStaticLow(), at.axis, keptBefore(at, low)));
    pad.setStaticHigh(changed(pad.getStaticHigh(), at.axis,
                              type.getDimSize(at.axis) - keptBefore(at, end)));
  } else if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op)) {
    int64_t offset = slice.getStaticOffsets()[at.axis];
    slice.setStaticOffsets(
        changed(slice.getStaticOffsets(), at.axis, keptBefore(source, offset)));
    slice.setStaticSizes(
        changed(slice.getStaticSizes(), at.axis, type.getDimSize(at.axis)));
  } else if (auto expand = dyn_cast<tensor::ExpandShapeOp>(op)) {
    expand.setStaticOutputShape(type.getShape());
  }
}

void mlir::qc::removeChannels(ChannelGroup &group,
                              const llvm::BitVector &removed) {
  for (auto &[use, at] : group.constants) {
    OpBuilder b(use->getOwner());
    use->set(selectEntries(b, use->get(), at.axis, keptEntries(at, removed)));
  }
  for (auto &[value, at] : group.values)
    value.setType(selectedType(value, at.axis, keptEntries(at, removed)));
  for (auto &[value, at] : group.values) {
    Operation *op = value.getDefiningOp();
    auto source = group.values.find(op->getOperand(0));
    if (source != group.values.end())
      updateSizes(op, source->second, at, removed);
  }
}

void mlir::qc::fitCaches(FunctionOpInterface function) {
  constexpr int64_t layerAxis = 1, headAxis = 3;
  int64_t layers = 0;
  function.walk([&](KVAppendOp) { ++layers; });
  function.walk([&](KVAppendOp op) {
    int64_t heads =
        cast<RankedTensorType>(op.getKeys().getType()).getDimSize(1);
    RankedTensorType type = withSize(op.getCache().getType(), headAxis, heads);
    type = withSize(type, layerAxis, layers);
    op.getCache().setType(type);
    op.getResult().setType(type);
  });
  Block &body = function.getFunctionBody().front();
  function.setType(FunctionType::get(function.getContext(),
                                     body.getArgumentTypes(),
                                     body.getTerminator()->getOperandTypes()));
}

//===----------------------------------------------------------------------===//
// The pass
//===----------------------------------------------------------------------===//

namespace {
struct RemoveChannels : mlir::qc::impl::RemoveChannelsPassBase<RemoveChannels> {
  using RemoveChannelsPassBase::RemoveChannelsPassBase;
  void runOnOperation() override;

private:
  /// Entries of one layer's outputs, as the option has them: NAME=0,3,7.
  LogicalResult removeFrom(StringRef text);
};
} // namespace

static bool makes(const ChannelGroup &group, StringRef name) {
  return llvm::any_of(group.producers, [&](Operation *op) {
    return getLayerName(op->getLoc()) == name;
  });
}

LogicalResult RemoveChannels::removeFrom(StringRef text) {
  Operation *root = getOperation();
  auto [name, list] = text.rsplit('=');
  for (ChannelGroup &group :
       findChannelGroups(cast<FunctionOpInterface>(root))) {
    if (!makes(group, name))
      continue;
    if (!group.problem.empty())
      return root->emitError() << "channels of layer '" << name
                               << "' cannot go: " << group.problem;
    Operation *layer = *llvm::find_if(group.producers, [&](Operation *op) {
      return getLayerName(op->getLoc()) == name;
    });
    ArrayRef<int64_t> channels =
        group.weightAxis(layer, /*ofInputs=*/false).channels;
    llvm::BitVector removed(group.size);
    SmallVector<StringRef> numbers;
    list.split(numbers, ',');
    for (StringRef number : numbers) {
      size_t channel;
      if (number.getAsInteger(10, channel) || channel >= channels.size())
        return root->emitError()
               << "layer '" << name << "': found channel '" << number
               << "', expected one of " << channels.size();
      removed.set(channels[channel]);
    }
    for (auto &[value, at] : group.values)
      if (keptEntries(at, removed).empty())
        return root->emitError()
               << "layer '" << name << "': found all channels of "
               << getValueName(value) << ", expected one that stays";
    // Heads would have to go from all layers.
    if (!group.appends.empty())
      return root->emitError() << "channels of layer '" << name
                               << "' cannot go: they are heads of attention";
    numRemoved += removed.count();
    removeChannels(group, removed);
    return success();
  }
  return root->emitError() << "found no layer with weights called '" << name
                           << "'";
}

void RemoveChannels::runOnOperation() {
  SmallVector<StringRef> layers;
  StringRef(channels).split(layers, ';', -1, /*KeepEmpty=*/false);
  for (StringRef layer : layers)
    if (failed(removeFrom(layer)))
      return signalPassFailure();
}
