// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Patterns of zeros.

#include "qc/Numerics/Sparsity.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

namespace qc::numerics {

//===----------------------------------------------------------------------===//
// Spelling
//===----------------------------------------------------------------------===//

/// A number of 1 to `most` at the beginning of `text`, which is consumed.
static std::optional<int64_t> takeNumber(std::string_view &text, int64_t most) {
  int64_t number = 0;
  auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || number < 0 || number > most)
    return std::nullopt;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  return number;
}

static bool take(std::string_view &text, char c) {
  if (text.empty() || text.front() != c)
    return false;
  text.remove_prefix(1);
  return true;
}

/// `NUMBER%` with up to two decimals, in parts of 10,000.
static std::optional<int64_t> parseShare(std::string_view text) {
  std::optional<int64_t> whole = takeNumber(text, 1000);
  if (!whole)
    return std::nullopt;
  int64_t zeros = *whole * 100;
  if (take(text, '.'))
    for (int64_t unit : {10, 1}) {
      if (text.empty() || text.front() < '0' || text.front() > '9')
        break;
      zeros += (text.front() - '0') * unit;
      text.remove_prefix(1);
    }
  return text == "%" ? std::optional(zeros) : std::nullopt;
}

std::optional<Sparsity> Sparsity::parse(std::string_view text,
                                        std::string &problem) {
  constexpr int64_t largest = 1024;
  auto fail = [&](const std::string &expected) {
    problem =
        "found sparsity '" + std::string(text) + "', expected " + expected;
    return std::nullopt;
  };
  Sparsity result;
  std::string_view rest = text;
  std::optional<int64_t> first = takeNumber(rest, largest);
  if (first && take(rest, 'x')) {
    std::optional<int64_t> columns = takeNumber(rest, largest);
    if (!columns || !take(rest, ':') || *first < 1 || *columns < 1)
      return fail("blocks of 1x1 to 1024x1024 as in 16x1:50%");
    result.kind = Kind::Blocks;
    result.blockRows = *first;
    result.blockColumns = *columns;
    text = rest;
  } else if (first && take(rest, ':')) {
    std::optional<int64_t> run = takeNumber(rest, largest);
    if (!run || !rest.empty() || *first < 1 || *first >= *run)
      return fail("N:M that keeps N of M, 1 <= N < M <= 1024");
    result.kind = Kind::Runs;
    result.kept = *first;
    result.run = *run;
    return result;
  }
  std::optional<int64_t> zeros = parseShare(text);
  if (!zeros)
    return fail("a share of zeros (50%), N:M (2:4) or blocks (16x1:50%)");
  if (*zeros < 1 || *zeros >= 10000)
    return fail("a share of zeros above 0% and below 100%");
  result.zeros = *zeros;
  return result;
}

std::string Sparsity::text() const {
  if (kind == Kind::Runs)
    return std::to_string(kept) + ":" + std::to_string(run);
  std::string share = std::to_string(zeros / 100);
  if (int64_t part = zeros % 100) {
    share += "." + std::to_string(part / 10);
    if (part % 10)
      share += std::to_string(part % 10);
  }
  share += "%";
  if (kind == Kind::Share)
    return share;
  return std::to_string(blockRows) + "x" + std::to_string(blockColumns) + ":" +
         share;
}

double Sparsity::share() const {
  if (kind == Kind::Runs)
    return static_cast<double>(run - kept) / static_cast<double>(run);
  return static_cast<double>(zeros) / 10000;
}

int64_t Sparsity::unit() const {
  return kind == Kind::Runs ? run : blockColumns;
}

//===----------------------------------------------------------------------===//
// Choice
//===----------------------------------------------------------------------===//

/// Marks the `count` least of `scores`, of equal ones the first.
static void markLeast(std::span<const float> scores, int64_t count,
                      std::span<uint8_t> mask) {
  std::fill(mask.begin(), mask.end(), 0);
  if (count <= 0)
    return;
  std::vector<float> sorted(scores.begin(), scores.end());
  auto last = sorted.begin() + (count - 1);
  std::nth_element(sorted.begin(), last, sorted.end());
  float bound = *last;
  int64_t equal = count;
  for (float score : scores)
    equal -= score < bound;
  for (size_t i = 0; i < scores.size(); ++i)
    mask[i] = scores[i] < bound || (scores[i] == bound && equal-- > 0);
}

void chooseRunZeros(const Sparsity &pattern, std::span<const float> scores,
                    std::span<uint8_t> mask) {
  markLeast(scores, static_cast<int64_t>(scores.size()) - pattern.kept, mask);
}

/// Marks a share of each row of scores, or of all.
static std::vector<uint8_t> chooseShare(int64_t zeros,
                                        std::span<const float> scores,
                                        int64_t columns, ShareOf scope) {
  std::vector<uint8_t> mask(scores.size());
  size_t step =
      scope == ShareOf::Row ? static_cast<size_t>(columns) : scores.size();
  for (size_t at = 0; at < scores.size(); at += step) {
    std::span<const float> part = scores.subspan(at, step);
    markLeast(part, static_cast<int64_t>(part.size()) * zeros / 10000,
              std::span(mask).subspan(at, step));
  }
  return mask;
}

static std::vector<uint8_t> chooseBlocks(const Sparsity &pattern,
                                         std::span<const float> scores,
                                         int64_t rows, int64_t columns,
                                         ShareOf scope) {
  int64_t down = (rows + pattern.blockRows - 1) / pattern.blockRows;
  int64_t across = (columns + pattern.blockColumns - 1) / pattern.blockColumns;
  auto blockOf = [&](int64_t r, int64_t c) {
    return r / pattern.blockRows * across + c / pattern.blockColumns;
  };
  std::vector<double> sums(down * across);
  std::vector<int64_t> counts(sums.size());
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < columns; ++c) {
      sums[blockOf(r, c)] += scores[r * columns + c];
      ++counts[blockOf(r, c)];
    }
  std::vector<float> means(sums.size());
  for (size_t i = 0; i < sums.size(); ++i)
    means[i] = static_cast<float>(sums[i] / static_cast<double>(counts[i]));
  std::vector<uint8_t> blocks =
      chooseShare(pattern.zeros, means, across, scope);
  std::vector<uint8_t> mask(scores.size());
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < columns; ++c)
      mask[r * columns + c] = blocks[blockOf(r, c)];
  return mask;
}

std::vector<uint8_t> chooseZeros(const Sparsity &pattern,
                                 std::span<const float> scores, int64_t columns,
                                 ShareOf scope) {
  if (scores.empty())
    return {};
  int64_t rows = static_cast<int64_t>(scores.size()) / columns;
  if (pattern.kind == Sparsity::Kind::Share)
    return chooseShare(pattern.zeros, scores, columns, scope);
  if (pattern.kind == Sparsity::Kind::Blocks)
    return chooseBlocks(pattern, scores, rows, columns, scope);
  std::vector<uint8_t> mask(scores.size());
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < columns; c += pattern.run) {
      auto at = static_cast<size_t>(r * columns + c);
      auto count = static_cast<size_t>(std::min(pattern.run, columns - c));
      chooseRunZeros(pattern, scores.subspan(at, count),
                     std::span(mask).subspan(at, count));
    }
  return mask;
}

std::vector<uint8_t> chooseSmallest(const Sparsity &pattern,
                                    std::span<const float> weights,
                                    int64_t columns) {
  bool squares = pattern.kind == Sparsity::Kind::Blocks;
  std::vector<float> scores;
  scores.reserve(weights.size());
  for (float w : weights)
    scores.push_back(std::isnan(w) ? std::numeric_limits<float>::infinity()
                     : squares     ? w * w
                                   : std::fabs(w));
  return chooseZeros(pattern, scores, columns);
}

} // namespace qc::numerics
