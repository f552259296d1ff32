//===- QCAllAttributes.td - All attributes of the dialect ---*- tablegen -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the dialect parses and prints. Declarations are in two headers: few
// files have to do with the inside of sparse tensors.
//
//===----------------------------------------------------------------------===//

#ifndef QC_DIALECT_QC_IR_QCALLATTRIBUTES_TD
#define QC_DIALECT_QC_IR_QCALLATTRIBUTES_TD

include "qc/Dialect/QC/IR/QCOps.td"
include "qc/Dialect/QC/IR/QCSparse.td"

#endif // QC_DIALECT_QC_IR_QCALLATTRIBUTES_TD
