// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The operations of SearchPart.cpp in their order, on vectors. The two that
// take the time exist for AVX2 as well. Vectors go by reference: how they are
// passed otherwise depends on the instructions there are.

#include "PartLanes.h"

#include <algorithm>
#include <limits>

#define QC_INLINE __attribute__((always_inline)) static inline

namespace qc::numerics::blocks {

namespace {
/// Part::Sums for each lane.
struct SumLanes {
  DoubleLanes w = {}, l = {}, ll = {}, x = {}, xl = {};
};
} // namespace

PartLanes::PartLanes(const Levels &levels, size_t group,
                     std::span<const float> values,
                     std::span<const float> weights)
    : levels(levels), group(group), count(values.size() / group),
      sets((count + numLanes - 1) / numLanes) {
  for (size_t j = 0; j < count; ++j)
    for (size_t i = 0; i < group; ++i) {
      LaneSet &set = sets[j / numLanes];
      set.values[i][j % numLanes] = values[j * group + i];
      set.weights[i][j % numLanes] = weights[j * group + i];
    }
}

//===-- Leaves -----------------------------------------------------------===//

QC_INLINE void roundBody(const Levels &levels, size_t group, LaneSet &set,
                         const LineLanes &line, FloatLanes &errors) {
  constexpr float largest = std::numeric_limits<float>::max();
  FloatLanes scale = line.scale, offset = line.offset;
  FloatLanes inverse = scale != 0.0f ? 1.0f / scale : FloatLanes{};
  auto finite = (inverse <= largest) & (inverse >= -largest);
  inverse = finite ? inverse : FloatLanes{};
  FloatLanes lowest = levels.lowest - FloatLanes{},
             highest = levels.highest - FloatLanes{}, error = {};
  std::span<const float> entries = levels.sorted(), limits = levels.between();
  for (size_t i = 0; i < group; ++i) {
    FloatLanes v = (set.values[i] + offset) * inverse;
    if (entries.empty()) {
      constexpr float shift = 12582912.0f;
      v = v < lowest ? lowest : v;
      v = highest < v ? highest : v;
      v = (v + shift) - shift;
    } else {
      FloatLanes level = entries.front() - FloatLanes{};
      for (size_t k = 0; k < limits.size(); ++k)
        level = v > limits[k] ? entries[k + 1] - FloatLanes{} : level;
      v = level;
    }
    set.trial[i] = v;
    FloatLanes difference = v * scale - offset - set.values[i];
    error += set.weights[i] * difference * difference;
  }
  errors = error;
}

QC_INLINE void sumLanes(size_t group, const LaneSet &set, SumLanes &sums) {
  SumLanes s;
  for (size_t i = 0; i < group; ++i) {
    DoubleLanes w = __builtin_convertvector(set.weights[i], DoubleLanes);
    DoubleLanes l = __builtin_convertvector(set.trial[i], DoubleLanes);
    DoubleLanes x = __builtin_convertvector(set.values[i], DoubleLanes);
    DoubleLanes wl = w * l, wx = w * x;
    s.w += w;
    s.l += wl;
    s.ll += wl * l;
    s.x += wx;
    s.xl += wx * l;
  }
  sums = s;
}

QC_INLINE void solveBody(size_t group, const LaneSet &set, bool hasOffset,
                         LineLanes &line) {
  SumLanes s;
  sumLanes(group, set, s);
  FloatLanes alone = __builtin_convertvector(
      s.ll > 0 ? s.xl / s.ll : DoubleLanes{}, FloatLanes);
  if (!hasOffset) {
    line = {alone, {}};
    return;
  }
  DoubleLanes determinant = s.w * s.ll - s.l * s.l;
  DoubleLanes scale = (s.w * s.xl - s.l * s.x) / determinant;
  DoubleLanes offset = (s.l * s.xl - s.ll * s.x) / determinant;
  // What is no line is negative, as the comparisons below need it.
  auto solvable = determinant > 1e-12 * s.w * s.ll;
  scale = solvable ? scale : DoubleLanes{} - 1.0;
  FloatLanes scales = __builtin_convertvector(scale, FloatLanes);
  FloatLanes offsets = __builtin_convertvector(offset, FloatLanes);
  auto both = (offsets >= 0.0f) & (scales >= 0.0f);
  alone = alone < 0.0f ? FloatLanes{} : alone;
  line.scale = both ? scales : alone;
  line.offset = both ? offsets : FloatLanes{};
}

#ifdef __x86_64__
__attribute__((target("avx2"))) static void
roundAvx2(const Levels &levels, size_t group, LaneSet &set,
          const LineLanes &line, FloatLanes &errors) {
  roundBody(levels, group, set, line, errors);
}
__attribute__((target("avx2"))) static void
solveAvx2(size_t group, const LaneSet &set, bool hasOffset, LineLanes &line) {
  solveBody(group, set, hasOffset, line);
}
static bool hasAvx2() { return __builtin_cpu_supports("avx2"); }
#else
static bool hasAvx2() { return false; }
static constexpr auto roundAvx2 = roundBody;
static constexpr auto solveAvx2 = solveBody;
#endif

/// Part::round.
static void roundLanes(const Levels &levels, size_t group, LaneSet &set,
                       const LineLanes &line, FloatLanes &errors) {
  if (hasAvx2())
    roundAvx2(levels, group, set, line, errors);
  else
    roundBody(levels, group, set, line, errors);
}

/// Part::solve.
static void solveLanes(size_t group, const LaneSet &set, bool hasOffset,
                       LineLanes &line) {
  if (hasAvx2())
    solveAvx2(group, set, hasOffset, line);
  else
    solveBody(group, set, hasOffset, line);
}

//===-- All parts --------------------------------------------------------===//

void PartLanes::round(std::span<const Line> lines, std::span<float> errors) {
  for (size_t s = 0; s < sets.size(); ++s) {
    LineLanes line = {};
    FloatLanes error;
    size_t first = s * numLanes, lanes = std::min(numLanes, count - first);
    for (size_t p = 0; p < lanes; ++p) {
      line.scale[p] = lines[first + p].scale;
      line.offset[p] = lines[first + p].offset;
    }
    roundLanes(levels, group, sets[s], line, error);
    for (size_t p = 0; p < lanes; ++p)
      errors[first + p] = error[p];
  }
}

Part::Sums PartLanes::sums(size_t j) const {
  const LaneSet &set = sets[j / numLanes];
  size_t p = j % numLanes;
  Part::Sums s;
  for (size_t i = 0; i < group; ++i) {
    double w = set.weights[i][p], l = set.trial[i][p], x = set.values[i][p];
    s.w += w;
    s.l += w * l;
    s.ll += w * l * l;
    s.x += w * x;
    s.xl += w * x * l;
  }
  return s;
}

void PartLanes::descend(LaneSet &set, LineLanes line, bool hasOffset,
                        const FloatLanes &active, LineLanes &best,
                        FloatLanes &least) {
  auto running = active != 0.0f;
  constexpr int maxRounds = 3;
  for (int k = 0; k < maxRounds; ++k) {
    FloatLanes error;
    roundLanes(levels, group, set, line, error);
    auto better = (error < least) & running;
    least = better ? error : least;
    best.scale = better ? line.scale : best.scale;
    best.offset = better ? line.offset : best.offset;
    if (k > 0)
      running = better;
    bool any = false;
    for (size_t p = 0; p < numLanes; ++p)
      any |= running[p] != 0;
    if (!any || k + 1 == maxRounds)
      return;
    solveLanes(group, set, hasOffset, line);
  }
}

void PartLanes::fitSet(LaneSet &set, bool hasOffset, LineLanes &best) {
  FloatLanes lo = {}, hi = {}, least;
  for (size_t i = 0; i < group; ++i) {
    const FloatLanes &v = set.values[i];
    lo = v < lo ? v : lo;
    hi = hi < v ? v : hi;
  }
  best = {};
  roundLanes(levels, group, set, best, least);
  FloatLanes active = lo != hi ? FloatLanes{} + 1.0f : FloatLanes{};
  constexpr int steps = 12;
  for (int k = -1; k < steps; ++k) {
    float shrink = 1.0f - 0.05f * static_cast<float>(k);
    if (hasOffset) {
      float width = levels.highest - levels.lowest;
      FloatLanes step = (hi - lo) * shrink / width;
      descend(set, {step, -lo * shrink}, true, active, best, least);
      descend(set, {step, -lo}, true, active, best, least);
      continue;
    }
    FloatLanes extreme = hi > -lo ? hi : lo;
    for (float end : {levels.lowest, levels.highest})
      if (end != 0.0f)
        descend(set, {extreme * shrink / end, {}}, false, active, best, least);
  }
}

void PartLanes::fit(bool hasOffset, std::span<Line> lines) {
  for (size_t s = 0; s < sets.size(); ++s) {
    LineLanes best;
    fitSet(sets[s], hasOffset, best);
    for (size_t p = 0; p < numLanes && s * numLanes + p < count; ++p)
      lines[s * numLanes + p] = {best.scale[p], best.offset[p]};
  }
}

} // namespace qc::numerics::blocks
