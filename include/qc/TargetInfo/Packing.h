//===- Packing.h - Weights in the layout of the kernels ---------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The byte layouts of the weights that `contract` kernels read (KernelSlots.h).
// Written once here: the materializer makes the bytes with it, kernels and
// their tests read them.
//
// Columns are cut into panels of 16. A panel of bytes holds each run's K in
// steps of 4, [16][4] a step; a run is filled up with zeros to a multiple of 4.
// A panel of 16- or 32-bit floats holds K rows of 16. Columns beyond N are 0.
//
//===----------------------------------------------------------------------===//

#ifndef QC_TARGETINFO_PACKING_H
#define QC_TARGETINFO_PACKING_H

#include <cstddef>
#include <cstdint>
#include <span>

namespace qc {

/// The weights of one contraction, before packing row-major [k][groups * n]:
/// group g owns the columns [g * n, (g + 1) * n). `k` is runs * `run`, run the
/// contiguous elements of the activations (0 means all of k).
struct ContractWeights {
  int64_t k = 0;
  int64_t n = 0;
  int64_t groups = 1;
  int64_t run = 0;
  /// 1 (i8), 2 (f16, bf16) or 4 (f32).
  unsigned elementBytes = 1;

  static constexpr int64_t panelColumns = 16;
  static constexpr int64_t kStep = 4;

  int64_t runLength() const { return run ? run : k; }
  /// Rows of one panel as stored, the padding of runs included.
  int64_t packedRows() const;
  int64_t panels() const { return (n + panelColumns - 1) / panelColumns; }
  /// Bytes of one panel and of one group.
  int64_t panelBytes() const;
  int64_t groupBytes() const { return panels() * panelBytes(); }
  int64_t packedBytes() const { return groups * groupBytes(); }
  /// Nothing is negative or too large, and `run` divides `k`.
  bool isValid() const;
};

/// Packs `weights` ([k][groups * n]) into `packed` (packedBytes()).
void packContract(const ContractWeights &shape,
                  std::span<const std::byte> weights,
                  std::span<std::byte> packed);

/// Offset of the element of row `k`, column `n` of `group` in what
/// packContract makes; for references and tests.
int64_t packedContractOffset(const ContractWeights &shape, int64_t group,
                             int64_t k, int64_t n);

} // namespace qc

#endif // QC_TARGETINFO_PACKING_H
