//===- GroupPanel.h - A panel of weights in groups --------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reads the codes and factors of a packed panel (GroupPacking.h), and adds the
// sum of a segment to the floats of numerics/GroupSums.h.
//
//===----------------------------------------------------------------------===//

#ifndef QC_LIB_TARGET_KERNELS_GROUPPANEL_H
#define QC_LIB_TARGET_KERNELS_GROUPPANEL_H

#include "GroupUnit.h"

#include "qc/TargetInfo/GroupPacking.h"

namespace qc::kernels {

/// What a segment of the 16 columns of a panel is scaled with: f32, and zero
/// points in i32. Null where the format has none.
struct GroupFactors {
  Val zero, scale, offset;
};

/// Of a segment of a row: its scale, the sum of its bytes and what products
/// lack for GroupUnit::correction() in i32, and the product of sum and scale.
/// Null where they are not needed.
struct GroupRow {
  Val scale, total, lacking, scaled;
};

/// Where a panel has its codes and each factor region.
struct GroupPlace {
  Val codes;
  KernelBuilder::Vals regions;
  /// Where the reader goes on after the codes, if not behind them.
  std::optional<KernelBuilder::Jump> jump;
};

class GroupPanel {
public:
  using Vals = KernelBuilder::Vals;

  /// `spec` is in the order [K, N]. All must outlive it.
  GroupPanel(KernelBuilder &k, const numerics::DecodeSpec &spec,
             const numerics::GroupSums &sums);

  const numerics::GroupSums &sums() const { return groups; }
  bool hasZero() const { return spec.zeroPoint.has_value(); }
  bool hasOffset() const { return spec.offset.has_value(); }
  /// Bytes of the codes of a chunk.
  int64_t chunkBytes() const { return 64 * int64_t(spec.codeBits); }
  /// What the panel has beside its codes.
  llvm::ArrayRef<EncodedRegion> factorRegions() const {
    return llvm::ArrayRef(regions).drop_front();
  }

  /// Bytes of the codes of a panel of `depth` rows, and of a factor region.
  Val codesBytes(Val depth) const;
  Val regionBytes(const EncodedRegion &region, Val depth) const;
  /// The panel that lies `index` panels of `depth` rows after one.
  GroupPlace placeAfter(const GroupPlace &place, Val index, Val depth) const;
  /// Asks for codes that come after those of a chunk.
  void prefetchAhead(const GroupPlace &place, Val chunk);
  /// Register `part` of the codes of step `step` of a chunk, as bytes that
  /// GroupUnit multiplies.
  Val codes(Val chunk, unsigned step, unsigned part);
  /// What factor region `index` holds, from its address, for row `first` of
  /// `depth`, as loadPanelRow gives it.
  Val stored(unsigned index, Val address, Val first, Val depth);
  /// The factors of the segment that begins at `first` of `depth` rows, from
  /// the address of each factor region.
  GroupFactors factors(llvm::ArrayRef<Val> addresses, Val first, Val depth);
  /// The sum with register `part` of a segment added, `integers` being that of
  /// its products.
  Val add(Val sum, Val integers, const GroupFactors &factors, unsigned part,
          const GroupRow &row);
  /// What a segment with this scale and sum of bytes, of one or several chunks,
  /// needs.
  GroupRow row(Val scale, Val total);
  /// The same of segment `segment` of one chunk, from where that has its scale
  /// and the sums of its halves.
  GroupRow row(Val scale, Val halves, unsigned segment);

  /// The sum of bytes of that segment.
  Val total(Val halves, unsigned segment);

  GroupUnit unit;

private:
  KernelBuilder &k;
  const numerics::DecodeSpec &spec;
  const numerics::GroupSums &groups;
  std::vector<EncodedRegion> regions;
  numerics::Program program;
  std::vector<unsigned> planes;
};

} // namespace qc::kernels

#endif // QC_LIB_TARGET_KERNELS_GROUPPANEL_H
