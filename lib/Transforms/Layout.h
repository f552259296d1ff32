//===- Layout.h - Permuting axes --------------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QC_LIB_TRANSFORMS_LAYOUT_H
#define QC_LIB_TRANSFORMS_LAYOUT_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"
#include "qc/Analysis/Sizes.h"

namespace mlir::qc {

/// NCHW to NHWC and back; axis i of the result is axis perm[i] of the source.
inline constexpr int64_t toChannelsLast[4] = {0, 2, 3, 1};
inline constexpr int64_t toChannelsFirst[4] = {0, 3, 1, 2};

SmallVector<int64_t> invertPermutation(ArrayRef<int64_t> perm);

/// `type` with its axes permuted.
RankedTensorType permuteType(RankedTensorType type, ArrayRef<int64_t> perm);

/// `value` with its axes permuted: a linalg.transpose, or the same splat, fill
/// or broadcast made in the other layout. Two transposes become one or none.
Value permute(OpBuilder &builder, Location loc, Value value,
              ArrayRef<int64_t> perm);

/// The location of a transposed image: it keeps the image's name.
Location getImageLoc(Value image);

/// True if a transpose moves only axes of size 1.
bool movesUnitAxesOnly(ArrayRef<int64_t> shape, ArrayRef<int64_t> perm);

/// Patterns that move NHWC-to-NCHW transposes down and the inverse up through
/// padding, until they cancel.
void populateMoveTransposePatterns(RewritePatternSet &patterns);

} // namespace mlir::qc

#endif // QC_LIB_TRANSFORMS_LAYOUT_H
