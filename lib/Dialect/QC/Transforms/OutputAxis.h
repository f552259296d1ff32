//===- OutputAxis.h - Sizes of results as formulas --------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QC_LIB_DIALECT_QC_TRANSFORMS_OUTPUTAXIS_H
#define QC_LIB_DIALECT_QC_TRANSFORMS_OUTPUTAXIS_H

#include "mlir/IR/OpDefinition.h"
#include "llvm/ADT/StringMap.h"

namespace mlir::qc {

/// (scale * symbol * symbol2 + offset) / divisor, as qc_rt_dim of
/// qc/Runtime/Descriptor.h; a symbol of -1 is 1.
struct OutputAxis {
  int64_t symbol = -1, symbol2 = -1, scale = 0, offset = 0, divisor = 1;

  bool isConstant() const { return symbol < 0 && divisor == 1; }
  static OutputAxis constant(int64_t value) { return {-1, -1, 0, value, 1}; }
};

/// A size in that form, if it has it. `symbols` numbers the named dimensions.
FailureOr<OutputAxis> outputAxisOf(OpFoldResult size,
                                   const llvm::StringMap<int64_t> &symbols);

} // namespace mlir::qc

#endif // QC_LIB_DIALECT_QC_TRANSFORMS_OUTPUTAXIS_H
