//===- RemoveChannels.h - Channels taken out of a function ------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QC_TRANSFORMS_REMOVECHANNELS_H
#define QC_TRANSFORMS_REMOVECHANNELS_H

#include "qc/Analysis/ChannelGroups.h"
#include "llvm/ADT/BitVector.h"

namespace mlir::qc {

/// The entries of an axis that stay when the channels in `removed` go.
SmallVector<int64_t> keptEntries(const ChannelAxis &at,
                                 const llvm::BitVector &removed);

/// Takes the channels in `removed` out of all tensors of `group`, which is
/// stale then. Weights and biases become a selection of their entries, which
/// the materializer makes. Of each tensor one channel has to stay.
void removeChannels(ChannelGroup &group, const llvm::BitVector &removed);

/// Makes the caches of `function` fit for what is appended to them.
void fitCaches(FunctionOpInterface function);

} // namespace mlir::qc

#endif // QC_TRANSFORMS_REMOVECHANNELS_H
