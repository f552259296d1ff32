//===- Launch.h - Building qc.kernel ops ------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A launch is a list of slots; each lowering fills them by name and asks for
// the op. Sizes are OpFoldResults: constants become constants of the op,
// values become operands.
//
//===----------------------------------------------------------------------===//

#ifndef QC_LIB_CONVERSION_QCTOKERNELS_LAUNCH_H
#define QC_LIB_CONVERSION_QCTOKERNELS_LAUNCH_H

#include "mlir/IR/Builders.h"
#include "qc/Dialect/QC/IR/QCOps.h"
#include "qc/TargetInfo/KernelKey.h"

namespace mlir::qc {

/// Sizes as constants or index values.
using Sizes = SmallVector<OpFoldResult>;

/// Index arithmetic that folds constants.
struct SizeMath {
  OpBuilder &builder;
  Location loc;

  OpFoldResult constant(int64_t value) { return builder.getIndexAttr(value); }
  OpFoldResult mul(OpFoldResult a, OpFoldResult b);
  OpFoldResult add(OpFoldResult a, OpFoldResult b);
  OpFoldResult ceilDiv(OpFoldResult a, int64_t b);
  OpFoldResult product(ArrayRef<OpFoldResult> sizes);
  Value asValue(OpFoldResult size);
};

/// The slots of one qc.kernel.
class Launch {
public:
  Launch(OpBuilder &builder, Location loc, ::qc::KernelKey key, int64_t slots);

  void tensor(int64_t slot, Value value);
  void size(int64_t slot, OpFoldResult value);
  void size(int64_t slot, int64_t value) { constants[slot] = value; }
  /// The bits of an f32.
  void number(int64_t slot, float value);
  void flag(const Twine &name) { key.flags.push_back(name.str()); }
  /// Another type of the key.
  void type(StringRef name) { key.types.push_back(name.str()); }
  void result(int64_t slot, RankedTensorType type, ArrayRef<OpFoldResult> dims);
  void encoding(Attribute attr) { encodingAttr = attr; }
  /// The first result is the tensor added last, changed in place.
  void changeInPlace() {
    changed = builder.getI64IntegerAttr(tensors.size() - 1);
  }

  /// Builds the op; `layer` names it in reports.
  KernelOp build(OpFoldResult parts, StringRef layer);

private:
  OpBuilder &builder;
  Location loc;
  ::qc::KernelKey key;
  SmallVector<int64_t> constants;
  SmallVector<Value> tensors, sizes, dims;
  SmallVector<int64_t> tensorSlots, sizeSlots, resultSlots;
  SmallVector<Type> results;
  Attribute encodingAttr;
  IntegerAttr changed;
};

/// The innermost name in a location, empty if there is none.
StringRef nameOf(Location loc);

} // namespace mlir::qc

#endif // QC_LIB_CONVERSION_QCTOKERNELS_LAUNCH_H
