//===- Movement.h - Copies and fills as launches ----------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QC_LIB_DIALECT_QC_TRANSFORMS_MOVEMENT_H
#define QC_LIB_DIALECT_QC_TRANSFORMS_MOVEMENT_H

#include "mlir/IR/Builders.h"
#include "qc/Dialect/QC/IR/QCOps.h"

namespace mlir::qc {

using Sizes = SmallVector<OpFoldResult>;

/// Builds copy and fill launches and the index arithmetic they need.
class Movement {
public:
  Movement(OpBuilder &builder) : builder(builder) {}

  OpFoldResult constant(int64_t value) { return builder.getIndexAttr(value); }
  OpFoldResult mul(Location loc, OpFoldResult a, OpFoldResult b);
  OpFoldResult add(Location loc, OpFoldResult a, OpFoldResult b);
  /// Row-major strides of a tensor of `sizes`, in elements.
  Sizes strides(Location loc, ArrayRef<OpFoldResult> sizes);
  /// `pointer` plus `elements` of `bytes` each.
  Value offset(Location loc, Value pointer, OpFoldResult elements,
               int64_t bytes);

  /// Copies `sizes` elements of `bytes` each between strided places.
  void copy(Location loc, Value from, ArrayRef<OpFoldResult> fromStrides,
            Value to, ArrayRef<OpFoldResult> toStrides,
            ArrayRef<OpFoldResult> sizes, int64_t bytes);
  /// Sets `sizes` elements to the low bits of `value`.
  void fill(Location loc, Value to, ArrayRef<OpFoldResult> strides,
            ArrayRef<OpFoldResult> sizes, int64_t bytes, int64_t value);

private:
  void launch(Location loc, StringRef kind, Value from,
              ArrayRef<OpFoldResult> fromStrides, Value to,
              ArrayRef<OpFoldResult> toStrides, ArrayRef<OpFoldResult> sizes,
              int64_t bytes, int64_t value);

  OpBuilder &builder;
};

} // namespace mlir::qc

#endif // QC_LIB_DIALECT_QC_TRANSFORMS_MOVEMENT_H
