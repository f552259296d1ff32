//===- Divergence.h - How far predictions are apart -------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Private to Execution/Search.
//
//===----------------------------------------------------------------------===//

#ifndef QC_LIB_EXECUTION_SEARCH_DIVERGENCE_H
#define QC_LIB_EXECUTION_SEARCH_DIVERGENCE_H

#include "qc/Support/HostTensor.h"

#include <vector>

namespace qc::search {

/// Logits [rows, vocabulary] that others are compared with.
class ReferenceRows {
public:
  ReferenceRows() = default;
  explicit ReferenceRows(HostTensor logits);

  int64_t rows() const { return logits.dim(0); }
  /// The sum over the rows of KL(reference, other), in nats.
  double divergenceOf(const HostTensor &other) const;
  /// The sum over the rows of the cosines with those of `other`.
  double cosinesOf(const HostTensor &other) const;
  const HostTensor &values() const { return logits; }

private:
  HostTensor logits;
  /// Of each row the logarithm of its sum; the probabilities of all.
  std::vector<double> sums;
  std::vector<float> probabilities;
};

/// Some rows of a matrix of floats.
HostTensor selectRows(const HostTensor &matrix, llvm::ArrayRef<int32_t> rows);
/// The rows of matrices of floats with as many columns, one after the other.
HostTensor joinRows(llvm::ArrayRef<HostTensor> matrices);

} // namespace qc::search

#endif // QC_LIB_EXECUTION_SEARCH_DIVERGENCE_H
