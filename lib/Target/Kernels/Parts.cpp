//===- Parts.cpp - What kernels have in common ----------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Parts.h"

#include "llvm/ADT/StringSwitch.h"

using namespace qc;
using namespace qc::kernels;

mlir::Type ElementType::type(KernelBuilder &k) const {
  mlir::OpBuilder &b = k.ops();
  if (!isFloat)
    return b.getIntegerType(bytes() * 8);
  if (isBrain)
    return k.bf16();
  return bits == 16 ? k.f16() : bits == 32 ? k.f32() : k.f64();
}

std::optional<ElementType> ElementType::parse(llvm::StringRef name) {
  ElementType none;
  ElementType type = llvm::StringSwitch<ElementType>(name)
                         .Case("i1", {1, false, false, false})
                         .Case("i8", {8, false, true, false})
                         .Cases({"u8", "ui8"}, {8, false, false, false})
                         .Case("i16", {16, false, true, false})
                         .Cases({"u16", "ui16"}, {16, false, false, false})
                         .Case("i32", {32, false, true, false})
                         .Cases({"u32", "ui32"}, {32, false, false, false})
                         .Case("i64", {64, false, true, false})
                         .Case("f16", {16, true, true, false})
                         .Case("bf16", {16, true, true, true})
                         .Case("f32", {32, true, true, false})
                         .Case("f64", {64, true, true, false})
                         .Default(none);
  if (!type.bits)
    return std::nullopt;
  return type;
}

bool qc::kernels::parseTypes(const KernelKey &key, unsigned count,
                             llvm::SmallVectorImpl<ElementType> &types,
                             std::string &error) {
  if (key.types.size() != count) {
    error = "expected " + std::to_string(count) + " types, found " +
            std::to_string(key.types.size());
    return false;
  }
  for (const std::string &name : key.types) {
    auto type = ElementType::parse(name);
    if (!type) {
      error = "unknown element type '" + name + "'";
      return false;
    }
    types.push_back(*type);
  }
  return true;
}

bool qc::kernels::checkFlags(const KernelKey &key,
                             llvm::ArrayRef<llvm::StringRef> known,
                             std::string &error) {
  for (const std::string &flag : key.flags)
    if (!llvm::is_contained(known, llvm::StringRef(flag))) {
      error = "unknown flag '" + flag + "'";
      return false;
    }
  return true;
}

Range qc::kernels::rangeOfPart(KernelBuilder &k, Val size, Val chunk) {
  Val lo = k.part() * chunk;
  return {lo, min(lo + chunk, size)};
}

void qc::kernels::stripsOf(KernelBuilder &k, Val lo, Val hi,
                           llvm::ArrayRef<unsigned> widths,
                           llvm::function_ref<void(Val, Strip)> body) {
  Val end = max(hi, lo);
  while (widths.size() > 1) {
    unsigned width = widths.front();
    Val whole = lo + ((end - lo) / width) * width;
    k.loop(lo, whole, width, [&](Val i) { body(i, Strip{width, Val()}); });
    lo = whole;
    widths = widths.drop_front();
  }
  k.strips(lo, end, widths.front(), body);
}

Val qc::kernels::loadCodes(KernelBuilder &k, ElementType type, Val pointer,
                           Strip strip) {
  return k.convert(k.loadStrip(type.type(k), pointer, strip), k.i32(),
                   type.isSigned);
}

void qc::kernels::storeCodes(KernelBuilder &k, ElementType type, Val codes,
                             Val pointer, Strip strip) {
  k.storeStrip(k.convert(codes, type.type(k)), pointer, strip);
}

// log2(n) rounds of weaving row i with row i + n / 2.
KernelBuilder::Vals qc::kernels::transposed(KernelBuilder &k,
                                            KernelBuilder::Vals rows,
                                            unsigned unit) {
  unsigned n = rows.size();
  llvm::SmallVector<int32_t> low, high;
  for (unsigned i = 0; i < n / 2; ++i)
    for (unsigned from : {i, n + i})
      for (unsigned lane = 0; lane < unit; ++lane) {
        low.push_back(from * unit + lane);
        high.push_back((from + n / 2) * unit + lane);
      }
  for (unsigned round = 1; round < n; round *= 2) {
    KernelBuilder::Vals next;
    for (unsigned i = 0; i < n / 2; ++i) {
      next.push_back(k.shuffle(rows[i], rows[i + n / 2], low));
      next.push_back(k.shuffle(rows[i], rows[i + n / 2], high));
    }
    rows = next;
  }
  return rows;
}

Val qc::kernels::sumPairs(KernelBuilder &k, Val v, mlir::Type element) {
  unsigned half = v.lanes() / 2;
  Val low = k.slice(v, 0, half), high = k.slice(v, half, half);
  return k.convert(k.evens(low, high), element) +
         k.convert(k.odds(low, high), element);
}

Val qc::kernels::roundClamped(KernelBuilder &k, Val t, Val low, Val high,
                              Val zero) {
  return k.roundToI32(min(max(t, low), high)) + zero;
}

Quantizer::Quantizer(KernelBuilder &k, ElementType type, unsigned scaleSlot,
                     unsigned zeroSlot, unsigned qmin, unsigned qmax)
    : k(k), type(type), scale(k.slotF32(scaleSlot)), zero(k.slotI32(zeroSlot)),
      low(k.convert(k.slotI32(qmin) - zero, k.f32())),
      high(k.convert(k.slotI32(qmax) - zero, k.f32())) {}

void Quantizer::store(Val x, Val pointer, Strip strip) const {
  Val t = x / scale;
  Val q = roundClamped(k, t, low, high, zero);
  q = k.select(eq(t, t), q, k.splat(zero, strip.lanes));
  storeCodes(k, type, q, pointer, strip);
}
