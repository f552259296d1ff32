//===- Epilogue.h - From a sum to an output element -------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The step after the sums of contract and depthwise, exactly in the order that
// KernelSlots.h states: each operation rounds once, never fused.
//
//===----------------------------------------------------------------------===//

#ifndef QC_LIB_TARGET_KERNELS_EPILOGUE_H
#define QC_LIB_TARGET_KERNELS_EPILOGUE_H

#include "qc/Target/Kernels/KernelBuilder.h"
#include "qc/TargetInfo/KernelKey.h"

namespace qc::kernels {

/// The slots of an epilogue by index; RowScale and Offset only of contract.
struct EpilogueSlots {
  unsigned bias, multiplier, residual, y, low, high, yZero, residualZero,
      residualMultiplier, yScale;
  unsigned rowScale = ~0u, offset = ~0u;
};

/// Those of contract.
extern const EpilogueSlots contractEpilogueSlots;

/// Where one strip of sums goes. Byte addresses but for `channel`.
struct EpiloguePlace {
  /// Index into bias and multiplier.
  Val channel;
  /// Index into row_scale; only with that flag.
  Val row;
  Val y, residual;
};

class Epilogue {
public:
  /// What is wrong with the key, or an empty string. types = x, w, y.
  static std::string verify(const KernelKey &key);

  /// Loads the slots that the key's epilogue uses.
  Epilogue(KernelBuilder &kernel, const KernelKey &key,
           const EpilogueSlots &slots);

  /// Takes bias, multipliers and outputs from other places than the slots.
  void setAddresses(Val biasAt, Val multiplierAt, Val yAt) {
    bias = biasAt;
    multiplier = multiplierAt;
    yBase = yAt;
  }

  /// Stores the outputs of a strip of sums (i32 lanes for integer x, else
  /// f32).
  void apply(Val sum, Strip strip, const EpiloguePlace &place);

  /// Stores the outputs of a tile: `rows` rows of `columns` sums that lie
  /// `stride` sums apart. `place` says where (row, column) of the tile goes.
  void applyTile(Val sums, unsigned stride, Val rows, Val columns,
                 llvm::function_ref<EpiloguePlace(Val, Val)> place);

  /// The type of `lanes` sums.
  mlir::Type sumType(unsigned lanes) const {
    return k.vec(integerX ? k.i32() : k.f32(), lanes);
  }
  /// Lanes of a strip that stores whole registers; lanes() or more.
  unsigned wideLanes() const;
  /// Bytes of an element of y, and the address of the outputs and residuals.
  unsigned yBytes() const;
  Val y() const { return yBase; }
  Val residual() const { return residualBase; }
  bool hasResidual() const { return !residualType.empty(); }
  /// The address of element `index` of the residual.
  Val residualAt(Val index) const {
    return residualBase + index * int64_t(residualType == "f32" ? 4 : 1);
  }

private:
  Val perChannel(mlir::Type element, Val base, Strip strip,
                 const EpiloguePlace &place);
  Val scaled(Val sum, Strip strip, const EpiloguePlace &place);
  Val addResidual(Val t, Strip strip, const EpiloguePlace &place);
  Val activate(Val t);
  void storeInt(Val t, Strip strip, const EpiloguePlace &place);

  KernelBuilder &k;
  const KernelKey &key;
  bool integerX, integerY, signedY;
  /// Element type of the residual; empty where there is none.
  std::string residualType;
  Val bias, multiplier, yBase, residualBase, rowScale, offset;
  Val low, high, yZero, residualZero, residualMultiplier, yScale;
};

} // namespace qc::kernels

#endif // QC_LIB_TARGET_KERNELS_EPILOGUE_H
