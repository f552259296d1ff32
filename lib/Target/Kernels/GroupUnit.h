//===- GroupUnit.h - Integer products of packed codes -----------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Multiplies 16 columns of weight codes, 4 neighbours of K each, with 4 bytes
// of a row of activations, as a level does it best. Sums are exact; they lack
// `correction` times the sum of the activations.
//
//===----------------------------------------------------------------------===//

#ifndef QC_LIB_TARGET_KERNELS_GROUPUNIT_H
#define QC_LIB_TARGET_KERNELS_GROUPUNIT_H

#include "qc/Numerics/GroupSums.h"
#include "qc/Target/Kernels/KernelBuilder.h"

namespace qc::kernels {

class GroupUnit {
public:
  /// For codes of `bits` bits. The builder must outlive it.
  GroupUnit(KernelBuilder &k, const numerics::GroupSums &sums, unsigned bits);

  /// i32 lanes of a register, and registers of a panel.
  unsigned lanes() const { return width; }
  unsigned registers() const { return 16 / width; }
  /// Rows whose sums fit the registers.
  unsigned maxRows() const;
  /// What a step of the sum still lacks, times the activations' sum.
  int32_t correction() const;

  /// Called at the start of a function: constants that it keeps.
  void begin();
  /// Codes as bytes, ready to be multiplied.
  Val prepare(Val codes);
  /// Four bytes of a row for all columns.
  Val activation(Val pointer);
  /// The start of a sum.
  Val zero();
  Val multiplyAdd(Val sum, Val weights, Val activation);
  /// A sum as i32 lanes.
  Val finish(Val sum);
  mlir::Type bytes() { return k.vec(k.i8(), 4 * width); }

private:
  /// Instructions that a level has for this.
  enum class Kind { Dot, Sdot, MaddNarrow, MaddWide, MaddSigned, Generic };
  Val lookup(Val codes);
  Val words(Val a, Val b);

  KernelBuilder &k;
  const numerics::GroupSums &sums;
  Kind kind = Kind::Generic;
  unsigned width = 4;
  Val table, ones;
};

} // namespace qc::kernels

#endif // QC_LIB_TARGET_KERNELS_GROUPUNIT_H
