// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The one order of reductions outside GEMM, and the row functions that are
// written with it. Emitted kernels must follow the steps named here; then any
// vector width that divides 16 and any number of threads gives the same bits.
//
// reduce(n elements): 16 partials p[0..15] start at the identity (+0 for sums,
// -inf for max). Element i goes into p[i % 16], ascending. (Loading a short
// tail filled up with the identity changes nothing.) Then
//   p[i] = p[i] op p[i + 8] for i < 8;  p[i] = p[i] op p[i + 4] for i < 4;
//   p[i] = p[i] op p[i + 2] for i < 2;  result = p[0] op p[1].
// op is a + b, or a > b ? a : b with the partial as a (Program::max).

#ifndef QC_NUMERICS_REDUCE_H
#define QC_NUMERICS_REDUCE_H

#include "qc/Numerics/Program.h"

#include <span>

namespace qc::numerics {

/// Number of partial results.
inline constexpr unsigned reduceLanes = 16;

float reduceSum(std::span<const float> x);
/// -inf when empty. Which NaN operands survive follows from Program::max.
float reduceMax(std::span<const float> x);
/// reduceSum of x[i] * x[i], each product rounded.
float reduceSumSquares(std::span<const float> x);
/// reduceSum divided by float(n).
float reduceMean(std::span<const float> x);

/// m = reduceMax(x); e[i] = exp(x[i] - m); s = reduceSum(e); r = 1 / s;
/// y[i] = e[i] * r. A row of -inf only gives NaN. `y` may be `x`.
void softmaxRow(std::span<const float> x, std::span<float> y);
/// m as above; y[i] = (x[i] - m) - log(reduceSum(exp(x - m))).
void logSoftmaxRow(std::span<const float> x, std::span<float> y);

/// mean = reduceSum(x) / n; d[i] = x[i] - mean;
/// var = reduceSum(d[i] * d[i]) / n; rstd = 1 / sqrt(var + eps);
/// y[i] = ((d[i] * rstd) * gamma[i]) + beta[i], four roundings. An empty
/// `gamma` or `beta` leaves its step out. `y` may be `x`.
void layerNormRow(std::span<const float> x, std::span<const float> gamma,
                  std::span<const float> beta, float eps, std::span<float> y);

/// ms = reduceSum(x[i] * x[i]) / n; rstd = 1 / sqrt(ms + eps);
/// y[i] = (x[i] * rstd) * gamma[i]. An empty `gamma` leaves its step out.
void rmsNormRow(std::span<const float> x, std::span<const float> gamma,
                float eps, std::span<float> y);

/// The element-wise pieces of the above, for an emitter.
/// exp(x - max).
Value softmaxNumerator(Program &p, Value x, Value max);
/// 1 / sqrt(meanSquare + eps).
Value reciprocalDeviation(Program &p, Value meanSquare, Value eps);

} // namespace qc::numerics

#endif // QC_NUMERICS_REDUCE_H
