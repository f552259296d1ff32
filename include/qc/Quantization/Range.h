//===- Range.h - The range of an activation ---------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Chooses scale and zero point from counted values. Clipping rare large values
// makes the steps of all others finer; the methods differ in what they weigh.
//
//===----------------------------------------------------------------------===//

#ifndef QC_QUANTIZATION_RANGE_H
#define QC_QUANTIZATION_RANGE_H

#include "qc/Numerics/Rounding.h"
#include "qc/Quantization/Statistics.h"

namespace qc::quantization {

/// How a range is chosen.
struct Observer {
  enum class Kind {
    /// Smallest and largest value.
    MinMax,
    /// All but a share of the values at each end.
    Percentile,
    /// Least loss of information: the Kullback-Leibler divergence between the
    /// histogram and its quantized form (S. Migacz, "8-bit inference with
    /// TensorRT", GTC 2017), clipping at most one value in 1000.
    Entropy,
    /// Least squared error.
    Mse,
  };
  Kind kind = Kind::MinMax;
  /// Percent of the values that lie below the upper end.
  double percentile = 100.0;

  /// Parses minmax, percentile:P, entropy, mse.
  static llvm::Expected<Observer> parse(llvm::StringRef text);
};

/// A closed interval of values.
struct Range {
  float low = 0, high = 0;
};

/// The range that `observer` chooses; contains 0.
Range chooseRange(const TensorStatistics &statistics, const Observer &observer,
                  int32_t qmin, int32_t qmax);

/// Scale and zero point for codes in [qmin, qmax].
numerics::ScaleZero chooseScale(const TensorStatistics &statistics,
                                const Observer &observer, int32_t qmin,
                                int32_t qmax, bool symmetric);

} // namespace qc::quantization

#endif // QC_QUANTIZATION_RANGE_H
