//===- Estimate.h - How long a layer should take ----------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// For targets that are not at hand. What is known of a CPU level, the width of
// its vectors and its unit for 8-bit products, tells how many products a core
// does in a cycle; clock and memory are those of a usual core. Good to compare
// precisions by, not to promise milliseconds.
//
//===----------------------------------------------------------------------===//

#ifndef QC_TARGETINFO_ESTIMATE_H
#define QC_TARGETINFO_ESTIMATE_H

#include "qc/TargetInfo/Target.h"

#include <cstdint>

namespace qc {

/// What a convolution or a product of matrices does.
struct LayerWork {
  /// Multiplications, and the rows of the output: each reads all weights.
  double products = 0, rows = 0;
  /// Bytes of the weights as they are stored.
  double weightBytes = 0;
  /// Weights that the kernel decodes into floats; 0 where it reads them as they
  /// are.
  double decoded = 0;
  /// 8-bit activations and weights.
  bool integer = false;
};

/// Milliseconds on one core.
double estimateMilliseconds(const CpuLevel &level, const LayerWork &work);

} // namespace qc

#endif // QC_TARGETINFO_ESTIMATE_H
