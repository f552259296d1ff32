//===- ChannelGroups.h - Channels that can only go together -----*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A channel is made by a convolution or a product with a constant weight, goes
// through ops that keep channels apart, and ends in sums of others of them. To
// take it out, every tensor on the way loses an entry of one axis. A group is
// all that has to agree: the layers that make the channels, those that sum over
// them, and what is between. Two layers whose results are added make the same
// channels; padding and slices of the axis tell which of them are the same.
//
//===----------------------------------------------------------------------===//

#ifndef QC_ANALYSIS_CHANNELGROUPS_H
#define QC_ANALYSIS_CHANNELGROUPS_H

#include "mlir/Interfaces/FunctionInterfaces.h"
#include "llvm/ADT/MapVector.h"

#include <string>
#include <vector>

namespace mlir::qc {

/// An axis of a tensor, and the channel of the group that each entry is.
struct ChannelAxis {
  int64_t axis = 0;
  SmallVector<int64_t> channels;
};

struct ChannelGroup {
  /// Channels are numbered from 0.
  int64_t size = 0;
  /// Tensors that depend on the function's data.
  llvm::MapVector<Value, ChannelAxis> values;
  /// Operands that do not, or have the same for all channels: weights, biases,
  /// tensors to be written, broadcast masks. Others may read the same value, so
  /// each becomes one of its own.
  SmallVector<std::pair<OpOperand *, ChannelAxis>> constants;
  /// The layers that make the channels and those that sum over them, in
  /// program order.
  SmallVector<Operation *> producers, consumers;
  /// The channels are heads of attention: queries, keys and values have them.
  bool isHeads = false;
  /// The ops (qc.kv_append) by which keys and values of heads get into a cache:
  /// heads go from all of them alike, and from the cache. The heads of queries
  /// that share keys are one channel.
  SmallVector<Operation *> appends;
  /// Why no channel can go; empty where they can.
  std::string problem;

  /// The axis of the weight (operand 1) that the channels of `layer` lie on: of
  /// a producer that of its outputs, of a consumer that of its inputs.
  const ChannelAxis &weightAxis(Operation *layer, bool ofInputs) const;
};

/// The groups of all layers with weights, in the order of their first ones.
std::vector<ChannelGroup> findChannelGroups(FunctionOpInterface function);

} // namespace mlir::qc

#endif // QC_ANALYSIS_CHANNELGROUPS_H
