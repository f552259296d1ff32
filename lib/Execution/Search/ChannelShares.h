//===- ChannelShares.h - How many channels each layer loses -----*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Private to Execution/Search. Channels that can only go together lose a share
// alone, in float, and are fitted: what that does to the output, and what it
// saves of the best network so far, add up to a front. Its points are followed
// with real networks until so much of the band is used that precisions still
// have room.
//
//===----------------------------------------------------------------------===//

#ifndef QC_LIB_EXECUTION_SEARCH_CHANNELSHARES_H
#define QC_LIB_EXECUTION_SEARCH_CHANNELSHARES_H

#include "Space.h"

#include "qc/Execution/PruneStructures.h"

namespace qc::search {

class ChannelShares {
public:
  /// `whole` was explored; its float network is inside the band.
  ChannelShares(Bench &bench, Space &whole) : bench(bench), whole(whole) {}

  /// The shapes to search in; none where no channel may go.
  llvm::Expected<std::vector<Shape>> find();

private:
  struct Group {
    ChannelLayers layers;
    /// Of the layers in the best network.
    double cost = 0;
    /// Shares of the channels in per cent, the first 0, and what they lose.
    std::vector<double> shares = {}, losses = {};
  };

  llvm::Error findGroups();
  llvm::Error probeGroups();
  void findFront();
  /// With shares of some groups, by their indices; 0 is none.
  Shape shapeOf(llvm::ArrayRef<size_t> choices) const;
  Shape shapeAt(size_t point) const;
  /// Measures the float network of a shape, or knows it from a search before.
  llvm::Expected<double>
  measure(const Shape &shape, Part part,
          llvm::function_ref<double(const Measured &)> value);
  llvm::Expected<double> lossOf(const Shape &shape);
  llvm::Expected<double> marginOf(const Shape &shape);
  /// The cheapest point that leaves so much of the margin; 0 where none does.
  llvm::Expected<size_t> pointWithin(double margin);
  llvm::Expected<size_t> closerTo(size_t inside, size_t outside, double margin);
  llvm::Error readKnown();

  Bench &bench;
  Space &whole;
  std::vector<Group> groups;
  std::optional<quantization::AllocationFront> front;
  /// What was measured, by part and shape.
  std::map<std::string, double> known;
  std::string file;
};

} // namespace qc::search

#endif // QC_LIB_EXECUTION_SEARCH_CHANNELSHARES_H
