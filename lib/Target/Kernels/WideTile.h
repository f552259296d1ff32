//===- WideTile.h - Some rows and wide blocks -------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The sums of numerics/WideSums.h of a few rows with a panel, whose codes are
// taken out of their planes in registers.
//
//===----------------------------------------------------------------------===//

#ifndef QC_LIB_TARGET_KERNELS_WIDETILE_H
#define QC_LIB_TARGET_KERNELS_WIDETILE_H

#include "WidePanel.h"

namespace qc::kernels {

class WideTile {
public:
  using Vals = KernelBuilder::Vals;

  /// A panel: its codes, the address of each factor region, its rows; and of
  /// each row of activations the bytes, the scales of blocks and the sums of
  /// each 16 bytes. The wide panel must outlive it.
  struct Operands {
    Val codes;
    llvm::ArrayRef<Val> regions;
    Val depth;
    Vals x, scales, sums;
  };
  WideTile(KernelBuilder &k, WidePanel &wide, Operands operands);

  /// The float sums of each row and register.
  Vals sums();

private:
  /// What a block carries from chunk to chunk: of each row and register the sum
  /// of products, that of the numbers of the scale and that of those of the
  /// offset times the activations; of each row the sum of those. Those that
  /// the format has.
  struct Totals {
    Vals products, lacking, shift, rows;
  };
  Totals zeros();
  Vals flat(const Totals &totals) const;
  Totals unflat(llvm::ArrayRef<Val> values) const;
  Vals block(Val index, Val chunkEnd, llvm::ArrayRef<Val> sums);
  void addChunk(Val chunk, Totals &totals);
  void addSegment(Val chunk, unsigned segment, Totals &totals);

  KernelBuilder &k;
  WidePanel &wide;
  GroupPanel &panel;
  Operands operands;
  unsigned count, registers;
};

} // namespace qc::kernels

#endif // QC_LIB_TARGET_KERNELS_WIDETILE_H
