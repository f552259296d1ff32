//===- Algorithms.h - What is done to weights -------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QC_QUANTIZATION_ALGORITHMS_H
#define QC_QUANTIZATION_ALGORITHMS_H

#include "qc/Quantization/Matrix.h"

#include <optional>
#include <string>
#include <vector>

namespace qc::quantization {

/// What makes up for channels that are taken out: their means go into the bias
/// of the layer that reads them, or that is fitted to give what it gave.
enum class RepairRule { Bias, Fit };

/// The steps that --algorithm asks for, in the order in which they are done.
struct Algorithms {
  /// Scales of input channels that go into the op before a layer.
  enum class Channels { None, Awq, SmoothQuant } channels = Channels::None;
  /// How weights of a precision with a sparsity are pruned; nothing where no
  /// rule was named, which is by magnitude.
  std::optional<PruningRule> pruning;
  /// Nothing where no rule was named, which is by fitting where there is data.
  std::optional<RepairRule> repair;
  /// Weights are fitted to their inputs before they are rounded.
  bool refit = false;
  ScaleRule scales = ScaleRule::Range;
  bool gptq = false;
  /// Codes are chosen once more after that.
  bool quantease = false;

  PruningRule pruningRule() const {
    return pruning.value_or(PruningRule::Magnitude);
  }

  /// True if more is done than rounding each weight by itself.
  bool searches() const {
    return needsInputs() || pruningRule() != PruningRule::Magnitude ||
           scales == ScaleRule::Importance;
  }
  /// Products of the inputs of a layer count, not just their squares.
  bool needsHessian() const {
    return refit || gptq || quantease || scales == ScaleRule::Output;
  }
  /// Weights have to be run with inputs; an importance matrix may do instead
  /// where this is false.
  bool needsInputs() const {
    return needsHessian() || channels != Channels::None;
  }

  /// Parses awq, smoothquant, magnitude, wanda, sparsegpt, bias, fit, refit,
  /// rtn, mse, imatrix, output, gptq, quantease. Without a rule for scales gptq
  /// and quantease have mse, and awq the search by the outputs' error.
  /// sparsegpt asks for gptq, whose loop it belongs to.
  static llvm::Expected<Algorithms>
  parse(const std::vector<std::string> &names);
};

} // namespace qc::quantization

#endif // QC_QUANTIZATION_ALGORITHMS_H
