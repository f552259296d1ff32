//===- Passes.h - Rewrites within the qc dialect ----------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QC_DIALECT_QC_TRANSFORMS_PASSES_H
#define QC_DIALECT_QC_TRANSFORMS_PASSES_H

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"
#include "qc/Dialect/QC/IR/QCDialect.h"

#include <functional>

namespace mlir::qc {
#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "qc/Dialect/QC/Transforms/Passes.h.inc"

/// The pass qc-materialize, which calls `progress` with how much is done, in
/// [0, 1].
std::unique_ptr<Pass> createQCMaterialize(const QCMaterializeOptions &options,
                                          std::function<void(double)> progress);
} // namespace mlir::qc

#endif // QC_DIALECT_QC_TRANSFORMS_PASSES_H
