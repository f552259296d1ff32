//===- QCOps.cpp - Operations of the qc dialect ---------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The generated definitions. Verifiers and folders are beside it, a file for
// each file of ops: QCModelOps.cpp, QCDecoderOps.cpp, QCFusedOps.cpp,
// QCKernelOps.cpp.
//
//===----------------------------------------------------------------------===//

#include "qc/Dialect/QC/IR/QCOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

#define GET_OP_CLASSES
#include "qc/Dialect/QC/IR/QCOps.cpp.inc"
