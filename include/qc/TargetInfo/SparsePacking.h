//===- SparsePacking.h - Sparse 8-bit weights for kernels -------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The layouts of [K, N] weights of i8 that `sparse_contract` kernels read, all
// by panels of 16 columns; columns beyond N are 0.
//
// N of M (i8_2of4): for each panel an i32 for each column, 128 times the sum of
//   its weights: for units that multiply signed bytes where u8 stands for q +
//   128, or the other way round; and an f32 for each, its scale, for float
//   activations. Then panel after panel; of K come 16 inputs at
//   a time, of which 16 * keep / of weights are kept, a multiple of 4: steps of
//   [16][4] as in Packing.h. Some of these chunks make a block, so that their
//   positions fill registers: first its steps, then of each plane of the
//   positions' bits (GroupPacking.h) blocks of 64 bytes; byte 4 * c + i has at
//   bit b * p the position of element [c][i] of step p of those that share it.
// Mask (i8_mask): for each panel an i64, where its weights start, and one more;
//   for each panel and 4 inputs 64 bits of [16][4]; the weights, bit after bit;
//   64 bytes that are read and not used.
// Blocks of 16 columns (i8_16x1): for each panel and slab of 512 inputs an i32,
//   the step that it starts at, and one more; for each step the numbers of its
//   4 inputs, u16[4]; the steps, [16][4].
//
//===----------------------------------------------------------------------===//

#ifndef QC_TARGETINFO_SPARSEPACKING_H
#define QC_TARGETINFO_SPARSEPACKING_H

#include "qc/Numerics/Sparse.h"

namespace qc {

/// Which sparse kernel reads a [k, n] matrix of i8.
struct SparseWeights {
  numerics::SparseFormat format;
  int64_t k = 0, n = 0;

  static constexpr int64_t panelColumns = 16, chunk = 16, slab = 512;

  /// The type of the weights in a kernel's key; empty where none is written for
  /// this form.
  std::string keyType() const;
  /// True where there is a kernel for float activations.
  bool meetsFloats() const {
    return format.kind == numerics::SparseFormat::Kind::NofM &&
           format.of == 4 && format.keep <= 2;
  }
  /// The form (without k, n and what is kept) of a type of a key.
  static bool parse(std::string_view type, numerics::SparseFormat &format);

  int64_t panels() const { return (n + panelColumns - 1) / panelColumns; }
  int64_t packedBytes() const;

  // N of M.
  /// Bytes before the panels: sums and scales of columns.
  int64_t headerBytes() const { return panels() * panelColumns * 8; }
  int64_t chunkSteps() const { return chunk * format.keep / format.of / 4; }
  int64_t blockSteps() const;
  int64_t blockInputs() const { return blockSteps() / chunkSteps() * chunk; }
  int64_t blockBytes() const;
  int64_t panelBytes() const {
    return (k + blockInputs() - 1) / blockInputs() * blockBytes();
  }

  // Mask and blocks.
  int64_t maskSteps() const { return (k + 3) / 4; }
  int64_t slabs() const { return (k + slab - 1) / slab; }
};

/// Packs the components of a tensor: those of numerics::sparseComponents.
/// `scales` are one for each column, or none.
void packSparse(const SparseWeights &weights,
                std::span<const numerics::ComponentData> data,
                std::span<const float> scales, std::span<uint8_t> packed);

} // namespace qc

#endif // QC_TARGETINFO_SPARSEPACKING_H
