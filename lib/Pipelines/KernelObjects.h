//===- KernelObjects.h - The kernels of a graph as object code --*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Private to Pipelines.
//
//===----------------------------------------------------------------------===//

#ifndef QC_LIB_PIPELINES_KERNELOBJECTS_H
#define QC_LIB_PIPELINES_KERNELOBJECTS_H

#include "qc/Dialect/QC/IR/QCOps.h"
#include "qc/Pipelines/Compile.h"

namespace qc {

/// A kernel that the graph launches, and the encoding that it decodes.
struct UsedKernel {
  llvm::StringRef text;
  mlir::qc::EncodingAttrInterface encoding;

  /// True of one that oneDNN computes: it has no code.
  bool isProvided() const { return text.starts_with("onednn:"); }
  /// Its symbol without the level's suffix; empty where it is provided.
  std::string symbol() const;
};

/// The kernels that the graph launches, in the order of their numbers.
llvm::SmallVector<UsedKernel> usedKernels(mlir::ModuleOp module);

/// The object code of a level's kernels, one object for each, on up to
/// `options.jobs` threads; those of a module that holds its kernels are one.
/// `progress` gets the share that is done.
llvm::Expected<LevelObjects>
kernelObjects(LoadedModel &model, const Target &target, const CpuLevel &level,
              const CompileOptions &options, KernelCache &cache,
              const std::function<void(double)> &progress);

} // namespace qc

#endif // QC_LIB_PIPELINES_KERNELOBJECTS_H
