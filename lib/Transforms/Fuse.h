//===- Fuse.h - The parts of --qc-fuse --------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QC_LIB_TRANSFORMS_FUSE_H
#define QC_LIB_TRANSFORMS_FUSE_H

#include "mlir/IR/PatternMatch.h"
#include "mlir/Pass/Pass.h"
#include "qc/Analysis/Epilogue.h"
#include "qc/Dialect/QC/IR/QCOps.h"

namespace mlir::qc {

/// What the pass counts.
struct FuseCounts {
  Pass::Statistic &integer, &floating, &moved;
};

/// Codes with one scale and zero point of 8 bits that `value` decodes; null if
/// it decodes none.
Value getStaticCodes(Value value);

/// Any encoded tensor that `value` decodes; null if it decodes none.
Value getCodes(Value value);

/// The static 8-bit quantization that is the only reader of `value`.
QuantizeOp getStaticQuantize(Value value);

FloatAttr getBoundAttr(OpBuilder &builder, std::optional<float> bound);

/// The location of an op that stands for all from `first` to `last`.
Location fuseLocs(Operation *first, Operation *last);

/// Fuses convolutions and products in `root`, the last first.
void fuseContractions(Operation *root, const FuseCounts &counts);

/// erf-GELU to qc.unary, sums, tables and poolings to their qc ops; poolings
/// of floats only where `isLast` says that no codes will reach them.
void populateFuseElementwisePatterns(RewritePatternSet &patterns,
                                     const FuseCounts &counts, bool isLast);

/// Tables of embeddings that come as codes.
void populateFuseWeightsPatterns(RewritePatternSet &patterns);

/// Data movement on codes. Padding that a convolution or a pooling will take
/// up stays where it is unless `isLast`.
void populateFuseMovementPatterns(RewritePatternSet &patterns,
                                  const FuseCounts &counts, bool isLast);

} // namespace mlir::qc

#endif // QC_LIB_TRANSFORMS_FUSE_H
