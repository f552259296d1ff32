//===- NarrowSlab.cpp - A slab for blocks of 32 ---------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A chunk of a slab: its codes, then for each segment the scales, the offsets
// and the zero points of the 16 columns, those that the format has. A tile: the
// bytes, then for each segment of a chunk, for each value of GroupRow that is
// used, for each row: the values of all chunks.
//
//===----------------------------------------------------------------------===//

#include "NarrowSlab.h"

using namespace qc;
using namespace qc::kernels;
using Vals = KernelBuilder::Vals;

NarrowSlab::NarrowSlab(KernelBuilder &k, GroupPanel &panel)
    : GroupSlab(k, panel), weightBytes(factorsAt(segments)) {
  bool hasCorrection = panel.unit.correction() != 0;
  int64_t terms =
      1 + panel.hasZero() + hasCorrection + int64_t(panel.hasOffset());
  slabBytes = chunks * weightBytes;
  tileBytes = rows * (rowBytes + segments * terms * chunks * 4);
}

int64_t NarrowSlab::factorsAt(unsigned segment) const {
  return codeBytes + segment * 64 * (1 + panel.hasOffset() + panel.hasZero());
}

void NarrowSlab::placeRow(
    GroupRow &row, unsigned segment,
    llvm::function_ref<void(Val &, mlir::Type, int64_t)> place) {
  int64_t all = tileBytes - rows * rowBytes;
  int64_t at = rows * rowBytes + all / segments * segment;
  auto next = [&](Val &value, mlir::Type type) {
    place(value, type, at);
    at += rows * chunks * 4;
  };
  next(row.scale, k.f32());
  if (panel.hasZero())
    next(row.total, k.i32());
  if (panel.unit.correction())
    next(row.lacking, k.i32());
  if (panel.hasOffset())
    next(row.scaled, k.f32());
}

void NarrowSlab::unpackBody(llvm::ArrayRef<Val> a) {
  panel.unit.begin();
  int64_t length = panel.sums().segment;
  k.loop(a[UnpackFirst], a[UnpackLast], 1, [&](Val chunk) {
    Val codes = a[UnpackCodes] + chunk * panel.chunkBytes();
    Val to = a[UnpackTo] + (chunk - a[UnpackFirst]) * weightBytes;
    unpackSteps(codes, 0, chunkSteps, Val(), to);
    for (unsigned s = 0; s < segments; ++s) {
      GroupFactors f =
          panel.factors(a.drop_front(NumUnpack),
                        chunk * groupChunk + s * length, a[UnpackDepth]);
      int64_t at = factorsAt(s);
      for (Val each : {f.scale, f.offset, f.zero})
        if (each) {
          k.store(each, to + at);
          at += 64;
        }
    }
  });
}

void NarrowSlab::packRow(llvm::ArrayRef<Val> a, Val r, Val skipped) {
  Val scales = a[PackScales] + skipped / groupChunk * 4;
  Val sums = a[PackSums] + skipped / 16 * 4;
  packBytes(a[PackX] + skipped, a[PackCount], a[PackTo] + r * rowBytes);
  Val to = a[PackTo] + r * (chunks * 4);
  auto place = [&](GroupRow row, unsigned s, Val chunk) {
    placeRow(row, s, [&](Val &value, mlir::Type, int64_t at) {
      k.store(value, to + (chunk * 4 + at));
    });
  };
  k.ifElse(
      eq(a[PackCount], chunks),
      [&] {
        Val scale = k.load(k.vec(k.f32(), chunks), scales);
        mlir::Type type = k.vec(k.i32(), chunks);
        Val low = k.load(type, sums), high = k.load(type, sums + chunks * 4);
        Val even = k.evens(low, high), odd = k.odds(low, high);
        if (segments == 1)
          place(panel.row(scale, even + odd), 0, k.i64(0));
        for (unsigned s = 0; segments == 2 && s < 2; ++s)
          place(panel.row(scale, s ? odd : even), s, k.i64(0));
        return Vals();
      },
      [&] {
        k.loop(k.i64(0), a[PackCount], 1, [&](Val chunk) {
          for (unsigned s = 0; s < segments; ++s)
            place(panel.row(scales + chunk * 4, sums + chunk * 8, s), s, chunk);
        });
        return Vals();
      });
}

GroupFactors NarrowSlab::factors(Val weights, unsigned segment) {
  auto factor = [&](unsigned index, mlir::Type element) {
    return k.load(k.vec(element, 16),
                  weights + (factorsAt(segment) + index * 64));
  };
  GroupFactors f;
  f.scale = factor(0, k.f32());
  if (panel.hasOffset())
    f.offset = factor(1, k.f32());
  if (panel.hasZero())
    f.zero = factor(1 + panel.hasOffset(), k.i32());
  return f;
}

void NarrowSlab::segment(Val weights, unsigned panels, Val bytes, Val terms,
                         unsigned segment, Val sums, Val stride) {
  GroupUnit &unit = panel.unit;
  unsigned registers = unit.registers(), all = panels * registers;
  int64_t registerBytes = 64 / registers;
  unsigned steps = panel.sums().segment / 4;
  llvm::SmallVector<GroupUnit::Sum> integers(rows * all);
  llvm::SmallVector<GroupRow> own(rows);
  for (int64_t r = 0; r < rows; ++r) {
    placeRow(own[r], segment, [&](Val &value, mlir::Type type, int64_t at) {
      value = k.load(type, terms + (at + r * chunks * 4));
    });
    if (!unit.chains() || !own[r].lacking)
      continue;
    Val lacking = k.splat(std::exchange(own[r].lacking, Val()), unit.lanes());
    for (unsigned i = 0; i < all; ++i)
      integers[r * all + i].wide = lacking;
  }
  products(weights, panels, bytes, segment * steps, (segment + 1) * steps,
           integers);
  for (unsigned p = 0; p < panels; ++p) {
    GroupFactors f = factors(weights + int64_t(p * slabBytes), segment);
    Val to = p ? sums + stride * int64_t(p) : sums;
    for (int64_t r = 0; r < rows; ++r)
      for (unsigned i = 0; i < registers; ++i) {
        Val at = to + (r * 64 + i * registerBytes);
        Val sum = k.load(k.vec(k.f32(), unit.lanes()), at);
        Val exact = unit.finish(integers[r * all + p * registers + i]);
        k.store(panel.add(sum, exact, f, i, own[r]), at);
      }
  }
}

void NarrowSlab::multiplyBody(llvm::ArrayRef<Val> a, unsigned panels) {
  panel.unit.begin();
  k.loop(k.i64(0), a[Count], 1, [&](Val chunk) {
    Val weights = a[Slabs] + chunk * weightBytes;
    Val bytes = a[Tile] + chunk * (groupChunk * halves);
    Val terms = a[Tile] + chunk * 4;
    // Pinned, or LLVM keeps all sums in registers that it has not got.
    for (unsigned s = 0; s < segments; ++s)
      segment(weights, panels, bytes, terms, s, k.pinned(a[Sums]), a[Stride]);
  });
}
