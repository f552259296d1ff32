//===- Epilogue.h - What follows a convolution or a product -----*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The chain sum -> bias -> residual -> activation -> clamp that one fused op
// computes. Placing quantization and fusing must agree on it, so both ask here.
//
//===----------------------------------------------------------------------===//

#ifndef QC_ANALYSIS_EPILOGUE_H
#define QC_ANALYSIS_EPILOGUE_H

#include "mlir/IR/Operation.h"
#include "mlir/IR/Value.h"

#include <optional>
#include <string>

namespace mlir::qc {

/// A clamp: maximumf and minimumf with splats.
struct Clamp {
  std::optional<float> low, high;
  explicit operator bool() const { return low || high; }
};

struct Epilogue {
  /// A vector with a value for each channel; null if there is none.
  Value bias;
  Value residual;
  /// Where the chain reads it.
  OpOperand *residualUse = nullptr;
  /// A function of qc.unary; empty if there is none.
  std::string activation;
  Clamp clamp;
  /// The ops that are part of the chain, in order; each result but the last
  /// has one use.
  SmallVector<Operation *> ops;
  /// The end of the chain; the sum itself if the chain is empty.
  Value result;
};

/// Follows the chain from `sum`, whose channels lie on `axis`. With a bias
/// known already (`bias`) no other is taken. A residual is taken only where
/// `takesResidual` says so.
Epilogue matchEpilogue(Value sum, int64_t axis, Value bias,
                       function_ref<bool(OpOperand &)> takesResidual);

/// Adds the clamp that `op` (maximumf or minimumf with a splat) does to
/// `clamp`; false if it is none.
bool addClamp(Operation *op, Value input, Clamp &clamp);

/// The value that `op` clamps, and its bound in `clamp`; null if `op` is no
/// clamp.
Value getClampInput(Operation *op, Clamp &clamp);

/// Follows `value` along single uses for as long as they are clamps, up to
/// `result`.
Clamp matchClamps(Value value, Value &result, SmallVector<Operation *> &ops);

} // namespace mlir::qc

#endif // QC_ANALYSIS_EPILOGUE_H
