//===- LargestSize.h - The largest value of a size --------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QC_LIB_DIALECT_QC_TRANSFORMS_LARGESTSIZE_H
#define QC_LIB_DIALECT_QC_TRANSFORMS_LARGESTSIZE_H

#include "mlir/IR/OpDefinition.h"

namespace mlir::qc {

/// The value of a size when every qc.symbol is at its maximum; failure where it
/// is computed from anything else.
FailureOr<int64_t> getLargestSize(OpFoldResult size);

} // namespace mlir::qc

#endif // QC_LIB_DIALECT_QC_TRANSFORMS_LARGESTSIZE_H
