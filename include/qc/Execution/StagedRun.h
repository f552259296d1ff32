//===- StagedRun.h - A model run layer by layer -----------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Runs compiled pieces of a model on all samples, each once: what a piece gives
// is kept for the next. Layers may change between the pieces, so that later
// ones run on what the changed ones give.
//
//===----------------------------------------------------------------------===//

#ifndef QC_EXECUTION_STAGEDRUN_H
#define QC_EXECUTION_STAGEDRUN_H

#include "qc/Execution/Samples.h"
#include "qc/Transforms/Pieces.h"

namespace qc {

class StagedRun {
public:
  using VisitFn = llvm::function_ref<llvm::Error(const HostTensor &)>;

  /// `model` is at level 0 to 2, and stays there; `options` are those it was
  /// read with.
  StagedRun(LoadedModel &model, Samples &samples,
            const CompileOptions &options);

  /// Runs the ops up to the one that makes `value` and shows its values, one
  /// tensor for each sample. Values have to come in program order; one that
  /// was reached already is shown without a run. `progress` gets the part of
  /// the samples that is done and stops by an error.
  llvm::Error runTo(mlir::Value value, VisitFn visit,
                    llvm::function_ref<llvm::Error(double)> progress);

private:
  llvm::Error runPiece(mlir::Operation *last,
                       llvm::function_ref<llvm::Error(double)> progress);
  /// The tensors of a sample that a piece reads.
  llvm::Expected<std::vector<HostTensor>> inputsOf(const mlir::qc::Piece &piece,
                                                   int64_t sample);

  LoadedModel &model;
  Samples &samples;
  CompileOptions options;
  mlir::func::FuncOp function;
  mlir::qc::FunctionPieces pieces;
  /// Pieces of equal layers have the same ones.
  KernelCache kernels;
  /// The last op that was run; null before the first.
  mlir::Operation *done = nullptr;
  /// What is carried over `done`, by sample.
  std::vector<llvm::DenseMap<mlir::Value, HostTensor>> carried;
};

} // namespace qc

#endif // QC_EXECUTION_STAGEDRUN_H
