//===- Pruning.h - Weights that become zero ---------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a weight is worth that may become zero. docs/Algorithms.md says what
// each rule computes, qc/Numerics/Sparsity.h which patterns there are.
//
//===----------------------------------------------------------------------===//

#ifndef QC_QUANTIZATION_PRUNING_H
#define QC_QUANTIZATION_PRUNING_H

#include "qc/Numerics/Sparsity.h"

namespace qc::quantization {

enum class PruningRule {
  Magnitude, // |w|
  Wanda,     // |w| times the norm of its input, in each row
  SparseGpt, // the error that other weights can't make up for
};

struct PruningOptions {
  /// Nothing: all weights stay.
  std::optional<numerics::Sparsity> pattern = {};
  PruningRule rule = PruningRule::Magnitude;
};

} // namespace qc::quantization

#endif // QC_QUANTIZATION_PRUNING_H
