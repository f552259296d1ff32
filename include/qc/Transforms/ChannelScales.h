//===- ChannelScales.h - Scales between a layer and its input ---*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// y = (diag(s) W) (x / s), W [K, N]: 1/s goes into the op that makes x, so that
// nothing more is computed when the model runs.
//
//===----------------------------------------------------------------------===//

#ifndef QC_TRANSFORMS_CHANNELSCALES_H
#define QC_TRANSFORMS_CHANNELSCALES_H

#include "mlir/IR/Operation.h"

namespace mlir::qc {

/// Whether divideChannels can change `value`: a norm, a product with a weight,
/// a product of two values of which one is so, or the values that attention
/// with as many key heads as query heads takes up; made for `readers` alone.
bool canDivideChannels(Value value, ArrayRef<Operation *> readers);

/// Divides `value` [..., K] by a number for each k, in constants of the op
/// that makes it.
void divideChannels(Value value, ArrayRef<float> by);

/// Multiplies row k of the weight that `use` reads, a constant [K, N], by
/// scales[k].
void scaleWeightRows(OpOperand &use, ArrayRef<float> scales);

} // namespace mlir::qc

#endif // QC_TRANSFORMS_CHANNELSCALES_H
