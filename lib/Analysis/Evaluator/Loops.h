//===- Loops.h - A body over an iteration space -----------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Runs a LaneProgram at every point of a box. Operands are read and written
// through affine maps. For each element of an output the points that add to it
// come in ascending order, whatever the order of the loops.
//
//===----------------------------------------------------------------------===//

#ifndef QC_LIB_ANALYSIS_EVALUATOR_LOOPS_H
#define QC_LIB_ANALYSIS_EVALUATOR_LOOPS_H

#include "Lanes.h"
#include "mlir/IR/AffineMap.h"

namespace qc::evaluator {

struct LoopOperand {
  HostTensor tensor;
  mlir::AffineMap map;
  /// Written from the program's results in order; also read, unless its old
  /// value does not matter.
  bool isOutput = false;
  bool isRead = true;
};

/// The box, and which of its axes are parallel (in any order).
struct LoopSpace {
  llvm::SmallVector<int64_t> sizes;
  llvm::SmallVector<bool> parallel;
};

/// Runs `program`, whose arguments are the operands in order. Outputs are
/// changed in place. Every index is checked against its tensor before.
llvm::Error runLoops(mlir::Operation *op, const LoopSpace &space,
                     llvm::MutableArrayRef<LoopOperand> operands,
                     LaneProgram &program);

} // namespace qc::evaluator

#endif // QC_LIB_ANALYSIS_EVALUATOR_LOOPS_H
