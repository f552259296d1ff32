//===- GenericKernels.h - Outlined functions as kernels ---------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QC_CONVERSION_GENERICKERNELS_H
#define QC_CONVERSION_GENERICKERNELS_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"

namespace mlir::qc {

/// Adds to `module` the kernel `symbol` that computes `source`, a function on
/// tensors made by --convert-qc-to-kernels (its comment there gives the slots).
/// Call lowerGenericKernels once all are added.
LogicalResult addGenericKernel(ModuleOp module, func::FuncOp source,
                               StringRef symbol);

/// Lowers the functions that addGenericKernel added to loops on memory.
LogicalResult lowerGenericKernels(ModuleOp module);

} // namespace mlir::qc

#endif // QC_CONVERSION_GENERICKERNELS_H
