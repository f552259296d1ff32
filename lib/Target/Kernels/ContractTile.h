//===- ContractTile.h - The register tile of contract -----------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The functions that sum one tile, rows x panels of 16 columns, over K. They
// are kept apart from the epilogue: their sums go through a small buffer of
// the caller, so that the code of an activation exists once in a kernel.
//
//===----------------------------------------------------------------------===//

#ifndef QC_LIB_TARGET_KERNELS_CONTRACTTILE_H
#define QC_LIB_TARGET_KERNELS_CONTRACTTILE_H

#include "MatrixTile.h"
#include "ProductUnit.h"

namespace qc::kernels {

class ContractTiles {
public:
  /// Writes the functions of every tile size that `unit` has. With
  /// `accumulate` sums go on from those in the buffer. The functions' names
  /// start with `name`.
  ContractTiles(KernelBuilder &kernel, ProductUnit &unit, bool accumulate,
                llvm::StringRef name = "tile");

  /// What a tile reads; all values of the caller's function.
  struct Call {
    /// Addresses of the rows of x, `rows` (1 to maxRows) of them.
    Val rowTable, rows;
    /// The first panel, how many (1 to maxPanels), and their distance in bytes.
    Val weights, panels, panelBytes;
    /// i64[5]: kernel_h, x_kernel_h, kernel_w, x_kernel_w, run; the strides in
    /// elements.
    Val shape;
    /// Added to the address of every row: where the shape begins.
    Val offset;
    /// 32-bit sums: row r, column c at 4 * (r * columns() + c).
    Val sums;
  };
  void call(const Call &tile);
  /// Around all calls of a kernel.
  void enter();
  void leave();

  /// Cuts `count` rows into tiles of nearly equal size, or as large as there
  /// are where a tile costs the same with fewer rows: calls the body with the
  /// first row and the rows of each.
  void forRows(Val count, llvm::function_ref<void(Val, Val)> body);

  unsigned columns() const { return 16 * unit.maxPanels; }
  int64_t sumBytes() const { return int64_t(unit.maxRows) * columns() * 4; }

private:
  Function emitTile(llvm::StringRef name, unsigned rows, unsigned panels);
  void emitBody(unsigned rows, unsigned panels, llvm::ArrayRef<Val> arguments);
  void callFunction(const Call &tile);

  KernelBuilder &k;
  ProductUnit &unit;
  bool accumulate;
  /// By rows and panels, of which there are up to these.
  std::vector<Function> functions;
  unsigned maxRows, maxPanels;
  /// For a unit of tile registers; the functions then take few rows.
  std::optional<MatrixTile> matrix;
};

} // namespace qc::kernels

#endif // QC_LIB_TARGET_KERNELS_CONTRACTTILE_H
