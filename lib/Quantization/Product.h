//===- Product.h - Products of f32 matrices ---------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QC_LIB_QUANTIZATION_PRODUCT_H
#define QC_LIB_QUANTIZATION_PRODUCT_H

#include <cstdint>

namespace qc::quantization {

/// A row-major matrix by its first element and the distance of its rows.
struct MatrixPart {
  const float *data;
  int64_t stride;
};

/// c[i, j] += the sum of a[r, i] b[r, j] over the rows r < k in their order,
/// for i < m and j < n. Each product and each sum is rounded, so the bits are
/// the same whatever vectors the processor has.
void addTransposedProduct(int64_t m, int64_t n, int64_t k, MatrixPart a,
                          MatrixPart b, float *c, int64_t stride);

} // namespace qc::quantization

#endif // QC_LIB_QUANTIZATION_PRODUCT_H
