// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The rules of Rounding.h.

#include "qc/Numerics/Rounding.h"

#include <algorithm>
#include <cassert>
#include <limits>

namespace qc::numerics {

static constexpr float exactLimit = 16777216.0f;

/// a < b ? a : b and a > b ? a : b, as Program::min and max.
static float least(float a, float b) { return a < b ? a : b; }
static float greatest(float a, float b) { return a > b ? a : b; }

/// The last three steps of every quantization: clamp, rne, convert. `v` must
/// not be NaN.
static int32_t clampRound(float v, float lo, float hi) {
  return static_cast<int32_t>(roundHalfEven(least(greatest(v, lo), hi)));
}

int32_t quantize(float x, float scale, int32_t zeroPoint, int32_t qmin,
                 int32_t qmax) {
  float lo = static_cast<float>(static_cast<int64_t>(qmin) - zeroPoint);
  float hi = static_cast<float>(static_cast<int64_t>(qmax) - zeroPoint);
  assert(lo >= -exactLimit && hi <= exactLimit && "bounds must be exact");
  float v = x / scale;
  if (std::isnan(v))
    return zeroPoint;
  return clampRound(v, lo, hi) + zeroPoint;
}

float dequantize(int32_t q, float scale, int32_t zeroPoint) {
  return static_cast<float>(static_cast<int64_t>(q) - zeroPoint) * scale;
}

Requantize makeRequantize(float multiplier, int32_t zeroPoint, int32_t qmin,
                          int32_t qmax) {
  float lo = static_cast<float>(static_cast<int64_t>(qmin) - zeroPoint);
  float hi = static_cast<float>(static_cast<int64_t>(qmax) - zeroPoint);
  assert(lo >= -exactLimit && hi <= exactLimit && "bounds must be exact");
  return {multiplier, zeroPoint, lo, hi};
}

int32_t requantize(int32_t acc, const Requantize &r) {
  float v = static_cast<float>(acc) * r.multiplier;
  return clampRound(v, r.lo, r.hi) + r.zeroPoint;
}

int32_t requantize(int32_t acc, int32_t residual, int32_t residualZero,
                   float residualMultiplier, const Requantize &r) {
  float v = static_cast<float>(acc) * r.multiplier;
  int64_t centered = static_cast<int64_t>(residual) - residualZero;
  float addend = static_cast<float>(centered) * residualMultiplier;
  v = v + addend;
  return clampRound(v, r.lo, r.hi) + r.zeroPoint;
}

float foldMultiplier(float sx, float sw, float sy) {
  float product = sx * sw;
  return product / sy;
}

int32_t quantizeBias(float b, float sx, float sw, bool &fits) {
  float scale = sx * sw;
  float v = roundHalfEven(b / scale);
  fits = v >= -2147483648.0f && v < 2147483648.0f;
  return fits ? static_cast<int32_t>(v) : 0;
}

bool accumulatorFits(int64_t k, int32_t maxAbsA, int32_t maxAbsW,
                     int64_t maxAbsBias) {
  constexpr int64_t limit = std::numeric_limits<int32_t>::max();
  if (k < 0 || maxAbsA < 0 || maxAbsW < 0 || maxAbsBias < 0 ||
      maxAbsBias > limit)
    return false;
  int64_t product = static_cast<int64_t>(maxAbsA) * maxAbsW;
  return product == 0 || k <= (limit - maxAbsBias) / product;
}

/// A usable bound: NaN is 0, infinities are the largest finite float.
static float finiteBound(float v) {
  constexpr float largest = std::numeric_limits<float>::max();
  return std::isnan(v) ? 0.0f : std::clamp(v, -largest, largest);
}

int32_t chooseZeroPoint(float lo, float scale, int32_t qmin, int32_t qmax) {
  float zero = static_cast<float>(qmin) - lo / scale;
  // Bounded like a quotient in quantize; NaN cannot come of finite operands.
  float bounded = least(greatest(zero, -0x1p30f), 0x1p30f);
  return saturate(static_cast<int64_t>(roundHalfEven(bounded)), qmin, qmax);
}

ScaleZero chooseAffine(float lo, float hi, int32_t qmin, int32_t qmax,
                       bool symmetric) {
  assert(qmin < qmax && "empty integer range");
  constexpr float smallest = std::numeric_limits<float>::min();
  lo = std::min(finiteBound(lo), 0.0f);
  hi = std::max(finiteBound(hi), 0.0f);
  ScaleZero result;
  if (symmetric) {
    if (qmin >= 0)
      result.zeroPoint =
          static_cast<int32_t>((static_cast<int64_t>(qmin) + qmax + 1) / 2);
    int64_t steps = static_cast<int64_t>(qmax) - result.zeroPoint;
    float bound = std::max(-lo, hi);
    if (bound > 0.0f)
      result.scale = std::max(bound / static_cast<float>(steps), smallest);
    return result;
  }
  float range = finiteBound(hi - lo);
  if (range == 0.0f) {
    result.zeroPoint = saturate(0, qmin, qmax);
    return result;
  }
  int64_t steps = static_cast<int64_t>(qmax) - qmin;
  result.scale = std::max(range / static_cast<float>(steps), smallest);
  result.zeroPoint = chooseZeroPoint(lo, result.scale, qmin, qmax);
  return result;
}

} // namespace qc::numerics
