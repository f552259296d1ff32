//===- PruneStructures.h - Channels, heads and layers that go ---*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QC_EXECUTION_PRUNESTRUCTURES_H
#define QC_EXECUTION_PRUNESTRUCTURES_H

#include "qc/Execution/Build.h"

namespace qc {

/// Level 0 to level 0 with less of it: takes out what the precisions of
/// `request` say, layers first, and fits what is left on its data. How many
/// layers, channels and heads have gone; 0 where none was asked for. `remarks`
/// get a line for the layers that keep what they were asked for.
llvm::Expected<int64_t> pruneStructures(LoadedModel &model,
                                        const BuildRequest &request,
                                        const BuildHooks &hooks,
                                        std::vector<std::string> &remarks);

/// Channels that go together: the layers that make them, and those that sum
/// over them.
struct ChannelLayers {
  std::vector<std::string> makers, readers;
  int64_t channels = 0;
};

/// The channels, other than heads, that a model at level 0 can lose.
std::vector<ChannelLayers> findPrunableChannels(const LoadedModel &model);

} // namespace qc

#endif // QC_EXECUTION_PRUNESTRUCTURES_H
