//===- ChannelGroups.cpp - Channels that can only go together -------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// From the result of a layer along every op that keeps channels apart, both to
// the readers of a value and to the other operands of the op that makes it.
//
//===----------------------------------------------------------------------===//

#include "qc/Analysis/ChannelGroups.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "qc/Analysis/LinalgViews.h"
#include "qc/Analysis/Names.h"
#include "qc/Dialect/QC/IR/QCOps.h"
#include "llvm/ADT/EquivalenceClasses.h"
#include "llvm/ADT/TypeSwitch.h"

#include <numeric>

using namespace mlir;
using namespace mlir::qc;

static RankedTensorType shapeOf(Value value) {
  return cast<RankedTensorType>(value.getType());
}

/// True if no data of the function goes into the elements of `value`; sizes may
/// depend on it.
static bool isFreeOfData(Value value) {
  Operation *op = value.getDefiningOp();
  if (!op)
    return false;
  if (isa<tensor::EmptyOp, tensor::SplatOp>(op) || isConstantSubgraph(value))
    return true;
  return isa<linalg::FillOp, linalg::BroadcastOp>(op) &&
         llvm::all_of(op->getOperands(), isFreeOfData);
}

/// True if all entries of the axis are the same, as a broadcast has them: each
/// reader may have one of its own with fewer.
static bool isRepeated(Value value, int64_t axis) {
  auto broadcast = value.getDefiningOp<linalg::BroadcastOp>();
  return broadcast && llvm::is_contained(broadcast.getDimensions(), axis);
}

/// An op that computes each element from those at the same place.
static bool isElementwise(Operation *op) {
  return op->getNumResults() == 1 && op->getNumRegions() == 0 &&
         (OpTrait::hasElementwiseMappableTraits(op) || isa<UnaryOp>(op));
}

namespace {
/// Finds the group of one layer.
class GroupFinder {
public:
  ChannelGroup find(Operation *layer);

private:
  using Channels = ArrayRef<int64_t>;
  void refuse(const Twine &reason);
  void refuse(Operation *op);
  SmallVector<int64_t> newChannels(int64_t count);
  void unite(Channels a, Channels b);

  /// `value` has the channels on `axis`.
  void reach(Value value, int64_t axis, Channels channels);
  void reachOperand(OpOperand &use, int64_t axis, Channels channels);
  /// To the op that makes a value, and to one that reads it.
  void toMaker(Value value, const ChannelAxis &at);
  void toReader(OpOperand &use, const ChannelAxis &at);
  bool layerToOperands(Operation *op, const ChannelAxis &at);
  bool layerToResult(OpOperand &use, const ChannelAxis &at);
  bool headsToOperands(Operation *op, const ChannelAxis &at);
  bool headsToResult(OpOperand &use, const ChannelAxis &at);
  bool productToOperands(Operation *op, const ChannelAxis &at);
  bool productToResult(OpOperand &use, const ChannelAxis &at);
  bool moveToOperands(Operation *op, const ChannelAxis &at);
  bool moveToResult(OpOperand &use, const ChannelAxis &at);
  int64_t splitAxis(RankedTensorType type, ArrayRef<int64_t> members,
                    Channels merged);
  bool mergeAxes(Value merged, Value split,
                 ArrayRef<ReassociationIndices> groups, bool toMerged,
                 const ChannelAxis &at);
  void finish();

  ChannelGroup group;
  SmallVector<Value> pending;
  llvm::EquivalenceClasses<int64_t> same;
  int64_t count = 0;
};
} // namespace

void GroupFinder::refuse(const Twine &reason) {
  if (group.problem.empty())
    group.problem = reason.str();
}

void GroupFinder::refuse(Operation *op) {
  refuse("they go through " + op->getName().getStringRef());
}

SmallVector<int64_t> GroupFinder::newChannels(int64_t number) {
  SmallVector<int64_t> made(number);
  std::iota(made.begin(), made.end(), count);
  for (int64_t channel : made)
    same.insert(channel);
  count += number;
  return made;
}

void GroupFinder::unite(Channels a, Channels b) {
  for (auto [x, y] : llvm::zip_equal(a, b))
    same.unionSets(x, y);
}

void GroupFinder::reach(Value value, int64_t axis, Channels channels) {
  if (shapeOf(value).getDimSize(axis) != static_cast<int64_t>(channels.size()))
    return refuse(value.getDefiningOp());
  auto [found, isNew] =
      group.values.insert({value, {axis, SmallVector<int64_t>(channels)}});
  if (isNew) {
    pending.push_back(value);
    return;
  }
  if (found->second.axis != axis)
    return refuse("they lie on two axes of " + getValueName(value));
  unite(found->second.channels, channels);
}

void GroupFinder::reachOperand(OpOperand &use, int64_t axis,
                               Channels channels) {
  if (!isFreeOfData(use.get()) && !isRepeated(use.get(), axis))
    return reach(use.get(), axis, channels);
  if (shapeOf(use.get()).getDimSize(axis) !=
      static_cast<int64_t>(channels.size()))
    return refuse(use.getOwner());
  for (auto &[known, at] : group.constants)
    if (known == &use && at.axis == axis)
      return unite(at.channels, channels);
  group.constants.push_back({&use, {axis, SmallVector<int64_t>(channels)}});
}

//===----------------------------------------------------------------------===//
// Layers
//===----------------------------------------------------------------------===//

bool GroupFinder::layerToOperands(Operation *op, const ChannelAxis &at) {
  std::optional<ConvView> conv = ConvView::match(op);
  if (!conv && !MatMulView::match(op))
    return false;
  bool isGrouped = conv && conv->kind == ConvView::Kind::Grouped;
  int64_t axis = conv ? conv->getResultChannelAxes().front()
                      : shapeOf(op->getResult(0)).getRank() - 1;
  if (isGrouped || axis != at.axis || !isConstantSubgraph(op->getOperand(1)))
    return false;
  int64_t filterAxis = conv ? conv->getFilterChannelAxes().front()
                            : shapeOf(op->getOperand(1)).getRank() - 1;
  if (conv && conv->kind == ConvView::Kind::Depthwise)
    reachOperand(op->getOpOperand(0), axis, at.channels);
  else
    group.producers.push_back(op);
  reachOperand(op->getOpOperand(1), filterAxis, at.channels);
  reachOperand(op->getOpOperand(2), axis, at.channels);
  return true;
}

bool GroupFinder::layerToResult(OpOperand &use, const ChannelAxis &at) {
  Operation *op = use.getOwner();
  std::optional<ConvView> conv = ConvView::match(op);
  if (!conv && !MatMulView::match(op))
    return false;
  Value result = op->getResult(0);
  if (use.getOperandNumber() == 2) {
    reach(result, at.axis, at.channels);
    return true;
  }
  int64_t axis = conv ? conv->getResultChannelAxes().front()
                      : shapeOf(use.get()).getRank() - 1;
  if (use.getOperandNumber() != 0 || axis != at.axis ||
      (conv && conv->kind == ConvView::Kind::Grouped) ||
      !isConstantSubgraph(op->getOperand(1)))
    return false;
  if (conv && conv->kind == ConvView::Kind::Depthwise) {
    reach(result, axis, at.channels);
    return true;
  }
  group.consumers.push_back(op);
  reachOperand(op->getOpOperand(1),
               conv ? conv->getFilterInputAxis()
                    : shapeOf(op->getOperand(1)).getRank() - 2,
               at.channels);
  return true;
}

//===----------------------------------------------------------------------===//
// Heads of attention
//===----------------------------------------------------------------------===//

/// An op that leaves the heads [tokens, heads, elements] apart.
static bool keepsHeads(Operation *op) {
  return isa<RopeOp, RMSNormOp, LayerNormOp>(op) &&
         shapeOf(op->getResult(0)).getRank() == 3;
}

/// The attention that reads what `append` adds; null unless there is one.
static AttentionOp attentionOf(KVAppendOp append) {
  AttentionOp found;
  for (Operation *user : append.getResult().getUsers()) {
    auto attention = dyn_cast<AttentionOp>(user);
    if (!attention || attention.getLayer() != append.getLayer())
      continue;
    if (found)
      return {};
    found = attention;
  }
  return found;
}

bool GroupFinder::headsToOperands(Operation *op, const ChannelAxis &at) {
  if (at.axis != 1)
    return false;
  if (keepsHeads(op)) {
    reachOperand(op->getOpOperand(0), at.axis, at.channels);
    return true;
  }
  auto attention = dyn_cast<AttentionOp>(op);
  auto append = attention ? attention.getCache().getDefiningOp<KVAppendOp>()
                          : KVAppendOp();
  if (!append || attentionOf(append) != attention)
    return false;
  reachOperand(attention.getQueriesMutable(), at.axis, at.channels);
  int64_t heads = shapeOf(append.getKeys()).getDimSize(1);
  auto sharing = static_cast<int64_t>(at.channels.size()) / heads;
  SmallVector<int64_t> channels;
  for (int64_t h = 0; h < heads; ++h) {
    channels.push_back(at.channels[h * sharing]);
    for (int64_t q = 1; q < sharing; ++q)
      same.unionSets(channels.back(), at.channels[h * sharing + q]);
  }
  reachOperand(append.getKeysMutable(), 1, channels);
  reachOperand(append.getValuesMutable(), 1, channels);
  group.isHeads = true;
  if (!llvm::is_contained(group.appends, append))
    group.appends.push_back(append);
  return true;
}

bool GroupFinder::headsToResult(OpOperand &use, const ChannelAxis &at) {
  Operation *op = use.getOwner();
  if (at.axis != 1)
    return false;
  if (keepsHeads(op) || (isa<AttentionOp>(op) && use.getOperandNumber() == 0)) {
    reach(op->getResult(0), at.axis, at.channels);
    return true;
  }
  auto append = dyn_cast<KVAppendOp>(op);
  AttentionOp attention = append ? attentionOf(append) : AttentionOp();
  if (!attention)
    return false;
  int64_t queries = shapeOf(attention.getResult()).getDimSize(1);
  auto heads = static_cast<int64_t>(at.channels.size());
  SmallVector<int64_t> channels;
  for (int64_t q = 0; q < queries; ++q)
    channels.push_back(at.channels[q / (queries / heads)]);
  reach(attention.getResult(), 1, channels);
  return true;
}

/// A product of two activations for each head: queries and keys, or their
/// softmax and values.
bool GroupFinder::productToOperands(Operation *op, const ChannelAxis &at) {
  if (!isa<linalg::BatchMatmulOp>(op) || at.axis != 0)
    return false;
  group.isHeads = true;
  for (OpOperand &operand : op->getOpOperands())
    reachOperand(operand, at.axis, at.channels);
  return true;
}

bool GroupFinder::productToResult(OpOperand &use, const ChannelAxis &at) {
  Operation *op = use.getOwner();
  if (!isa<linalg::BatchMatmulOp>(op) || at.axis != 0)
    return false;
  reach(op->getResult(0), at.axis, at.channels);
  return true;
}

//===----------------------------------------------------------------------===//
// Ops that only move
//===----------------------------------------------------------------------===//

/// The outermost of the axes `members` of `type`, merged into one, along which
/// the channels of that one differ: other axes repeat them.
int64_t GroupFinder::splitAxis(RankedTensorType type, ArrayRef<int64_t> members,
                               Channels merged) {
  int64_t inner = static_cast<int64_t>(merged.size());
  for (int64_t member : members) {
    int64_t size = type.getDimSize(member);
    inner /= size;
    for (int64_t i = 0; i + inner < static_cast<int64_t>(merged.size()); ++i)
      if (i / inner % size + 1 < size &&
          !same.isEquivalent(merged[i], merged[i + inner]))
        return member;
  }
  return members.back();
}

/// Axis `axis` of `split` is one of those merged into an axis of `merged`, or
/// the other way: an entry of the merged axis has the channel of its place on
/// the split one.
bool GroupFinder::mergeAxes(Value merged, Value split,
                            ArrayRef<ReassociationIndices> groups,
                            bool toMerged, const ChannelAxis &at) {
  RankedTensorType type = shapeOf(split);
  for (auto [number, members] : llvm::enumerate(groups)) {
    auto mergedAxis = static_cast<int64_t>(number);
    if (toMerged ? !llvm::is_contained(members, at.axis)
                 : mergedAxis != at.axis)
      continue;
    if (llvm::any_of(members, [&](int64_t member) {
          return type.isDynamicDim(member);
        })) {
      group.isHeads |= llvm::any_of(merged.getUsers(), [](Operation *user) {
        return isa<linalg::BatchMatmulOp>(user);
      });
      refuse("an axis of free size is one with theirs, in " +
             getValueName(merged));
      return true;
    }
    int64_t axis = toMerged ? at.axis : splitAxis(type, members, at.channels);
    int64_t inner = 1, total = 1;
    for (int64_t member : members) {
      total *= type.getDimSize(member);
      if (member > axis)
        inner *= type.getDimSize(member);
    }
    int64_t size = type.getDimSize(axis);
    if (toMerged) {
      SmallVector<int64_t> channels;
      for (int64_t i = 0; i < total; ++i)
        channels.push_back(at.channels[i / inner % size]);
      reach(merged, mergedAxis, channels);
      return true;
    }
    SmallVector<int64_t> channels(at.channels.size() ? size : 0, -1);
    for (int64_t i = 0; i < total; ++i) {
      int64_t &channel = channels[i / inner % size];
      if (channel >= 0)
        same.unionSets(channel, at.channels[i]);
      channel = at.channels[i];
    }
    reach(split, axis, channels);
    return true;
  }
  return false;
}

bool GroupFinder::moveToOperands(Operation *op, const ChannelAxis &at) {
  auto toSource = [&](int64_t axis, Channels channels) {
    reachOperand(op->getOpOperand(0), axis, channels);
    return true;
  };
  return llvm::TypeSwitch<Operation *, bool>(op)
      .Case([&](linalg::TransposeOp transpose) {
        reachOperand(op->getOpOperand(1), at.axis, at.channels);
        return toSource(transpose.getPermutation()[at.axis], at.channels);
      })
      .Case([&](linalg::BroadcastOp broadcast) {
        if (isRepeated(broadcast->getResult(0), at.axis))
          return false;
        reachOperand(op->getOpOperand(1), at.axis, at.channels);
        int64_t added =
            llvm::count_if(broadcast.getDimensions(),
                           [&](int64_t axis) { return axis < at.axis; });
        return toSource(at.axis - added, at.channels);
      })
      .Case([&](tensor::PadOp pad) {
        auto low = getConstantIntValue(pad.getMixedLowPad()[at.axis]);
        if (!low || !PadView::match(pad.getResult()))
          return false;
        int64_t size = pad.getSourceType().getDimSize(at.axis);
        return toSource(at.axis, Channels(at.channels).slice(*low, size));
      })
      .Case([&](tensor::ExtractSliceOp slice) {
        auto offset = getConstantIntValue(slice.getMixedOffsets()[at.axis]);
        auto stride = getConstantIntValue(slice.getMixedStrides()[at.axis]);
        int64_t size = slice.getSourceType().getDimSize(at.axis);
        if (!offset || stride != 1 || size < 0 || slice.getDroppedDims().any())
          return false;
        SmallVector<int64_t> channels = newChannels(size);
        for (auto [i, channel] : llvm::enumerate(at.channels))
          channels[*offset + i] = channel;
        return toSource(at.axis, channels);
      })
      .Case([&](tensor::CollapseShapeOp collapse) {
        return mergeAxes(collapse.getResult(), collapse.getSrc(),
                         collapse.getReassociationIndices(),
                         /*toMerged=*/false, at);
      })
      .Case([&](tensor::ExpandShapeOp expand) {
        return mergeAxes(expand.getSrc(), expand.getResult(),
                         expand.getReassociationIndices(), /*toMerged=*/true,
                         at);
      })
      .Default([](Operation *) { return false; });
}

bool GroupFinder::moveToResult(OpOperand &use, const ChannelAxis &at) {
  Operation *op = use.getOwner();
  auto toResult = [&](int64_t axis, Channels channels) {
    reach(op->getResult(0), axis, channels);
    return true;
  };
  if (use.getOperandNumber() != 0)
    return false;
  return llvm::TypeSwitch<Operation *, bool>(op)
      .Case([&](linalg::TransposeOp transpose) {
        return toResult(llvm::find(transpose.getPermutation(), at.axis) -
                            transpose.getPermutation().begin(),
                        at.channels);
      })
      .Case([&](linalg::BroadcastOp broadcast) {
        int64_t rank = shapeOf(broadcast->getResult(0)).getRank();
        int64_t axis = 0, before = 0;
        for (; axis < rank; ++axis)
          if (!llvm::is_contained(broadcast.getDimensions(), axis) &&
              before++ == at.axis)
            break;
        return toResult(axis, at.channels);
      })
      .Case([&](tensor::PadOp pad) {
        std::optional<PadView> view = PadView::match(pad.getResult());
        if (!view)
          return false;
        SmallVector<int64_t> channels = newChannels(view->low[at.axis]);
        llvm::append_range(channels, at.channels);
        llvm::append_range(channels, newChannels(view->high[at.axis]));
        return toResult(at.axis, channels);
      })
      .Case([&](tensor::ExtractSliceOp slice) {
        auto offset = getConstantIntValue(slice.getMixedOffsets()[at.axis]);
        auto stride = getConstantIntValue(slice.getMixedStrides()[at.axis]);
        int64_t size = slice.getType().getDimSize(at.axis);
        if (!offset || stride != 1 || size < 0 || slice.getDroppedDims().any())
          return false;
        return toResult(at.axis, Channels(at.channels).slice(*offset, size));
      })
      .Case([&](tensor::CollapseShapeOp collapse) {
        return mergeAxes(collapse.getResult(), collapse.getSrc(),
                         collapse.getReassociationIndices(), /*toMerged=*/true,
                         at);
      })
      .Case([&](tensor::ExpandShapeOp expand) {
        return mergeAxes(expand.getSrc(), expand.getResult(),
                         expand.getReassociationIndices(), /*toMerged=*/false,
                         at);
      })
      .Default([](Operation *) { return false; });
}

//===----------------------------------------------------------------------===//
// From value to value
//===----------------------------------------------------------------------===//

/// The axis of the channels of a pooling; nothing for other ops.
static std::optional<int64_t> poolAxis(Operation *op) {
  std::optional<PoolView> pool = PoolView::match(op);
  if (!pool)
    return std::nullopt;
  return pool->layout == ImageLayout::ChannelsFirst ? 1 : 3;
}

/// An op on the last axis, which leaves entries of this one apart.
static bool isRowwise(Operation *op, int64_t axis) {
  return isa<SoftmaxOp>(op) && axis + 1 < shapeOf(op->getResult(0)).getRank();
}

void GroupFinder::toMaker(Value value, const ChannelAxis &at) {
  Operation *op = value.getDefiningOp();
  if (!op)
    return refuse("they are an input of the model");
  if (isElementwise(op)) {
    for (OpOperand &operand : op->getOpOperands())
      if (isa<RankedTensorType>(operand.get().getType()))
        reachOperand(operand, at.axis, at.channels);
    return;
  }
  if (poolAxis(op) == at.axis) {
    reachOperand(op->getOpOperand(0), at.axis, at.channels);
    reachOperand(op->getOpOperand(2), at.axis, at.channels);
    return;
  }
  if (isRowwise(op, at.axis))
    return reachOperand(op->getOpOperand(0), at.axis, at.channels);
  if (!layerToOperands(op, at) && !headsToOperands(op, at) &&
      !productToOperands(op, at) && !moveToOperands(op, at))
    refuse(op);
}

void GroupFinder::toReader(OpOperand &use, const ChannelAxis &at) {
  Operation *op = use.getOwner();
  if (isa<func::ReturnOp>(op))
    return refuse("they are an output of the model");
  if (auto dim = dyn_cast<tensor::DimOp>(op)) {
    if (dim.getConstantIndex() == at.axis || !dim.getConstantIndex())
      refuse(op);
    return;
  }
  bool keepsAxis = isElementwise(op) || isRowwise(op, at.axis) ||
                   (poolAxis(op) == at.axis && use.getOperandNumber() != 1);
  if (keepsAxis)
    return reach(op->getResult(0), at.axis, at.channels);
  if (!layerToResult(use, at) && !headsToResult(use, at) &&
      !productToResult(use, at) && !moveToResult(use, at))
    refuse(op);
}

/// Numbers the channels from 0, in the order of their first entries.
void GroupFinder::finish() {
  DenseMap<int64_t, int64_t> numbers;
  auto renumber = [&](ChannelAxis &at) {
    for (int64_t &channel : at.channels)
      channel = numbers
                    .try_emplace(same.getLeaderValue(channel),
                                 static_cast<int64_t>(numbers.size()))
                    .first->second;
  };
  for (auto &[value, at] : group.values)
    renumber(at);
  for (auto &[use, at] : group.constants)
    renumber(at);
  group.size = static_cast<int64_t>(numbers.size());
  for (SmallVector<Operation *> *ops : {&group.producers, &group.consumers})
    llvm::sort(
        *ops, [](Operation *a, Operation *b) { return a->isBeforeInBlock(b); });
  if (group.consumers.empty())
    refuse("no layer sums over them");
}

ChannelGroup GroupFinder::find(Operation *layer) {
  Value result = layer->getResult(0);
  std::optional<ConvView> conv = ConvView::match(layer);
  int64_t axis = conv ? conv->getResultChannelAxes().front()
                      : shapeOf(result).getRank() - 1;
  int64_t size = shapeOf(result).getDimSize(axis);
  if (size < 0) {
    group.producers.push_back(layer);
    refuse("their number is known only when the model runs");
    return std::move(group);
  }
  reach(result, axis, newChannels(size));
  while (!pending.empty()) {
    Value value = pending.pop_back_val();
    ChannelAxis at = group.values[value];
    toMaker(value, at);
    for (OpOperand &use : value.getUses())
      toReader(use, at);
  }
  finish();
  return std::move(group);
}

const ChannelAxis &ChannelGroup::weightAxis(Operation *layer,
                                            bool ofInputs) const {
  std::optional<ConvView> conv = ConvView::match(layer);
  int64_t rank = shapeOf(layer->getOperand(1)).getRank();
  int64_t axis = !conv      ? rank - (ofInputs ? 2 : 1)
                 : ofInputs ? conv->getFilterInputAxis()
                            : conv->getFilterChannelAxes().front();
  const auto *found = llvm::find_if(constants, [&](const auto &entry) {
    return entry.first == &layer->getOpOperand(1) && entry.second.axis == axis;
  });
  assert(found != constants.end() && "the layer is one of the group");
  return found->second;
}

std::vector<ChannelGroup>
mlir::qc::findChannelGroups(FunctionOpInterface function) {
  std::vector<ChannelGroup> groups;
  llvm::SmallPtrSet<Operation *, 16> seen;
  function.walk([&](Operation *op) {
    std::optional<ConvView> conv = ConvView::match(op);
    bool isLayer = conv ? conv->kind != ConvView::Kind::Depthwise
                        : MatMulView::match(op).has_value();
    if (!isLayer || seen.contains(op) || !isConstantSubgraph(op->getOperand(1)))
      return;
    groups.push_back(GroupFinder().find(op));
    seen.insert(op);
    seen.insert(groups.back().producers.begin(), groups.back().producers.end());
  });
  return groups;
}
