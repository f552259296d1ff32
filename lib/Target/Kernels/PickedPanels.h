//===- PickedPanels.h - Sums with n of m weights ----------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What n of m weights have in common for integer and float activations: tiles
// of a few rows that walk along the blocks of a panel.
//
//===----------------------------------------------------------------------===//

#ifndef QC_LIB_TARGET_KERNELS_PICKEDPANELS_H
#define QC_LIB_TARGET_KERNELS_PICKEDPANELS_H

#include "SparsePanels.h"

namespace qc::kernels {

class PickedPanels : public SparsePanels {
public:
  using Vals = KernelBuilder::Vals;

  void begin(const Matrix &matrix) override;
  void sum(Val first, Val count, Val panel, Val width, Val to) override;

protected:
  /// Activations have `element` bytes; tiles read the panel's header from byte
  /// `headerAt` on.
  PickedPanels(KernelBuilder &k, const numerics::SparseFormat &format,
               int64_t element, int64_t headerAt);

  /// Emits a tile for each number of rows up to `most`, and one of one row and
  /// `width` panels.
  void emitTiles(unsigned most, unsigned width);
  /// The sums that a tile of `rows` rows begins with.
  virtual Vals start(unsigned rows, Val header) = 0;
  /// The sums after another block of weights; `x` is where the rows have its
  /// inputs.
  virtual Vals block(Val weights, llvm::ArrayRef<Val> x,
                     llvm::ArrayRef<Val> sums) = 0;
  /// Stores what has become of the sums: row r at to + 64 * r.
  virtual void finish(unsigned rows, llvm::ArrayRef<Val> sums, Val header,
                      Val to) = 0;

  KernelBuilder &k;
  SparseWeights layout;

private:
  /// The arguments of a tile.
  enum { X, XRow, W, Header, Depth, Out };
  void tileBody(unsigned rows, unsigned width, llvm::ArrayRef<Val> a);
  void callTile(Function tile, Val row, Val panel, Val to);
  /// Copies of the rows' last `rest` inputs, filled up to a block with zeros.
  Vals copyRest(llvm::ArrayRef<Val> x, Val rest);

  int64_t element, headerAt;
  Val panelBytes(Val depth) const;

  std::vector<Function> tiles;
  std::optional<Function> abreast;
  Matrix matrix;
  Val allPanels;
};

} // namespace qc::kernels

#endif // QC_LIB_TARGET_KERNELS_PICKEDPANELS_H
