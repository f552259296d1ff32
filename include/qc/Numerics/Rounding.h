// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Rounding, saturation, quantize, dequantize and requantize: the numeric
// contract. Every reference, pass and kernel takes these rules from here. The
// formulas are evaluated in IEEE single precision, one rounding per written
// operation: the library is built with -ffp-contract=off, and the functions
// with more than one operation live in the .cpp for that reason.

#ifndef QC_NUMERICS_ROUNDING_H
#define QC_NUMERICS_ROUNDING_H

#include <cmath>
#include <cstdint>

namespace qc::numerics {

/// Rounds to the nearest integer, ties to even, whatever the rounding mode of
/// the processor. Values that have no fraction, infinities and NaN come back
/// as they are; the sign of a zero result is the sign of `x`.
inline float roundHalfEven(float x) {
  float magnitude = std::fabs(x);
  bool hasFraction = magnitude < 8388608.0f;
  // Without branches, so that loops over it are vectorized.
  float part = hasFraction ? magnitude : 0.0f;
  auto whole = static_cast<int32_t>(part);
  float rest = part - static_cast<float>(whole);
  whole += (rest > 0.5f) | ((rest == 0.5f) & (whole & 1));
  float rounded = std::copysign(static_cast<float>(whole), x);
  return hasFraction ? rounded : x;
}

/// `v` clamped to [lo, hi].
inline int32_t saturate(int64_t v, int32_t lo, int32_t hi) {
  return static_cast<int32_t>(v < lo ? lo : v > hi ? hi : v);
}

/// sat(rne(x / scale) + zeroPoint) with IEEE division; a NaN quotient gives
/// `zeroPoint`. The clamp to [qmin - zeroPoint, qmax - zeroPoint] is done in
/// float before the conversion. Both bounds must be at most 2^24 in magnitude
/// (8- and 16-bit types), so that they are exact.
int32_t quantize(float x, float scale, int32_t zeroPoint, int32_t qmin,
                 int32_t qmax);

/// float(q - zeroPoint) * scale.
float dequantize(int32_t q, float scale, int32_t zeroPoint);

/// Constants of one output channel's step from an i32 sum to its 8- or 16-bit
/// result.
struct Requantize {
  float multiplier = 1.0f;
  int32_t zeroPoint = 0;
  /// Clamp bounds relative to the zero point: lo = qmin - zeroPoint and
  /// hi = qmax - zeroPoint, or tighter ones for a fused relu, relu6, clip.
  float lo = -128.0f;
  float hi = 127.0f;
};

/// Constants for a result in [qmin, qmax].
Requantize makeRequantize(float multiplier, int32_t zeroPoint, int32_t qmin,
                          int32_t qmax);

/// v = float(acc) [rne]; v = v * multiplier; clamp v to [lo, hi]; rne;
/// + zeroPoint.
int32_t requantize(int32_t acc, const Requantize &r);

/// As above with a residual: v = float(acc) * multiplier;
/// v = v + float(residual - residualZero) * residualMultiplier, a multiply and
/// then an add, never fused; clamp; rne; + zeroPoint.
int32_t requantize(int32_t acc, int32_t residual, int32_t residualZero,
                   float residualMultiplier, const Requantize &r);

/// The multiplier of an integer GEMM: float(float(sx * sw) / sy).
float foldMultiplier(float sx, float sw, float sy);

/// The bias in units of the sum: rne(b / float(sx * sw)). `fits` tells whether
/// it is an i32; if not (NaN included), the layer has to stay in float and the
/// result is 0.
int32_t quantizeBias(float b, float sx, float sw, bool &fits);

/// Whether k * maxAbsA * maxAbsW + maxAbsBias < 2^31: no order of summation
/// can overflow an i32. Negative arguments do not fit.
bool accumulatorFits(int64_t k, int32_t maxAbsA, int32_t maxAbsW,
                     int64_t maxAbsBias);

/// Parameters of one affine range: value = (q - zeroPoint) * scale.
struct ScaleZero {
  float scale = 1.0f;
  int32_t zeroPoint = 0;
};

/// The affine parameters that make [qmin, qmax] cover [lo, hi].
///
/// The range is widened to include 0, so that 0 is exact. All in float, as
/// ONNX's DynamicQuantizeLinear does it, so that it can be emitted as well.
/// Asymmetric: scale = (hi - lo) / float(qmax - qmin),
/// zeroPoint = sat(rne(qmin - lo / scale)). Symmetric:
/// scale = max(-lo, hi) / float(qmax), zeroPoint = 0; weights pass
/// qmin = -127. With an unsigned type (qmin >= 0) symmetric puts the zero point
/// at (qmin + qmax + 1) / 2 and divides by qmax - zeroPoint.
///
/// A range that is only 0 gives scale 1 (any scale would do; 1 prints well and
/// never divides by zero); its zero point is sat(0). A scale below the smallest
/// normal float becomes that float. NaN bounds count as 0, infinite bounds and
/// an infinite hi - lo as the largest finite float.
ScaleZero chooseAffine(float lo, float hi, int32_t qmin, int32_t qmax,
                       bool symmetric);

/// The zero point of an asymmetric range from `lo` <= 0 with a given scale,
/// e.g. one that was rounded to its storage: sat(rne(qmin - lo / scale)).
int32_t chooseZeroPoint(float lo, float scale, int32_t qmin, int32_t qmax);

} // namespace qc::numerics

#endif // QC_NUMERICS_ROUNDING_H
