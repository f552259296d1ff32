//===- Quantize.cpp - quantize, dequantize, quantize_rows -----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// numerics::quantize, numerics::dequantize and, with the scale that
// numerics::chooseAffine picks, one scale per row or block of a row.
//
//===----------------------------------------------------------------------===//

#include "Emitters.h"
#include "Parts.h"
#include "RowWalk.h"

#include "qc/TargetInfo/KernelSlots.h"

using namespace qc;
using namespace qc::kernels;

llvm::LogicalResult kernels::emitQuantize(KernelBuilder &k,
                                          const KernelKey &key,
                                          const numerics::DecodeSpec *,
                                          std::string &error) {
  llvm::SmallVector<ElementType> types;
  if (!parseTypes(key, 2, types, error) || !checkFlags(key, {}, error))
    return llvm::failure();
  if (key.types[0] != "f32" || !types[1].isCode()) {
    error = "expected the types f32 and an integer of 8 or 16 bits";
    return llvm::failure();
  }
  using namespace slots::quantize;
  Val x = k.slotPtr(X), y = k.slotPtr(Y);
  Quantizer quantizer(k, types[1], Scale, Zero, QMin, QMax);
  Range range = rangeOfPart(k, k.slot(Size), k.slot(Chunk));
  k.strips(range.lo, range.hi, k.lanes(), [&](Val i, Strip strip) {
    quantizer.store(k.loadStrip(k.f32(), x + i * 4, strip),
                    y + i * types[1].bytes(), strip);
  });
  return llvm::success();
}

llvm::LogicalResult kernels::emitDequantize(KernelBuilder &k,
                                            const KernelKey &key,
                                            const numerics::DecodeSpec *,
                                            std::string &error) {
  llvm::SmallVector<ElementType> types;
  if (!parseTypes(key, 2, types, error) || !checkFlags(key, {}, error))
    return llvm::failure();
  bool isCode = types[0].isCode() || (!types[0].isFloat && types[0].bits == 32);
  if (!isCode || key.types[1] != "f32") {
    error = "expected an integer of 8, 16 or 32 bits and f32";
    return llvm::failure();
  }
  using namespace slots::quantize;
  Val x = k.slotPtr(X), y = k.slotPtr(Y);
  Val scale = k.slotF32(Scale), zero = k.slotI32(Zero);
  Range range = rangeOfPart(k, k.slot(Size), k.slot(Chunk));
  k.strips(range.lo, range.hi, k.lanes(), [&](Val i, Strip strip) {
    Val q = loadCodes(k, types[0], x + i * types[0].bytes(), strip);
    k.storeStrip(k.convert(q - zero, k.f32()) * scale, y + i * 4, strip);
  });
  return llvm::success();
}

/// The scale that numerics::chooseAffine picks for the walk's row.
static Val scaleOfRow(KernelBuilder &k, RowWalk &walk, Val x) {
  // A NaN leaves the maximum as it is; infinities count as the largest.
  Val amax = walk.reduce(
      0.0, [&](Val i, Tail tail) { return abs(walk.load(x + i * 4, tail)); },
      [&](Val a, Val b) { return max(b, a); });
  amax = min(amax, 0x1.fffffep127);
  Val scale = max(amax / 127.0, 0x1p-126);
  return k.select(amax > 0.0, scale, k.f32(1.0));
}

Val kernels::quantizeRow(KernelBuilder &k, ElementType type, Val x, Val y,
                         Val columns) {
  RowWalk walk(k, columns);
  Val scale = scaleOfRow(k, walk, x);
  Val zero = k.i32(type.isSigned ? 0 : 128);
  k.strips(k.i64(0), columns, k.lanes(), [&](Val i, Strip strip) {
    Val t = k.loadStrip(k.f32(), x + i * 4, strip) / scale;
    Val q = roundClamped(k, t, k.f32(-127.0), k.f32(127.0), zero);
    q = k.select(eq(t, t), q, k.splat(zero, strip.lanes));
    storeCodes(k, type, q, y + i, strip);
  });
  return scale;
}

llvm::LogicalResult kernels::emitQuantizeRows(KernelBuilder &k,
                                              const KernelKey &key,
                                              const numerics::DecodeSpec *,
                                              std::string &error) {
  llvm::SmallVector<ElementType> types;
  if (!parseTypes(key, 2, types, error) || !checkFlags(key, {}, error))
    return llvm::failure();
  if (key.types[0] != "f32" || types[1].isFloat || types[1].bits != 8) {
    error = "expected the types f32 and u8 or i8";
    return llvm::failure();
  }
  using namespace slots::quantize_rows;
  Val xBase = k.slotPtr(X), yBase = k.slotPtr(Y), scales = k.slotPtr(RowScale);
  Val columns = k.slot(Columns);
  Range range = rangeOfPart(k, k.slot(Rows), k.slot(Chunk));
  k.loop(range.lo, range.hi, 1, [&](Val row) {
    Val scale = quantizeRow(k, types[1], xBase + row * columns * 4,
                            yBase + row * columns, columns);
    k.store(scale, scales + row * 4);
  });
  return llvm::success();
}

/// One block: a whole one, or the last of a row, whose rest is 0.
static void quantizeBlock(KernelBuilder &k, RowWalk &walk, Val block, Val x,
                          Val y, Val scales, Val sums) {
  Val scale = scaleOfRow(k, walk, x);
  k.store(scale, scales);
  mlir::Type lanes = k.vec(k.i32(), RowWalk::width);
  k.loop(k.i64(0), block, RowWalk::width, [&](Val i) {
    k.store(k.zero(k.vec(k.i8(), RowWalk::width)), y + i);
    k.store(k.i32(0), sums + i / RowWalk::width * 4);
  });
  walk.each([&](Val i, Tail tail) {
    Val t = walk.load(x + i * 4, tail) / scale;
    Val q = roundClamped(k, t, k.f32(-127.0), k.f32(127.0), k.i32(0));
    q = k.select(eq(t, t), q, k.zero(lanes));
    k.store(k.convert(q, k.i8()), y + i);
    for (unsigned n = RowWalk::width / 2; n; n /= 2)
      q = k.slice(q, 0, n) + k.slice(q, n, n);
    k.store(q, sums + (i / RowWalk::width) * 4);
  });
}

llvm::LogicalResult kernels::emitQuantizeGroups(KernelBuilder &k,
                                                const KernelKey &key,
                                                const numerics::DecodeSpec *,
                                                std::string &error) {
  if (key.types != std::vector<std::string>{"f32", "i8"}) {
    error = "expected the types f32 and i8";
    return llvm::failure();
  }
  if (!checkFlags(key, {}, error))
    return llvm::failure();
  using namespace slots::quantize_groups;
  Val columns = k.slot(Columns), padded = k.slot(Padded), block = k.slot(Block);
  Val whole = columns - columns % block;
  RowWalk inside(k, block), last(k, columns - whole);
  Range range = rangeOfPart(k, k.slot(Rows), k.slot(Chunk));
  k.loop(range.lo, range.hi, 1, [&](Val row) {
    Val x = k.slotPtr(X) + row * columns * 4;
    Val y = k.slotPtr(Y) + row * padded;
    Val scales = k.slotPtr(Scales) + (row * padded / block) * 4;
    Val sums = k.slotPtr(Sums) + (row * padded / 16) * 4;
    auto quantize = [&](RowWalk &walk, Val at) {
      quantizeBlock(k, walk, block, x + at * 4, y + at, scales + at / block * 4,
                    sums + at / 16 * 4);
    };
    k.loop(k.i64(0), whole, block, [&](Val at) { quantize(inside, at); });
    k.ifThen(whole < columns, [&] { quantize(last, whole); });
  });
  return llvm::success();
}
