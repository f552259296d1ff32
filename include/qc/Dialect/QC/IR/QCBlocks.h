//===- QCBlocks.h - Activations in blocks -----------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which blocks of activations weights meet: the widest that the tree of scales
// of their encoding allows (qc/Numerics/WideSums.h), or 32.
//
//===----------------------------------------------------------------------===//

#ifndef QC_DIALECT_QC_IR_QCBLOCKS_H
#define QC_DIALECT_QC_IR_QCBLOCKS_H

#include "qc/Dialect/QC/IR/QCAttributes.h"

namespace mlir::qc {

/// Elements of a block of activations that weights [K, N] of this type meet
/// best.
int64_t getActivationBlock(Type weight);

/// Elements of a block where isBlockEncoding(encoding).
int64_t getBlockSize(Attribute encoding);

/// Whether the sums of such blocks are those of WideSums, not of GroupSums.
inline bool isWideBlock(int64_t size) {
  return size != ::qc::numerics::activationBlock;
}

} // namespace mlir::qc

#endif // QC_DIALECT_QC_IR_QCBLOCKS_H
