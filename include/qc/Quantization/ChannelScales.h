//===- ChannelScales.h - Scales between a layer and its input ---*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// y = (W diag(s)) (x / s) for any s > 0. Weights of channels with large inputs
// are rounded more finely where s is large; inputs have fewer outliers where
// they are divided by it. The caller folds 1/s into the op that makes x.
//
//===----------------------------------------------------------------------===//

#ifndef QC_QUANTIZATION_CHANNELSCALES_H
#define QC_QUANTIZATION_CHANNELSCALES_H

#include "qc/Quantization/Matrix.h"

namespace qc::quantization {

struct ChannelScales {
  /// One positive number for each input channel.
  std::vector<float> values;
  /// The exponent that was chosen; 0 gives ones.
  double alpha = 0;
  /// Sum of the layers' output errors with these scales, and without any.
  double error = 0, errorWithout = 0;
};

/// The scales of AWQ (Lin et al., 2023, arXiv:2306.00978) for layers that read
/// the same input: mean |x|^alpha, divided by the geometric mean of its
/// extremes, for the alpha of 0, 1 / steps ... 1 by which the outputs' error is
/// least when the layers are rounded to nearest with scales from the range.
llvm::Expected<ChannelScales>
chooseAwqScales(std::span<const WeightMatrix> layers,
                const numerics::GroupFormat &format, const LayerInput &input,
                bool transposed = false, unsigned steps = 20);

/// The scales of SmoothQuant (Xiao et al., 2022, arXiv:2211.10438):
/// max|x|^alpha / max|w|^(1 - alpha) for each channel; 1 where either is 0.
ChannelScales chooseSmoothQuantScales(std::span<const WeightMatrix> layers,
                                      std::span<const float> largestInputs,
                                      double alpha = 0.5);

/// W diag(scales).
std::vector<float> scaleColumns(const WeightMatrix &weights,
                                std::span<const float> scales);

} // namespace qc::quantization

#endif // QC_QUANTIZATION_CHANNELSCALES_H
