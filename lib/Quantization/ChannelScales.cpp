//===- ChannelScales.cpp - Scales between a layer and its input -----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "qc/Quantization/ChannelScales.h"
#include "qc/Support/Error.h"

#include <algorithm>
#include <cmath>

using namespace qc;
using namespace qc::quantization;

std::vector<float> quantization::scaleColumns(const WeightMatrix &weights,
                                              std::span<const float> scales) {
  std::vector<float> result(weights.values.begin(), weights.values.end());
  for (size_t i = 0; i < result.size(); ++i)
    result[i] *= scales[i % scales.size()];
  return result;
}

/// magnitudes^alpha over the geometric mean of its extremes.
static std::vector<float> powers(std::span<const float> magnitudes,
                                 double alpha) {
  constexpr double smallest = 1e-4;
  std::vector<double> scales;
  for (float m : magnitudes)
    scales.push_back(std::max(std::pow(double(m), alpha), smallest));
  auto [low, high] = std::minmax_element(scales.begin(), scales.end());
  double middle = std::sqrt(*low * *high);
  std::vector<float> result;
  for (double s : scales)
    result.push_back(static_cast<float>(s / middle));
  return result;
}

/// Sum of the output errors of the layers with these scales.
static llvm::Expected<double> errorWith(std::span<const float> scales,
                                        std::span<const WeightMatrix> layers,
                                        const numerics::GroupFormat &format,
                                        const LayerInput &input,
                                        const MatrixOptions &options) {
  InputStatistics divided = input.statistics->dividedBy(scales);
  std::vector<float> importance(input.importance.begin(),
                                input.importance.end());
  for (size_t c = 0; c < importance.size(); ++c)
    importance[c] /= scales[c] * scales[c];
  LayerInput scaledInput{&divided, importance};
  double error = 0;
  for (const WeightMatrix &layer : layers) {
    std::vector<float> scaled = scaleColumns(layer, scales);
    llvm::Expected<QuantizedMatrix> result =
        quantizeMatrix({scaled, layer.rows, layer.columns, layer.name}, format,
                       scaledInput, options);
    if (!result)
      return result.takeError();
    error += result->outputError;
  }
  return error;
}

llvm::Expected<ChannelScales> quantization::chooseAwqScales(
    std::span<const WeightMatrix> layers, const numerics::GroupFormat &format,
    const LayerInput &input, bool transposed, unsigned steps) {
  if (!input.statistics || !input.statistics->hasHessian())
    return inputError("bad-weights", "", "awq", "no Hessian of the inputs",
                      "calibration data for this algorithm");
  MatrixOptions rounding;
  rounding.transposed = transposed;
  std::vector<float> magnitudes = input.statistics->meanMagnitudes();
  ChannelScales best;
  for (unsigned step = 0; step <= steps; ++step) {
    double alpha = static_cast<double>(step) / steps;
    std::vector<float> scales = powers(magnitudes, alpha);
    llvm::Expected<double> error =
        errorWith(scales, layers, format, input, rounding);
    if (!error)
      return error.takeError();
    if (step == 0)
      best.errorWithout = *error;
    if (step == 0 || *error < best.error) {
      best.values = std::move(scales);
      best.alpha = alpha;
      best.error = *error;
    }
  }
  return best;
}

ChannelScales
quantization::chooseSmoothQuantScales(std::span<const WeightMatrix> layers,
                                      std::span<const float> largestInputs,
                                      double alpha) {
  std::vector<float> largestWeights(largestInputs.size());
  for (const WeightMatrix &layer : layers)
    for (size_t i = 0; i < layer.values.size(); ++i) {
      float &largest = largestWeights[i % largestInputs.size()];
      largest = std::max(largest, std::fabs(layer.values[i]));
    }
  ChannelScales result;
  result.alpha = alpha;
  for (size_t c = 0; c < largestInputs.size(); ++c) {
    double x = largestInputs[c], w = largestWeights[c];
    double scale =
        x > 0 && w > 0 ? std::pow(x, alpha) / std::pow(w, 1 - alpha) : 1.0;
    result.values.push_back(static_cast<float>(scale));
  }
  return result;
}
