//===- ChooseKernels.h - Which layers oneDNN computes -----------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QC_EXECUTION_CHOOSEKERNELS_H
#define QC_EXECUTION_CHOOSEKERNELS_H

#include "qc/Pipelines/Compile.h"

#include "llvm/ADT/StringMap.h"

namespace qc {

/// What --kernels auto measured of a layer, in milliseconds on one thread.
struct KernelTimes {
  double generated = 0, oneDNN = 0;
  /// Kernel, channels and size of the output: `3x3 64->64 at 56x56`.
  std::string shape;
  std::string implementation;
};

/// Why layers keep their generated kernels, a line each, and what was measured.
struct KernelChoice {
  std::vector<std::string> remarks;
  llvm::StringMap<KernelTimes> times;
};

/// Sets the layers that oneDNN computes in `options`: those that it has fast
/// and exact code for, of --kernels auto by the recipe or as measured here.
/// Needs a target that runs on this machine. The model, which is at level 2,
/// stays; `path` is for messages.
llvm::Error chooseKernels(llvm::StringRef path, const LoadedModel &model,
                          CompileOptions &options, KernelChoice &choice);

} // namespace qc

#endif // QC_EXECUTION_CHOOSEKERNELS_H
