//===- DepthwiseBlocks.h - Depthwise convolution in blocks ------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The fast form: blocks of channels, each with its weights woven once, over all
// rows and columns of a part.
//
//===----------------------------------------------------------------------===//

#ifndef QC_LIB_TARGET_KERNELS_DEPTHWISEBLOCKS_H
#define QC_LIB_TARGET_KERNELS_DEPTHWISEBLOCKS_H

#include "DepthwiseUnit.h"
#include "Epilogue.h"

namespace qc::kernels {

/// The slots of a part, strides in bytes.
struct DepthwisePart {
  Val x, w, rows, columns, channels, kernelH, kernelW;
  Val xBatch, xRow, xColumn, xKernelH, xKernelW, yRow, residualRow;
  Range lines;

  explicit DepthwisePart(KernelBuilder &k, int64_t xBytes);
  /// The first pixel of x for a line of outputs.
  Val lineStart(Val line) const;
};

class DepthwiseBlocks {
public:
  DepthwiseBlocks(KernelBuilder &k, const KernelKey &key,
                  const DepthwisePart &part, Epilogue &epilogue);
  /// Computes as many channels as blocks cover; gives the first one left.
  Val emit();

private:
  using Vals = KernelBuilder::Vals;

  void block(DepthwiseUnit &unit, Val channel);
  void eachLine(DepthwiseUnit &unit,
                llvm::function_ref<void(Val x, Val pixel)> body, Val channel);
  void sliding(DepthwiseUnit &unit, Val channel, unsigned stride);
  void general(DepthwiseUnit &unit, Val channel);
  Vals weights(DepthwiseUnit &unit, Val channel, Val firstRow, Val column);
  Vals pixels(DepthwiseUnit &unit, Val x);
  /// The bias, or zeros; loads the multipliers too.
  Vals firstSums(DepthwiseUnit &unit, Val channel);
  void finish(DepthwiseUnit &unit, Vals sums, Val pixel, Val channel);
  void store(DepthwiseUnit &unit, llvm::ArrayRef<Val> sums, Val pixel,
             Val channel);

  KernelBuilder &k;
  const KernelKey &key;
  const DepthwisePart &part;
  Epilogue &epilogue;
  ElementType xType;
  /// Requantized without a residual or an activation: done on the sums as
  /// they lie.
  bool isPlain;
  /// Without an activation.
  bool isShort;
  /// The multipliers of the block.
  Vals scale;
  Val multiplier, bias, high, yZero, lowByte, buffer, weightBuffer;
};

} // namespace qc::kernels

#endif // QC_LIB_TARGET_KERNELS_DEPTHWISEBLOCKS_H
