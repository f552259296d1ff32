//===- WeightStrips.h - A weight computed strip by strip --------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Most weights are a parameter that is transposed, quantized and packed, where
// no column of the result depends on another. Such a constant subgraph is
// computed in strips of columns: each from its own part of the parameter's
// file, into its own places of the result. So the memory that a weight takes is
// that of its packed bytes and of the strips at work, strips can be computed at
// the same time, and a strip stays in a core's cache from step to step. The
// arithmetic is the evaluator's, on the same ops with smaller types.
//
//===----------------------------------------------------------------------===//

#ifndef QC_ANALYSIS_WEIGHTSTRIPS_H
#define QC_ANALYSIS_WEIGHTSTRIPS_H

#include "qc/Analysis/Evaluator.h"
#include "qc/Dialect/QC/IR/QCOps.h"

#include <optional>

namespace qc {

class WeightStrips {
public:
  /// The strips of what a qc.pack gives; nothing where some op of the subgraph
  /// needs more than its own columns.
  static std::optional<WeightStrips> match(mlir::Value root);

  /// How many strips there are.
  int64_t count() const { return (columns + width - 1) / width; }
  /// Bytes of the whole result.
  int64_t resultBytes() const;
  /// About the most bytes that computing one strip takes, without the result.
  int64_t stripBytes() const;

  /// Checks the parameters and makes the functions that compute() runs: one for
  /// whole strips, one for the last.
  llvm::Error prepare(ParameterStore &store);
  /// Computes strip `index` into its places of `result`, which has resultBytes
  /// and starts as zeros. Threads may do so at the same time if each has an
  /// evaluator of its own, made after prepare(), and the context allows
  /// threads.
  llvm::Error compute(int64_t index, ParameterStore &store,
                      Evaluator &evaluator,
                      llvm::MutableArrayRef<char> result) const;

  /// The name of the first parameter.
  llvm::StringRef name() const;

private:
  /// Where a value is cut: along which axis, and how many of its elements
  /// belong to a column.
  struct Cut {
    int64_t axis, unit;
  };

  bool cut(mlir::Value value, Cut at);
  bool cutOperands(mlir::Operation *op, Cut at);
  mlir::Type typeOf(mlir::Value value, int64_t count) const;
  mlir::OwningOpRef<mlir::func::FuncOp> functionFor(int64_t count) const;

  /// What the qc.pack gives.
  mlir::Value root;
  /// All of the result, of a strip, and what a strip's width is a multiple of.
  int64_t columns = 0, width = 0, step = 1;
  /// Bytes of a panel in each region of the result.
  std::vector<int64_t> panelBytes;
  llvm::DenseMap<mlir::Value, Cut> cuts;
  llvm::SmallVector<mlir::qc::ParameterOp> parameters;
  /// The other ops, each after those it needs.
  llvm::SmallVector<mlir::Operation *> ops;
  mlir::OwningOpRef<mlir::func::FuncOp> whole, last;
};

/// About the most bytes that evaluating the constant subgraph of `root` at once
/// takes.
int64_t bytesToEvaluate(mlir::Value root);

} // namespace qc

#endif // QC_ANALYSIS_WEIGHTSTRIPS_H
