//===- SparsePanels.h - Sums with sparse weights ----------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the forms of sparse weights (SparsePacking.h) have in common for the
// loops of sparse_contract: the integer sums of a block of rows and columns.
//
//===----------------------------------------------------------------------===//

#ifndef QC_LIB_TARGET_KERNELS_SPARSEPANELS_H
#define QC_LIB_TARGET_KERNELS_SPARSEPANELS_H

#include "Parts.h"

#include "qc/TargetInfo/SparsePacking.h"

#include <memory>

namespace qc::kernels {

class SparsePanels {
public:
  virtual ~SparsePanels() = default;

  /// Rows and panels of 16 columns of a block at most.
  int64_t rows = 1, panels = 1;

  /// The matrix, as values of the kernel's function.
  struct Matrix {
    Val x, xRow, weights, depth, n;
  };
  /// Called at the start of the kernel.
  virtual void begin(const Matrix &matrix) = 0;
  /// Writes the sums (i32, of float rows f32) of `count` rows from `first` on
  /// and of `width` panels from `panel` on: row r of panel p at to + 64 * (p *
  /// rows + r).
  virtual void sum(Val first, Val count, Val panel, Val width, Val to) = 0;
};

/// Of the key's types; null and an error where there is none.
std::unique_ptr<SparsePanels>
makeNofM(KernelBuilder &k, const numerics::SparseFormat &format, bool signedX);
std::unique_ptr<SparsePanels>
makeFloatNofM(KernelBuilder &k, const numerics::SparseFormat &format);
std::unique_ptr<SparsePanels> makeMask(KernelBuilder &k, llvm::StringRef x,
                                       std::string &error);
std::unique_ptr<SparsePanels> makeBlocks(KernelBuilder &k, llvm::StringRef x,
                                         std::string &error);

} // namespace qc::kernels

#endif // QC_LIB_TARGET_KERNELS_SPARSEPANELS_H
