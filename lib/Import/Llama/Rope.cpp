//===- Rope.cpp - The frequencies of rotary embeddings --------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Su et al., RoFormer (2021, arXiv:2104.09864), and how they are scaled beyond
// the context trained on: linear position interpolation (arXiv:2306.15595),
// YaRN (arXiv:2309.00071) and the rule of Llama 3.1.
//
//===----------------------------------------------------------------------===//

#include "qc/Import/Llama/Rope.h"

#include "qc/Support/Error.h"

#include <algorithm>
#include <cmath>
#include <numbers>

using namespace qc;
using namespace qc::llama;

/// Llama 3: long waves are slowed by the factor, short ones stay, those between
/// are blended by their wavelength.
static double scaleLlama3(const RopeScaling &s, double frequency) {
  double wave = 2 * std::numbers::pi / frequency;
  auto original = static_cast<double>(s.originalContext);
  if (wave > original / s.lowFreqFactor)
    return frequency / s.factor;
  if (wave < original / s.highFreqFactor)
    return frequency;
  double smooth = (original / wave - s.lowFreqFactor) /
                  (s.highFreqFactor - s.lowFreqFactor);
  return (1 - smooth) * frequency / s.factor + smooth * frequency;
}

/// YaRN: the pair whose angle makes `turns` turns over the original context.
static double yarnPair(const ModelConfig &config, double turns) {
  double turn = turns * 2 * std::numbers::pi;
  return static_cast<double>(config.headDim) *
         std::log(static_cast<double>(config.ropeScaling.originalContext) /
                  turn) /
         (2 * std::log(config.ropeTheta));
}

/// How much of the slowed frequency each pair gets, from 0 to 1.
static double yarnShare(const ModelConfig &config, int64_t pair) {
  const RopeScaling &s = config.ropeScaling;
  double low = yarnPair(config, s.betaFast),
         high = yarnPair(config, s.betaSlow);
  if (s.truncate) {
    low = std::floor(low);
    high = std::ceil(high);
  }
  low = std::max(low, 0.0);
  high = std::min(high, static_cast<double>(config.headDim - 1));
  if (low == high)
    high += 0.001;
  return std::clamp((static_cast<double>(pair) - low) / (high - low), 0.0, 1.0);
}

llvm::Expected<std::vector<float>>
qc::llama::ropeFrequencies(const ModelConfig &config, int64_t context,
                           llvm::StringRef path) {
  const RopeScaling &s = config.ropeScaling;
  if (s.kind == RopeScaling::Kind::Dynamic && context > s.originalContext)
    return inputError("bad-option", path, "--context",
                      llvm::Twine(context) +
                          ", beyond which the model's dynamic RoPE changes "
                          "with the length of a text",
                      "at most " + llvm::Twine(s.originalContext));
  std::vector<float> result;
  for (int64_t pair = 0; pair < config.headDim / 2; ++pair) {
    double frequency =
        std::pow(config.ropeTheta, -2.0 * static_cast<double>(pair) /
                                       static_cast<double>(config.headDim));
    if (s.kind == RopeScaling::Kind::Linear)
      frequency /= s.factor;
    else if (s.kind == RopeScaling::Kind::Llama3)
      frequency = scaleLlama3(s, frequency);
    else if (s.kind == RopeScaling::Kind::Yarn) {
      double share = yarnShare(config, pair);
      frequency = frequency / s.factor * share + frequency * (1 - share);
    }
    result.push_back(static_cast<float>(frequency));
  }
  return result;
}
