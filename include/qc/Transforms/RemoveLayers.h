//===- RemoveLayers.h - Layers taken out of a language model ----*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A transformer layer adds twice to the values that run through the model: what
// attention gives and what the feed-forward part gives. Without it the values
// before it are those after it.
//
//===----------------------------------------------------------------------===//

#ifndef QC_TRANSFORMS_REMOVELAYERS_H
#define QC_TRANSFORMS_REMOVELAYERS_H

#include "mlir/Interfaces/FunctionInterfaces.h"
#include "llvm/ADT/BitVector.h"

namespace mlir::qc {

/// What runs through the model before and after a layer.
struct TransformerLayer {
  Value input, output;
  /// Puts its keys and values into the cache (qc.kv_append).
  Operation *append;
};

/// The layers of a language model in their order; empty where the function is
/// not such a chain.
SmallVector<TransformerLayer>
findTransformerLayers(FunctionOpInterface function);

/// Takes those in `removed` out of the function and of its cache.
void removeTransformerLayers(FunctionOpInterface function,
                             ArrayRef<TransformerLayer> layers,
                             const llvm::BitVector &removed);

} // namespace mlir::qc

#endif // QC_TRANSFORMS_REMOVELAYERS_H
