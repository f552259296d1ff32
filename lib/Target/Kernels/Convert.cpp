//===- Convert.cpp - Elements of one type to another ----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Each conversion to a float rounds once, to nearest even. Where a narrow float
// is reached through a wider one, the first step rounds to odd, which keeps the
// second one right. The 16-bit floats are bits here (HalfFloats.h), so no level
// calls a library for them.
//
//===----------------------------------------------------------------------===//

#include "Emitters.h"
#include "HalfFloats.h"
#include "Parts.h"

#include "qc/TargetInfo/KernelSlots.h"

using namespace qc;
using namespace qc::kernels;

/// f64 to f32, rounded to odd: toward zero, then the last bit says whether
/// anything was lost.
static Val toOddF32(KernelBuilder &k, Val v) {
  Val near = k.convert(v, k.f32()), back = k.convert(near, k.f64());
  Val bits = bitsOf(k, near);
  Val down = k.select(abs(back) > abs(v), bits - 1, bits) | 1;
  Val isExact = eq(back, v);
  Val isNan = ne(v, v);
  return ofBits(k, k.select(isExact, bits, k.select(isNan, bits, down)));
}

/// i64 to f64; what does not fit is rounded to odd.
static Val toOddF64(KernelBuilder &k, Val v) {
  Val limit = k.number(v.type(), int64_t(1) << 53);
  Val isSmall = abs(v) < limit;
  Val lost =
      k.select(ne(v & 0x7ff, 0), k.number(v.type(), 0x800), k.zero(v.type()));
  Val odd = (v & -int64_t(0x800)) | lost;
  return k.convert(k.select(isSmall, v, odd), k.f64());
}

namespace {
class Converter {
public:
  Converter(KernelBuilder &k, ElementType from, ElementType to)
      : k(k), from(from), to(to) {}
  Val convert(Val v);

private:
  Val toTruth(Val v);
  Val toInteger(Val v);
  Val toFloat(Val v);
  Val toHalfBits(Val v);
  Val half(Val f32) { return halfBits(k, f32, to.isBrain); }

  KernelBuilder &k;
  ElementType from, to;
};
} // namespace

Val Converter::toTruth(Val v) {
  return k.convert(ne(v, from.isFloat ? Operand(0.0) : Operand(0)), k.i8(),
                   false);
}

Val Converter::toInteger(Val v) {
  mlir::Type element = to.type(k);
  if (!from.isFloat)
    return k.convert(v, element, from.isSigned);
  return k.intrinsic(to.isSigned ? "llvm.fptosi.sat" : "llvm.fptoui.sat",
                     k.vec(element, v.lanes()), {v});
}

Val Converter::toFloat(Val v) {
  mlir::Type element = to.type(k);
  if (from.isFloat)
    return k.convert(v, element);
  // Narrow integers through i32, whose conversion every level has.
  if (from.bits < 32)
    v = k.convert(v, k.i32(), from.isSigned);
  return k.convert(v, element, from.isSigned || from.bits < 32);
}

Val Converter::toHalfBits(Val v) {
  if (from.isFloat)
    return half(from.bits == 64 ? toOddF32(k, v) : v);
  if (from.bits < 32)
    return half(k.convert(k.convert(v, k.i32(), from.isSigned), k.f32()));
  if (from.bits == 32)
    v = k.convert(v, k.i64Type(), from.isSigned);
  return half(toOddF32(k, toOddF64(k, v)));
}

Val Converter::convert(Val v) {
  if (from.isHalf())
    v = fromHalfBits(k, k.convert(v, k.i32(), false), from.isBrain);
  if (to.bits == 1)
    return toTruth(v);
  if (to.isHalf())
    return k.convert(toHalfBits(v), k.i16());
  return to.isFloat ? toFloat(v) : toInteger(v);
}

llvm::LogicalResult kernels::emitConvert(KernelBuilder &k, const KernelKey &key,
                                         const numerics::DecodeSpec *,
                                         std::string &error) {
  llvm::SmallVector<ElementType> types;
  if (!parseTypes(key, 2, types, error) || !checkFlags(key, {}, error))
    return llvm::failure();
  ElementType from = types[0], to = types[1];
  if (from.bits == 1)
    from.isSigned = false;
  using namespace slots::convert;
  Val x = k.slotPtr(X), y = k.slotPtr(Y);
  bool isSame = key.types[0] == key.types[1];
  Converter converter(k, from, to);
  Range range = rangeOfPart(k, k.slot(Size), k.slot(Chunk));
  k.strips(range.lo, range.hi, k.lanes(), [&](Val i, Strip strip) {
    Val v = k.loadStrip(from.memoryType(k), x + i * from.bytes(), strip);
    k.storeStrip(isSame ? v : converter.convert(v), y + i * to.bytes(), strip);
  });
  return llvm::success();
}
