//===- GroupSlab.h - Weights in groups for many rows ------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// With many rows of activations the work on weights is done once: a slab, some
// chunks of a panel, is unpacked to bytes and floats in the first-level cache,
// and meets all rows, a tile of them at a time. The rows are packed too, so
// that a tile reads one stretch of memory, and are so for several panels.
// Between slabs the sums of the rows are in memory. What is in a slab beside
// the codes and how sums become floats is up to NarrowSlab and WideSlab.
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
  virtual ~GroupSlab() = default;

  /// Rows of a tile, and panels that it may be multiplied with at once.
  int64_t tileRows() const { return rows; }
  int64_t tilePanels() const { return multiplyFunctions.size(); }
  /// Tiles from which on a slab is worth its unpacking.
  int64_t fewestTiles() const { return 1 + halves; }
  /// Bytes of an unpacked slab, and of a tile of packed rows.
  int64_t bytes() const { return slabBytes; }
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
  /// Adds `count` chunks of the slabs of `panels` panels, one behind the other,
  /// and packed rows to sums f32 [tileRows()][16] of each, `stride` bytes
  /// apart.
  void multiply(Val slabs, Val panels, Val packedRows, Val count, Val sums,
                Val stride);

protected:
  /// Steps of 4 along K in a chunk.
  static constexpr int64_t chunkSteps = groupChunk / 4;
  /// The bodies of the three functions, with their arguments.
  enum {
    UnpackCodes,
    UnpackTo,
    UnpackFirst,
    UnpackLast,
    UnpackDepth,
    NumUnpack
  };
  enum {
    PackX,
    PackScales,
    PackSums,
    PackTo,
    PackStride,
    PackValid,
    PackCount
  };
  enum { Slabs, Tile, Sums, Stride, Count };
  virtual void unpackBody(llvm::ArrayRef<Val> arguments) = 0;
  /// Packs what belongs to row `r`, `skipped` bytes behind the first.
  virtual void packRow(llvm::ArrayRef<Val> arguments, Val r, Val skipped) = 0;
  virtual void multiplyBody(llvm::ArrayRef<Val> arguments, unsigned panels) = 0;

  /// Unpacks steps [first, last) of a chunk's codes, times a factor of the 16
  /// columns where one is given and there are halves.
  void unpackSteps(Val codes, unsigned first, unsigned last, Val factor,
                   Val to);
  /// Packs `count` chunks of a row's bytes.
  void packBytes(Val x, Val count, Val to);
  /// Adds the products of steps [first, last) of a chunk of `panels` panels
  /// with the bytes of the rows of a tile to the sums of each row, panel and
  /// register.
  void products(Val codes, unsigned panels, Val bytes, unsigned first,
                unsigned last, llvm::MutableArrayRef<GroupUnit::Sum> sums);

  KernelBuilder &k;
  GroupPanel &panel;
  int64_t rows, segments, halves, codeBytes, rowBytes;
  /// Set by who derives from this.
  int64_t slabBytes = 0, tileBytes = 0;

private:
  Function unpackFunction, packFunction;
  /// For one panel and up to tilePanels().
  llvm::SmallVector<Function> multiplyFunctions;
};

} // namespace qc::kernels

#endif // QC_LIB_TARGET_KERNELS_GROUPSLAB_H
