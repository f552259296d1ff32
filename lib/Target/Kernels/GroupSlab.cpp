//===- GroupSlab.cpp - Weights in groups for many rows --------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A chunk of a slab: the bytes of its 8 steps, 64 of each half (GroupUnit.h),
// then for each segment the scales, the offsets and the zero points of the 16
// columns, those that the format has. A tile: of each row the bytes, chunk
// after chunk and half after half in it. Then for each segment of a chunk, for
// each value of GroupRow that is used, for each row: the values of all chunks.
//
//===----------------------------------------------------------------------===//

#include "GroupSlab.h"

using namespace qc;
using namespace qc::kernels;
using Vals = KernelBuilder::Vals;

static constexpr int64_t chunkSteps = groupChunk / 4;

GroupSlab::GroupSlab(KernelBuilder &k, GroupPanel &panel)
    : k(k), panel(panel), rows(panel.unit.slabRows()),
      segments(groupChunk / panel.sums().segment), halves(panel.unit.halves()),
      codeBytes(chunkSteps * 64 * halves), weightBytes(factorsAt(segments)) {
  bool hasCorrection = panel.unit.correction() != 0;
  int64_t terms =
      1 + panel.hasZero() + hasCorrection + int64_t(panel.hasOffset());
  rowBytes = chunks * groupChunk * halves;
  tileBytes = rows * (rowBytes + segments * terms * chunks * 4);
}

int64_t GroupSlab::factorsAt(unsigned segment) const {
  return codeBytes + segment * 64 * (1 + panel.hasOffset() + panel.hasZero());
}

void GroupSlab::placeRow(
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
    next(row.correction, k.i32());
  if (panel.hasOffset())
    next(row.scaled, k.f32());
}

namespace {
enum { UnpackCodes, UnpackTo, UnpackFirst, UnpackLast, UnpackDepth, NumUnpack };
enum { PackX, PackScales, PackSums, PackTo, PackStride, PackValid, PackCount };
enum { Slab, Tile, Sums, Count };
} // namespace

void GroupSlab::emit() {
  mlir::Type p = k.ptr(), i = k.i64Type();
  llvm::SmallVector<mlir::Type> types{p, p, i, i, i};
  types.append(panel.factorRegions().size(), p);
  unpackFunction = k.function("unpack", types, [&](auto a) { unpackBody(a); });
  packFunction =
      k.function("pack", {p, p, p, p, i, i, i}, [&](auto a) { packBody(a); });
  multiplyFunction =
      k.function("multiply", {p, p, p, i}, [&](auto a) { multiplyBody(a); });
}

void GroupSlab::unpack(Val codes, llvm::ArrayRef<Val> regions, Val first,
                       Val last, Val depth, Val to) {
  Vals arguments{codes, to, first, last, depth};
  arguments.append(regions.begin(), regions.end());
  k.call(unpackFunction, arguments);
}

void GroupSlab::packRows(const Rows &rows, Val valid, Val count, Val to) {
  k.call(packFunction,
         {rows.x, rows.scales, rows.sums, to, rows.stride, valid, count});
}

void GroupSlab::multiply(Val slab, Val packedRows, Val count, Val sums) {
  k.call(multiplyFunction, {slab, packedRows, sums, count});
}

void GroupSlab::unpackBody(llvm::ArrayRef<Val> a) {
  panel.unit.begin();
  unsigned registers = panel.unit.registers();
  int64_t registerBytes = 64 / registers, length = panel.sums().segment;
  k.loop(a[UnpackFirst], a[UnpackLast], 1, [&](Val chunk) {
    Val codes = a[UnpackCodes] + chunk * panel.chunkBytes();
    Val to = a[UnpackTo] + (chunk - a[UnpackFirst]) * weightBytes;
    for (unsigned step = 0; step < chunkSteps; ++step)
      for (unsigned i = 0; i < registers; ++i) {
        Val bytes = panel.codes(codes, step, i);
        for (int64_t h = 0; h < halves; ++h)
          k.store(panel.unit.half(bytes, h),
                  to + ((step * halves + h) * 64 + i * registerBytes));
      }
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

void GroupSlab::packBody(llvm::ArrayRef<Val> a) {
  k.loop(k.i64(0), rows, 1, [&](Val r) { packRow(a, r); });
}

void GroupSlab::packRow(llvm::ArrayRef<Val> a, Val r) {
  // Rows beyond the last are the last again.
  Val skipped = min(a[PackValid] - 1, r) * a[PackStride];
  Val x = a[PackX] + skipped;
  Val scales = a[PackScales] + skipped / groupChunk * 4;
  Val sums = a[PackSums] + skipped / 16 * 4;
  Val to = a[PackTo] + r * rowBytes;
  k.loop(k.i64(0), a[PackCount], 1, [&](Val chunk) {
    Val bytes = k.load(k.vec(k.i8(), groupChunk), x + chunk * groupChunk);
    for (int64_t h = 0; h < halves; ++h)
      k.store(panel.unit.half(bytes, h),
              to + (chunk * (groupChunk * halves) + h * groupChunk));
  });
  to = a[PackTo] + r * (chunks * 4);
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

/// Segment `segment` of a chunk of weights with the bytes of the rows of a tile
/// and what else belongs to them.
void GroupSlab::segment(Val weights, Val bytes, Val terms, unsigned segment,
                        Val sums) {
  GroupUnit &unit = panel.unit;
  unsigned registers = unit.registers();
  int64_t registerBytes = 64 / registers;
  unsigned steps = panel.sums().segment / 4;
  llvm::SmallVector<GroupUnit::Sum> integers(rows * registers);
  unsigned begin = segment * steps * halves;
  for (unsigned each = begin; each < begin + steps * halves; ++each) {
    unsigned step = each / halves, half = each % halves;
    Vals codes;
    for (unsigned i = 0; i < registers; ++i)
      codes.push_back(
          k.load(unit.bytes(), weights + (each * 64 + i * registerBytes)));
    for (int64_t r = 0; r < rows; ++r) {
      Val x = unit.activation(bytes +
                              (r * rowBytes + half * groupChunk + 4 * step));
      for (unsigned i = 0; i < registers; ++i)
        unit.multiplyAddHalf(integers[r * registers + i], codes[i], x);
    }
  }
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
  for (int64_t r = 0; r < rows; ++r) {
    GroupRow row;
    placeRow(row, segment, [&](Val &value, mlir::Type type, int64_t at) {
      value = k.load(type, terms + (at + r * chunks * 4));
    });
    for (unsigned i = 0; i < registers; ++i) {
      Val at = sums + (r * 64 + i * registerBytes);
      Val sum = k.load(k.vec(k.f32(), unit.lanes()), at);
      Val exact = unit.finish(integers[r * registers + i]);
      k.store(panel.add(sum, exact, f, i, row), at);
    }
  }
}

void GroupSlab::multiplyBody(llvm::ArrayRef<Val> a) {
  panel.unit.begin();
  k.loop(k.i64(0), a[Count], 1, [&](Val chunk) {
    Val weights = a[Slab] + chunk * weightBytes;
    Val bytes = a[Tile] + chunk * (groupChunk * halves);
    Val terms = a[Tile] + chunk * 4;
    // Pinned, or LLVM keeps all sums in registers that it has not got.
    for (unsigned s = 0; s < segments; ++s)
      segment(weights, bytes, terms, s, k.pinned(a[Sums]));
  });
}
