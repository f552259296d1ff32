//===- Pool.cpp - max and average over windows ----------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Vectors run over the channels of NHWC; the window is clipped to the image
// once per output row and column.
//
//===----------------------------------------------------------------------===//

#include "Emitters.h"
#include "Parts.h"

#include "qc/TargetInfo/KernelSlots.h"

#include <limits>

using namespace qc;
using namespace qc::kernels;
using namespace qc::slots::pool;

namespace {
/// The taps [lo, hi) of one axis that fall into the image; their input
/// positions are start + tap * dilation.
struct Window {
  Val lo, hi, start;
};

class PoolKernel {
public:
  PoolKernel(KernelBuilder &k, const KernelKey &key, ElementType xType,
             ElementType yType)
      : k(k), isMax(key.has("max")), xType(xType), yType(yType) {}
  void emit();

private:
  Window window(Val position, unsigned stride, unsigned pad, unsigned dilation,
                unsigned kernel, unsigned size);
  void pixel(Val image, const Window &h, const Window &w, Val y);
  Val foldWindow(Val image, const Window &h, const Window &w, Val init,
                 llvm::function_ref<Val(Val acc, Val pointer)> step);
  void maxStrip(Val image, const Window &h, const Window &w, Val y, Strip s);
  void averageStrip(Val image, const Window &h, const Window &w, Val count,
                    Val divisor, Val y, Strip s);
  Val lowest(Strip strip);

  KernelBuilder &k;
  bool isMax;
  ElementType xType, yType;
};
} // namespace

/// Quotient rounded up of a >= 0 and b > 0.
static Val ceilDiv(Val a, Val b) { return (a + b - 1) / b; }

Window PoolKernel::window(Val position, unsigned stride, unsigned pad,
                          unsigned dilation, unsigned kernel, unsigned size) {
  Val start = position * k.slot(stride) - k.slot(pad);
  Val step = k.slot(dilation), zero = k.i64(0);
  Val lo = ceilDiv(max(neg(start), zero), step);
  Val hi = min(ceilDiv(max(k.slot(size) - start, zero), step), k.slot(kernel));
  return {lo, max(hi, lo), start};
}

Val PoolKernel::foldWindow(Val image, const Window &h, const Window &w,
                           Val init,
                           llvm::function_ref<Val(Val acc, Val pointer)> step) {
  using Vals = KernelBuilder::Vals;
  int64_t bytes = xType.bytes();
  Val rowBytes = k.slot(XRow) * bytes, columnBytes = k.slot(XColumn) * bytes;
  Val dilationH = k.slot(DilationH), dilationW = k.slot(DilationW);
  return k.loop(h.lo, h.hi, 1, {init}, [&](Val i, llvm::ArrayRef<Val> outer) {
    Val row =
        image + (h.start + i * dilationH) * rowBytes + w.start * columnBytes;
    return k.loop(w.lo, w.hi, 1, outer, [&](Val j, llvm::ArrayRef<Val> acc) {
      return Vals{step(acc[0], row + j * dilationW * columnBytes)};
    });
  })[0];
}

Val PoolKernel::lowest(Strip strip) {
  mlir::Type type = k.vec(xType.type(k), strip.lanes);
  if (xType.isFloat)
    return k.number(type, -std::numeric_limits<double>::infinity());
  return k.number(type, xType.isSigned ? -128 : 0);
}

void PoolKernel::maxStrip(Val image, const Window &h, const Window &w, Val y,
                          Strip strip) {
  Val best = foldWindow(image, h, w, lowest(strip), [&](Val acc, Val pointer) {
    Val v = k.loadStrip(xType.type(k), pointer, strip);
    if (xType.isFloat || xType.isSigned)
      return max(acc, v);
    return k.select(ult(v, acc), acc, v);
  });
  k.storeStrip(best, y, strip);
}

void PoolKernel::averageStrip(Val image, const Window &h, const Window &w,
                              Val count, Val divisor, Val y, Strip strip) {
  if (xType.isFloat) {
    Val sum = foldWindow(image, h, w, k.zero(k.vec(k.f32(), strip.lanes)),
                         [&](Val acc, Val pointer) {
                           return acc + k.loadStrip(k.f32(), pointer, strip);
                         });
    return k.storeStrip(sum / divisor, y, strip);
  }
  Val sum = foldWindow(image, h, w, k.zero(k.vec(k.i32(), strip.lanes)),
                       [&](Val acc, Val pointer) {
                         return acc + loadCodes(k, xType, pointer, strip);
                       });
  Val centered = sum - k.convert(count, k.i32()) * k.slotI32(XZero);
  Val t = k.convert(centered, k.f32()) * k.slotF32(Multiplier) / divisor;
  if (yType.isFloat)
    return k.storeStrip(t, y, strip);
  Val q = roundClamped(k, t, k.slotF32(Low), k.slotF32(High), k.slotI32(YZero));
  storeCodes(k, yType, q, y, strip);
}

void PoolKernel::pixel(Val image, const Window &h, const Window &w, Val y) {
  Val count = (h.hi - h.lo) * (w.hi - w.lo);
  Val whole = k.slot(KernelH) * k.slot(KernelW);
  Val divisor =
      k.convert(k.select(ne(k.slot(IncludePad), 0), whole, count), k.f32());
  unsigned lanes = k.lanes();
  llvm::SmallVector<unsigned> widths{lanes};
  if (isMax && !xType.isFloat)
    widths = k.hasMasks() ? llvm::SmallVector<unsigned>{4 * lanes}
                          : llvm::SmallVector<unsigned>{4 * lanes, 8};
  else
    widths = {4 * lanes, lanes};
  stripsOf(k, k.i64(0), k.slot(Channels), widths, [&](Val c, Strip strip) {
    Val from = image + c * xType.bytes(), to = y + c * yType.bytes();
    if (isMax)
      maxStrip(from, h, w, to, strip);
    else
      averageStrip(from, h, w, count, divisor, to, strip);
  });
}

void PoolKernel::emit() {
  Val x = k.slotPtr(X), y = k.slotPtr(Y), rows = k.slot(Rows);
  Val columns = k.slot(Columns), yRow = k.slot(YRow) * yType.bytes();
  Range range = rangeOfPart(k, k.slot(Batch) * rows, k.slot(RowsChunk));
  k.loop(range.lo, range.hi, 1, [&](Val line) {
    Val image = x + (line / rows) * k.slot(XBatch) * xType.bytes();
    Window h = window(line % rows, StrideH, PadTop, DilationH, KernelH, InRows);
    k.loop(k.i64(0), columns, 1, [&](Val column) {
      Window w =
          window(column, StrideW, PadLeft, DilationW, KernelW, InColumns);
      pixel(image, h, w, y + (line * columns + column) * yRow);
    });
  });
}

llvm::LogicalResult kernels::emitPool(KernelBuilder &k, const KernelKey &key,
                                      const numerics::DecodeSpec *,
                                      std::string &error) {
  llvm::SmallVector<ElementType> types;
  if (!parseTypes(key, 2, types, error) ||
      !checkFlags(key, {"max", "average"}, error))
    return llvm::failure();
  bool isMax = key.has("max");
  if (isMax == key.has("average")) {
    error = "expected one of the flags max, average";
    return llvm::failure();
  }
  auto isByte = [](ElementType t) { return !t.isFloat && t.bits == 8; };
  bool isF32 = key.types[0] == "f32";
  bool same = key.types[0] == key.types[1];
  bool fits =
      isF32 ? same
            : isByte(types[0]) &&
                  (isMax ? same : isByte(types[1]) || key.types[1] == "f32");
  if (!fits) {
    error = "no pool of " + key.types[0] + " to " + key.types[1];
    return llvm::failure();
  }
  PoolKernel(k, key, types[0], types[1]).emit();
  return llvm::success();
}
