//===- Algorithms.h - What is done to weights -------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QC_QUANTIZATION_ALGORITHMS_H
#define QC_QUANTIZATION_ALGORITHMS_H

#include "qc/Quantization/Matrix.h"

#include <string>
#include <vector>

namespace qc::quantization {

/// The steps that --algorithm asks for, in the order in which they are done.
struct Algorithms {
  /// Scales of input channels that go into the op before a layer.
  enum class Channels { None, Awq, SmoothQuant } channels = Channels::None;
  ScaleRule scales = ScaleRule::Range;
  bool gptq = false;

  /// True if more is done than rounding each weight by itself.
  bool searches() const {
    return gptq || channels != Channels::None ||
           scales == ScaleRule::Importance || scales == ScaleRule::Output;
  }
  /// Weights have to be run with inputs; an importance matrix may do instead
  /// where this is false.
  bool needsInputs() const {
    return gptq || channels != Channels::None || scales == ScaleRule::Output;
  }

  /// Parses rtn, mse, imatrix, output, gptq, awq, smoothquant. Without a rule
  /// for scales gptq has mse, and awq the search by the outputs' error.
  static llvm::Expected<Algorithms>
  parse(const std::vector<std::string> &names);
};

} // namespace qc::quantization

#endif // QC_QUANTIZATION_ALGORITHMS_H
