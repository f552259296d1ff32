//===- ControlFlow.cpp - Calls, branches and loops ------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// func.call, scf.if, scf.for and scf.while.
//
//===----------------------------------------------------------------------===//

#include "Interpreter.h"
#include "State.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace ::qc;
using namespace ::qc::evaluator;

static void setResults(Interpreter &interpreter, Operation *op,
                       ArrayRef<RuntimeValue> results) {
  for (auto [result, value] : llvm::zip(op->getResults(), results))
    interpreter.set(result, value);
}

static llvm::Error runIf(Interpreter &interpreter, scf::IfOp op) {
  bool condition = interpreter.index(op.getCondition()) != 0;
  Block *block = condition ? op.thenBlock() : op.elseBlock();
  if (!block)
    return llvm::Error::success();
  QC_ASSIGN_OR_RETURN(results, interpreter.runBlock(*block, {}));
  setResults(interpreter, op, results);
  return llvm::Error::success();
}

static llvm::Error runFor(Interpreter &interpreter, scf::ForOp op) {
  HostTensor lower = interpreter.tensor(op.getLowerBound());
  int64_t first = lower.asInt(0);
  int64_t last = interpreter.index(op.getUpperBound());
  int64_t step = interpreter.index(op.getStep());
  if (step < 1)
    return opError(op, "a step of " + llvm::Twine(step), "at least 1");
  SmallVector<RuntimeValue> values;
  for (mlir::Value init : op.getInitArgs())
    values.push_back(interpreter.get(init));
  for (int64_t at = first; at < last;) {
    HostTensor induction(lower.dtype(), {});
    dispatchBits(lower.dtype(), [&](auto zero) {
      using T = decltype(zero);
      induction.mutableData<T>()[0] = static_cast<T>(at);
    });
    SmallVector<RuntimeValue> arguments{induction};
    llvm::append_range(arguments, values);
    QC_ASSIGN_OR_RETURN(results,
                        interpreter.runBlock(*op.getBody(), arguments));
    values = std::move(results);
    if (llvm::AddOverflow(at, step, at))
      break;
  }
  setResults(interpreter, op, values);
  return llvm::Error::success();
}

static llvm::Error runWhile(Interpreter &interpreter, scf::WhileOp op) {
  SmallVector<RuntimeValue> values;
  for (mlir::Value init : op.getInits())
    values.push_back(interpreter.get(init));
  while (true) {
    // scf.condition gives the condition, then what is passed on.
    QC_ASSIGN_OR_RETURN(before,
                        interpreter.runBlock(*op.getBeforeBody(), values));
    bool condition = before.front().tensor().asInt(0) != 0;
    SmallVector<RuntimeValue> passed(llvm::drop_begin(before));
    if (!condition) {
      setResults(interpreter, op, passed);
      return llvm::Error::success();
    }
    QC_ASSIGN_OR_RETURN(after,
                        interpreter.runBlock(*op.getAfterBody(), passed));
    values = std::move(after);
  }
}

static llvm::Error runCall(Interpreter &interpreter, func::CallOp op) {
  auto callee = SymbolTable::lookupNearestSymbolFrom<func::FuncOp>(
      op, op.getCalleeAttr());
  if (!callee || !callee.getBody().hasOneBlock())
    return opError(op, "no body of '" + op.getCallee() + "'", "a function");
  if (interpreter.depth >= 64)
    return opError(op, "calls nested 64 deep", "fewer");
  SmallVector<RuntimeValue> arguments;
  for (mlir::Value operand : op.getOperands())
    arguments.push_back(interpreter.get(operand));
  Interpreter inner(interpreter.state);
  inner.depth = interpreter.depth + 1;
  QC_ASSIGN_OR_RETURN(results,
                      inner.runBlock(callee.getBody().front(), arguments));
  setResults(interpreter, op, results);
  return llvm::Error::success();
}

void evaluator::addControlFlowHandlers(HandlerTable &table) {
  table.add<scf::IfOp, runIf>();
  table.add<scf::ForOp, runFor>();
  table.add<scf::WhileOp, runWhile>();
  table.add<func::CallOp, runCall>();
}
