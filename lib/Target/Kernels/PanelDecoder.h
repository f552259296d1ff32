//===- PanelDecoder.h - Encoded weights to floats ---------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Writes the code that decodes a stretch of K of one panel of encoded weights
// (EncodedPacking.h) into f32. The arithmetic is the spec's valueProgram, so
// the values are those of numerics::decode bit for bit.
//
//===----------------------------------------------------------------------===//

#ifndef QC_LIB_TARGET_KERNELS_PANELDECODER_H
#define QC_LIB_TARGET_KERNELS_PANELDECODER_H

#include "qc/Target/Kernels/KernelBuilder.h"
#include "qc/TargetInfo/EncodedPacking.h"

namespace qc::kernels {

/// A row of the 16 stored elements of a panel: f32, or integers extended to
/// i32 lanes.
Val loadPanelRow(KernelBuilder &k, numerics::ElementKind kind, Val pointer);

class PanelDecoder {
public:
  /// `spec` is in the order [K, N].
  PanelDecoder(KernelBuilder &kernel, const numerics::DecodeSpec &spec);

  /// Elements of K that decode() takes at most, from a multiple of it on.
  int64_t slab() const { return slabK; }
  /// Sets the buffer of a group with `k` rows and `panels` panels.
  void setWeights(Val weights, Val k, Val panels);
  /// Decodes k in [begin, end) of panel `panel` to f32 [end - begin][16].
  void decode(Val panel, Val begin, Val end, Val to);

private:
  void decodeSegment(Val panel, Val begin, Val end, Val to);
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
