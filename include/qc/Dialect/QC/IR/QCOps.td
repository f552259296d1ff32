//===- QCOps.td - All operations of the qc dialect ----------*- tablegen -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QC_DIALECT_QC_IR_QCOPS_TD
#define QC_DIALECT_QC_IR_QCOPS_TD

include "qc/Dialect/QC/IR/QCDecoderOps.td"
include "qc/Dialect/QC/IR/QCFusedOps.td"
include "qc/Dialect/QC/IR/QCKernelOps.td"
include "qc/Dialect/QC/IR/QCModelOps.td"

#endif // QC_DIALECT_QC_IR_QCOPS_TD
