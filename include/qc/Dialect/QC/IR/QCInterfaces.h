//===- QCInterfaces.h - Interfaces of the qc dialect ------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QC_DIALECT_QC_IR_QCINTERFACES_H
#define QC_DIALECT_QC_IR_QCINTERFACES_H

#include "mlir/IR/Attributes.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/OpDefinition.h"
#include "qc/Numerics/Decode.h"
#include "qc/Numerics/GroupCodec.h"

#include <optional>
#include <string>
#include <vector>

#include "qc/Dialect/QC/IR/QCAttrInterfaces.h.inc"
#include "qc/Dialect/QC/IR/QCOpInterfaces.h.inc"

#endif // QC_DIALECT_QC_IR_QCINTERFACES_H
