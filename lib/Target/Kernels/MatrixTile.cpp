//===- MatrixTile.cpp - Sums of bytes in tile registers -------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A call copies a pass of K of up to 64 rows together, in the order in which
// registers are filled, and multiplies it with all panels: two by two registers
// of sums go through K with two of rows and two of weights.
//
//===----------------------------------------------------------------------===//

#include "MatrixTile.h"

using namespace qc;
using namespace qc::kernels;

/// Rows of a register, bytes of a row of it, and both together.
constexpr int64_t tileRows = 16, chunkBytes = 64, tileBytes = 1024;
/// Chunks of K that are copied at a time: 128 KiB of 64 rows.
constexpr int64_t passChunks = 32;
/// Bytes from a row of sums to the next.
constexpr int64_t sumsRow = 64 * MatrixTile::maxPanels;

/// Registers: sums by row tile and panel, rows, weights.
static unsigned sumTile(unsigned row, unsigned panel) {
  return 2 * row + panel;
}
constexpr unsigned firstRowTile = 4, firstWeightTile = 6;

struct MatrixTile::Work {
  Val rows, weights, panels, panelBytes, sums;
  /// Runs of K: how many in a row and a column of the kernel, their distances
  /// and length in bytes, and the length as it is padded in a panel.
  Val kernelH, strideH, kernelW, strideW, run, paddedRun;
  /// Chunks of K with 16 steps of a panel, all of them, and the steps in the
  /// last one if it has fewer.
  Val wholeChunks, chunks, tailSteps;
  /// Memory: addresses of the rows, the last one's in place of those that a
  /// register has more; rows that are copied together; the last chunk of two
  /// panels.
  Val table, packed, tail;
};

MatrixTile::MatrixTile(KernelBuilder &kernel, bool accumulate,
                       llvm::StringRef name)
    : k(kernel), accumulate(accumulate), name(name) {
  for (unsigned rowTiles = 1; rowTiles <= 2; ++rowTiles)
    for (unsigned panels = 1; panels <= 2; ++panels)
      products.push_back(emitProducts((name + "_" + llvm::Twine(16 * rowTiles) +
                                       "x" + llvm::Twine(16 * panels))
                                          .str(),
                                      rowTiles, panels));
  mlir::Type p = k.ptr(), size = k.i64Type();
  function =
      k.function((name + "_matrix").str(), {p, size, p, size, size, p, size, p},
                 [&](llvm::ArrayRef<Val> a) { emitCall(a); });
}

void MatrixTile::enter() {
  // Palette 1; 64 bytes in a row, 16 rows, for each of the eight registers.
  std::vector<int32_t> words(16, 0);
  words[0] = 1;
  for (unsigned i = 0; i < 4; ++i)
    words[4 + i] = 0x00400040;
  words[12] = words[13] = 0x10101010;
  k.intrinsic("llvm.x86.ldtilecfg", {k.data(words)});
}

void MatrixTile::leave() { k.intrinsic("llvm.x86.tilerelease", {}); }

void MatrixTile::load(unsigned tile, Val address, Val stride) {
  k.intrinsic("llvm.x86.tileloadd64", {tileNumber(tile), address, stride});
}

void MatrixTile::store(unsigned tile, Val address, Val stride) {
  k.intrinsic("llvm.x86.tilestored64", {tileNumber(tile), address, stride});
}

void MatrixTile::product(unsigned sum, unsigned rows, unsigned weights) {
  k.intrinsic("llvm.x86.tdpbusd",
              {tileNumber(sum), tileNumber(rows), tileNumber(weights)});
}

/// Sums of some row tiles and panels over chunks of K: (packed rows, weights,
/// panel bytes, chunks in the weights, chunks in the tail (0 or 1), tail, sums,
/// whether they go on).
Function MatrixTile::emitProducts(llvm::StringRef symbol, unsigned rowTiles,
                                  unsigned panels) {
  mlir::Type p = k.ptr(), size = k.i64Type();
  llvm::SmallVector<mlir::Type> types = {p, p, size, size, size, p, p, size};
  return k.function(symbol, types, [&](llvm::ArrayRef<Val> a) {
    Val stride = k.i64(chunkBytes), sumsStride = k.i64(sumsRow);
    auto eachSum = [&](llvm::function_ref<void(unsigned, Val)> body) {
      for (unsigned r = 0; r < rowTiles; ++r)
        for (unsigned c = 0; c < panels; ++c)
          body(sumTile(r, c),
               a[6] + int64_t(r * tileRows * sumsRow + c * chunkBytes));
    };
    auto step = [&](Val rows, Val weights, Val panelBytes) {
      for (unsigned r = 0; r < rowTiles; ++r)
        load(firstRowTile + r, rows + int64_t(r * passChunks * tileBytes),
             stride);
      for (unsigned c = 0; c < panels; ++c) {
        Val own = weights + panelBytes * int64_t(c);
        // Those of the next panels, which lie far behind what CPUs look ahead.
        Val next = own + panelBytes * int64_t(panels);
        for (int64_t line = 0; line < tileBytes; line += chunkBytes)
          k.prefetch(next + line);
        load(firstWeightTile + c, own, stride);
        for (unsigned r = 0; r < rowTiles; ++r)
          product(sumTile(r, c), firstRowTile + r, firstWeightTile + c);
      }
    };
    k.ifElse(
        ne(a[7], 0),
        [&] {
          eachSum([&](unsigned tile, Val at) { load(tile, at, sumsStride); });
          return KernelBuilder::Vals();
        },
        [&] {
          eachSum([&](unsigned tile, Val) {
            k.intrinsic("llvm.x86.tilezero", {tileNumber(tile)});
          });
          return KernelBuilder::Vals();
        });
    k.loop(k.i64(0), a[3] * tileBytes, tileBytes,
           [&](Val i) { step(a[0] + i, a[1] + i, a[2]); });
    k.ifThen(ne(a[4], 0),
             [&] { step(a[0] + a[3] * tileBytes, a[5], k.i64(tileBytes)); });
    eachSum([&](unsigned tile, Val at) { store(tile, at, sumsStride); });
  });
}

void MatrixTile::emitCall(llvm::ArrayRef<Val> a) {
  Work work;
  work.rows = a[1];
  work.weights = a[2];
  work.panels = a[3];
  work.panelBytes = a[4];
  work.sums = a[7];
  auto size = [&](unsigned i) { return k.load(k.i64Type(), a[5] + 8 * i); };
  work.kernelH = size(0);
  work.strideH = size(1);
  work.kernelW = size(2);
  work.strideW = size(3);
  work.run = size(4);
  work.paddedRun = (work.run + 3) & -4;
  Val bytes = work.kernelH * work.kernelW * work.paddedRun;
  work.wholeChunks = bytes / chunkBytes;
  work.chunks = (bytes + (chunkBytes - 1)) / chunkBytes;
  work.tailSteps = (bytes % chunkBytes) / 4;
  work.table = k.stack(8 * maxRows);
  work.packed = k.stack(maxRows / tileRows * passChunks * tileBytes);
  work.tail = k.stack(2 * tileBytes);

  Val rowsInTiles = (work.rows + (tileRows - 1)) & -tileRows;
  k.loop(k.i64(0), rowsInTiles, 1, [&](Val r) {
    Val row = k.load(k.ptr(), a[0] + min(r, work.rows - 1) * 8);
    k.store(row + a[6], work.table + r * 8);
  });
  k.loop(k.i64(0), work.chunks, passChunks, [&](Val begin) {
    Val end = min(begin + passChunks, work.chunks);
    pack(work, begin, end);
    multiply(work, begin, end);
  });
}

/// Copies chunks of all rows together: tile by tile, chunk by chunk. What lies
/// between and behind the runs becomes zero.
void MatrixTile::pack(const Work &work, Val firstChunk, Val endChunk) {
  Val first = firstChunk * chunkBytes / work.paddedRun;
  Val runs = work.kernelH * work.kernelW;
  k.loop(firstChunk, endChunk, 1, {first}, [&](Val c, llvm::ArrayRef<Val> at) {
    Val begin = c * chunkBytes, end = begin + chunkBytes;
    Val to = work.packed + (c - firstChunk) * tileBytes;
    packPiece(work, at[0], begin, to, /*isFirst=*/true);
    Val last = min((end + (work.paddedRun - 1)) / work.paddedRun, runs);
    k.loop(at[0] + 1, last, 1, [&](Val run) {
      packPiece(work, run, begin, to, /*isFirst=*/false);
    });
    return KernelBuilder::Vals{end / work.paddedRun};
  });
}

/// Copies the part of a run that lies in the chunk at `begin`; the first piece
/// of a chunk fills it up with zeros.
void MatrixTile::packPiece(const Work &work, Val run, Val begin, Val to,
                           bool isFirst) {
  mlir::Type bytes = k.vec(k.i8(), chunkBytes);
  Val start = run * work.paddedRun - begin;
  Val low = max(start, 0), high = max(min(start + work.run, chunkBytes), low);
  Val mask = k.tailMask(chunkBytes, high) ^ k.tailMask(chunkBytes, low);
  Val offset = run / work.kernelW * work.strideH +
               run % work.kernelW * work.strideW - start;
  k.loop(k.i64(0), work.rows, tileRows, [&](Val row) {
    Val addresses = work.table + row * 8;
    Val tile = to + row * (passChunks * tileBytes / tileRows);
    for (int64_t r = 0; r < tileRows; ++r) {
      Val from = k.load(k.ptr(), addresses + 8 * r) + offset;
      Val piece = k.loadMasked(bytes, from, mask);
      if (isFirst)
        k.store(piece, tile + r * chunkBytes);
      else
        k.storeMasked(piece, tile + r * chunkBytes, mask);
    }
  });
}

/// The last chunk of some panels, filled up with zeros, so that nothing behind
/// the weights is read.
void MatrixTile::copyTail(const Work &work, Val weights, Val panels) {
  mlir::Type bytes = k.vec(k.i8(), chunkBytes);
  k.loop(k.i64(0), panels, 1, [&](Val p) {
    Val from = weights + p * work.panelBytes + work.wholeChunks * tileBytes;
    Val to = work.tail + p * tileBytes;
    k.loop(k.i64(0), work.tailSteps, 1, [&](Val i) {
      k.store(k.load(bytes, from + i * chunkBytes), to + i * chunkBytes);
    });
    k.loop(work.tailSteps, k.i64(tileRows), 1,
           [&](Val i) { k.store(k.zero(bytes), to + i * chunkBytes); });
  });
}

/// All panels with the packed rows, whose first chunk of K is `firstChunk`.
void MatrixTile::multiply(const Work &work, Val firstChunk, Val endChunk) {
  Val wholeEnd = min(endChunk, work.wholeChunks);
  Val tailChunks = endChunk - wholeEnd;
  Val goesOn =
      accumulate ? k.i64(1) : k.select(firstChunk > 0, k.i64(1), k.i64(0));
  k.loop(k.i64(0), work.panels, 2, [&](Val panel) {
    Val here = min(work.panels - panel, 2);
    Val weights = work.weights + panel * work.panelBytes;
    k.ifThen(tailChunks > 0, [&] { copyTail(work, weights, here); });
    k.loop(k.i64(0), work.rows, 2 * tileRows, [&](Val row) {
      Val rowTiles = min((work.rows - row + (tileRows - 1)) / tileRows, 2);
      Val index = (rowTiles - 1) * 2 + (here - 1);
      k.switchOn(index, products.size(), [&](unsigned i) {
        k.call(products[i],
               {work.packed + row * (passChunks * tileBytes / tileRows),
                weights + firstChunk * tileBytes, work.panelBytes,
                wholeEnd - firstChunk, tailChunks, work.tail,
                work.sums + row * sumsRow + panel * chunkBytes, goesOn});
      });
    });
  });
}
