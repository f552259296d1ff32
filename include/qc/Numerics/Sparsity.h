// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Patterns of zeros in a matrix of weights W [rows, columns], y = W x: how they
// are spelled, and which elements become zero when each has a score that says
// what it is worth.

#ifndef QC_NUMERICS_SPARSITY_H
#define QC_NUMERICS_SPARSITY_H

#include "qc/Numerics/Decode.h"

namespace qc::numerics {

struct Sparsity {
  /// Share: any elements. Runs: at most `kept` of `run` consecutive inputs are
  /// not zero. Blocks: whole blocks of blockRows outputs by blockColumns inputs
  /// are zero or not.
  enum class Kind : uint8_t { Share, Runs, Blocks };

  Kind kind = Kind::Share;
  /// Zeros in 10,000 elements or blocks; of Share and Blocks.
  int64_t zeros = 0;
  int64_t kept = 0, run = 0;
  int64_t blockRows = 1, blockColumns = 1;

  /// Parses `50%`, `62.5%`, `2:4`, `16x1:50%`. On failure `problem` says what
  /// was found and expected.
  static std::optional<Sparsity> parse(std::string_view text,
                                       std::string &problem);
  /// The pattern as parse reads it.
  std::string text() const;
  /// The share of the elements that become zero.
  double share() const;
  /// Consecutive columns that are chosen together: 1, a run, those of a block.
  int64_t unit() const;

  friend bool operator==(const Sparsity &, const Sparsity &) = default;
};

/// What a share is a share of: of all elements, or of each row (of each row of
/// blocks).
enum class ShareOf : uint8_t { Matrix, Row };

/// A mask of the elements of a matrix that become zero (1) and that stay (0):
/// those of the least scores, of equal ones the first. A share of the elements
/// is rounded down; a run or block at an edge may be a smaller one, and a block
/// has the mean of its scores.
std::vector<uint8_t> chooseZeros(const Sparsity &pattern,
                                 std::span<const float> scores, int64_t columns,
                                 ShareOf scope = ShareOf::Matrix);

/// The same with the magnitudes of the elements as scores, their squares for
/// blocks; NaN is worth most.
std::vector<uint8_t> chooseSmallest(const Sparsity &pattern,
                                    std::span<const float> weights,
                                    int64_t columns);

/// What chooseZeros does to one run of columns, or to fewer at an edge.
void chooseRunZeros(const Sparsity &pattern, std::span<const float> scores,
                    std::span<uint8_t> mask);

} // namespace qc::numerics

#endif // QC_NUMERICS_SPARSITY_H
