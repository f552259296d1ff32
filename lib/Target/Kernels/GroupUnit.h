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
  /// The same where sums in floats are in memory, and the panels that share a
  /// load of their activations.
  unsigned slabRows() const;
  unsigned slabPanels() const;
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
    /// What the sum is multiplied by, a factor() of this register; null for 1.
    Val factor = {};
  };
  void multiplyAdd(Sum &sum, Val weights, Val activation);
  /// Whether products are added to `wide` one by one, so that it may begin with
  /// what they are to be added to.
  bool chains() const { return kind == Kind::Dot || kind == Kind::Sdot; }
  /// Whole numbers of 9 bits in i32 lanes as a factor of sums. It costs nothing
  /// where pairs in i16 are summed by a product.
  Val factor(Val integers);
  /// Steps after which a sum should go to memory, for lack of registers.
  unsigned longestSteps() const;

  /// Where weights and activations are unpacked for many products they may be
  /// taken apart first: into the even and the odd bytes as words.
  unsigned halves() const { return kind == Kind::MaddSigned ? 2 : 1; }
  Val half(Val bytes, unsigned index);
  /// Whether the products of codes and factors in [least, largest] can take the
  /// place of codes where they are unpacked; and a half of codes times a
  /// factor() of its register.
  bool folds(int32_t least, int32_t largest) const;
  Val scaleHalf(Val codes, Val factor);
  /// The products of one such half.
  void multiplyAddHalf(Sum &sum, Val weights, Val activation);

  /// The sum as i32 lanes.
  Val finish(Sum sum);

  /// i32 lanes that hold two words, the first in the low half; both fit i16.
  Val pairWords(Val first, Val second);
  /// The same at less cost where begin() was called, if the sums of so many
  /// steps are known to fit and addPairs() is one instruction.
  bool joinsSums(unsigned steps) const;
  Val joinSums(Val first, Val second);
  /// Adds the products of both words of `a` with those of `b`, of which each
  /// lane is the same, to i32 lanes. Null is 0.
  Val addPairs(Val sum, Val a, Val b);
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
  unsigned width = 4, bits;
  /// Products whose sums in pairs fit 16 bits.
  unsigned narrowSteps = 1;
  Val table, ones, lowWords;
};

} // namespace qc::kernels

#endif // QC_LIB_TARGET_KERNELS_GROUPUNIT_H
