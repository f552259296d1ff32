//===- Transpose.h - Axes in another order ----------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QC_LIB_ANALYSIS_EVALUATOR_TRANSPOSE_H
#define QC_LIB_ANALYSIS_EVALUATOR_TRANSPOSE_H

#include "qc/Support/HostTensor.h"

namespace qc::evaluator {

/// Axis i of the result is axis `permutation[i]` of the tensor. The order the
/// axes have is no copy.
HostTensor transposed(const HostTensor &tensor,
                      llvm::ArrayRef<int64_t> permutation);

/// Copies a box of `shape` elements between strided places of `elementBytes`
/// bytes each; strides count elements, outermost axis first.
void copyStrided(unsigned elementBytes, llvm::ArrayRef<int64_t> shape,
                 const char *from, llvm::ArrayRef<int64_t> fromStrides,
                 char *to, llvm::ArrayRef<int64_t> toStrides);

/// The strides of a dense row-major tensor.
llvm::SmallVector<int64_t> rowMajorStrides(llvm::ArrayRef<int64_t> shape);

} // namespace qc::evaluator

#endif // QC_LIB_ANALYSIS_EVALUATOR_TRANSPOSE_H
