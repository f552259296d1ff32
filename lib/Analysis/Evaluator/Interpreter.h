//===- Interpreter.h - What handlers of ops share ---------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A handler computes the results of one kind of op. Before it is called all
// its operands are there and have the types of the IR; afterwards its results
// are checked against theirs, so that a handler may rely on static types and
// has to check only what types leave open (dynamic sizes).
//
//===----------------------------------------------------------------------===//

#ifndef QC_LIB_ANALYSIS_EVALUATOR_INTERPRETER_H
#define QC_LIB_ANALYSIS_EVALUATOR_INTERPRETER_H

#include "mlir/IR/Operation.h"
#include "qc/Analysis/Evaluator.h"
#include "qc/Support/Error.h"

namespace qc::evaluator {

class Interpreter;
using Handler = llvm::Error (*)(Interpreter &, mlir::Operation *);

/// Handlers by op.
class HandlerTable {
public:
  /// `function` is called for ops of type `OpT`.
  template <typename OpT, llvm::Error (*function)(Interpreter &, OpT)>
  void add() {
    handlers[mlir::TypeID::get<OpT>()] = [](Interpreter &interpreter,
                                            mlir::Operation *op) {
      return function(interpreter, llvm::cast<OpT>(op));
    };
  }
  template <typename... OpTs> void addAll(Handler handler) {
    ((handlers[mlir::TypeID::get<OpTs>()] = handler), ...);
  }
  /// The handler of an op, or null.
  Handler lookup(mlir::Operation *op) const;

private:
  llvm::DenseMap<mlir::TypeID, Handler> handlers;
};

void addElementwiseHandlers(HandlerTable &table);
void addTensorHandlers(HandlerTable &table);
void addTensorSliceHandlers(HandlerTable &table);
void addControlFlowHandlers(HandlerTable &table);
void addLinalgHandlers(HandlerTable &table);
void addLinalgConvHandlers(HandlerTable &table);
void addLinalgPoolHandlers(HandlerTable &table);
void addQCModelHandlers(HandlerTable &table);
void addQCDecoderHandlers(HandlerTable &table);
void addQCBatchMatMulHandlers(HandlerTable &table);
void addQCContractionHandlers(HandlerTable &table);
void addQCElementHandlers(HandlerTable &table);
void addQCWeightHandlers(HandlerTable &table);

/// Executes ops. Values live in one map: SSA names them.
class Interpreter {
public:
  Interpreter(Evaluator::State &state) : state(state) {}

  /// Values of operands; they are there when a handler runs.
  RuntimeValue get(mlir::Value value) const { return values.lookup(value); }
  /// A plain tensor, or the values of an encoded one.
  HostTensor tensor(mlir::Value value) const { return get(value).values(); }
  /// Only for values whose type has an encoding.
  EncodedTensor encoded(mlir::Value value) const {
    return get(value).encoded();
  }
  /// An index or another integer scalar.
  int64_t index(mlir::Value value) const { return tensor(value).asInt(0); }
  /// Static sizes with the values of dynamic ones in place of kDynamic.
  llvm::SmallVector<int64_t> mixed(llvm::ArrayRef<int64_t> sizes,
                                   mlir::ValueRange dynamic) const;

  void set(mlir::Value value, RuntimeValue result) {
    values[value] = std::move(result);
  }

  /// Runs the ops of a block; gives the operands of its terminator.
  llvm::Expected<llvm::SmallVector<RuntimeValue>>
  runBlock(mlir::Block &block, llvm::ArrayRef<RuntimeValue> arguments);
  /// Runs one op whose operands are there and checks its results.
  llvm::Error runOp(mlir::Operation *op);
  /// Runs a structured op by its maps and its region.
  llvm::Error runByRegion(mlir::Operation *op);

  Evaluator::State &state;
  /// Calls of functions within functions.
  unsigned depth = 0;

private:
  llvm::Error fetch(llvm::ArrayRef<mlir::Value> inputs);

  llvm::DenseMap<mlir::Value, RuntimeValue> values;
};

/// An error that names the op and its place.
llvm::Error opError(mlir::Operation *op, const llvm::Twine &found,
                    const llvm::Twine &expected);

/// A tensor for a result. An implausible size is an error of the op.
llvm::Expected<HostTensor> allocate(mlir::Operation *op, DType type,
                                    llvm::ArrayRef<int64_t> shape);

/// An error unless both shapes are equal.
llvm::Error checkShape(mlir::Operation *op, llvm::StringRef what,
                       llvm::ArrayRef<int64_t> found,
                       llvm::ArrayRef<int64_t> expected);

/// An error unless the value suits the type.
llvm::Error checkType(mlir::Operation *op, const llvm::Twine &what,
                      const RuntimeValue &value, mlir::Type type);

/// "2x3".
std::string shapeText(llvm::ArrayRef<int64_t> shape);

} // namespace qc::evaluator

/// `return`s the error of an Expected, or declares `variable` with its value.
#define QC_ASSIGN_OR_RETURN(variable, expression)                              \
  auto variable##OrError = (expression);                                       \
  if (!variable##OrError)                                                      \
    return variable##OrError.takeError();                                      \
  auto &variable = *variable##OrError

#define QC_RETURN_IF_ERROR(expression)                                         \
  if (llvm::Error error = (expression))                                        \
  return error

#endif // QC_LIB_ANALYSIS_EVALUATOR_INTERPRETER_H
