//===- GroupSlab.h - Weights in groups for many rows ------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// With many rows of activations the work on weights is done once: a slab, some
// chunks of a panel, is unpacked to bytes and floats in the first-level cache,
// and meets all rows, a tile of them at a time. The rows are packed too, so
// that a tile reads one stretch of memory, and are so for several panels.
// Between slabs the sums of the rows are in memory.
//
//===----------------------------------------------------------------------===//

#ifndef QC_LIB_TARGET_KERNELS_GROUPSLAB_H
#define QC_LIB_TARGET_KERNELS_GROUPSLAB_H

#include "GroupPanel.h"

namespace qc::kernels {

class GroupSlab {
public:
  /// Chunks of a slab.
  static constexpr int64_t chunks = 8;

  /// The panel must outlive it.
  GroupSlab(KernelBuilder &k, GroupPanel &panel);

  /// Rows of a tile.
  int64_t tileRows() const { return rows; }
  /// Tiles from which on a slab is worth its unpacking.
  int64_t fewestTiles() const { return 1 + halves; }
  /// Bytes of an unpacked slab, and of a tile of packed rows.
  int64_t bytes() const { return chunks * weightBytes; }
  int64_t packedBytes() const { return tileBytes; }

  /// Writes the functions behind those below into the module.
  void emit();
  /// Unpacks chunks [first, last) of a panel with `depth` rows: its codes, and
  /// the address of each factor region.
  void unpack(Val codes, llvm::ArrayRef<Val> regions, Val first, Val last,
              Val depth, Val to);

  /// Rows of activations from a slab's first chunk on: bytes `stride` apart,
  /// scales and sums of bytes likewise.
  struct Rows {
    Val x, scales, sums, stride;
  };
  /// Packs `count` chunks of a tile, of which `valid` rows are there.
  void packRows(const Rows &rows, Val valid, Val count, Val to);
  /// Adds `count` chunks of a slab and packed rows to sums f32
  /// [tileRows()][16].
  void multiply(Val slab, Val packedRows, Val count, Val sums);

private:
  void unpackBody(llvm::ArrayRef<Val> arguments);
  void packBody(llvm::ArrayRef<Val> arguments);
  void multiplyBody(llvm::ArrayRef<Val> arguments);
  void segment(Val weights, Val bytes, Val terms, unsigned segment, Val sums);
  /// Where a chunk of a slab has the factors of a segment.
  int64_t factorsAt(unsigned segment) const;
  /// Calls `place` for each value of `row` that is used, with where a tile has
  /// those of the first row and chunk for this segment.
  void placeRow(GroupRow &row, unsigned segment,
                llvm::function_ref<void(Val &, mlir::Type, int64_t)> place);
  void packRow(llvm::ArrayRef<Val> arguments, Val r);

  KernelBuilder &k;
  GroupPanel &panel;
  int64_t rows, segments, halves, codeBytes, weightBytes, rowBytes, tileBytes;
  Function unpackFunction, packFunction, multiplyFunction;
};

} // namespace qc::kernels

#endif // QC_LIB_TARGET_KERNELS_GROUPSLAB_H
