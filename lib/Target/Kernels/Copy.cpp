//===- Copy.cpp - copy and fill over six strided axes ---------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The four outer axes are loops. The inner two are copied as a plane in one of
// the ways that the strides allow: rows, a transposition in registers, three
// planes woven into one (RGB), or element by element.
//
//===----------------------------------------------------------------------===//

#include "Emitters.h"
#include "Parts.h"

#include "qc/TargetInfo/KernelSlots.h"

#include "llvm/ADT/StringSwitch.h"

using namespace qc;
using namespace qc::kernels;
using namespace qc::slots::copy;

namespace {
/// Writes the planes of one kernel. Strides count bytes here.
class PlaneCopier {
public:
  PlaneCopier(KernelBuilder &k, mlir::Type element)
      : k(k), element(element), bytes(element.getIntOrFloatBitWidth() / 8),
        size4(k.slot(Size4)), size5(k.slot(Size5)),
        x4(k.slot(XStride4) * bytes), x5(k.slot(XStride5) * bytes),
        y4(k.slot(YStride4) * bytes), y5(k.slot(YStride5) * bytes) {}

  void copy(Val x, Val y);
  void fill(Val value, Val y);

private:
  void row(Val x, Val y);
  void elements(Val x, Val y, Val lo4, Val lo5, Val hi4, Val hi5);
  void transpose(Val x, Val y);
  void weave(Val x, Val y);
  unsigned lanes() const { return k.level().vectorBits / 8 / bytes; }

  KernelBuilder &k;
  mlir::Type element;
  unsigned bytes;
  Val size4, size5, x4, x5, y4, y5;
};
} // namespace

/// A row of size5 elements without gaps. The last vector may overlap the one
/// before it.
void PlaneCopier::row(Val x, Val y) {
  unsigned n = lanes();
  mlir::Type type = k.vec(element, n);
  auto move = [&](Val i) {
    k.store(k.load(type, x + i * bytes), y + i * bytes);
  };
  Val isLong = size5 >= int64_t(n);
  k.ifThen(isLong, [&] {
    Val last = size5 - int64_t(n);
    k.loop(k.i64(0), last, n, move);
    move(last);
  });
  k.ifThen(size5 < int64_t(n), [&] {
    k.strips(k.i64(0), size5, n, [&](Val i, Strip strip) {
      if (strip.lanes == 1 || strip.mask)
        k.storeStrip(k.loadStrip(element, x + i * bytes, strip), y + i * bytes,
                     strip);
    });
  });
}

void PlaneCopier::elements(Val x, Val y, Val lo4, Val lo5, Val hi4, Val hi5) {
  k.loop(lo4, hi4, 1, [&](Val i) {
    Val from = x + i * x4, to = y + i * y4;
    k.loop(lo5, hi5, 1, [&](Val j) {
      k.store(k.load(element, from + j * x5), to + j * y5);
    });
  });
}

/// x4 and y5 are one element: blocks of 128-bit vectors, then the edges.
void PlaneCopier::transpose(Val x, Val y) {
  unsigned n = 16 / bytes;
  mlir::Type type = k.vec(element, n);
  Val whole4 = size4 & -int64_t(n), whole5 = size5 & -int64_t(n);
  k.loop(k.i64(0), whole4, n, [&](Val i) {
    k.loop(k.i64(0), whole5, n, [&](Val j) {
      KernelBuilder::Vals rows;
      for (unsigned r = 0; r < n; ++r)
        rows.push_back(k.load(type, x + (j + r) * x5 + i * bytes));
      rows = transposed(k, rows);
      for (unsigned r = 0; r < n; ++r)
        k.store(rows[r], y + (i + r) * y4 + j * bytes);
    });
  });
  elements(x, y, k.i64(0), whole5, whole4, size5);
  elements(x, y, whole4, k.i64(0), size4, size5);
}

/// size5 is 3, x4, y5 one element and y4 three.
void PlaneCopier::weave(Val x, Val y) {
  unsigned n = lanes();
  mlir::Type type = k.vec(element, n);
  Val whole = size4 & -int64_t(n);
  k.loop(k.i64(0), whole, n, [&](Val i) {
    Val a = k.load(type, x + i * bytes);
    Val b = k.load(type, x + x5 + i * bytes);
    Val c = k.load(type, x + x5 * 2 + i * bytes);
    Val ab = k.concat(a, b), cc = k.concat(c, c);
    for (unsigned part = 0; part < 3; ++part) {
      llvm::SmallVector<int32_t> pick;
      for (unsigned j = part * n; j < (part + 1) * n; ++j)
        pick.push_back(j % 3 * n + j / 3);
      k.store(k.shuffle(ab, cc, pick), y + i * y4 + part * n * bytes);
    }
  });
  elements(x, y, whole, k.i64(0), size4, size5);
}

void PlaneCopier::copy(Val x, Val y) {
  Val one = k.i64(bytes);
  Val isTransposed = eq(x4, one) & eq(y5, one);
  Val isWoven = isTransposed & eq(size5, 3) & eq(y4, 3 * bytes);
  Val way = k.select(
      eq(x5, one) & eq(y5, one), k.i64(0),
      k.select(isWoven, k.i64(1), k.select(isTransposed, k.i64(2), k.i64(3))));
  k.switchOn(way, 4, [&](unsigned which) {
    if (which == 0)
      k.loop(k.i64(0), size4, 1, [&](Val i) { row(x + i * x4, y + i * y4); });
    else if (which == 1)
      weave(x, y);
    else if (which == 2)
      transpose(x, y);
    else
      elements(x, y, k.i64(0), k.i64(0), size4, size5);
  });
}

void PlaneCopier::fill(Val value, Val y) {
  k.loop(k.i64(0), size4, 1, [&](Val i) {
    Val to = y + i * y4;
    Val isDense = eq(y5, bytes);
    k.ifThen(isDense, [&] {
      k.strips(k.i64(0), size5, lanes(), [&](Val j, Strip strip) {
        k.storeStrip(k.splat(value, strip.lanes), to + j * bytes, strip);
      });
    });
    k.ifThen(isDense ^ k.number(k.i1(), 1), [&] {
      k.loop(k.i64(0), size5, 1, [&](Val j) { k.store(value, to + j * y5); });
    });
  });
}

static mlir::Type elementOf(KernelBuilder &k, const KernelKey &key,
                            std::string &error) {
  unsigned bits = 0;
  if (key.types.size() == 1)
    bits = llvm::StringSwitch<unsigned>(key.types[0])
               .Case("b8", 8)
               .Case("b16", 16)
               .Case("b32", 32)
               .Case("b64", 64)
               .Default(0);
  if (!bits)
    error = "expected one type of b8, b16, b32, b64";
  if (!bits || !checkFlags(key, {}, error))
    return {};
  return k.ops().getIntegerType(bits);
}

/// Loops over the outer four axes, the first cut by parts; gives the offsets
/// of each plane in elements.
static void eachPlane(KernelBuilder &k,
                      llvm::function_ref<void(Val x, Val y)> body) {
  Range range = rangeOfPart(k, k.slot(Size0), k.slot(Chunk));
  std::function<void(unsigned, Val, Val)> nest = [&](unsigned axis, Val x,
                                                     Val y) {
    if (axis == 4)
      return body(x, y);
    Val xStride = k.slot(XStride0 + axis), yStride = k.slot(YStride0 + axis);
    Val lo = axis ? k.i64(0) : range.lo;
    Val hi = axis ? k.slot(Size0 + axis) : range.hi;
    k.loop(lo, hi, 1,
           [&](Val i) { nest(axis + 1, x + i * xStride, y + i * yStride); });
  };
  nest(0, k.i64(0), k.i64(0));
}

llvm::LogicalResult kernels::emitCopy(KernelBuilder &k, const KernelKey &key,
                                      const numerics::DecodeSpec *,
                                      std::string &error) {
  mlir::Type element = elementOf(k, key, error);
  if (!element)
    return llvm::failure();
  int64_t bytes = element.getIntOrFloatBitWidth() / 8;
  Val xBase = k.slotPtr(X), yBase = k.slotPtr(Y);
  PlaneCopier plane(k, element);
  eachPlane(k, [&](Val x, Val y) {
    plane.copy(xBase + x * bytes, yBase + y * bytes);
  });
  return llvm::success();
}

llvm::LogicalResult kernels::emitFill(KernelBuilder &k, const KernelKey &key,
                                      const numerics::DecodeSpec *,
                                      std::string &error) {
  mlir::Type element = elementOf(k, key, error);
  if (!element)
    return llvm::failure();
  int64_t bytes = element.getIntOrFloatBitWidth() / 8;
  Val yBase = k.slotPtr(Y);
  Val value = k.convert(k.slot(Value), element);
  PlaneCopier plane(k, element);
  eachPlane(k, [&](Val, Val y) { plane.fill(value, yBase + y * bytes); });
  return llvm::success();
}
