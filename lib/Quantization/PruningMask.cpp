//===- PruningMask.cpp - The zeros of a matrix that is rounded ------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Frantar and Alistarh, "SparseGPT: Massive Language Models Can Be Accurately
// Pruned in One-Shot", 2023 (arXiv:2301.00774). Sun et al., "A Simple and
// Effective Pruning Approach for Large Language Models", 2023
// (arXiv:2306.11695).
//
//===----------------------------------------------------------------------===//

#include "PruningMask.h"

#include <algorithm>

using namespace qc;
using namespace qc::quantization;
using Eigen::Index;
using Kind = numerics::Sparsity::Kind;

PruningMask::PruningMask(const PruningOptions &options,
                         const RowMatrix &weights,
                         std::span<const float> meanSquares) {
  if (!options.pattern)
    return;
  pattern = *options.pattern;
  zeros.setZero(weights.rows(), weights.cols());
  std::vector<uint8_t> mask;
  switch (options.rule) {
  case PruningRule::SparseGpt:
    choosesRuns = pattern.kind == Kind::Runs;
    choosesBlocks = !choosesRuns;
    return;
  case PruningRule::Magnitude:
    mask = numerics::chooseSmallest(
        pattern, {weights.data(), static_cast<size_t>(weights.size())},
        weights.cols());
    break;
  case PruningRule::Wanda: {
    // Squares have the same order.
    Eigen::Map<const Eigen::RowVectorXf> norms(meanSquares.data(),
                                               weights.cols());
    RowMatrix scores = weights.cwiseAbs2().array().rowwise() * norms.array();
    mask = numerics::chooseZeros(
        pattern, {scores.data(), static_cast<size_t>(scores.size())},
        weights.cols(), numerics::ShareOf::Row);
    break;
  }
  }
  std::copy(mask.begin(), mask.end(), zeros.data());
}

RowMatrix PruningMask::applyTo(const RowMatrix &weights) const {
  if (empty())
    return weights;
  return (zeros.array() != 0).select(0.0f, weights);
}

void PruningMask::choose(const RowMatrix &moved, Index begin, Index end) {
  Index width = end - begin;
  if (width <= 0)
    return;
  RowMatrix scores = moved.middleCols(begin, width).cwiseAbs2() *
                     worth.segment(begin, width).asDiagonal();
  std::vector<uint8_t> mask = numerics::chooseZeros(
      pattern, {scores.data(), static_cast<size_t>(scores.size())}, width);
  for (Index r = 0; r < moved.rows(); ++r)
    std::copy_n(mask.begin() + r * width, width, &zeros(r, begin));
}

/// The end of the unit of the pattern that has the column before `end`.
static Index wholeUnits(Index end, Index unit, Index columns) {
  return std::min((end + unit - 1) / unit * unit, columns);
}

void PruningMask::enterBlock(const RowMatrix &moved, Index end) {
  if (!choosesBlocks)
    return;
  end = wholeUnits(end, pattern.unit(), moved.cols());
  choose(moved, chosen, end);
  chosen = std::max(chosen, end);
}

void PruningMask::enterGroup(const RowMatrix &moved, Index begin, Index end) {
  if (!choosesBlocks && !choosesRuns)
    return;
  // Runs that are done stay.
  Index unit = pattern.unit();
  choose(moved, std::max(chosen, wholeUnits(begin, unit, moved.cols())),
         wholeUnits(end, unit, moved.cols()));
}

void PruningMask::chooseRun(Index row, Index column, const float *values) {
  auto count =
      static_cast<size_t>(std::min<Index>(pattern.run, zeros.cols() - column));
  std::vector<float> scores(count);
  for (size_t i = 0; i < count; ++i)
    scores[i] = values[i] * values[i] * worth(column + static_cast<Index>(i));
  numerics::chooseRunZeros(pattern, scores, {&zeros(row, column), count});
}
