//===- RowWalk.h - Rows in the fixed order of reduction ---------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Walks a row of f32 in steps of 16 elements whatever the vectors of the level
// are, and reduces it in the order of numerics/Reduce.h. A short tail is read
// filled up with the identity of the reduction.
//
//===----------------------------------------------------------------------===//

#ifndef QC_LIB_TARGET_KERNELS_ROWWALK_H
#define QC_LIB_TARGET_KERNELS_ROWWALK_H

#include "Parts.h"

namespace qc::kernels {

/// The rest of a row; empty for 16 whole elements.
struct Tail {
  Val count, mask;
  explicit operator bool() const { return static_cast<bool>(count); }
};

class RowWalk {
public:
  static constexpr unsigned width = 16;
  using Term = llvm::function_ref<Val(Val, Tail)>;
  using Combine = llvm::function_ref<Val(Val, Val)>;

  RowWalk(KernelBuilder &k, Val columns);

  /// Runs the body for each 16 elements from index i on.
  void each(llvm::function_ref<void(Val, Tail)> body);
  /// The reduction of term(i, tail), whose lanes beyond a tail must be the
  /// identity (see keep).
  Val reduce(double identity, Term term, Combine combine);
  Val sum(Term term);

  /// 16 elements; beyond a tail they are zero and memory is not touched.
  Val load(Val pointer, Tail tail);
  void store(Val v, Val pointer, Tail tail);
  /// v, with `identity` in the lanes beyond a tail.
  Val keep(Val v, Tail tail, double identity);

private:
  Tail makeTail();
  /// Copies `count` floats one by one.
  void copy(Val from, Val to, Val count);

  KernelBuilder &k;
  Val columns, whole, buffer;
};

/// softmax (numerics::softmaxRow), or its logarithm, of the walk's row of
/// input(i, tail); y may be where the input reads.
void softmaxRow(KernelBuilder &k, RowWalk &walk, RowWalk::Term input, Val y,
                bool isLog = false);

/// Writes the codes of a row of f32, i8 or u8 around 128, and gives their
/// scale, that of its largest magnitude.
Val quantizeRow(KernelBuilder &k, ElementType type, Val x, Val y, Val columns);

} // namespace qc::kernels

#endif // QC_LIB_TARGET_KERNELS_ROWWALK_H
