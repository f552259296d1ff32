//===- Stages.h - The steps of code generation ------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Private to Pipelines: what generating code and printing levels share.
//
//===----------------------------------------------------------------------===//

#ifndef QC_LIB_PIPELINES_STAGES_H
#define QC_LIB_PIPELINES_STAGES_H

#include "qc/Pipelines/Compile.h"
#include "qc/Pipelines/Pipelines.h"

namespace qc {

/// A step and the level that it reaches.
struct Stage {
  llvm::StringRef level;
  std::function<void(mlir::OpPassManager &)> build;
};

/// The steps from where the module stands to level 6. `options` has to outlive
/// them.
std::vector<Stage> remainingStages(mlir::ModuleOp module,
                                   const mlir::qc::KernelOptions &options);
/// Adds what the passes remark to `remarks`.
llvm::Error runStage(LoadedModel &model, const Stage &stage,
                     std::vector<std::string> &remarks);

void setOptions(mlir::qc::KernelOptions &kernels, const LoadedModel &model,
                const CompileOptions &options, const Target &target);

void setOptions(mlir::qc::QuantizeOptions &pass, const CompileOptions &options,
                llvm::StringRef statsFile);

/// The target that a module of level 4 or later was lowered for, with the one
/// CPU level whose kernels it holds if it does; `fallback` before level 4.
llvm::Expected<Target> targetOf(LoadedModel &model, const Target &fallback);

/// The kernels that the graph of level 6 launches, for one CPU level:
/// generated, or those that the module holds.
llvm::Expected<mlir::OwningOpRef<mlir::ModuleOp>>
kernelsOf(LoadedModel &model, const Target &target, const CpuLevel &level);

/// True for qc_graph of level 6 and the tables that it reads.
bool isPartOfGraph(mlir::Operation *op);
/// The graph of level 6 alone, without attributes.
mlir::OwningOpRef<mlir::ModuleOp> graphOnly(mlir::ModuleOp module);

/// Moves what `from` defines into `to`, which may have declarations of it.
void moveInto(mlir::ModuleOp from, mlir::ModuleOp to);

} // namespace qc

#endif // QC_LIB_PIPELINES_STAGES_H
