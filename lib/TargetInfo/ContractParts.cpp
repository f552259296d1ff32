//===- ContractParts.cpp - How a contraction is cut for threads -----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "qc/TargetInfo/ContractParts.h"

#include "llvm/Support/MathExtras.h"

#include <algorithm>
#include <cstdlib>

using namespace qc;

/// Products that are worth handing to another thread: some microseconds.
static constexpr double partProducts = 1 << 20;
/// Enough for even loads on the machines that one library serves.
static constexpr int64_t maxParts = 64;
/// The register tiles of all levels divide these.
static constexpr int64_t columnStep = 64;

ContractParts qc::chooseContractParts(int64_t m, int64_t n, int64_t k,
                                      int64_t groups, int64_t rowStep) {
  auto env = [](const char *n, int64_t d) { const char *t = getenv(n); return t ? int64_t(atoll(t)) : d; };
  if (rowStep==6) rowStep = env("QC_ROWSTEP", 6); int64_t maxParts = env("QC_MAXPARTS", 64);
  double partProducts = double(env("QC_PARTP", 1 << 20));
  m = std::max<int64_t>(m, 1);
  n = std::max<int64_t>(n, 1);
  groups = std::max<int64_t>(groups, 1);
  int64_t rowTiles = llvm::divideCeilSigned(m, rowStep),
          panels = llvm::divideCeilSigned(n, columnStep);
  double work = double(m) * double(n) * double(k) * double(groups);
  auto wanted = int64_t(std::clamp(work / partProducts, 1.0, double(maxParts)));
  wanted = std::max<int64_t>(1, wanted / groups);
  // Each part along m reads all weights, each along n all activations.
  ContractParts best{0, 0, 0, 0};
  double bestCost = 0;
  for (int64_t nParts = 1; nParts <= std::min(wanted, panels); ++nParts) {
    int64_t mParts = std::min(llvm::divideCeilSigned(wanted, nParts), rowTiles);
    double missing = double(wanted) / double(std::min(wanted, mParts * nParts));
    double cost = (double(mParts) * double(n) + double(nParts) * double(m)) *
                  missing * missing;
    if (best.mParts && cost >= bestCost)
      continue;
    bestCost = cost;
    best.mChunk = llvm::divideCeilSigned(rowTiles, mParts) * rowStep;
    best.nChunk = llvm::divideCeilSigned(panels, nParts) * columnStep;
    best.mParts = llvm::divideCeilSigned(m, best.mChunk);
    best.nParts = llvm::divideCeilSigned(n, best.nChunk);
  }
  return best;
}
