//===- ContractParts.cpp - How a contraction is cut for threads -----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "qc/TargetInfo/ContractParts.h"

#include "llvm/Support/MathExtras.h"

#include <algorithm>

using namespace qc;

/// Products that are worth handing to another thread, some microseconds, up to
/// so many parts; more of them only where each has more to do, since every part
/// reads weights or activations again.
static constexpr double leastProducts = 1 << 20, goodProducts = 1 << 23;
static constexpr double fewParts = 8, mostParts = 64;
/// The register tiles of all levels divide it.
static constexpr int64_t columnStep = 64;

static int64_t wantedParts(double products) {
  return int64_t(std::max({1.0, std::min(products / leastProducts, fewParts),
                           std::min(products / goodProducts, mostParts)}));
}

ContractParts qc::chooseContractParts(int64_t m, int64_t n, int64_t k,
                                      int64_t groups, int64_t rowStep) {
  m = std::max<int64_t>(m, 1);
  n = std::max<int64_t>(n, 1);
  groups = std::max<int64_t>(groups, 1);
  int64_t rowTiles = llvm::divideCeilSigned(m, rowStep),
          panels = llvm::divideCeilSigned(n, columnStep);
  double work = double(m) * double(n) * double(k) * double(groups);
  int64_t wanted = std::max<int64_t>(1, wantedParts(work) / groups);
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
