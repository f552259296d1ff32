//===- SparseUnit.h - Products of picked activations ------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Multiplies 4 kept weights of each of 16 columns with the bytes of a row that
// belong to them: not the weights are spread out, the activations are picked.
// Sums are exact; they lack `correction` times 128 times the sum of the
// weights.
//
//===----------------------------------------------------------------------===//

#ifndef QC_LIB_TARGET_KERNELS_SPARSEUNIT_H
#define QC_LIB_TARGET_KERNELS_SPARSEUNIT_H

#include "qc/Target/Kernels/KernelBuilder.h"

namespace qc::kernels {

class SparseUnit {
public:
  /// For rows of u8 or i8.
  SparseUnit(KernelBuilder &k, bool signedX);

  /// i32 lanes of a register, and registers of a panel.
  unsigned lanes() const { return width; }
  unsigned registers() const { return 16 / width; }
  mlir::Type bytes() { return k.vec(k.i8(), 4 * width); }
  /// Rows whose sums fit the registers.
  unsigned maxRows() const;
  int correction() const;

  /// Called at the start of a function: constants that it keeps.
  void begin();
  /// 16 bytes of a row to pick from.
  Val table(Val pointer);
  /// Of each byte the element `first[i % 4] + position`, a position being below
  /// `of`.
  Val pick(Val table, Val positions, llvm::ArrayRef<int64_t> first, int64_t of);
  Val multiplyAdd(Val sum, Val activations, Val weights);

private:
  /// Instructions that a level has for this. MaddSigned multiplies magnitudes,
  /// MaddHalves the even and the odd bytes one after the other: no pair of
  /// either leaves 16 bits.
  enum class Kind { Dot, Sdot, MaddSigned, MaddHalves, Generic };
  /// Products of bytes of a and b summed in pairs, those summed in pairs again.
  Val maddPairs(Val a, Val b);

  KernelBuilder &k;
  bool signedX;
  Kind kind = Kind::Generic;
  unsigned width = 4;
  Val ones;
};

} // namespace qc::kernels

#endif // QC_LIB_TARGET_KERNELS_SPARSEUNIT_H
