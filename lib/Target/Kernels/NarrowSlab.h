//===- NarrowSlab.h - A slab for blocks of 32 -------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The sum of each segment is scaled and added to the floats of
// numerics/GroupSums.h.
//
//===----------------------------------------------------------------------===//

#ifndef QC_LIB_TARGET_KERNELS_NARROWSLAB_H
#define QC_LIB_TARGET_KERNELS_NARROWSLAB_H

#include "GroupSlab.h"

namespace qc::kernels {

class NarrowSlab : public GroupSlab {
public:
  NarrowSlab(KernelBuilder &k, GroupPanel &panel);

private:
  void unpackBody(llvm::ArrayRef<Val> arguments) override;
  void packRow(llvm::ArrayRef<Val> arguments, Val r, Val skipped) override;
  void multiplyBody(llvm::ArrayRef<Val> arguments, unsigned panels) override;
  /// Segment `segment` of a chunk of `panels` panels with the bytes of the rows
  /// of a tile and what else belongs to them, to the sums of each panel.
  void segment(Val weights, unsigned panels, Val bytes, Val terms,
               unsigned segment, Val sums, Val stride);
  /// The factors of the segment of a chunk of one panel.
  GroupFactors factors(Val weights, unsigned segment);
  /// Where a chunk of a slab has the factors of a segment.
  int64_t factorsAt(unsigned segment) const;
  /// Calls `place` for each value of `row` that is used, with where a tile has
  /// those of the first row and chunk for this segment.
  void placeRow(GroupRow &row, unsigned segment,
                llvm::function_ref<void(Val &, mlir::Type, int64_t)> place);

  /// Bytes of a chunk.
  int64_t weightBytes;
};

} // namespace qc::kernels

#endif // QC_LIB_TARGET_KERNELS_NARROWSLAB_H
