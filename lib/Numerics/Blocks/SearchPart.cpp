// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Scales of a part: a grid of scales, and for each the exact solution for the
// levels that it gives, repeated until nothing moves.

#include "SearchPart.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace qc::numerics::blocks {

//===-- Levels -----------------------------------------------------------===//

Levels::Levels(const BlockFormat &format) : bias(format.bias) {
  int top = (1 << format.codeBits) - 1;
  lowest = static_cast<float>(-bias);
  highest = static_cast<float>(top - bias);
  if (format.codeBits == 8) {
    // Two's complement.
    lowest = -128.0f;
    highest = 127.0f;
    mask = 0xff;
  }
  if (!format.codebook.empty())
    setEntries(
        std::vector<float>(format.codebook.begin(), format.codebook.end()));
}

void Levels::setEntries(std::span<const float> codebook) {
  for (size_t k = 0; k < codebook.size(); ++k)
    codes.push_back(static_cast<uint16_t>(k));
  std::sort(codes.begin(), codes.end(), [&](uint16_t a, uint16_t b) {
    return std::pair(codebook[a], a) < std::pair(codebook[b], b);
  });
  // A level that two codes share belongs to the first.
  auto twin = [&](uint16_t a, uint16_t b) {
    return codebook[a] == codebook[b];
  };
  codes.erase(std::unique(codes.begin(), codes.end(), twin), codes.end());
  for (uint16_t code : codes)
    entries.push_back(codebook[code]);
  for (size_t k = 1; k < entries.size(); ++k)
    limits.push_back((entries[k - 1] + entries[k]) / 2);
  lowest = entries.front();
  highest = entries.back();
}

void Levels::round(std::span<const float> values,
                   std::span<float> levels) const {
  if (entries.empty()) {
    // Adding 1.5 * 2^23 leaves the nearest integer in the low bits.
    constexpr float shift = 12582912.0f;
    for (size_t i = 0; i < values.size(); ++i) {
      float v = std::min(std::max(values[i], lowest), highest);
      levels[i] = (v + shift) - shift;
    }
    return;
  }
  std::fill(levels.begin(), levels.end(), entries.front());
  for (size_t k = 0; k < limits.size(); ++k) {
    float limit = limits[k], next = entries[k + 1];
    for (size_t i = 0; i < values.size(); ++i)
      levels[i] = values[i] > limit ? next : levels[i];
  }
}

uint16_t Levels::code(float level) const {
  if (entries.empty())
    return static_cast<uint16_t>((static_cast<int>(level) + bias) & mask);
  size_t k = static_cast<size_t>(
      std::lower_bound(entries.begin(), entries.end(), level) -
      entries.begin());
  return codes[std::min(k, codes.size() - 1)];
}

//===-- Part -------------------------------------------------------------===//

float Part::round(Line line) {
  size_t n = values.size();
  float inverse = line.scale != 0.0f ? 1.0f / line.scale : 0.0f;
  inverse =
      std::fabs(inverse) <= std::numeric_limits<float>::max() ? inverse : 0.0f;
  for (size_t i = 0; i < n; ++i)
    scaled[i] = (values[i] + line.offset) * inverse;
  levels.round(scaled, trial);
  float error = 0.0f;
  for (size_t i = 0; i < n; ++i) {
    float difference = trial[i] * line.scale - line.offset - values[i];
    error += weights[i] * difference * difference;
  }
  return error;
}

Part::Sums Part::sums() const {
  Sums s;
  for (size_t i = 0; i < values.size(); ++i) {
    double w = weights[i], l = trial[i], x = values[i];
    s.w += w;
    s.l += w * l;
    s.ll += w * l * l;
    s.x += w * x;
    s.xl += w * x * l;
  }
  return s;
}

Line Part::solve(bool hasOffset) const {
  Sums s = sums();
  Line line;
  double determinant = s.w * s.ll - s.l * s.l;
  if (hasOffset && determinant > 1e-12 * s.w * s.ll) {
    line.scale = static_cast<float>((s.w * s.xl - s.l * s.x) / determinant);
    line.offset = static_cast<float>((s.l * s.xl - s.ll * s.x) / determinant);
    if (line.offset >= 0.0f && line.scale >= 0.0f)
      return line;
  }
  line.offset = 0.0f;
  line.scale = s.ll > 0 ? static_cast<float>(s.xl / s.ll) : 0.0f;
  if (hasOffset)
    line.scale = std::max(line.scale, 0.0f);
  return line;
}

void Part::descend(Line line, bool hasOffset, Line &best, float &least) {
  constexpr int maxRounds = 3;
  for (int k = 0; k < maxRounds; ++k) {
    float error = round(line);
    bool better = error < least;
    if (better) {
      least = error;
      best = line;
    }
    if (k > 0 && !better)
      return;
    line = solve(hasOffset);
  }
}

Line Part::fit(bool hasOffset, bool positive) {
  float lo = 0.0f, hi = 0.0f;
  for (float v : values) {
    lo = std::min(lo, v);
    hi = std::max(hi, v);
  }
  Line best;
  float least = round(best);
  if (lo == hi)
    return best;
  // From a range that is somewhat too wide to one that cuts the extremes off.
  constexpr int steps = 12;
  for (int k = -1; k < steps; ++k) {
    float shrink = 1.0f - 0.05f * static_cast<float>(k);
    if (hasOffset) {
      float width = levels.highest - levels.lowest;
      // Cut off at both ends alike, or above only.
      float step = (hi - lo) * shrink / width;
      descend({step, -lo * shrink}, true, best, least);
      descend({step, -lo}, true, best, least);
      continue;
    }
    float extreme = hi > -lo ? hi : lo;
    // Levels are not symmetric: the extreme may meet either end.
    for (float end : {levels.lowest, levels.highest})
      if (end != 0.0f && !(positive && extreme / end < 0.0f))
        descend({extreme * shrink / end, 0.0f}, false, best, least);
  }
  return best;
}

} // namespace qc::numerics::blocks
