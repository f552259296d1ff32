//===- MatrixTile.h - Sums of bytes in tile registers -----------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// AMX: a register of 16 rows of 64 bytes holds 16 rows of activations, or 16
// steps of a panel of weights as it is packed for every level, or 16 x 16 sums.
// One instruction multiplies the first two and adds to the third (Intel 64 and
// IA-32 Architectures Software Developer's Manual, volume 2, TDPBUSD).
//
//===----------------------------------------------------------------------===//

#ifndef QC_LIB_TARGET_KERNELS_MATRIXTILE_H
#define QC_LIB_TARGET_KERNELS_MATRIXTILE_H

#include "qc/Target/Kernels/KernelBuilder.h"

namespace qc::kernels {

class MatrixTile {
public:
  /// Rows and panels of 16 columns of one call.
  static constexpr unsigned maxRows = 64, maxPanels = 16;

  /// Writes the functions; their names start with `name`.
  MatrixTile(KernelBuilder &kernel, bool accumulate, llvm::StringRef name);

  /// Around all calls of a kernel: gives the registers their shape, and gives
  /// them back.
  void enter();
  void leave();

  /// The arguments are those of ContractTiles::Call, where `sums` has room for
  /// maxRows rows of maxPanels panels.
  void call(llvm::ArrayRef<Val> arguments) { k.call(function, arguments); }

private:
  /// The values of one call.
  struct Work;

  Function emitProducts(llvm::StringRef name, unsigned rowTiles,
                        unsigned panels);
  void emitCall(llvm::ArrayRef<Val> arguments);
  void copyTail(const Work &work, Val weights, Val panels);
  void pack(const Work &work, Val firstChunk, Val endChunk);
  void packPiece(const Work &work, Val run, Val begin, Val to, bool isFirst);
  void multiply(const Work &work, Val firstChunk, Val endChunk);

  void load(unsigned tile, Val address, Val stride);
  void store(unsigned tile, Val address, Val stride);
  void product(unsigned sum, unsigned rows, unsigned weights);
  Val tileNumber(unsigned tile) { return k.number(k.i8(), tile); }

  KernelBuilder &k;
  bool accumulate;
  std::string name;
  llvm::SmallVector<Function, 4> products;
  Function function;
};

} // namespace qc::kernels

#endif // QC_LIB_TARGET_KERNELS_MATRIXTILE_H
