//===- SlabTiles.h - Products of rows with slabs of weights -----*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Adds to the sums of rows what a slab of one panel of bytes gives, by the
// register tiles of contract.
//
//===----------------------------------------------------------------------===//

#ifndef QC_LIB_TARGET_KERNELS_SLABTILES_H
#define QC_LIB_TARGET_KERNELS_SLABTILES_H

#include "ContractTile.h"

namespace qc::kernels {

class SlabTiles {
public:
  /// For rows of type `x` as they are. Null and an error where the level has no
  /// such product.
  static std::unique_ptr<SlabTiles> create(KernelBuilder &k, llvm::StringRef x,
                                           std::string &error);
  /// The same for rows whose steps of 4 lie between those of `stepRows` others.
  /// Their elements and the weights are words where the level multiplies words.
  static std::unique_ptr<SlabTiles>
  createWoven(KernelBuilder &k, llvm::StringRef x, unsigned stepRows);
  /// Bytes of an element of a woven row and of a weight.
  unsigned elementBytes() const { return unit->panelStepBytes / 64; }

  /// Memory for up to `rows` rows; at the start of the kernel.
  void begin(int64_t rows);
  /// Sets the addresses of `count` rows.
  void setRows(Val count, llvm::function_ref<Val(Val)> address);
  /// Adds the products of `inputs` inputs at byte `offset` of each row with the
  /// weights; the sums of row r at sums + 64 * r.
  void add(Val weights, Val offset, Val inputs, Val sums);

private:
  SlabTiles(KernelBuilder &k, std::unique_ptr<ProductUnit> product,
            llvm::StringRef name);

  KernelBuilder &k;
  std::unique_ptr<ProductUnit> unit;
  std::unique_ptr<ContractTiles> tiles;
  Val table, shape, rowCount;
};

} // namespace qc::kernels

#endif // QC_LIB_TARGET_KERNELS_SLABTILES_H
