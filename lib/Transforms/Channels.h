//===- Channels.h - Vectors with a value for each channel -------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QC_LIB_TRANSFORMS_CHANNELS_H
#define QC_LIB_TRANSFORMS_CHANNELS_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Operation.h"

namespace mlir::qc {

/// `vector`, reshaped to the sizes of `axes` and broadcast to `type`, which is
/// static unless `dest`, a tensor of that type to write to, is given.
Value broadcastChannels(OpBuilder &builder, Location loc, Value vector,
                        RankedTensorType type, ArrayRef<int64_t> axes,
                        Value dest = {});

/// A tensor of any rank as a vector.
Value flattenVector(OpBuilder &builder, Location loc, Value value);

/// A tensor of the shape of `init`, to be written: what a fill or a broadcast
/// writes to.
Value getDestinationOf(OpBuilder &builder, Value init);

/// Axes of size 1 that a linalg.broadcast in `root` takes from its input become
/// axes that it adds: [C, 1, 1] to [N, C, 1, 1] is a channel vector.
void normalizeBroadcasts(Operation *root);

} // namespace mlir::qc

#endif // QC_LIB_TRANSFORMS_CHANNELS_H
