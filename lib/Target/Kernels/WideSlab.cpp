//===- WideSlab.cpp - A slab for wide blocks ------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The slab: for each chunk its codes, then for each segment the factors of the
// 16 columns, as GroupUnit takes them (none if the codes are multiplied; one of
// pairs for both halves where their sums are joined). Then for each block
// scales, offsets and zero points, those that the format has, and for each two
// segments the pairs of numbers that sums of activations are multiplied with:
// what the products lack, and the offset's. A tile: the bytes, then for each
// block, for each row: its scale, its sum, the pairs of its sums.
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
  chunkBytes = codeBytes + (joins() ? 64 : scales() ? 64 * segments : 0);
  correctionAt = 64 * (1 + panel.hasOffset() + panel.hasZero());
  offsetAt = correctionAt + (wide.hasCorrection() ? 64 * pairs : 0);
  blockBytes = offsetAt + (wide.hasOffsetFactor() ? 64 * pairs : 0);
  termBytes = 8 + (hasPairs() ? 4 * pairs : 0);
  slabBytes = chunks * chunkBytes + blocks() * blockBytes;
  tileBytes = rows * (rowBytes + blocks() * termBytes);
}

bool WideSlab::joins() const {
  unsigned registers = panel.unit.slabPanels() * panel.unit.registers();
  // Sums of both halves and totals, weights, an activation and temporaries.
  return scales() && rows % 2 == 0 && panel.unit.joinsSums(chunkSteps / 2) &&
         3 * joinedRows() * registers + registers + 3 <=
             k.level().vectorRegisters;
}

void WideSlab::unpackChunk(llvm::ArrayRef<Val> a, Val chunk, Val to) {
  Val codes = a[UnpackCodes] + chunk * panel.chunkBytes();
  unsigned steps = panel.sums().segment / 4;
  Val first;
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
    if (joins()) {
      first = s ? first : factor;
      if (s + 1 == segments)
        k.store(panel.unit.pairWords(first, factor), to + codeBytes);
    } else if (scales()) {
      k.store(factor, to + (codeBytes + 64 * s));
    }
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

void WideSlab::addChunks(const Operands &all, Val chunk,
                         llvm::ArrayRef<Val> first,
                         llvm::function_ref<void(unsigned, Val)> add) {
  GroupUnit &unit = panel.unit;
  unsigned registers = unit.registers(), parts = scales() ? segments : 1;
  unsigned steps = chunkSteps / parts;
  int64_t registerBytes = 64 / registers;
  mlir::Type lanes = k.vec(k.i32(), unit.lanes());
  Val weights = all.slabs + chunk * chunkBytes;
  Val bytes = all.tile + chunk * (groupChunk * halves);
  for (unsigned s = 0; s < parts; ++s) {
    llvm::SmallVector<GroupUnit::Sum> integers(all.count);
    for (auto [each, start] : llvm::enumerate(first))
      integers[each].wide = start;
    for (unsigned each = 0; each < all.count && scales(); ++each) {
      unsigned p = each / registers % all.panels;
      integers[each].factor =
          k.load(lanes, weights + (p * slabBytes + codeBytes + 64 * s +
                                   each % registers * registerBytes));
    }
    for (int64_t c = 0; c < longest; ++c)
      products(weights + c * chunkBytes, all.panels,
               bytes + c * (groupChunk * halves), s * steps, (s + 1) * steps,
               integers);
    for (auto [each, sum] : llvm::enumerate(integers))
      add(each, unit.finish(sum));
  }
}

void WideSlab::sumJoined(const Operands &all, int64_t firstRow, Val chunk,
                         Val totals) {
  GroupUnit &unit = panel.unit;
  unsigned registers = unit.registers(), lanes = unit.lanes();
  unsigned count = joinedRows() * all.panels * registers;
  Vals sums(count, k.zero(k.vec(k.i32(), lanes)));
  sums = k.loop(
      chunk, chunk + wide.chunks(), 1, sums,
      [&](Val index, llvm::ArrayRef<Val> carried) {
        Val weights = all.slabs + index * chunkBytes;
        Val bytes =
            all.tile + (index * groupChunk + int64_t(firstRow * rowBytes));
        llvm::SmallVector<GroupUnit::Sum> half[2];
        for (unsigned h : {0, 1}) {
          half[h].resize(count);
          products(weights, all.panels, bytes, h * chunkSteps / 2,
                   (h + 1) * chunkSteps / 2, half[h]);
        }
        Vals next;
        for (unsigned each = 0; each < count; ++each) {
          int64_t p = each / registers % all.panels, i = each % registers;
          Val factors = k.load(
              k.vec(k.i32(), lanes),
              weights + (p * slabBytes + codeBytes + i * 64 / registers));
          Val joined = unit.joinSums(unit.finish(half[0][each]),
                                     unit.finish(half[1][each]));
          next.push_back(unit.addPairs(carried[each], joined, factors));
        }
        return next;
      });
  int64_t first = firstRow * all.panels * 64;
  for (auto [each, sum] : llvm::enumerate(sums))
    k.store(sum, totals + (first + int64_t(each * 4 * lanes)));
}

void WideSlab::sumInRegisters(const Operands &all, Val chunk, Val totals) {
  unsigned lanes = panel.unit.lanes();
  Vals sums(all.count, k.zero(k.vec(k.i32(), lanes)));
  sums =
      k.loop(chunk, chunk + wide.chunks(), longest, sums,
             [&](Val index, llvm::ArrayRef<Val> carried) {
               Vals next(carried);
               bool goesOn = chains();
               addChunks(all, index, goesOn ? carried : llvm::ArrayRef<Val>(),
                         [&](unsigned each, Val sum) {
                           next[each] = goesOn ? sum : next[each] + sum;
                         });
               return next;
             });
  for (auto [each, sum] : llvm::enumerate(sums))
    k.store(sum, totals + int64_t(each * 4 * lanes));
}

void WideSlab::sumInMemory(const Operands &all, Val chunk, Val totals) {
  int64_t bytes = 4 * panel.unit.lanes();
  k.loop(k.i64(0), all.count * bytes, 64,
         [&](Val at) { k.store(k.zero(k.vec(k.i32(), 16)), totals + at); });
  k.loop(chunk, chunk + wide.chunks(), longest, [&](Val index) {
    Val to;
    addChunks(all, index, {}, [&](unsigned each, Val sum) {
      // Or LLVM keeps all totals in registers that it has not got.
      if (each == 0)
        to = k.pinned(totals);
      Val at = to + each * bytes;
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

void WideSlab::finishRow(Val factors, Val terms, Val sums, Val totals) {
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
    int64_t at = i * 4 * unit.lanes();
    Val products = k.load(k.vec(k.i32(), unit.lanes()), totals + at), shift;
    if (wide.hasCorrection())
      products = addSegments(products, factors + correctionAt, own, i);
    if (wide.hasOffsetFactor())
      shift = addSegments(shift, factors + offsetAt, own, i);
    Val sum = k.load(k.vec(k.f32(), unit.lanes()), sums + at);
    k.store(wide.add(sum, products, shift, roots, i, row), sums + at);
  }
}

void WideSlab::multiplyBlock(const Operands &all, Val block, Val totals) {
  Val chunk = block * wide.chunks();
  // Totals, the sums of a part beside them, weights and some for activations.
  unsigned sums = chains() ? all.count : 2 * all.count;
  unsigned weights = all.panels * panel.unit.registers();
  if (joins())
    for (int64_t row = 0; row < rows; row += joinedRows())
      sumJoined(all, row, chunk, totals);
  else if (sums + std::max(8u, weights + 2) <= k.level().vectorRegisters)
    sumInRegisters(all, chunk, totals);
  else
    sumInMemory(all, chunk, totals);
  for (unsigned p = 0; p < all.panels; ++p) {
    Val factors =
        all.slabs + block * blockBytes + (p * slabBytes + chunks * chunkBytes);
    Val terms = all.tile + (rows * rowBytes) + block * (rows * termBytes);
    Val to = p ? all.sums + all.stride * int64_t(p) : all.sums;
    for (int64_t r = 0; r < rows; ++r)
      finishRow(factors, terms + r * termBytes, to + r * 64,
                totals + (r * all.panels + p) * 64);
  }
}

void WideSlab::multiplyBody(llvm::ArrayRef<Val> a, unsigned panels) {
  panel.unit.begin();
  Val totals = k.stack(rows * 64 * panels);
  Val count = (a[Count] + (wide.chunks() - 1)) / wide.chunks();
  k.loop(k.i64(0), count, 1, [&](Val block) {
    Operands all{
        a[Slabs],  a[Tile], k.pinned(a[Sums]),
        a[Stride], panels,  unsigned(rows * panels) * panel.unit.registers()};
    multiplyBlock(all, block, totals);
  });
}
