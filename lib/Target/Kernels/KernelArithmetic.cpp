//===- KernelArithmetic.cpp - Values of a kernel --------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Operators, lanes and conversions of KernelBuilder. Where a level lacks an
// instruction and LLVM would call a library per lane, the same bits are made
// from instructions that it has.
//
//===----------------------------------------------------------------------===//

#include "qc/Target/Kernels/KernelBuilder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace qc;
using namespace qc::kernels;

Val qc::kernels::like(Val a, Operand b) {
  KernelBuilder &k = *a.kernel;
  if (!b.val.value)
    return k.number(
        isa<LLVM::LLVMPointerType>(a.type()) ? k.i64Type() : a.type(), b);
  return k.splat(b.val, a.lanes());
}

//===----------------------------------------------------------------------===//
// Operators
//===----------------------------------------------------------------------===//

template <typename IntOp, typename FloatOp>
static Val binary(Val a, Operand operand) {
  KernelBuilder &k = *a.kernel;
  Val b = like(a, operand);
  if (b.lanes() > a.lanes())
    a = k.splat(a, b.lanes());
  if (a.isFloat())
    return k.wrap(FloatOp::create(k.ops(), k.loc(), a.value, b.value));
  return k.wrap(IntOp::create(k.ops(), k.loc(), a.value, b.value));
}

template <typename IntOp> static Val binaryInt(Val a, Operand operand) {
  KernelBuilder &k = *a.kernel;
  Val b = like(a, operand);
  if (b.lanes() > a.lanes())
    a = k.splat(a, b.lanes());
  return k.wrap(IntOp::create(k.ops(), k.loc(), a.value, b.value));
}

static Val compare(arith::CmpIPredicate ints, arith::CmpFPredicate floats,
                   Val a, Operand operand) {
  KernelBuilder &k = *a.kernel;
  Val b = like(a, operand);
  if (b.lanes() > a.lanes())
    a = k.splat(a, b.lanes());
  if (a.isFloat())
    return k.wrap(
        arith::CmpFOp::create(k.ops(), k.loc(), floats, a.value, b.value));
  return k.wrap(
      arith::CmpIOp::create(k.ops(), k.loc(), ints, a.value, b.value));
}

Val qc::kernels::operator+(Val a, Operand b) {
  if (!isa<LLVM::LLVMPointerType>(a.type()))
    return binary<arith::AddIOp, arith::AddFOp>(a, b);
  KernelBuilder &k = *a.kernel;
  return k.wrap(LLVM::GEPOp::create(k.ops(), k.loc(), k.ptr(), k.i8(), a.value,
                                    ValueRange{like(a, b).value}));
}
Val qc::kernels::operator-(Val a, Operand b) {
  return binary<arith::SubIOp, arith::SubFOp>(a, b);
}
Val qc::kernels::operator*(Val a, Operand b) {
  return binary<arith::MulIOp, arith::MulFOp>(a, b);
}
Val qc::kernels::operator/(Val a, Operand b) {
  return binary<arith::DivSIOp, arith::DivFOp>(a, b);
}
Val qc::kernels::operator%(Val a, Operand b) {
  return binaryInt<arith::RemSIOp>(a, b);
}
Val qc::kernels::operator&(Val a, Operand b) {
  return binaryInt<arith::AndIOp>(a, b);
}
Val qc::kernels::operator|(Val a, Operand b) {
  return binaryInt<arith::OrIOp>(a, b);
}
Val qc::kernels::operator^(Val a, Operand b) {
  return binaryInt<arith::XOrIOp>(a, b);
}
Val qc::kernels::operator<<(Val a, Operand b) {
  return binaryInt<arith::ShLIOp>(a, b);
}
Val qc::kernels::shrS(Val a, Operand b) {
  return binaryInt<arith::ShRSIOp>(a, b);
}
Val qc::kernels::shrU(Val a, Operand b) {
  return binaryInt<arith::ShRUIOp>(a, b);
}
Val qc::kernels::operator<(Val a, Operand b) {
  return compare(arith::CmpIPredicate::slt, arith::CmpFPredicate::OLT, a, b);
}
Val qc::kernels::operator<=(Val a, Operand b) {
  return compare(arith::CmpIPredicate::sle, arith::CmpFPredicate::OLE, a, b);
}
Val qc::kernels::operator>(Val a, Operand b) {
  return compare(arith::CmpIPredicate::sgt, arith::CmpFPredicate::OGT, a, b);
}
Val qc::kernels::operator>=(Val a, Operand b) {
  return compare(arith::CmpIPredicate::sge, arith::CmpFPredicate::OGE, a, b);
}
Val qc::kernels::eq(Val a, Operand b) {
  return compare(arith::CmpIPredicate::eq, arith::CmpFPredicate::OEQ, a, b);
}
Val qc::kernels::ne(Val a, Operand b) {
  return compare(arith::CmpIPredicate::ne, arith::CmpFPredicate::UNE, a, b);
}
Val qc::kernels::ult(Val a, Operand b) {
  return compare(arith::CmpIPredicate::ult, arith::CmpFPredicate::OLT, a, b);
}

Val qc::kernels::min(Val a, Operand operand) {
  if (!a.isFloat())
    return binaryInt<arith::MinSIOp>(a, operand);
  Val b = like(a, operand);
  if (b.lanes() > a.lanes())
    a = a.kernel->splat(a, b.lanes());
  return a.kernel->select(a < b, a, b);
}

Val qc::kernels::max(Val a, Operand operand) {
  if (!a.isFloat())
    return binaryInt<arith::MaxSIOp>(a, operand);
  Val b = like(a, operand);
  if (b.lanes() > a.lanes())
    a = a.kernel->splat(a, b.lanes());
  return a.kernel->select(a > b, a, b);
}

Val qc::kernels::neg(Val a) {
  KernelBuilder &k = *a.kernel;
  if (!a.isFloat())
    return k.zero(a.type()) - a;
  return k.wrap(arith::NegFOp::create(k.ops(), k.loc(), a.value));
}

Val qc::kernels::abs(Val a) {
  KernelBuilder &k = *a.kernel;
  if (!a.isFloat())
    return max(a, neg(a));
  return k.wrap(LLVM::FAbsOp::create(k.ops(), k.loc(), a.type(), a.value));
}

Val qc::kernels::sqrt(Val a) {
  KernelBuilder &k = *a.kernel;
  return k.wrap(LLVM::SqrtOp::create(k.ops(), k.loc(), a.type(), a.value));
}

//===----------------------------------------------------------------------===//
// Lanes
//===----------------------------------------------------------------------===//

Val KernelBuilder::splat(Val scalar, unsigned lanes) {
  if (lanes == 1 || isa<VectorType>(scalar.type()))
    return scalar;
  return wrap(vector::BroadcastOp::create(
      builder, location, vec(scalar.type(), lanes), scalar.value));
}

Val KernelBuilder::extract(Val vector, unsigned lane) {
  if (!isa<VectorType>(vector.type()))
    return vector;
  return wrap(LLVM::ExtractElementOp::create(builder, location, vector.value,
                                             i32(lane).value));
}

Val KernelBuilder::insert(Val vector, Val scalar, unsigned lane) {
  if (!isa<VectorType>(vector.type()))
    return scalar;
  return wrap(LLVM::InsertElementOp::create(builder, location, vector.value,
                                            scalar.value, i32(lane).value));
}

Val KernelBuilder::shuffle(Val a, Val b, ArrayRef<int32_t> lanes) {
  return wrap(LLVM::ShuffleVectorOp::create(builder, location, a.value, b.value,
                                            lanes));
}

Val KernelBuilder::slice(Val vector, unsigned first, unsigned count) {
  if (count == vector.lanes())
    return vector;
  if (count == 1)
    return extract(vector, first);
  SmallVector<int32_t> lanes;
  for (unsigned i = 0; i < count; ++i)
    lanes.push_back(first + i);
  return shuffle(vector, vector, lanes);
}

static SmallVector<int32_t> steps(unsigned first, unsigned step,
                                  unsigned count) {
  SmallVector<int32_t> lanes;
  for (unsigned i = 0; i < count; ++i)
    lanes.push_back(first + i * step);
  return lanes;
}

Val KernelBuilder::concat(Val a, Val b) {
  return shuffle(a, b, steps(0, 1, 2 * a.lanes()));
}

Val KernelBuilder::evens(Val a, Val b) {
  return shuffle(a, b, steps(0, 2, a.lanes()));
}

Val KernelBuilder::odds(Val a, Val b) {
  return shuffle(a, b, steps(1, 2, a.lanes()));
}

Val KernelBuilder::bitcast(Val v, Type type) {
  if (v.type() == type)
    return v;
  return wrap(LLVM::BitcastOp::create(builder, location, type, v.value));
}

Val KernelBuilder::select(Val condition, Val a, Val b) {
  unsigned lanes = std::max({condition.lanes(), a.lanes(), b.lanes()});
  // A scalar condition may choose between vectors.
  return wrap(arith::SelectOp::create(builder, location, condition.value,
                                      splat(a, lanes).value,
                                      splat(b, lanes).value));
}

//===----------------------------------------------------------------------===//
// Conversion and rounding
//===----------------------------------------------------------------------===//

static Val convertInt(KernelBuilder &k, Val v, Type type, bool isSigned) {
  unsigned from = v.element().getIntOrFloatBitWidth();
  unsigned to = getElementTypeOrSelf(type).getIntOrFloatBitWidth();
  OpBuilder &b = k.ops();
  if (from == to)
    return v;
  if (to < from)
    return k.wrap(arith::TruncIOp::create(b, k.loc(), type, v.value));
  if (isSigned)
    return k.wrap(arith::ExtSIOp::create(b, k.loc(), type, v.value));
  return k.wrap(arith::ExtUIOp::create(b, k.loc(), type, v.value));
}

static Val convertFloat(KernelBuilder &k, Val v, Type element) {
  Type type = k.vec(element, v.lanes());
  OpBuilder &b = k.ops();
  if (v.element().isBF16() && element.isF32()) {
    Type wide = k.vec(k.i32(), v.lanes());
    Val bits = k.bitcast(v, k.vec(k.i16(), v.lanes()));
    bits = k.wrap(arith::ExtUIOp::create(b, k.loc(), wide, bits.value));
    return k.bitcast(bits << 16, type);
  }
  if (v.element().isF16() && element.isF32() && !k.level().hasF16) {
    Type wide = k.vec(k.i32(), v.lanes());
    Val bits = k.bitcast(v, k.vec(k.i16(), v.lanes()));
    return k.halfToF32(
        k.wrap(arith::ExtUIOp::create(b, k.loc(), wide, bits.value)));
  }
  if (element.getIntOrFloatBitWidth() > v.element().getIntOrFloatBitWidth())
    return k.wrap(arith::ExtFOp::create(b, k.loc(), type, v.value));
  return k.wrap(arith::TruncFOp::create(b, k.loc(), type, v.value));
}

Val KernelBuilder::convert(Val v, Type element, bool isSigned) {
  if (v.element() == element)
    return v;
  Type type = vec(element, v.lanes());
  bool toFloat = isa<FloatType>(element);
  if (v.isFloat() && toFloat)
    return convertFloat(*this, v, element);
  if (v.isFloat())
    return isSigned
               ? wrap(arith::FPToSIOp::create(builder, location, type, v.value))
               : wrap(
                     arith::FPToUIOp::create(builder, location, type, v.value));
  if (!toFloat)
    return convertInt(*this, v, type, isSigned);
  return isSigned
             ? wrap(arith::SIToFPOp::create(builder, location, type, v.value))
             : wrap(arith::UIToFPOp::create(builder, location, type, v.value));
}

Val KernelBuilder::fma(Val a, Val b, Val c) {
  unsigned lanes = std::max({a.lanes(), b.lanes(), c.lanes()});
  a = splat(a, lanes);
  return wrap(LLVM::FMAOp::create(builder, location, a.type(), a.value,
                                  splat(b, lanes).value,
                                  splat(c, lanes).value));
}

/// Baseline x86 has no rounding instruction before SSE4.1.
static bool lacksRounding(KernelBuilder &k) {
  return k.isX86() && !k.level().hasFma;
}

Val KernelBuilder::roundEven(Val v) {
  if (!lacksRounding(*this))
    return wrap(
        LLVM::RoundEvenOp::create(builder, location, v.type(), v.value));
  // Adding 2^23 with the sign of v leaves no room for a fraction.
  Val big = wrap(LLVM::CopySignOp::create(
      builder, location, v.type(), number(v.type(), 0x1p23).value, v.value));
  Val rounded = (v + big) - big;
  rounded = wrap(LLVM::CopySignOp::create(builder, location, v.type(),
                                          rounded.value, v.value));
  return select(abs(v) < 0x1p23, rounded, v);
}

Val KernelBuilder::floor(Val v) {
  if (!lacksRounding(*this))
    return wrap(LLVM::FFloorOp::create(builder, location, v.type(), v.value));
  Val rounded = roundEven(v);
  return select(rounded > v, rounded - 1.0, rounded);
}

/// The conversion to i32 that rounds to nearest even, of one register.
static const char *roundingConversion(KernelBuilder &k, unsigned lanes) {
  if (!k.isX86())
    return lanes == 4 ? "llvm.aarch64.neon.fcvtns.v4i32.v4f32" : nullptr;
  if (lanes == 4)
    return "llvm.x86.sse2.cvtps2dq";
  if (lanes == 8 && k.level().vectorBits >= 256)
    return "llvm.x86.avx.cvt.ps2dq.256";
  if (lanes == 16 && k.level().vectorBits >= 512)
    return "llvm.x86.avx512.mask.cvtps2dq.512";
  return nullptr;
}

Val KernelBuilder::roundToI32(Val v) {
  unsigned lanes = v.lanes(), native = this->lanes();
  if (lanes > native && lanes % native == 0) {
    Val low = roundToI32(slice(v, 0, lanes / 2));
    return concat(low, roundToI32(slice(v, lanes / 2, lanes / 2)));
  }
  Type result = vec(i32(), lanes);
  const char *name = roundingConversion(*this, lanes);
  if (!name) {
    // 1.5 * 2^23 + v has v's integer in its low bits.
    Val magic = number(v.type(), 0x1.8p23);
    return bitcast(v + magic, result) - bitcast(magic, result);
  }
  if (lanes < 16)
    return intrinsic(name, result, {v});
  return intrinsic(name, result, {v, zero(result), number(i16(), -1), i32(4)});
}

Val KernelBuilder::narrowToByte(Val v, bool isSigned) {
  if (!isX86() || lanes() != 16 || v.lanes() != 64)
    return convert(v, i8());
  // Two packs work within 128 bits each, a permutation puts the words in order.
  Type words = vec(i16(), 32), bytes = vec(i8(), 64), result = vec(i32(), 16);
  auto pack = [&](unsigned first) {
    return intrinsic("llvm.x86.avx512.packssdw.512", words,
                     {slice(v, first, 16), slice(v, first + 16, 16)});
  };
  Val mixed = intrinsic(isSigned ? "llvm.x86.avx512.packsswb.512"
                                 : "llvm.x86.avx512.packuswb.512",
                        bytes, {pack(0), pack(32)});
  SmallVector<int32_t> order;
  for (unsigned i = 0; i < 16; ++i)
    order.push_back(i % 4 * 4 + i / 4);
  mixed = bitcast(mixed, result);
  return bitcast(shuffle(mixed, mixed, order), bytes);
}

Val KernelBuilder::halfToF32(Val bits) {
  if (theLevel.hasF16) {
    Val half = bitcast(convert(bits, i16()), vec(f16(), bits.lanes()));
    return convert(half, f32());
  }
  // Exponent and mantissa are moved in place, then 2^112 corrects the bias;
  // that also normalizes. Infinities and NaN get the largest exponent.
  Type floats = vec(f32(), bits.lanes());
  Val magnitude = (bits & 0x7fff) << 13;
  Val scaled = bitcast(magnitude, floats) * 0x1p112;
  Val special = magnitude | 0x7f800000;
  Val isSpecial = magnitude >= 0x0f800000;
  Val sign = (bits & 0x8000) << 16;
  Val result =
      select(isSpecial, special, bitcast(scaled, vec(i32(), bits.lanes())));
  return bitcast(result | sign, floats);
}

Val KernelBuilder::pinned(Val v) {
  bool isVector = isa<VectorType>(v.type());
  StringRef place = !isVector ? "=r,0" : isX86() ? "=v,0" : "=w,0";
  auto op = LLVM::InlineAsmOp::create(
      builder, location, v.type(), v.value, /*asm_string=*/"", place,
      /*has_side_effects=*/false, /*is_align_stack=*/false,
      LLVM::tailcallkind::TailCallKind::None,
      LLVM::AsmDialectAttr::get(builder.getContext(), LLVM::AsmDialect::AD_ATT),
      /*operand_attrs=*/ArrayAttr());
  return wrap(op.getResult(0));
}

void KernelBuilder::prefetch(Val address) {
  constexpr unsigned isWrite = 0, nearest = 3, data = 1;
  LLVM::Prefetch::create(builder, location, address.value, isWrite, nearest,
                         data);
}

/// In bytes.
static constexpr int64_t prefetchDistance = 4096;

void KernelBuilder::prefetchAhead(Val address, int64_t bytes) {
  constexpr int64_t line = 64;
  for (int64_t at = 0; at < bytes; at += line)
    prefetch(address + (prefetchDistance + at));
}

void KernelBuilder::prefetchAhead(Val address, int64_t bytes,
                                  const Jump &jump) {
  Val isInside = wrap(
      LLVM::ICmpOp::create(builder, location, LLVM::ICmpPredicate::ult,
                           (address + prefetchDistance).value, jump.end.value));
  prefetchAhead(select(isInside, address, address + jump.skip), bytes);
}

Val KernelBuilder::intrinsic(StringRef name, Type result,
                             ArrayRef<Val> arguments) {
  SmallVector<Value> values;
  for (Val v : arguments)
    values.push_back(v.value);
  auto op = LLVM::CallIntrinsicOp::create(builder, location, result,
                                          builder.getStringAttr(name), values);
  return wrap(op.getResult(0));
}

void KernelBuilder::intrinsic(StringRef name, ArrayRef<Val> arguments) {
  SmallVector<Value> values;
  for (Val v : arguments)
    values.push_back(v.value);
  LLVM::CallIntrinsicOp::create(builder, location, builder.getStringAttr(name),
                                values);
}
