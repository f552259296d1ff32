//===- Add.cpp - add of two quantized tensors -----------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Emitters.h"
#include "Parts.h"

#include "qc/TargetInfo/KernelSlots.h"

using namespace qc;
using namespace qc::kernels;

llvm::LogicalResult kernels::emitAdd(KernelBuilder &k, const KernelKey &key,
                                     const numerics::DecodeSpec *,
                                     std::string &error) {
  llvm::SmallVector<ElementType> types;
  if (!parseTypes(key, 3, types, error) || !checkFlags(key, {}, error))
    return llvm::failure();
  for (ElementType type : types)
    if (type.isFloat || type.bits != 8) {
      error = "expected three types of 8-bit integers";
      return llvm::failure();
    }
  using namespace slots::add;
  Val a = k.slotPtr(A), b = k.slotPtr(B), y = k.slotPtr(Y);
  Val aZero = k.slotI32(AZero), bZero = k.slotI32(BZero);
  Val aMultiplier = k.slotF32(AMultiplier),
      bMultiplier = k.slotF32(BMultiplier);
  Val low = k.slotF32(Low), high = k.slotF32(High), yZero = k.slotI32(YZero);
  Range range = rangeOfPart(k, k.slot(Size), k.slot(Chunk));
  k.strips(range.lo, range.hi, k.lanes(), [&](Val i, Strip strip) {
    Val qa = loadCodes(k, types[0], a + i, strip) - aZero;
    Val qb = loadCodes(k, types[1], b + i, strip) - bZero;
    Val t = k.convert(qa, k.f32()) * aMultiplier;
    t = t + k.convert(qb, k.f32()) * bMultiplier;
    storeCodes(k, types[2], roundClamped(k, t, low, high, yZero), y + i, strip);
  });
  return llvm::success();
}
