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
  /// The same where sums in floats are in memory.
  unsigned slabRows() const;
  /// What a step of the sum still lacks, times the activations' sum.
  int32_t correction() const;

  /// Called at the start of a function: constants that it keeps.
  void begin();
  /// Codes as bytes, ready to be multiplied.
  Val prepare(Val codes);
  /// Four bytes of a row for all columns.
  Val activation(Val pointer);
  /// A sum in the making; none yet where null.
  struct Sum {
    /// i32 lanes, and pairs in i16 that `steps` products have gone into.
    Val wide, narrow;
    unsigned steps = 0;
  };
  void multiplyAdd(Sum &sum, Val weights, Val activation);

  /// Where weights and activations are unpacked for many products they may be
  /// taken apart first: into the even and the odd bytes as words.
  unsigned halves() const { return kind == Kind::MaddSigned ? 2 : 1; }
  Val half(Val bytes, unsigned index);
  /// The products of one such half.
  void multiplyAddHalf(Sum &sum, Val weights, Val activation);

  /// The sum as i32 lanes.
  Val finish(Sum sum);
  mlir::Type bytes() { return k.vec(k.i8(), 4 * width); }

private:
  /// Instructions that a level has for this.
  enum class Kind { Dot, Sdot, Madd, MaddSigned, Generic };
  Val lookup(Val codes);
  void addWords(Sum &sum, Val a, Val b);
  void widen(Sum &sum);

  KernelBuilder &k;
  const numerics::GroupSums &sums;
  Kind kind = Kind::Generic;
  unsigned width = 4;
  /// Products whose sums in pairs fit 16 bits.
  unsigned narrowSteps = 1;
  Val table, ones;
};

} // namespace qc::kernels

#endif // QC_LIB_TARGET_KERNELS_GROUPUNIT_H
