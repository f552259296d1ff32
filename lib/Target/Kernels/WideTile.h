//===- WideTile.h - Some rows and wide blocks -------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The sums of numerics/WideSums.h of a few rows with some panels, whose codes
// are taken out of their planes in registers.
//
//===----------------------------------------------------------------------===//

#ifndef QC_LIB_TARGET_KERNELS_WIDETILE_H
#define QC_LIB_TARGET_KERNELS_WIDETILE_H

#include "WidePanel.h"

namespace qc::kernels {

class WideTile {
public:
  using Vals = KernelBuilder::Vals;

  /// Panels of `depth` rows; and of each row of activations the bytes, the
  /// scales of blocks and the sums of each 16 bytes. The wide panel and the
  /// places must outlive it.
  struct Operands {
    llvm::ArrayRef<GroupPlace> places;
    Val depth;
    Vals x, scales, sums;
  };
  WideTile(KernelBuilder &k, WidePanel &wide, Operands operands);

  /// The float sums of each panel, row and register.
  Vals sums();

private:
  unsigned numSums() const { return panels * count * registers; }
  unsigned sumIndex(unsigned place, unsigned row, unsigned part) const {
    return (place * count + row) * registers + part;
  }
  /// What a block carries from chunk to chunk: of each panel, row and register
  /// the sum of products, that of the numbers of the scale and that of those of
  /// the offset times the activations; of each row the sum of those. Those that
  /// the format has.
  struct Totals {
    Vals products, lacking, shift, rows;
  };
  Totals zeros();
  Vals flat(const Totals &totals) const;
  Totals unflat(llvm::ArrayRef<Val> values) const;
  Vals block(Val index, Val chunkEnd, llvm::ArrayRef<Val> sums);
  void addChunk(Val chunk, Totals &totals);
  void addSegment(unsigned place, Val chunk, unsigned segment, Totals &totals);
  void addBlock(unsigned place, Val index, const Totals &totals, Vals &sums);

  KernelBuilder &k;
  WidePanel &wide;
  GroupPanel &panel;
  Operands operands;
  unsigned panels, count, registers;
};

} // namespace qc::kernels

#endif // QC_LIB_TARGET_KERNELS_WIDETILE_H
