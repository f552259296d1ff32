//===- EncodedPacking.h - Encoded weights as kernels read them --*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The layout of encoded weights of a `contract` kernel. The buffer of a group
// holds one region a component, in the order of numerics::components. A region
// holds, for each panel of 16 columns and each group along K (for the codes:
// each k), the 16 elements of the columns, packed as numerics::packRow does:
// 2 * bits bytes. A scale shared by several columns is repeated for each.
// Columns beyond N are 0.
//
//===----------------------------------------------------------------------===//

#ifndef QC_TARGETINFO_ENCODEDPACKING_H
#define QC_TARGETINFO_ENCODEDPACKING_H

#include "qc/Numerics/Decode.h"

namespace qc {

/// One component in a group's buffer.
struct EncodedRegion {
  numerics::ElementKind kind;
  /// Elements along K that share one; 0 is all of K.
  int64_t groupK;

  /// Bytes of the 16 elements of a panel.
  int64_t rowBytes() const { return 2 * numerics::bitWidth(kind); }
  int64_t rows(int64_t k) const {
    return groupK ? (k + groupK - 1) / groupK : 1;
  }
};

/// The encoding of [K, N] weights as a kernel is generated for it; `transposed`
/// is for a spec of weights stored [N, K].
numerics::DecodeSpec contractSpec(const numerics::DecodeSpec &spec,
                                  bool transposed);

/// The regions of a spec in the order [K, N].
std::vector<EncodedRegion> encodedRegions(const numerics::DecodeSpec &spec);

/// Bytes that a panel of k rows takes in each region. A region is its panels
/// one after the other.
std::vector<int64_t> encodedPanelBytes(const numerics::DecodeSpec &spec,
                                       int64_t k);

/// Bytes of the weights of one group with k rows and n columns.
int64_t encodedGroupBytes(const numerics::DecodeSpec &spec, int64_t k,
                          int64_t n);

/// Packs the components of an encoded [k, groups * n] tensor, or with
/// `transposed` of a [groups * n, k] tensor, whose spec is `spec` as stored.
/// `data` must verify against it. The result has groups * encodedGroupBytes.
void packEncoded(const numerics::DecodeSpec &spec, bool transposed, int64_t k,
                 int64_t n, int64_t groups,
                 std::span<const numerics::ComponentData> data,
                 std::span<uint8_t> packed);

} // namespace qc

#endif // QC_TARGETINFO_ENCODEDPACKING_H
