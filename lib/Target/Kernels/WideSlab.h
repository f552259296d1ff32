//===- WideSlab.h - A slab for wide blocks ----------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The products of a block, times the whole numbers of their segments, are
// summed in integers; one step for each block scales them and adds them to the
// floats of numerics/WideSums.h.
//
//===----------------------------------------------------------------------===//

#ifndef QC_LIB_TARGET_KERNELS_WIDESLAB_H
#define QC_LIB_TARGET_KERNELS_WIDESLAB_H

#include "GroupSlab.h"
#include "WidePanel.h"

namespace qc::kernels {

class WideSlab : public GroupSlab {
public:
  /// The panel must outlive it.
  WideSlab(KernelBuilder &k, WidePanel &wide);

private:
  void unpackBody(llvm::ArrayRef<Val> arguments) override;
  void packRow(llvm::ArrayRef<Val> arguments, Val r, Val skipped) override;
  void multiplyBody(llvm::ArrayRef<Val> arguments, unsigned panels) override;
  void unpackChunk(llvm::ArrayRef<Val> arguments, Val chunk, Val to);
  void unpackBlock(llvm::ArrayRef<Val> arguments, Val first, Val to);
  /// Slabs of panels, a tile of rows and the sums of the first panel.
  struct Operands {
    Val slabs, tile, sums, stride;
    unsigned panels;
    /// Sums of a step: of each row, panel and register.
    unsigned count;
  };
  void multiplyBlock(const Operands &all, Val block, Val totals);
  /// The sums of products of `longest` chunks, each on top of one of `first` if
  /// there are any: calls `add` with its number, once or for several parts.
  void addChunks(const Operands &all, Val chunk, llvm::ArrayRef<Val> first,
                 llvm::function_ref<void(unsigned, Val)> add);
  /// Sums the products of a block into memory: of some rows, the sums of both
  /// halves of a chunk joined, or where registers hold all totals, or where
  /// they do not.
  void sumJoined(const Operands &all, int64_t firstRow, Val chunk, Val totals);
  void sumInRegisters(const Operands &all, Val chunk, Val totals);
  void sumInMemory(const Operands &all, Val chunk, Val totals);
  /// Of one row and panel.
  void finishRow(Val factors, Val terms, Val sums, Val totals);
  /// The sum over pairs of segments of `count` vectors at `factors` times the
  /// pairs of the row, on top of `sum`.
  Val addSegments(Val sum, Val factors, llvm::ArrayRef<Val> pairs,
                  unsigned part);

  /// The sums of segments are multiplied by the whole numbers.
  bool scales() const { return wide.hasFactor() && !wide.folds(); }
  /// The sums of both halves of a chunk are joined to meet a pair of whole
  /// numbers, for so many rows at a time.
  bool joins() const;
  int64_t joinedRows() const { return rows / 2; }
  /// Products are added to the totals one by one.
  bool chains() const { return panel.unit.chains() && !scales(); }
  bool hasPairs() const {
    return wide.hasCorrection() || wide.hasOffsetFactor();
  }
  int64_t blocks() const { return chunks / wide.chunks(); }

  WidePanel &wide;
  /// Pairs of segments in a block, and chunks whose sums stay in registers.
  int64_t pairs, longest;
  /// Bytes of a chunk of the slab; where a block has what it subtracts and its
  /// offset's numbers behind the scales, and its bytes; bytes of a row's terms.
  int64_t chunkBytes, correctionAt, offsetAt, blockBytes, termBytes;
};

} // namespace qc::kernels

#endif // QC_LIB_TARGET_KERNELS_WIDESLAB_H
