//===- MatrixTile.cpp - Sums of bytes in tile registers -------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A call takes up to 32 rows. Where they are evenly spaced matrix rows they are
// read where they lie; otherwise a pass of K of all of them is copied together
// once, in the order in which registers are filled. Two by two registers of
// sums go through K with two of rows and two of weights.
//
//===----------------------------------------------------------------------===//

#include "MatrixTile.h"

using namespace qc;
using namespace qc::kernels;

/// Rows of a register, bytes of a row of it, and both together.
constexpr int64_t tileRows = 16, chunkBytes = 64, tileBytes = 1024;
/// Chunks of K that are copied at a time, for 32 rows: 64 KiB.
constexpr int64_t passChunks = 32;
/// Bytes from a row of sums to the next.
constexpr int64_t sumsRow = 64 * MatrixTile::maxPanels;

/// Registers: sums by row tile and panel, rows, weights.
static unsigned sumTile(unsigned row, unsigned panel) {
  return 2 * row + panel;
}
constexpr unsigned firstRowTile = 4, firstWeightTile = 6;

struct MatrixTile::Work {
  Val table, rows, weights, panels, panelBytes, offset, sums;
  /// Runs of K: how many in a row and a column of the kernel, their distances
  /// and length in bytes, and the length as it is padded in a panel.
  Val kernelH, strideH, kernelW, strideW, run, paddedRun;
  /// Whole chunks of K, all of them, and steps of a panel in the last one.
  Val wholeChunks, chunks, tailSteps;
  /// Memory: rows that are copied together, one row, the last chunk of two
  /// panels.
  Val packed, line, tail;
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

/// Sums of some row tiles and panels over chunks of K: (rows, their row, tile
/// and chunk distance, weights, panel bytes, chunks in the weights, chunks in
/// the tail (0 or 1), tail, sums, whether they go on).
Function MatrixTile::emitProducts(llvm::StringRef symbol, unsigned rowTiles,
                                  unsigned panels) {
  mlir::Type p = k.ptr(), size = k.i64Type();
  llvm::SmallVector<mlir::Type> types = {p,    size, size, size, p,   size,
                                         size, size, p,    p,    size};
  return k.function(symbol, types, [&](llvm::ArrayRef<Val> a) {
    Val stride = k.i64(chunkBytes), sumsStride = k.i64(sumsRow);
    auto eachSum = [&](llvm::function_ref<void(unsigned, Val)> body) {
      for (unsigned r = 0; r < rowTiles; ++r)
        for (unsigned c = 0; c < panels; ++c)
          body(sumTile(r, c),
               a[9] + int64_t(r * tileRows * sumsRow + c * chunkBytes));
    };
    auto step = [&](Val rows, Val weights, Val panelBytes) {
      for (unsigned r = 0; r < rowTiles; ++r)
        load(firstRowTile + r, rows + a[2] * int64_t(r), a[1]);
      for (unsigned c = 0; c < panels; ++c) {
        load(firstWeightTile + c, weights + panelBytes * int64_t(c), stride);
        for (unsigned r = 0; r < rowTiles; ++r)
          product(sumTile(r, c), firstRowTile + r, firstWeightTile + c);
      }
    };
    k.ifElse(
        ne(a[10], 0),
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
    k.loop(k.i64(0), a[6], 1,
           [&](Val c) { step(a[0] + a[3] * c, a[4] + c * tileBytes, a[5]); });
    k.ifThen(ne(a[7], 0),
             [&] { step(a[0] + a[3] * a[6], a[8], k.i64(tileBytes)); });
    eachSum([&](unsigned tile, Val at) { store(tile, at, sumsStride); });
  });
}

void MatrixTile::emitCall(llvm::ArrayRef<Val> a) {
  Work work;
  work.table = a[0];
  work.rows = a[1];
  work.weights = a[2];
  work.panels = a[3];
  work.panelBytes = a[4];
  work.offset = a[6];
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
  work.packed = k.stack(2 * passChunks * tileBytes);
  work.line = k.stack((passChunks + 2) * chunkBytes);
  work.tail = k.stack(2 * tileBytes);

  Val first = k.load(k.i64Type(), work.table);
  Val second = k.load(k.i64Type(), work.table + min(work.rows - 1, 1) * 8);
  Val distance = second - first;
  Val isMatrix = eq(work.kernelH * work.kernelW, 1) &
                 eq(work.run % chunkBytes, 0) & eq(work.rows % tileRows, 0) &
                 areEvenlySpaced(work.table, work.rows, distance);
  k.ifElse(
      isMatrix,
      [&] {
        Val base = k.load(k.ptr(), work.table) + work.offset;
        multiply(work, {base, distance, distance * tileRows, k.i64(chunkBytes)},
                 k.i64(0), work.chunks);
        return KernelBuilder::Vals();
      },
      [&] {
        k.loop(k.i64(0), work.chunks, passChunks, [&](Val begin) {
          Val end = min(begin + passChunks, work.chunks);
          pack(work, begin, end);
          multiply(work,
                   {work.packed, k.i64(chunkBytes),
                    k.i64(passChunks * tileBytes), k.i64(tileBytes)},
                   begin, end);
        });
        return KernelBuilder::Vals();
      });
}

Val MatrixTile::areEvenlySpaced(Val table, Val rows, Val distance) {
  Val differ = k.loop(
      k.i64(0), rows - 1, 1, {k.i64(0)}, [&](Val r, llvm::ArrayRef<Val> seen) {
        Val here = k.load(k.i64Type(), table + r * 8);
        Val next = k.load(k.i64Type(), table + (r + 1) * 8);
        return KernelBuilder::Vals{seen[0] | ((next - here) ^ distance)};
      })[0];
  return eq(differ, 0);
}

/// Copies chunks of all rows together: tile by tile, chunk by chunk.
void MatrixTile::pack(const Work &work, Val firstChunk, Val endChunk) {
  Val begin = firstChunk * chunkBytes, end = endChunk * chunkBytes;
  mlir::Type bytes = k.vec(k.i8(), chunkBytes);
  // Runs of whole chunks go where they belong, others by way of a line.
  Val whole = eq(work.run % chunkBytes, 0);
  k.loop(k.i64(0), work.rows, 1, [&](Val r) {
    Val from = k.load(k.ptr(), work.table + r * 8) + work.offset;
    Val to = work.packed + (r / tileRows) * (passChunks * tileBytes) +
             (r % tileRows) * chunkBytes;
    k.ifElse(
        whole,
        [&] {
          packRuns(work, from, to, k.i64(tileRows), begin, end);
          return KernelBuilder::Vals();
        },
        [&] {
          // What is behind the last run is zero.
          k.store(k.zero(bytes), work.line + (end - begin - chunkBytes));
          packRuns(work, from, work.line, k.i64(1), begin, end);
          k.loop(k.i64(0), end - begin, chunkBytes, [&](Val i) {
            k.store(k.load(bytes, work.line + i), to + i * tileRows);
          });
          return KernelBuilder::Vals();
        });
  });
}

/// Copies the part of a row's runs that lies in [begin, end) of K; byte b goes
/// to (b - begin) * scale.
void MatrixTile::packRuns(const Work &work, Val from, Val to, Val scale,
                          Val begin, Val end) {
  mlir::Type bytes = k.vec(k.i8(), chunkBytes);
  Val first = begin / work.paddedRun;
  Val last = min((end + (work.paddedRun - 1)) / work.paddedRun,
                 work.kernelH * work.kernelW);
  Val h = first / work.kernelW, w = first % work.kernelW;
  k.loop(first, last, 1, {h, w}, [&](Val j, llvm::ArrayRef<Val> at) {
    Val start = j * work.paddedRun;
    Val low = max(start, begin), high = min(start + work.run, end);
    Val source = from + (at[0] * work.strideH + at[1] * work.strideW - start);
    k.loop(low, high, chunkBytes, [&](Val i) {
      Val mask = k.tailMask(chunkBytes, high - i);
      k.store(k.loadMasked(bytes, source + i, mask), to + (i - begin) * scale);
    });
    Val next = at[1] + 1, done = next >= work.kernelW;
    return KernelBuilder::Vals{k.select(done, at[0] + 1, at[0]),
                               k.select(done, k.i64(0), next)};
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

/// All panels; chunks of K from `firstChunk` on, of rows that begin there.
void MatrixTile::multiply(const Work &work, const Rows &rows, Val firstChunk,
                          Val endChunk) {
  Val wholeEnd = min(endChunk, work.wholeChunks);
  Val hasTail = endChunk > wholeEnd;
  Val goesOn =
      accumulate ? k.i64(1) : k.select(firstChunk > 0, k.i64(1), k.i64(0));
  k.loop(k.i64(0), work.panels, 2, [&](Val panel) {
    Val here = min(work.panels - panel, 2);
    Val weights = work.weights + panel * work.panelBytes;
    k.ifThen(hasTail, [&] { copyTail(work, weights, here); });
    Val index = ((work.rows - 1) / tileRows) * 2 + (here - 1);
    k.switchOn(index, products.size(), [&](unsigned i) {
      k.call(products[i], {rows.base, rows.row, rows.tile, rows.chunk,
                           weights + firstChunk * tileBytes, work.panelBytes,
                           wholeEnd - firstChunk, endChunk - wholeEnd,
                           work.tail, work.sums + panel * chunkBytes, goesOn});
    });
  });
}
