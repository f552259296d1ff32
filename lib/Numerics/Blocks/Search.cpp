// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Encoding by search. Each part of a block gets its best real scale and offset;
// then a block's f16 and its integers are tried around those, and each of them
// is moved, with all codes made anew, as long as the squared error falls.

#include "Encoders.h"
#include "PartLanes.h"

#include "qc/Numerics/Float16.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>

namespace qc::numerics::blocks {

namespace {
/// The integers that a stored scale can be, and how it keeps one.
struct IntegerRange {
  explicit IntegerRange(const BlockScale &scale) {
    int bits = static_cast<int>(bitWidth(scale.kind));
    isSigned = scale.kind == ElementKind::I8;
    bias = scale.coding == BlockScaleCoding::Minus32 ? 32 : 0;
    low = isSigned ? -(1 << (bits - 1)) : -bias;
    high = low + (1 << bits) - 1;
  }
  int nearest(float v) const {
    float inside =
        std::clamp(v, static_cast<float>(low), static_cast<float>(high));
    return static_cast<int>(std::nearbyint(inside));
  }
  uint16_t stored(int v) const {
    return static_cast<uint16_t>(isSigned ? v & 0xff : v + bias);
  }

  int low, high, bias;
  bool isSigned;
};

/// The f16 nearest to `unit` times v, in units, and its bits; large ones stay
/// finite.
struct Half {
  Half(float v, float unit) {
    float inside = std::clamp(v * unit, -65504.0f, 65504.0f);
    bits = floatToHalf(std::isnan(inside) ? 0.0f : inside);
    value = halfToFloat(bits) / unit;
  }
  uint16_t bits;
  float value;
};

/// Most parts of a block, and a number for each of them.
constexpr size_t maxParts = 16;
template <typename T> using OfParts = std::array<T, maxParts>;

/// What is searched for in a block of parts.
struct Choice {
  Half scale, offset;
  OfParts<int> scales = {}, offsets = {};
  double error = 0;
};
} // namespace

//===-- Super-blocks -----------------------------------------------------===//

namespace {
class SuperSearch {
public:
  SuperSearch(const BlockFormat &format, PartLanes &parts, float unit)
      : parts(parts), unit(unit), hasOffset(format.offset >= 0),
        scaleRange(format.scales[format.scale]),
        offsetRange(format.scales[hasOffset ? format.offset : format.scale]) {}

  Choice run() {
    Choice best = start();
    constexpr int maxRounds = 4;
    for (int k = 0; k < maxRounds; ++k) {
      double before = best.error;
      moveIntegers(best);
      refit(best);
      if (!(best.error < before * 0.9999))
        break;
    }
    // The parts hold the codes of the best choice when this returns.
    best.error = evaluate(best);
    return best;
  }
  uint16_t storedScale(int v) const { return scaleRange.stored(v); }
  uint16_t storedOffset(int v) const { return offsetRange.stored(v); }

private:
  Line line(const Choice &c, size_t j) const {
    Line result;
    result.scale = c.scale.value * static_cast<float>(c.scales[j]);
    if (hasOffset)
      result.offset = c.offset.value * static_cast<float>(c.offsets[j]);
    return result;
  }

  /// The errors of the parts, which hold the codes afterwards.
  OfParts<float> errorsOf(const Choice &c) {
    OfParts<Line> lines;
    for (size_t j = 0; j < parts.size(); ++j)
      lines[j] = line(c, j);
    OfParts<float> errors = {};
    parts.round(lines, errors);
    return errors;
  }

  double evaluate(const Choice &c) {
    double error = 0;
    OfParts<float> errors = errorsOf(c);
    for (size_t j = 0; j < parts.size(); ++j)
      error += errors[j];
    return error;
  }

  /// The integers nearest to the lines of the parts for given f16.
  Choice choiceFor(std::span<const Line> lines, Half scale, Half offset) {
    Choice c{scale, offset};
    for (size_t j = 0; j < parts.size(); ++j) {
      c.scales[j] =
          scaleRange.nearest(scale.value ? lines[j].scale / scale.value : 0.0f);
      if (hasOffset)
        c.offsets[j] = offsetRange.nearest(
            offset.value ? lines[j].offset / offset.value : 0.0f);
    }
    c.error = evaluate(c);
    return c;
  }

  /// The best of some f16 by which the largest scale meets an end of its range.
  Choice start() {
    OfParts<Line> lines;
    parts.fit(hasOffset, lines);
    float extreme = 0.0f, offset = 0.0f;
    for (size_t j = 0; j < parts.size(); ++j) {
      if (std::fabs(lines[j].scale) > std::fabs(extreme))
        extreme = lines[j].scale;
      offset = std::max(offset, lines[j].offset);
    }
    Half largest(offset / static_cast<float>(offsetRange.high), unit);
    Choice best = choiceFor(lines, Half(0.0f, unit), largest);
    constexpr int steps = 6;
    for (int end : {scaleRange.low, scaleRange.high})
      for (int k = 0; end != 0 && k < steps; ++k) {
        float aim = static_cast<float>(end) * (1.0f - 0.05f * k);
        Choice c = choiceFor(lines, Half(extreme / aim, unit), largest);
        if (c.error < best.error)
          best = c;
      }
    return best;
  }

  bool inRange(int scale, int offset) const {
    return scale >= scaleRange.low && scale <= scaleRange.high &&
           (!hasOffset ||
            (offset >= offsetRange.low && offset <= offsetRange.high));
  }

  /// Tries the integers of all parts `ds` and `step` away from those in `c`;
  /// `best` and `least` get what is better. The parts that `moving` names take
  /// part, those that improve are in `moved` afterwards.
  void tryMove(const Choice &c, int ds, int step, const OfParts<bool> &moving,
               Choice &best, OfParts<float> &least, OfParts<bool> &moved) {
    Choice trial = c;
    for (size_t j = 0; j < parts.size(); ++j) {
      trial.scales[j] += ds;
      trial.offsets[j] += step;
    }
    OfParts<float> errors = errorsOf(trial);
    for (size_t j = 0; j < parts.size(); ++j) {
      if (!moving[j] || !inRange(trial.scales[j], trial.offsets[j]) ||
          !(errors[j] < least[j]))
        continue;
      least[j] = errors[j];
      best.scales[j] = trial.scales[j];
      best.offsets[j] = trial.offsets[j];
      moved[j] = true;
    }
  }

  /// Moves the integers of each part by one while that lowers its error.
  void moveIntegers(Choice &c) {
    OfParts<float> least = errorsOf(c);
    OfParts<bool> moving = {};
    std::fill_n(moving.begin(), parts.size(), true);
    int reach = hasOffset ? 1 : 0;
    while (std::find(moving.begin(), moving.end(), true) != moving.end()) {
      Choice best = c;
      OfParts<bool> moved = {};
      for (int ds = -1; ds <= 1; ++ds)
        for (int step = -reach; step <= reach; ++step)
          if (ds != 0 || step != 0)
            tryMove(c, ds, step, moving, best, least, moved);
      c = best;
      moving = moved;
    }
    c.error = 0;
    for (size_t j = 0; j < parts.size(); ++j)
      c.error += least[j];
  }

  /// The f16 of least error for the codes and integers there are, if they make
  /// the error smaller with codes made anew.
  void refit(Choice &c) {
    c.error = evaluate(c);
    double ll = 0, lo = 0, oo = 0, xl = 0, xo = 0;
    for (size_t j = 0; j < parts.size(); ++j) {
      Part::Sums p = parts.sums(j);
      double s = c.scales[j], o = c.offsets[j];
      ll += s * s * p.ll;
      lo -= s * o * p.l;
      oo += o * o * p.w;
      xl += s * p.xl;
      xo -= o * p.x;
    }
    if (ll <= 0)
      return;
    double scale = xl / ll, offset = c.offset.value;
    double determinant = ll * oo - lo * lo;
    if (hasOffset && determinant > 1e-12 * ll * oo) {
      scale = (oo * xl - lo * xo) / determinant;
      offset = (ll * xo - lo * xl) / determinant;
    }
    Choice moved = c;
    moved.scale = Half(static_cast<float>(scale), unit);
    moved.offset = Half(static_cast<float>(offset), unit);
    moved.error = evaluate(moved);
    if (moved.error < c.error)
      c = moved;
  }

  PartLanes &parts;
  float unit;
  bool hasOffset;
  IntegerRange scaleRange, offsetRange;
};
} // namespace

static void searchSuper(const BlockFormat &format, const Levels &levels,
                        PartLanes parts, float unit, BlockParts &result) {
  SuperSearch search(format, parts, unit);
  Choice best = search.run();
  for (size_t i = 0; i < result[0].size(); ++i)
    result[0][i] =
        levels.code(parts.level(i / parts.elements(), i % parts.elements()));
  size_t scale = format.scale, parent = format.scales[scale].parent;
  result[1 + parent][0] = best.scale.bits;
  for (size_t j = 0; j < parts.size(); ++j)
    result[1 + scale][j] = search.storedScale(best.scales[j]);
  if (format.offset < 0)
    return;
  size_t offset = format.offset, offsetParent = format.scales[offset].parent;
  result[1 + offsetParent][0] = best.offset.bits;
  for (size_t j = 0; j < parts.size(); ++j)
    result[1 + offset][j] = search.storedOffset(best.offsets[j]);
}

//===-- Parts on their own -----------------------------------------------===//

/// The parts of a block with the leaf scales' group.
static std::vector<Part> makeParts(const Levels &levels, unsigned group,
                                   std::span<const float> values,
                                   std::span<const float> weights) {
  std::vector<Part> parts;
  for (size_t at = 0; at < values.size(); at += group)
    parts.emplace_back(levels, values.subspan(at, group),
                       weights.subspan(at, group));
  return parts;
}

static void storeCodes(const Levels &levels, std::span<const Part> parts,
                       std::vector<uint16_t> &codes) {
  size_t i = 0;
  for (const Part &part : parts)
    for (float level : part.rounded())
      codes[i++] = levels.code(level);
}

/// The bits of an E4M3 float, times a half, that give the least error.
static uint16_t searchUE4M3(Part &part, float scale, float unit) {
  auto valueOf = [&](int bits) {
    float mantissa = static_cast<float>(bits & 7);
    int exponent = bits >> 3;
    float value = exponent ? std::ldexp(8.0f + mantissa, exponent - 11)
                           : std::ldexp(mantissa, -10);
    return value / unit;
  };
  // The largest value is 0x7e; the values ascend with the bits.
  int nearest = 0;
  while (nearest < 0x7e && valueOf(nearest) < std::fabs(scale))
    ++nearest;
  int best = nearest;
  float least = part.round({valueOf(nearest), 0.0f});
  for (int bits = std::max(nearest - 8, 0); bits <= std::min(nearest + 8, 0x7e);
       ++bits) {
    float error = part.round({valueOf(bits), 0.0f});
    if (error < least) {
      least = error;
      best = bits;
    }
  }
  part.round({valueOf(best), 0.0f});
  return static_cast<uint16_t>(best);
}

/// The exponent of the power of two that gives the least error.
static uint16_t searchExponent(Part &part, float scale, float unit) {
  auto lineOf = [&](int e) {
    return Line{std::ldexp(1.0f, e - 128) / unit, 0.0f};
  };
  int nearest = 0;
  float size = std::fabs(scale) * unit;
  if (size > 0.0f)
    nearest = std::clamp(std::ilogb(size) + 128, 0, 254);
  int best = nearest;
  float least = part.round(lineOf(nearest));
  for (int e : {nearest - 1, nearest + 1, nearest + 2}) {
    float error = e >= 0 && e <= 254 ? part.round(lineOf(e)) : least;
    if (error < least) {
      least = error;
      best = e;
    }
  }
  part.round(lineOf(best));
  return static_cast<uint16_t>(best);
}

static void searchParts(const BlockFormat &format, const Levels &levels,
                        std::vector<Part> &parts, float unit,
                        BlockParts &result) {
  for (size_t j = 0; j < parts.size(); ++j) {
    bool hasOffset = format.offset >= 0;
    Line line = parts[j].fit(hasOffset);
    if (format.scales[0].coding == BlockScaleCoding::HalfUE4M3) {
      result[1][j] = searchUE4M3(parts[j], line.scale, unit);
      continue;
    }
    if (format.scales[0].coding == BlockScaleCoding::HalfE8M0) {
      result[1][j] = searchExponent(parts[j], line.scale, unit);
      continue;
    }
    Half scale(line.scale, unit), offset(-line.offset, unit);
    parts[j].round({scale.value, -offset.value});
    result[1][j] = scale.bits;
    if (hasOffset)
      result[1 + format.offset][j] = offset.bits;
  }
  storeCodes(levels, parts, result[0]);
}

void encodeBySearch(const BlockFormat &format, std::span<const float> values,
                    std::span<const float> weights, BlockParts &result) {
  for (std::vector<uint16_t> &elements : result)
    std::fill(elements.begin(), elements.end(), 0);
  constexpr float largest = 3e38f;
  float unit = 0.0f, heaviest = 0.0f;
  for (size_t i = 0; i < values.size(); ++i) {
    unit = std::max(unit, std::min(std::fabs(values[i]), largest));
    heaviest = std::max(heaviest, weights[i]);
  }
  Levels levels(format);
  if (unit == 0.0f) {
    // Code of the level next to 0; the scales are 0.
    std::fill(result[0].begin(), result[0].end(),
              levels.code(std::max(0.0f, levels.lowest)));
    return;
  }
  std::vector<float> scaled(values.size()), weight(values.size());
  for (size_t i = 0; i < values.size(); ++i) {
    scaled[i] = std::clamp(values[i], -largest, largest) / unit;
    weight[i] = heaviest > 0.0f ? weights[i] / heaviest : 1.0f;
  }
  unsigned group = format.scales[format.scale].group;
  if (format.scales[format.scale].parent >= 0)
    return searchSuper(format, levels, {levels, group, scaled, weight}, unit,
                       result);
  std::vector<Part> parts = makeParts(levels, group, scaled, weight);
  searchParts(format, levels, parts, unit, result);
}

} // namespace qc::numerics::blocks
