//===- FuseOperands.h - Operands in the form of fused ops -------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QC_LIB_TRANSFORMS_FUSEOPERANDS_H
#define QC_LIB_TRANSFORMS_FUSEOPERANDS_H

#include "Fuse.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "qc/Analysis/LinalgViews.h"

namespace mlir::qc {

/// A filter as [KH, KW, C / groups, F].
struct FilterOperand {
  Value values;
  /// The codes that `values` decodes; null if there are none.
  Value codes;
};

FilterOperand getFilterOperand(RewriterBase &rewriter, const ConvView &view);

/// The codes of a weight with its output channels on the last axis: what
/// `value` decodes, or 8-bit codes that transposes and reshapes lie after, with
/// a scale for each channel.
Value findWeightCodes(RewriterBase &rewriter, Value value);

/// True for 8-bit symmetric codes with a scale for each output channel, the
/// last axis.
bool isChannelCodes(Value codes);

/// True for 8-bit symmetric codes with a scale for each row.
bool isRowCodes(Value codes);

/// The codes of the input of a product: static, or with a scale for each row.
/// Reshapes of rows between `value` and its codes are done on the codes.
Value findInputCodes(RewriterBase &rewriter, Value value);

/// A bias of any rank as a vector.
Value flattenBias(RewriterBase &rewriter, Value bias);

StringAttr getActivationAttr(Builder &builder, const Epilogue &epilogue);

/// True if the first axes of `value` have the sizes given, and it has one more.
bool isSplitLike(RewriterBase &rewriter, Value value,
                 ArrayRef<OpFoldResult> sizes);

/// True if `operand` [B, M, K] merges the two batch axes that `expand` splits.
bool isSplitBatch(RewriterBase &rewriter, Value operand,
                  tensor::ExpandShapeOp expand);

} // namespace mlir::qc

#endif // QC_LIB_TRANSFORMS_FUSEOPERANDS_H
