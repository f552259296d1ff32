//===- BatchMatmul.cpp - Products of two run-time matrices ----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A register tile of rows x `width` columns walks K with one B vector load for
// all rows. Rows of B that are contiguous are read in place; otherwise, and for
// the last columns, a panel [K][width] of B is packed first. Each output is one
// sum in ascending k, so tiles and parts do not change it.
//
//===----------------------------------------------------------------------===//

#include "BatchMatmulBytes.h"
#include "Emitters.h"
#include "Parts.h"

#include "qc/TargetInfo/KernelSlots.h"

using namespace qc;
using namespace qc::kernels;
using namespace qc::slots::batch_matmul;

namespace {
class BatchMatmul {
public:
  BatchMatmul(KernelBuilder &k, bool isStrided)
      : k(k), isStrided(isStrided), many(k.level().vectorRegisters >= 32),
        vectors(k.level().vectorBits == 128 && many ? 4 : 2),
        width(vectors * k.lanes()) {}
  void emit();

private:
  /// Arguments of a tile: addresses, distances in bytes, the size of K.
  enum {
    TileA,
    TileB,
    TileY,
    TileK,
    TileARow,
    TileAColumn,
    TileBRow,
    TileYRow,
    TileAlpha
  };
  Function emitTile(unsigned rows);
  void emitTileBody(unsigned rows, llvm::ArrayRef<Val> arguments);
  Function emitPack();
  void packBlocks(Val b, Val panel, Val depth, Val bRow, Val bColumn);
  void packOneByOne(Val b, Val panel, Val lo, Val depth, Val count, Val bRow,
                    Val bColumn);
  void rowsOfPanel(Val b, Val bRow, Val n, Val count);
  void panel(Val n, Val count);
  Val multiplyAdd(Val a, Val b, Val sum) {
    return k.level().hasFma ? k.fma(a, b, sum) : sum + a * b;
  }

  KernelBuilder &k;
  bool isStrided, many;
  unsigned vectors, width;
  llvm::SmallVector<unsigned> tileRows;
  llvm::SmallVector<Function> tiles;
  Function pack;
  Val a, b, y, scratch, edge, m, depth, aRow, aColumn, bRow, bColumn, yRow;
};
} // namespace

//===----------------------------------------------------------------------===//
// The tile
//===----------------------------------------------------------------------===//

void BatchMatmul::emitTileBody(unsigned rows, llvm::ArrayRef<Val> v) {
  mlir::Type type = k.vec(k.f32(), k.lanes());
  KernelBuilder::Vals sums(rows * vectors, k.zero(type));
  Val aColumn = isStrided ? v[TileAColumn] : k.i64(4);
  sums = k.loop(
      k.i64(0), v[TileK], 1, sums, [&](Val depth, llvm::ArrayRef<Val> carried) {
        KernelBuilder::Vals next, weights;
        Val from = v[TileB] + depth * v[TileBRow];
        for (unsigned j = 0; j < vectors; ++j)
          weights.push_back(k.load(type, from + int64_t(j * k.lanes() * 4)));
        Val column = v[TileA] + depth * aColumn;
        for (unsigned i = 0; i < rows; ++i) {
          Val x = k.load(k.f32(), column + v[TileARow] * int64_t(i));
          x = k.splat(x, k.lanes());
          for (unsigned j = 0; j < vectors; ++j)
            next.push_back(
                multiplyAdd(x, weights[j], carried[i * vectors + j]));
        }
        return next;
      });
  for (unsigned i = 0; i < rows; ++i)
    for (unsigned j = 0; j < vectors; ++j)
      k.store(sums[i * vectors + j] * v[TileAlpha],
              v[TileY] + v[TileYRow] * int64_t(i) + int64_t(j * k.lanes() * 4));
}

Function BatchMatmul::emitTile(unsigned rows) {
  mlir::Type size = k.i64Type(), p = k.ptr();
  return k.function("tile" + std::to_string(rows),
                    {p, p, p, size, size, size, size, size, k.f32()},
                    [&](llvm::ArrayRef<Val> v) { emitTileBody(rows, v); });
}

//===----------------------------------------------------------------------===//
// Packing
//===----------------------------------------------------------------------===//

/// panel[k][n] = b[k * bRow + n * bColumn] for n < count.
void BatchMatmul::packOneByOne(Val b, Val panel, Val lo, Val depth, Val count,
                               Val bRow, Val bColumn) {
  k.loop(k.i64(0), count, 1, [&](Val n) {
    Val from = b + n * bColumn, to = panel + n * 4;
    k.loop(lo, depth, 1, [&](Val i) {
      k.store(k.load(k.f32(), from + i * bRow), to + i * int64_t(width * 4));
    });
  });
}

/// Columns of B that are contiguous: blocks of 4 x 4.
void BatchMatmul::packBlocks(Val b, Val panel, Val depth, Val bRow,
                             Val bColumn) {
  mlir::Type type = k.vec(k.f32(), 4);
  Val whole = depth & -4;
  k.loop(k.i64(0), whole, 4, [&](Val i) {
    k.loop(k.i64(0), width, 4, [&](Val n) {
      KernelBuilder::Vals rows;
      for (unsigned r = 0; r < 4; ++r)
        rows.push_back(k.load(type, b + (n + r) * bColumn + i * 4));
      rows = transposed(k, rows);
      for (unsigned r = 0; r < 4; ++r)
        k.store(rows[r], panel + (i + r) * int64_t(width * 4) + n * 4);
    });
  });
  packOneByOne(b, panel, whole, depth, k.i64(width), bRow, bColumn);
}

/// Packs `count` columns; the others of the panel become zeros.
Function BatchMatmul::emitPack() {
  mlir::Type size = k.i64Type(), p = k.ptr();
  return k.function(
      "pack", {p, p, size, size, size, size}, [&](llvm::ArrayRef<Val> v) {
        Val b = v[0], panel = v[1], depth = v[2], count = v[3];
        Val bRow = v[4], bColumn = v[5];
        Val inBlocks = eq(bRow, 4) & eq(count, width);
        k.ifElse(
            inBlocks,
            [&] {
              packBlocks(b, panel, depth, bRow, bColumn);
              return KernelBuilder::Vals();
            },
            [&] {
              Val zeros = k.zero(k.vec(k.f32(), k.lanes()));
              k.loop(k.i64(0), depth * int64_t(vectors), 1, [&](Val i) {
                k.store(zeros, panel + i * int64_t(k.lanes() * 4));
              });
              packOneByOne(b, panel, k.i64(0), depth, count, bRow, bColumn);
              return KernelBuilder::Vals();
            });
      });
}

//===----------------------------------------------------------------------===//
// The kernel
//===----------------------------------------------------------------------===//

/// All rows of the part for the `count` columns from n on; less than a whole
/// panel goes through a buffer.
void BatchMatmul::rowsOfPanel(Val from, Val fromRow, Val n, Val count) {
  Val isWhole = eq(count, width), alpha = k.slotF32(Alpha);
  Val start = k.i64(0);
  for (unsigned t = 0; t < tiles.size(); ++t) {
    int64_t rows = tileRows[t];
    Val end = start + ((m - start) & -rows);
    k.loop(start, end, rows, [&](Val i) {
      Val out = y + i * yRow + n * 4;
      Val to = k.select(isWhole, out, edge);
      Val toRow = k.select(isWhole, yRow, k.i64(width * 4));
      k.call(tiles[t], {a + i * aRow, from, to, depth, aRow, aColumn, fromRow,
                        toRow, alpha});
      k.ifThen(count < int64_t(width), [&] {
        k.loop(k.i64(0), rows, 1, [&](Val r) {
          Val line = edge + r * int64_t(width * 4);
          k.strips(k.i64(0), count, k.lanes(), [&](Val j, Strip strip) {
            k.storeStrip(k.loadStrip(k.f32(), line + j * 4, strip),
                         out + r * yRow + j * 4, strip);
          });
        });
      });
    });
    start = end;
  }
}

void BatchMatmul::panel(Val n, Val count) {
  Val columns = b + n * bColumn;
  Val inPlace = eq(bColumn, 4) & eq(count, width);
  k.ifThen(inPlace ^ k.number(k.i1(), 1), [&] {
    k.call(pack, {columns, scratch, depth, count, bRow, bColumn});
  });
  rowsOfPanel(k.select(inPlace, columns, scratch),
              k.select(inPlace, bRow, k.i64(width * 4)), n, count);
}

void BatchMatmul::emit() {
  tileRows = many ? llvm::SmallVector<unsigned>{8, 4, 2, 1}
                  : llvm::SmallVector<unsigned>{4, 2, 1};
  for (unsigned rows : tileRows)
    tiles.push_back(emitTile(rows));
  pack = emitPack();
  Val mParts = k.slot(MParts), batch = k.part() / mParts;
  Val b0 = batch / k.slot(Batch1), b1 = batch % k.slot(Batch1);
  Val first = (k.part() % mParts) * k.slot(MChunk);
  m = min(k.slot(MChunk), k.slot(M) - first);
  depth = k.slot(K);
  aRow = k.slot(ARow) * 4;
  aColumn = k.slot(AColumn) * 4;
  bRow = k.slot(BRow) * 4;
  bColumn = k.slot(BColumn) * 4;
  yRow = k.slot(YRow) * 4;
  a = k.slotPtr(A) + (b0 * k.slot(ABatch0) + b1 * k.slot(ABatch1)) * 4 +
      first * aRow;
  b = k.slotPtr(B) + (b0 * k.slot(BBatch0) + b1 * k.slot(BBatch1)) * 4;
  y = k.slotPtr(Y) + (b0 * k.slot(YBatch0) + b1 * k.slot(YBatch1)) * 4 +
      first * yRow;
  scratch = k.slotPtr(Scratch) + k.part() * k.slot(ScratchBytes);
  edge = k.stack(int64_t(tileRows[0]) * width * 4);
  Val n = k.slot(N), whole = n & -int64_t(width);
  // Whole panels, then one round for the rest.
  k.loop(k.i64(0), n, width, [&](Val at) {
    panel(at, k.select(at < whole, k.i64(width), n - at));
  });
}

llvm::LogicalResult kernels::emitBatchMatmul(KernelBuilder &k,
                                             const KernelKey &key,
                                             const numerics::DecodeSpec *,
                                             std::string &error) {
  if (key.types.size() == 3 && key.types[0] != "f32")
    return emitBatchMatmulBytes(k, key, error);
  if (key.types != std::vector<std::string>{"f32", "f32", "f32"}) {
    error = "expected the types f32, f32, f32";
    return llvm::failure();
  }
  if (!checkFlags(key, {"a_strided"}, error))
    return llvm::failure();
  BatchMatmul(k, key.has("a_strided")).emit();
  return llvm::success();
}
