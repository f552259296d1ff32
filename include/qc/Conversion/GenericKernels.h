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
/// The generic kernel pipeline lowers them once all are added.
LogicalResult addGenericKernel(ModuleOp module, func::FuncOp source,
                               StringRef symbol);

} // namespace mlir::qc

#endif // QC_CONVERSION_GENERICKERNELS_H
