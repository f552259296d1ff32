//===- Pieces.h - A function that runs in pieces ----------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A function is cut between its ops into pieces that run one after another.
// What one piece makes and a later one reads is carried from one to the other:
// tensors that depend on the function's data. Constants and sizes are made
// again where they are needed; a state (an argument with `qc.state`) is changed
// in place, so every piece takes it as it is.
//
//===----------------------------------------------------------------------===//

#ifndef QC_TRANSFORMS_PIECES_H
#define QC_TRANSFORMS_PIECES_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"

namespace mlir::qc {

/// Ops of a piece as a module of its own.
struct Piece {
  /// With a public function `main`.
  OwningOpRef<ModuleOp> module;
  /// What the arguments of `main` hold: arguments of the whole function, then
  /// carried values.
  SmallVector<Value> inputs;
  /// What its first results are, in this order; a state may follow.
  SmallVector<Value> results;
};

class FunctionPieces {
public:
  /// The function has one block; its ops may be replaced as long as the values
  /// between pieces stay.
  explicit FunctionPieces(func::FuncOp function) : function(function) {}

  /// The values that ops after `last` read and that earlier ones, or `last`,
  /// made.
  SmallVector<Value> carriedOver(Operation *last);

  /// The ops after `first` (null: from the beginning) up to and with `last`.
  /// Fails, with the reason in `problem`, where a carried value has a size that
  /// is no named dimension of the function.
  FailureOr<Piece> cut(Operation *first, Operation *last, std::string &problem);

private:
  bool dependsOnData(Value value);
  /// The argument that a state stems from; null where `value` is no state.
  BlockArgument stateOf(Value value);
  StringAttr dimensionOf(Value value, int64_t axis);
  /// `qc.name` and `qc.dims` of an argument or result for `value`.
  Attribute portOf(Value value, unsigned number, std::string &problem);

  func::FuncOp function;
  DenseMap<Value, bool> known;
};

} // namespace mlir::qc

#endif // QC_TRANSFORMS_PIECES_H
