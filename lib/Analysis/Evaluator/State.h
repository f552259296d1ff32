//===- State.h - What an evaluator keeps between runs -----------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QC_LIB_ANALYSIS_EVALUATOR_STATE_H
#define QC_LIB_ANALYSIS_EVALUATOR_STATE_H

#include "Interpreter.h"

namespace qc::evaluator {

/// One op to run: what it needs, and which values nobody needs after it.
struct Step {
  mlir::Operation *op = nullptr;
  llvm::SmallVector<mlir::Value, 4> inputs, dead;
};

/// The ops of a block that depend on its arguments, and what its terminator
/// takes.
struct Plan {
  std::vector<Step> steps;
  llvm::SmallVector<mlir::Value, 4> outputs;
};

} // namespace qc::evaluator

struct ::qc::Evaluator::State {
  State(ParameterStore &store, Evaluator &evaluator);

  /// The plan of a block, made once.
  const evaluator::Plan &planOf(mlir::Block &block);

  ParameterStore &store;
  Evaluator &evaluator;
  evaluator::HandlerTable handlers;
  ResultObserver onResult;
  ValueObserver onObserve;
  llvm::DenseMap<mlir::Block *, std::unique_ptr<evaluator::Plan>> plans;
  /// Which values are known to be constant or not, and those computed.
  llvm::DenseMap<mlir::Value, bool> constant;
  ConstantCache constants;
};

#endif // QC_LIB_ANALYSIS_EVALUATOR_STATE_H
