//===- LaneTiles.h - Products with rows as lanes ----------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// For weights in blocks of 16 columns, whose steps of 4 inputs gather rows of a
// turned matrix. A register has 4 inputs of each of 16 rows and meets the 4
// weights of one column, in every lane. Of one panel so R registers of rows and
// C columns take R + C loads for R * C products, where rows that are broadcast
// take R + 1 for R.
//
//===----------------------------------------------------------------------===//

#ifndef QC_LIB_TARGET_KERNELS_LANETILES_H
#define QC_LIB_TARGET_KERNELS_LANETILES_H

#include "qc/Target/Kernels/KernelBuilder.h"

namespace qc::kernels {

/// Weaves the bytes or words of a and b within each 16 bytes: those of the low
/// or of the high halves.
Val weave(KernelBuilder &k, Val a, Val b, bool high);

/// Input `i` of the 4 of a step, from the numbers of all steps (u16).
Val blockInput(KernelBuilder &k, Val numbers, Val step, unsigned i);

/// The 4 inputs of a step of as many rows as a register has bytes, from turned
/// ones, [inputs][stride]: four registers, of which the i-th has in each of its
/// 16 bytes the inputs of rows 4 * i ... 4 * i + 3 of the 16 there.
KernelBuilder::Vals wovenRows(KernelBuilder &k, Val turned, int64_t stride,
                              Val numbers, Val step);

class LaneTiles {
public:
  /// Rows of a block.
  static constexpr int64_t rows = 64;
  /// True where the level multiplies u8 by i8 so.
  static bool has(const CpuLevel &level, llvm::StringRef x) {
    return level.dot == DotUnit::VpDpBusd && level.vectorBits == 512 &&
           x == "u8";
  }

  /// Emits the tiles; at the start of the kernel.
  explicit LaneTiles(KernelBuilder &k);

  struct Call {
    /// u8 [inputs][rows], the rows of weaving one after the other in registers
    /// (row 16 * q + 4 * g + t at 16 * g + 4 * q + t); and the inputs of steps.
    Val turned, numbers;
    /// Room for what they gather, [steps][rows][4].
    Val gathered;
    /// i8 [steps][16 columns][4].
    Val weights, steps;
    /// i32 [rows / 16][16 columns][16 rows], to which the products are added.
    Val sums;
    /// The weights that are asked for meanwhile.
    Val next;
  };
  void add(const Call &call, Val count);
  /// The sums of `count` rows as [rows][16 columns].
  void turn(Val count, Val sums);

private:
  void tile(unsigned registers, const Call &call);
  /// Adds the products with columns of which the first is `column`; `rowsAt`
  /// gives the registers of a step.
  void addColumns(unsigned registers, const Call &call, Val column,
                  llvm::function_ref<KernelBuilder::Vals(Val)> rowsAt);

  KernelBuilder &k;
  llvm::SmallVector<Function> tiles;
};

} // namespace qc::kernels

#endif // QC_LIB_TARGET_KERNELS_LANETILES_H
