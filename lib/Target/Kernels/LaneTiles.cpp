//===- LaneTiles.cpp - Products with rows as lanes ------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LaneTiles.h"

#include "Parts.h"

using namespace qc;
using namespace qc::kernels;
using Vals = KernelBuilder::Vals;

/// Rows of a register, and bytes of its sums of 16 columns.
static constexpr int64_t lanes = 16, groupBytes = lanes * 64;

/// Columns that meet so many registers of rows at once: enough sums that none
/// waits for the last, and few enough for the registers.
static constexpr int64_t columnsOf(unsigned registers) {
  return registers == 1 ? 16 : registers < 4 ? 8 : 4;
}

Val qc::kernels::weave(KernelBuilder &k, Val a, Val b, bool high) {
  unsigned lanes = a.lanes();
  unsigned part = 128 / a.element().getIntOrFloatBitWidth();
  llvm::SmallVector<int32_t> order;
  for (unsigned i = 0; i < lanes; i += 2) {
    unsigned from = i / part * part + (high ? part / 2 : 0) + i % part / 2;
    order.append({int32_t(from), int32_t(lanes + from)});
  }
  return k.shuffle(a, b, order);
}

Val qc::kernels::blockInput(KernelBuilder &k, Val numbers, Val step,
                            unsigned i) {
  return k.convert(k.load(k.i16(), numbers + (step * 8 + int64_t(2 * i))),
                   k.i64Type(), /*isSigned=*/false);
}

Vals qc::kernels::wovenRows(KernelBuilder &k, Val turned, int64_t stride,
                            Val numbers, Val step) {
  unsigned width = k.level().vectorBits / 8;
  mlir::Type bytes = k.vec(k.i8(), width), words = k.vec(k.i16(), width / 2);
  Vals input, woven;
  for (unsigned i = 0; i < 4; ++i)
    input.push_back(
        k.load(bytes, turned + blockInput(k, numbers, step, i) * stride));
  for (bool high : {false, true}) {
    Val first = k.bitcast(weave(k, input[0], input[1], high), words);
    Val second = k.bitcast(weave(k, input[2], input[3], high), words);
    for (bool upper : {false, true})
      woven.push_back(k.bitcast(weave(k, first, second, upper), bytes));
  }
  return woven;
}

LaneTiles::LaneTiles(KernelBuilder &k) : k(k) {
  mlir::Type p = k.ptr();
  for (unsigned count = 1; count <= rows / lanes; ++count)
    tiles.push_back(
        k.function("lanes" + std::to_string(count * lanes),
                   {p, p, p, p, k.i64Type(), p, p}, [&](llvm::ArrayRef<Val> a) {
                     tile(count, {a[0], a[1], a[2], a[3], a[4], a[5], a[6]});
                   }));
}

void LaneTiles::addColumns(unsigned registers, const Call &call, Val column,
                           llvm::function_ref<Vals(Val)> rowsAt) {
  int64_t columns = columnsOf(registers);
  mlir::Type words = k.vec(k.i32(), lanes), bytes = k.vec(k.i8(), 4 * lanes);
  auto sumAt = [&](unsigned r, int64_t c) {
    return call.sums + (column + c) * 64 + int64_t(r) * groupBytes;
  };
  Vals state;
  for (unsigned r = 0; r < registers; ++r)
    for (int64_t c = 0; c < columns; ++c)
      state.push_back(k.load(words, sumAt(r, c)));
  Val weights = call.weights + column * 4;
  state = k.loop(k.i64(0), call.steps, 1, state,
                 [&](Val step, llvm::ArrayRef<Val> before) {
                   Vals next(before), x = rowsAt(step);
                   for (int64_t c = 0; c < columns; ++c) {
                     Val four = k.load(k.i32(), weights + step * 64 + 4 * c);
                     Val w = k.bitcast(k.splat(four, lanes), bytes);
                     for (unsigned r = 0; r < registers; ++r) {
                       Val &sum = next[r * columns + c];
                       sum = k.intrinsic("llvm.x86.avx512.vpdpbusd.512", words,
                                         {sum, x[r], w});
                     }
                   }
                   return next;
                 });
  for (unsigned r = 0; r < registers; ++r)
    for (int64_t c = 0; c < columns; ++c)
      k.store(state[r * columns + c], sumAt(r, c));
}

void LaneTiles::tile(unsigned registers, const Call &call) {
  mlir::Type bytes = k.vec(k.i8(), 4 * lanes);
  auto placeOf = [&](Val step, unsigned r) {
    return call.gathered + step * (4 * rows) + int64_t(r) * 64;
  };
  // The first columns gather for all, since shuffles and products do not wait
  // for each other.
  addColumns(registers, call, k.i64(0), [&](Val step) {
    k.prefetch(call.next + step * 64);
    Vals x = wovenRows(k, call.turned, rows, call.numbers, step);
    if (columnsOf(registers) < 16)
      for (unsigned r = 0; r < registers; ++r)
        k.store(x[r], placeOf(step, r));
    return x;
  });
  int64_t columns = columnsOf(registers);
  k.loop(k.i64(columns), k.i64(16), columns, [&](Val column) {
    addColumns(registers, call, column, [&](Val step) {
      Vals x;
      for (unsigned r = 0; r < registers; ++r)
        x.push_back(k.load(bytes, placeOf(step, r)));
      return x;
    });
  });
}

void LaneTiles::add(const Call &call, Val count) {
  k.switchOn((count - 1) / lanes, tiles.size(), [&](unsigned i) {
    k.call(tiles[i], {call.turned, call.numbers, call.gathered, call.weights,
                      call.steps, call.sums, call.next});
  });
}

void LaneTiles::turn(Val count, Val sums) {
  k.loop(k.i64(0), count, lanes, [&](Val row) {
    Val at = sums + row * 64;
    Vals block;
    for (int64_t i = 0; i < lanes; ++i)
      block.push_back(k.load(k.vec(k.i32(), lanes), at + 64 * i));
    for (auto [i, sum] : llvm::enumerate(transposed(k, block)))
      k.store(sum, at + int64_t(64 * i));
  });
}
