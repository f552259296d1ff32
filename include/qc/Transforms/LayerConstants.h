//===- LayerConstants.h - Weights and biases as numbers ---------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QC_TRANSFORMS_LAYERCONSTANTS_H
#define QC_TRANSFORMS_LAYERCONSTANTS_H

#include "mlir/IR/Operation.h"
#include "mlir/IR/Value.h"

#include <optional>

namespace mlir::qc {

/// The vector that `layer`, a convolution or a product, adds to its sums; null
/// where that is 0, nothing where it adds something else.
std::optional<Value> getLayerBias(Operation *layer);

/// Makes that vector a constant; the layer adds a vector or 0.
void setLayerBias(Operation *layer, ArrayRef<float> bias);

/// Makes the weight a constant of its shape, in 16 bits where it was so.
void setLayerWeight(Operation *layer, ArrayRef<float> weight);

} // namespace mlir::qc

#endif // QC_TRANSFORMS_LAYERCONSTANTS_H
