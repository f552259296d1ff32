//===- WideSlab.cpp - A slab for wide blocks ------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The slab: for each chunk its codes, then for each segment the factors of the
// 16 columns, as GroupUnit takes them (none if the codes are multiplied). Then
// for each block scales, offsets and zero points, those that the format has,
// and for each two segments the pairs of numbers that sums of activations are
// multiplied with: what the products lack, and the offset's. A tile: the bytes,
// then for each block, for each row: its scale, its sum, the pairs of its sums.
//
// Blocks are whole: beyond the last chunk the bytes of rows are 0, and what the
// slab holds there does not matter.
//
//===----------------------------------------------------------------------===//

#include "WideSlab.h"

using namespace qc;
using namespace qc::kernels;
using Vals = KernelBuilder::Vals;

WideSlab::WideSlab(KernelBuilder &k, WidePanel &wide)
    : GroupSlab(k, wide.panel), wide(wide), pairs(wide.segments() / 2) {
  longest = 1;
  if (!scales())
    longest = std::min<int64_t>(wide.chunks(),
                                panel.unit.longestSteps() / chunkSteps);
  chunkBytes = codeBytes + (scales() ? 64 * segments : 0);
  correctionAt = 64 * (1 + panel.hasOffset() + panel.hasZero());
  offsetAt = correctionAt + (wide.hasCorrection() ? 64 * pairs : 0);
  blockBytes = offsetAt + (wide.hasOffsetFactor() ? 64 * pairs : 0);
  termBytes = 8 + (hasPairs() ? 4 * pairs : 0);
  slabBytes = chunks * chunkBytes + blocks() * blockBytes;
  tileBytes = rows * (rowBytes + blocks() * termBytes);
}

void WideSlab::unpackChunk(llvm::ArrayRef<Val> a, Val chunk, Val to) {
  Val codes = a[UnpackCodes] + chunk * panel.chunkBytes();
  unsigned steps = panel.sums().segment / 4;
  for (unsigned s = 0; s < segments; ++s) {
    Val factor;
    if (wide.hasFactor())
      factor = panel.unit.factor(
          wide.factors(a.drop_front(NumUnpack),
                       chunk * groupChunk + int64_t(4 * s * steps),
                       a[UnpackDepth])
              .scale);
    unpackSteps(codes, s * steps, (s + 1) * steps,
                wide.folds() ? factor : Val(), to);
    if (scales())
      k.store(factor, to + (codeBytes + 64 * s));
  }
}

void WideSlab::unpackBlock(llvm::ArrayRef<Val> a, Val first, Val to) {
  llvm::ArrayRef<Val> regions = a.drop_front(NumUnpack);
  GroupFactors f = panel.factors(regions, first, a[UnpackDepth]);
  int64_t at = 0;
  for (Val each : {f.scale, f.offset, f.zero})
    if (each) {
      k.store(each, to + at);
      at += 64;
    }
  if (!hasPairs())
    return;
  int64_t length = panel.sums().segment;
  k.loop(k.i64(0), pairs, 1, [&](Val pair) {
    WideFactors two[2];
    for (int64_t i : {0, 1})
      two[i] = wide.factors(regions, first + (pair * 2 + i) * length,
                            a[UnpackDepth]);
    GroupUnit &unit = panel.unit;
    if (wide.hasCorrection()) {
      int64_t lacking = -int64_t(unit.correction());
      k.store(unit.pairWords(two[0].scale * lacking, two[1].scale * lacking),
              to + correctionAt + pair * 64);
    }
    if (wide.hasOffsetFactor())
      k.store(unit.pairWords(two[0].offset, two[1].offset),
              to + offsetAt + pair * 64);
  });
}

void WideSlab::unpackBody(llvm::ArrayRef<Val> a) {
  panel.unit.begin();
  k.loop(a[UnpackFirst], a[UnpackLast], 1, [&](Val chunk) {
    unpackChunk(a, chunk, a[UnpackTo] + (chunk - a[UnpackFirst]) * chunkBytes);
  });
  k.loop(a[UnpackFirst], a[UnpackLast], wide.chunks(), [&](Val chunk) {
    Val block = (chunk - a[UnpackFirst]) / wide.chunks();
    unpackBlock(a, chunk * groupChunk,
                a[UnpackTo] + chunks * chunkBytes + block * blockBytes);
  });
}

void WideSlab::packRow(llvm::ArrayRef<Val> a, Val r, Val skipped) {
  int64_t own = wide.chunks();
  Val count = (a[PackCount] + (own - 1)) / own;
  packBytes(a[PackX] + skipped, count * own, a[PackTo] + r * rowBytes);
  Val scales = a[PackScales] + skipped / wide.width() * 4;
  Val sums = a[PackSums] + skipped / 16 * 4;
  Val to = a[PackTo] + (rows * rowBytes) + r * termBytes;
  k.loop(k.i64(0), count, 1, [&](Val block) {
    Val at = to + block * (rows * termBytes);
    k.store(k.load(k.f32(), scales + block * 4), at);
    unsigned lanes = wide.width() / 16;
    Val own = k.load(k.vec(k.i32(), lanes), sums + block * int64_t(lanes * 4));
    if (wide.hasTotal()) {
      Val total = own;
      for (unsigned n = lanes / 2; n; n /= 2)
        total = k.slice(total, 0, n) + k.slice(total, n, n);
      k.store(total, at + 4);
    }
    if (!hasPairs())
      return;
    if (segments == 1) {
      Val low = k.slice(own, 0, lanes / 2),
          high = k.slice(own, lanes / 2, lanes / 2);
      own = k.evens(low, high) + k.odds(low, high);
    }
    k.store(k.convert(own, k.i16()), at + 8);
  });
}

void WideSlab::addChunks(Val weights, Val bytes,
                         llvm::function_ref<void(unsigned, Val)> add) {
  GroupUnit &unit = panel.unit;
  unsigned registers = unit.registers(), parts = scales() ? segments : 1;
  unsigned steps = chunkSteps / parts;
  int64_t registerBytes = 64 / registers;
  mlir::Type lanes = k.vec(k.i32(), unit.lanes());
  for (unsigned s = 0; s < parts; ++s) {
    llvm::SmallVector<GroupUnit::Sum> integers(rows * registers);
    for (unsigned each = 0; each < rows * registers && scales(); ++each)
      integers[each].factor =
          k.load(lanes, weights + (codeBytes + 64 * s +
                                   each % registers * registerBytes));
    for (int64_t chunk = 0; chunk < longest; ++chunk)
      products(weights + chunk * chunkBytes,
               bytes + chunk * (groupChunk * halves), s * steps,
               (s + 1) * steps, integers);
    for (unsigned each = 0; each < rows * registers; ++each)
      add(each, unit.finish(integers[each]));
  }
}

void WideSlab::sumInRegisters(Val weights, Val bytes, Val totals) {
  unsigned lanes = panel.unit.lanes();
  Vals sums(rows * panel.unit.registers(), k.zero(k.vec(k.i32(), lanes)));
  sums = k.loop(k.i64(0), wide.chunks(), longest, sums,
                [&](Val chunk, llvm::ArrayRef<Val> carried) {
                  Vals next(carried);
                  addChunks(weights + chunk * chunkBytes,
                            bytes + chunk * (groupChunk * halves),
                            [&](unsigned each, Val sum) {
                              next[each] = next[each] + sum;
                            });
                  return next;
                });
  for (auto [each, sum] : llvm::enumerate(sums))
    k.store(sum, totals + int64_t(each * 4 * lanes));
}

void WideSlab::sumInMemory(Val weights, Val bytes, Val totals) {
  k.loop(k.i64(0), rows, 1,
         [&](Val r) { k.store(k.zero(k.vec(k.i32(), 16)), totals + r * 64); });
  k.loop(k.i64(0), wide.chunks(), longest, [&](Val chunk) {
    Val to;
    addChunks(weights + chunk * chunkBytes,
              bytes + chunk * (groupChunk * halves),
              [&](unsigned each, Val sum) {
                // Or LLVM keeps all totals in registers that it has not got.
                if (each == 0)
                  to = k.pinned(totals);
                Val at = to + int64_t(each * 4 * panel.unit.lanes());
                k.store(k.load(sum.type(), at) + sum, at);
              });
  });
}

Val WideSlab::addSegments(Val sum, Val factors, llvm::ArrayRef<Val> pairs,
                          unsigned part) {
  GroupUnit &unit = panel.unit;
  for (auto [index, pair] : llvm::enumerate(pairs))
    sum = unit.addPairs(
        sum,
        k.load(pair.type(),
               factors + int64_t(index * 64 + part * 4 * unit.lanes())),
        pair);
  return sum;
}

void WideSlab::finishRow(Val factors, Val terms, int64_t r, Val sums,
                         Val totals) {
  GroupUnit &unit = panel.unit;
  GroupFactors roots;
  roots.scale = k.load(k.vec(k.f32(), 16), factors);
  if (panel.hasOffset())
    roots.offset = k.load(k.vec(k.f32(), 16), factors + 64);
  if (panel.hasZero())
    roots.zero = k.load(k.vec(k.i32(), 16),
                        factors + int64_t(64 * (1 + panel.hasOffset())));
  WidePanel::Row row;
  row.scale = k.load(k.f32(), terms);
  if (wide.hasTotal())
    row.total = k.load(k.i32(), terms + 4);
  Vals own;
  for (int64_t pair = 0; pair < pairs && hasPairs(); ++pair)
    own.push_back(
        k.splat(k.load(k.i32(), terms + (8 + 4 * pair)), unit.lanes()));
  for (unsigned i = 0; i < unit.registers(); ++i) {
    int64_t at = r * 64 + i * 4 * unit.lanes();
    Val products = k.load(k.vec(k.i32(), unit.lanes()), totals + at), shift;
    if (wide.hasCorrection())
      products = addSegments(products, factors + correctionAt, own, i);
    if (wide.hasOffsetFactor())
      shift = addSegments(shift, factors + offsetAt, own, i);
    Val sum = k.load(k.vec(k.f32(), unit.lanes()), sums + at);
    k.store(wide.add(sum, products, shift, roots, i, row), sums + at);
  }
}

void WideSlab::multiplyBlock(Val slab, Val tile, Val block, Val sums,
                             Val totals) {
  Val first = block * wide.chunks();
  Val weights = slab + first * chunkBytes;
  Val bytes = tile + first * (groupChunk * halves);
  // Sums of a part, totals, and some for weights and activations.
  if (2 * rows * panel.unit.registers() + 8 <= k.level().vectorRegisters)
    sumInRegisters(weights, bytes, totals);
  else
    sumInMemory(weights, bytes, totals);
  Val factors = slab + chunks * chunkBytes + block * blockBytes;
  Val terms = tile + (rows * rowBytes) + block * (rows * termBytes);
  for (int64_t r = 0; r < rows; ++r)
    finishRow(factors, terms + r * termBytes, r, sums, totals);
}

void WideSlab::multiplyBody(llvm::ArrayRef<Val> a) {
  panel.unit.begin();
  Val totals = k.stack(rows * 64);
  Val count = (a[Count] + (wide.chunks() - 1)) / wide.chunks();
  k.loop(k.i64(0), count, 1, [&](Val block) {
    multiplyBlock(a[Slab], a[Tile], block, k.pinned(a[Sums]), totals);
  });
}
