//===- Sizes.h - Where the sizes of tensors come from -----------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QC_ANALYSIS_SIZES_H
#define QC_ANALYSIS_SIZES_H

#include "mlir/IR/Builders.h"

namespace mlir::qc {

/// The size of an axis; a dynamic one is followed towards the function's
/// arguments.
OpFoldResult getSize(OpBuilder &builder, Location loc, Value value,
                     int64_t axis);
SmallVector<OpFoldResult> getSizes(OpBuilder &builder, Location loc,
                                   Value value);

/// True if both are known to be equal.
bool isSameSize(OpFoldResult a, OpFoldResult b);

} // namespace mlir::qc

#endif // QC_ANALYSIS_SIZES_H
