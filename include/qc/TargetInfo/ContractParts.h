//===- ContractParts.h - How a contraction is cut for threads ---*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A launch is cut at boundaries that depend on its sizes alone, never on the
// number of threads or the CPU level, so that results do not either.
//
//===----------------------------------------------------------------------===//

#ifndef QC_TARGETINFO_CONTRACTPARTS_H
#define QC_TARGETINFO_CONTRACTPARTS_H

#include <cstdint>

namespace qc {

/// Values of the slots MChunk, NChunk, MParts and NParts of a contraction.
struct ContractParts {
  int64_t mChunk, nChunk, mParts, nParts;
  int64_t parts(int64_t groups) const { return mParts * nParts * groups; }
};

/// Rows that kernels like in steps of: those of the largest register tiles, and
/// those that weights are unpacked for.
inline constexpr int64_t tileRowStep = 16, slabRowStep = 128;

/// For m rows, n columns a group, sums of k products. With m known only at run
/// time, choose for the usual m and let mParts = ceil(m / mChunk) then.
ContractParts chooseContractParts(int64_t m, int64_t n, int64_t k,
                                  int64_t groups,
                                  int64_t rowStep = tileRowStep);

} // namespace qc

#endif // QC_TARGETINFO_CONTRACTPARTS_H
