//===- ProductUnit.h - How a level multiplies and adds ----------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A product unit multiplies one step of K of a row of activations with a panel
// of 16 columns of weights into registers. The tile emitter is the same for
// all.
//
//===----------------------------------------------------------------------===//

#ifndef QC_LIB_TARGET_KERNELS_PRODUCTUNIT_H
#define QC_LIB_TARGET_KERNELS_PRODUCTUNIT_H

#include "qc/Target/Kernels/KernelBuilder.h"

namespace qc::kernels {

class ProductUnit {
public:
  explicit ProductUnit(KernelBuilder &k) : k(k) {}
  virtual ~ProductUnit() = default;

  /// Registers that hold the sums of one row and panel, and their type.
  unsigned sumRegisters = 0;
  mlir::Type sumType;
  /// Elements of K in one step, bytes of one element of x, and of one step of
  /// a panel.
  unsigned step = 1, xBytes = 4, panelStepBytes = 64;
  /// The tile: rows, and panels of 16 columns.
  unsigned maxRows = 1, maxPanels = 1;
  /// The tile is that of MatrixTile.h.
  bool isMatrix = false;

  /// One step of a row, ready to be multiplied.
  virtual Val activation(Val pointer) = 0;
  /// The same of a run's last `count` (1 to step - 1) elements; reads no more.
  virtual Val activationTail(Val pointer, Val count) { return {}; }
  /// Register `index` of one step of a panel.
  virtual Val weights(Val pointer, unsigned index) = 0;
  virtual Val multiplyAdd(Val sum, Val activation, Val weights) = 0;
  /// The 16 sums of a panel in column order, as registers of lanes() lanes.
  virtual llvm::SmallVector<Val> finish(llvm::ArrayRef<Val> sums) = 0;
  /// Sums that go on from what finish() gave.
  virtual llvm::SmallVector<Val> resume(llvm::ArrayRef<Val> finished) {
    return llvm::SmallVector<Val>(finished);
  }

protected:
  KernelBuilder &k;
};

/// The unit for activations and weights of these types on the kernel's level;
/// null and an error where there is none.
std::unique_ptr<ProductUnit> makeProductUnit(KernelBuilder &k,
                                             llvm::StringRef x,
                                             llvm::StringRef w,
                                             std::string &error);

/// The same for whole tiles of many rows, with tile registers on levels that
/// have them.
std::unique_ptr<ProductUnit> makeTileUnit(KernelBuilder &k, llvm::StringRef x,
                                          llvm::StringRef w,
                                          std::string &error);

/// The unit for bytes that are words already, both the rows' and the weights',
/// in whole steps of 4; null on levels that multiply bytes.
std::unique_ptr<ProductUnit> makeWordUnit(KernelBuilder &k);

} // namespace qc::kernels

#endif // QC_LIB_TARGET_KERNELS_PRODUCTUNIT_H
