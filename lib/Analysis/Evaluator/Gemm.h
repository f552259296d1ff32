//===- Gemm.h - Products of matrices, summed in double ----------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A double holds a product of two f32 exactly and a sum of 8-bit products
// exactly: one loop serves the float and the integer paths. Floats are added in
// ascending order of k.
//
//===----------------------------------------------------------------------===//

#ifndef QC_LIB_ANALYSIS_EVALUATOR_GEMM_H
#define QC_LIB_ANALYSIS_EVALUATOR_GEMM_H

#include "qc/Support/HostTensor.h"

#include <vector>

namespace qc::evaluator {

/// c[i * n + j] += sum over k of a[i * aRow + k] * b[k * bRow + j].
void gemm(int64_t m, int64_t n, int64_t k, const float *a, int64_t aRow,
          const float *b, int64_t bRow, double *c);

/// Sums in double, loaded from and stored to a part of a tensor.
class SumBuffer {
public:
  explicit SumBuffer(int64_t size) : sums(size) {}
  double *data() { return sums.data(); }
  void clear() { std::fill(sums.begin(), sums.end(), 0.0); }
  /// Sets the sums to elements [first, first + size) of an f32 or i32 tensor.
  void load(const HostTensor &tensor, int64_t first);
  /// Stores them rounded to f32, or modulo 2^32 to i32.
  void store(HostTensor &tensor, int64_t first) const;

private:
  std::vector<double> sums;
};

/// A whole number below 2^63 in magnitude modulo 2^32.
inline int32_t wrapToI32(double sum) {
  return static_cast<int32_t>(
      static_cast<uint32_t>(static_cast<uint64_t>(static_cast<int64_t>(sum))));
}

} // namespace qc::evaluator

// Under AddressSanitizer what chooses a clone would run before its memory is
// there.
// GCC and Clang say so each in its way.
#if defined(__SANITIZE_ADDRESS__)
#define QC_ADDRESS_SANITIZER 1
#elif defined(__has_feature)
#define QC_ADDRESS_SANITIZER __has_feature(address_sanitizer)
#else
#define QC_ADDRESS_SANITIZER 0
#endif

/// Compiled for wider vectors too and chosen when loaded; the bits are the same
/// as no multiplication is fused with an addition.
#if defined(__x86_64__) && defined(__ELF__) && !QC_ADDRESS_SANITIZER
#define QC_WIDE_LOOP                                                           \
  __attribute__((target_clones("default", "avx2", "avx512f")))
#else
#define QC_WIDE_LOOP
#endif

#endif // QC_LIB_ANALYSIS_EVALUATOR_GEMM_H
