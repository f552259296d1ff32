//===- BatchMatmulBytes.cpp - Products of two run-time 8-bit matrices -----===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Each part packs its B into the panels that contract's weights have, with the
// sums of the columns beside them: they take the zero point of A out. Then the
// tiles and the epilogue of contract do the rest.
//
//===----------------------------------------------------------------------===//

#include "BatchMatmulBytes.h"
#include "ContractTile.h"
#include "Epilogue.h"
#include "Parts.h"

#include "qc/TargetInfo/KernelSlots.h"

using namespace qc;
using namespace qc::kernels;
using namespace qc::slots::batch_matmul;

namespace {

constexpr int64_t panelColumns = 16;
/// Rows whose addresses are kept at a time.
constexpr int64_t blockRows = 192;

class ByteProduct {
public:
  ByteProduct(KernelBuilder &k, const KernelKey &key, ProductUnit &unit)
      : k(k), unit(unit), isUnsigned(key.types[1] == "u8"),
        tiles(k, unit, /*accumulate=*/false), epilogueKey(key),
        epilogue(k, withBias(epilogueKey), epilogueSlots) {}
  void emit();

private:
  static const EpilogueSlots epilogueSlots;
  static const KernelKey &withBias(KernelKey &key) {
    key.flags.push_back("bias");
    return key;
  }

  /// A byte of B as it lies in a panel: signed.
  Val signedBytes(Val v) { return isUnsigned ? v ^ -128 : v; }
  Function emitPack();
  void packRows(Val b, Val panel, Val end, Val bRow);
  void packColumns(Val b, Val panel, Val end, Val bColumn);
  void packOneByOne(Val b, Val panel, Val begin, Val depth, Val columns,
                    Val bRow, Val bColumn);
  void zeroPanel(Val panel, Val begin, Val depth);
  void columnSums(Val panel, Val bias);
  void packAll(Val b);
  void block(Val a, Val y, Val first, Val count);

  KernelBuilder &k;
  ProductUnit &unit;
  bool isUnsigned;
  ContractTiles tiles;
  KernelKey epilogueKey;
  Epilogue epilogue;
  Val n, depth, panelBytes, panels, biases, multipliers, table, sums, shape;
};

} // namespace

const EpilogueSlots ByteProduct::epilogueSlots = {
    Scratch, Scratch, ~0u, Y, Low, High, YZero, ~0u, ~0u, ~0u};

//===----------------------------------------------------------------------===//
// Packing
//===----------------------------------------------------------------------===//

/// B with contiguous rows, [K][16]: four rows are interleaved.
void ByteProduct::packRows(Val b, Val panel, Val end, Val bRow) {
  mlir::Type bytes = k.vec(k.i8(), panelColumns);
  auto interleave = [&](Val even, Val odd) {
    llvm::SmallVector<int32_t> lanes;
    for (unsigned i = 0; i < even.lanes(); ++i) {
      lanes.push_back(i);
      lanes.push_back(even.lanes() + i);
    }
    return k.shuffle(even, odd, lanes);
  };
  k.loop(k.i64(0), end, 4, [&](Val i) {
    KernelBuilder::Vals rows;
    for (unsigned r = 0; r < 4; ++r)
      rows.push_back(k.load(bytes, b + (i + r) * bRow));
    Val all =
        interleave(interleave(rows[0], rows[2]), interleave(rows[1], rows[3]));
    k.store(signedBytes(all), panel + i * panelColumns);
  });
}

/// B with contiguous columns, [16][K]: words of four bytes are transposed in
/// blocks of 4 x 4.
void ByteProduct::packColumns(Val b, Val panel, Val end, Val bColumn) {
  mlir::Type words = k.vec(k.i32(), 4), bytes = k.vec(k.i8(), 16);
  k.loop(k.i64(0), end, 16, [&](Val i) {
    k.loop(k.i64(0), panelColumns, 4, [&](Val column) {
      KernelBuilder::Vals rows;
      for (unsigned r = 0; r < 4; ++r)
        rows.push_back(k.load(words, b + (column + r) * bColumn + i));
      rows = transposed(k, rows);
      for (unsigned r = 0; r < 4; ++r)
        k.store(signedBytes(k.bitcast(rows[r], bytes)),
                panel + (i + 4 * r) * panelColumns + column * 4);
    });
  });
}

/// Rows from `begin` on and `columns` columns.
void ByteProduct::packOneByOne(Val b, Val panel, Val begin, Val depth,
                               Val columns, Val bRow, Val bColumn) {
  k.loop(begin, depth, 1, [&](Val i) {
    Val to = panel + (i & -4) * panelColumns + (i & 3);
    k.loop(k.i64(0), columns, 1, [&](Val column) {
      Val byte = k.load(k.i8(), b + i * bRow + column * bColumn);
      k.store(signedBytes(byte), to + column * 4);
    });
  });
}

/// Zeros from row `begin`, a multiple of 4, to the end of the panel.
void ByteProduct::zeroPanel(Val panel, Val begin, Val depth) {
  Val zeros = k.zero(k.vec(k.i8(), 16));
  k.loop(begin * panelColumns, ((depth + 3) & -4) * panelColumns, 16,
         [&](Val i) { k.store(zeros, panel + i); });
}

/// Packs `columns` columns of B; what is left of the panel becomes zeros.
Function ByteProduct::emitPack() {
  mlir::Type size = k.i64Type(), p = k.ptr();
  return k.function(
      "pack", {p, p, size, size, size, size}, [&](llvm::ArrayRef<Val> v) {
        Val b = v[0], panel = v[1], depth = v[2], columns = v[3];
        Val bRow = v[4], bColumn = v[5];
        Val isWhole = eq(columns, panelColumns);
        Val rowsEnd = k.select(isWhole & eq(bColumn, 1), depth & -4, k.i64(0));
        packRows(b, panel, rowsEnd, bRow);
        Val end = k.select(isWhole & eq(bRow, 1) & ne(bColumn, 1), depth & -16,
                           k.i64(0));
        packColumns(b, panel, end, bColumn);
        Val done = max(rowsEnd, end);
        zeroPanel(panel, done, depth);
        packOneByOne(b, panel, done, depth, columns, bRow, bColumn);
      });
}

/// bias[c] = -a_zero * sum of the panel's column c.
void ByteProduct::columnSums(Val panel, Val bias) {
  Val one = unit.activation(k.data({0x01010101}));
  Val zero = k.slotI32(AZero);
  KernelBuilder::Vals sums(unit.sumRegisters, k.zero(unit.sumType));
  sums = k.loop(k.i64(0), panelBytes, unit.panelStepBytes, sums,
                [&](Val i, llvm::ArrayRef<Val> carried) {
                  KernelBuilder::Vals next;
                  for (auto [index, sum] : llvm::enumerate(carried))
                    next.push_back(unit.multiplyAdd(
                        sum, one, unit.weights(panel + i, index)));
                  return next;
                });
  for (auto [index, sum] : llvm::enumerate(unit.finish(sums)))
    k.store(neg(sum * zero), bias + int64_t(index * 4 * k.lanes()));
}

void ByteProduct::packAll(Val b) {
  Function pack = emitPack();
  Val bRow = k.slot(BRow), bColumn = k.slot(BColumn);
  Val alpha = k.splat(k.slotF32(Alpha), k.lanes());
  Val base = k.slotPtr(Scratch) + k.part() * k.slot(ScratchBytes);
  panels = base;
  // Behind the panels: a bias and a multiplier for each column.
  biases = base + ((n + 15) / 16) * panelBytes;
  multipliers = biases + ((n + 15) / 16) * (4 * panelColumns);
  k.loop(k.i64(0), n, panelColumns, [&](Val column) {
    Val panel = panels + column / 16 * panelBytes;
    k.call(pack, {b + column * bColumn, panel, depth,
                  min(n - column, panelColumns), bRow, bColumn});
    columnSums(panel, biases + column * 4);
    for (unsigned i = 0; i < panelColumns; i += k.lanes())
      k.store(alpha, multipliers + (column + int64_t(i)) * 4);
  });
}

//===----------------------------------------------------------------------===//
// The product
//===----------------------------------------------------------------------===//

/// All columns of `count` rows from `first` on.
void ByteProduct::block(Val a, Val y, Val first, Val count) {
  Val aRow = k.slot(ARow), yRow = k.slot(YRow);
  k.loop(k.i64(0), count, 1,
         [&](Val i) { k.store(a + (first + i) * aRow, table + i * 8); });
  int64_t yBytes = epilogue.yBytes();
  k.loop(k.i64(0), n, tiles.columns(), [&](Val column) {
    Val columns = min(n - column, tiles.columns());
    tiles.forRows(count, [&](Val row, Val rows) {
      ContractTiles::Call call;
      call.rowTable = table + row * 8;
      call.rows = rows;
      call.weights = panels + column / 16 * panelBytes;
      call.panels = (columns + 15) / 16;
      call.panelBytes = panelBytes;
      call.shape = shape;
      call.offset = k.i64(0);
      call.sums = sums;
      tiles.call(call);
      epilogue.applyTile(
          sums, tiles.columns(), rows, columns, [&](Val r, Val c) {
            EpiloguePlace place;
            place.channel = column + c;
            place.y = y + ((first + row + r) * yRow + place.channel) * yBytes;
            return place;
          });
    });
  });
}

void ByteProduct::emit() {
  n = k.slot(N);
  depth = k.slot(K);
  panelBytes = ((depth + 3) / 4) * 64;
  Val mParts = k.slot(MParts), batch = k.part() / mParts;
  Val b0 = batch / k.slot(Batch1), b1 = batch % k.slot(Batch1);
  auto batchOf = [&](unsigned slot, unsigned stride0, unsigned stride1,
                     int64_t bytes) {
    Val offset = b0 * k.slot(stride0) + b1 * k.slot(stride1);
    return k.slotPtr(slot) + offset * bytes;
  };
  Val a = batchOf(A, ABatch0, ABatch1, 1), b = batchOf(B, BBatch0, BBatch1, 1);
  Val y = batchOf(Y, YBatch0, YBatch1, epilogue.yBytes());
  packAll(b);
  epilogue.setAddresses(biases, multipliers, y);
  table = k.stack(8 * blockRows);
  sums = k.stack(tiles.sumBytes());
  shape = k.stack(5 * 8);
  const Val sizes[] = {k.i64(1), k.i64(0), k.i64(1), k.i64(0), depth};
  for (unsigned i = 0; i < 5; ++i)
    k.store(sizes[i], shape + 8 * i);
  Range rows = {(k.part() % mParts) * k.slot(MChunk), Val()};
  rows.hi = min(rows.lo + k.slot(MChunk), k.slot(M));
  tiles.enter();
  k.loop(rows.lo, rows.hi, blockRows, [&](Val first) {
    block(a, y, first, min(rows.hi - first, blockRows));
  });
  tiles.leave();
}

llvm::LogicalResult kernels::emitBatchMatmulBytes(KernelBuilder &k,
                                                  const KernelKey &key,
                                                  std::string &error) {
  const std::string &a = key.types[0], &y = key.types[2];
  if (key.types[1] != a || (y != a && y != "f32")) {
    error = "expected the types a, a, a or a, a, f32 with a = u8 or i8";
    return llvm::failure();
  }
  if (!checkFlags(key, {}, error))
    return llvm::failure();
  auto unit = makeTileUnit(k, a, "i8", error);
  if (!unit)
    return llvm::failure();
  ByteProduct(k, key, *unit).emit();
  return llvm::success();
}
