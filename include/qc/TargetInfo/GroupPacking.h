//===- GroupPacking.h - Weights of grouped integer sums ---------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The layout of [K, N] weights that a `group_contract` kernel reads: the codes,
// then one region for each other component as in EncodedPacking.h.
//
// Codes lie by panels of 16 columns and chunks of 32 along K; of a chunk, plane
// after plane. A plane holds some bits of all codes: 4, 2 or 1 of them (8 for
// whole bytes), the low bits first, as many planes as make up the width. In a
// plane of b bits come b blocks of 64 bytes; byte 4 * c + i of block j has, at
// bit b * p, the code of column c at k = 32 * chunk + j * (32 / b) + 4 * p + i.
// So a block is a register of 16 columns with 4 neighbours of K each, 8 / b
// times over. Codes are flipped as GroupSums says; beyond K and N they are 0.
//
//===----------------------------------------------------------------------===//

#ifndef QC_TARGETINFO_GROUPPACKING_H
#define QC_TARGETINFO_GROUPPACKING_H

#include "qc/TargetInfo/EncodedPacking.h"

namespace qc {

/// K of a chunk.
inline constexpr int64_t groupChunk = 32;

/// The planes of codes of this width: {4, 2} for 6 bits.
std::vector<unsigned> codePlanes(unsigned bits);

/// Bytes that a panel of k rows takes of the codes, then of each other region.
std::vector<int64_t> groupPanelBytes(const numerics::DecodeSpec &spec,
                                     int64_t k);
/// Bytes of the packed codes alone, and of everything.
int64_t groupCodeBytes(const numerics::DecodeSpec &spec, int64_t k, int64_t n);
int64_t groupPackedBytes(const numerics::DecodeSpec &spec, int64_t k,
                         int64_t n);

/// Packs the components of a [k, n] tensor; `data` must verify.
void packGroups(const numerics::DecodeSpec &spec, int64_t k, int64_t n,
                std::span<const numerics::ComponentData> data,
                std::span<uint8_t> packed);

} // namespace qc

#endif // QC_TARGETINFO_GROUPPACKING_H
