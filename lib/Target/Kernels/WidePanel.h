//===- WidePanel.h - A panel that meets wide blocks -------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a packed panel (GroupPacking.h) has for the sums of numerics/WideSums.h:
// scales of blocks, and whole numbers of the segments in them.
//
//===----------------------------------------------------------------------===//

#ifndef QC_LIB_TARGET_KERNELS_WIDEPANEL_H
#define QC_LIB_TARGET_KERNELS_WIDEPANEL_H

#include "GroupPanel.h"

#include "qc/Numerics/WideSums.h"

namespace qc::kernels {

/// Of a segment, i32 of the 16 columns: the whole numbers of its scale and of
/// its offset. Null where there are none.
struct WideFactors {
  Val scale, offset;
};

class WidePanel {
public:
  using Vals = KernelBuilder::Vals;

  /// `panel` is of `wide.roots`; all must outlive it.
  WidePanel(KernelBuilder &k, GroupPanel &panel,
            const numerics::WideSums &wide);

  bool hasFactor() const { return wide.factors.scale.has_value(); }
  bool hasOffsetFactor() const { return wide.factors.offset.has_value(); }
  /// The sums of activations by segments count for what the products lack.
  bool hasCorrection() const {
    return hasFactor() && panel.unit.correction() != 0;
  }
  /// The sum of a whole block of activations counts.
  bool hasTotal() const;
  /// Codes are multiplied by the whole numbers where they are unpacked.
  bool folds() const {
    return hasFactor() &&
           panel.unit.folds(wide.scaleNumbers.least, wide.scaleNumbers.largest);
  }
  int64_t width() const { return wide.width; }
  int64_t chunks() const { return wide.width / groupChunk; }
  int64_t segments() const { return wide.width / panel.sums().segment; }

  /// The numbers of the segment that begins at `first` of `depth` rows, from
  /// the address of each factor region.
  WideFactors factors(llvm::ArrayRef<Val> addresses, Val first, Val depth);

  /// Of a block of a row: its scale, and the sum of its bytes if hasTotal().
  struct Row {
    Val scale, total;
  };
  /// The float sum with register `part` of a block added. `products` are the
  /// sum of its products times their factors (less what hasCorrection() tells),
  /// `shift` that of the activations times those of the offset, if there are.
  Val add(Val sum, Val products, Val shift, const GroupFactors &roots,
          unsigned part, const Row &row);

  GroupPanel &panel;

private:
  KernelBuilder &k;
  const numerics::WideSums &wide;
};

} // namespace qc::kernels

#endif // QC_LIB_TARGET_KERNELS_WIDEPANEL_H
