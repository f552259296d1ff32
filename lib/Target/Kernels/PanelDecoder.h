//===- PanelDecoder.h - Encoded weights to floats ---------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Writes the code that decodes a stretch of K of one panel of encoded weights
// (EncodedPacking.h) into f32, in memory or on the way into the sums of one
// row. The arithmetic is the spec's valueProgram, so the values are those of
// numerics::decode bit for bit.
//
//===----------------------------------------------------------------------===//

#ifndef QC_LIB_TARGET_KERNELS_PANELDECODER_H
#define QC_LIB_TARGET_KERNELS_PANELDECODER_H

#include "ProductUnit.h"
#include "qc/TargetInfo/EncodedPacking.h"

namespace qc::kernels {

/// A row of the 16 stored elements of a panel: f32, or integers extended to
/// i32 lanes.
Val loadPanelRow(KernelBuilder &k, numerics::ElementKind kind, Val pointer);

class PanelDecoder {
public:
  /// `spec` is in the order [K, N].
  PanelDecoder(KernelBuilder &kernel, const numerics::DecodeSpec &spec);

  /// Elements of K that decode() and addRow() take at most, from a multiple of
  /// it on.
  int64_t slab() const { return slabK; }
  /// Sets the buffer of a group with `k` rows and `panels` panels.
  void setWeights(Val weights, Val k, Val panels);
  /// Decodes k in [begin, end) of panel `panel` to f32 [end - begin][16].
  void decode(Val panel, Val begin, Val end, Val to);
  /// Adds the products of the floats at `row` with k in [begin, end) of
  /// `count` panels from `panel` on, in the order of k, to the sums at `to`,
  /// f32 [count][16].
  void addRow(Val row, Val panel, unsigned count, Val begin, Val end, Val to,
              ProductUnit &unit);

private:
  using Vals = KernelBuilder::Vals;

  /// What [begin, end) has of segment `index`.
  std::pair<Val, Val> segment(Val index, Val begin, Val end) const;
  /// What a program takes for a segment: nothing yet for the codes.
  Vals factors(Val panel, Val begin);
  /// 16 floats from where their codes are.
  Val values(llvm::ArrayRef<Val> factors, Val codes);
  Val rowAddress(unsigned region, Val panel, Val row);
  numerics::Program makeProgram(const numerics::DecodeSpec &spec) const;

  KernelBuilder &k;
  numerics::Program program;
  std::vector<EncodedRegion> regions;
  int64_t slabK, segmentK;
  std::vector<Val> starts, rowCounts;
};

} // namespace qc::kernels

#endif // QC_LIB_TARGET_KERNELS_PANELDECODER_H
