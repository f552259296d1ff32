//===- PickedPanels.cpp - Sums with n of m weights ------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "PickedPanels.h"

using namespace qc;
using namespace qc::kernels;

/// Rows that read a panel one tile after the other.
static constexpr int64_t pickedBlockRows = 48;

static constexpr int64_t headerBytes = 128;

PickedPanels::PickedPanels(KernelBuilder &k,
                           const numerics::SparseFormat &format,
                           int64_t element, int64_t headerAt)
    : k(k), element(element), headerAt(headerAt) {
  layout.format = format;
  rows = pickedBlockRows;
}

PickedPanels::Vals PickedPanels::copyRest(llvm::ArrayRef<Val> x, Val rest) {
  int64_t size = element * layout.blockInputs();
  Val copy = k.stack(size * x.size());
  Vals rows;
  mlir::Type word = k.vec(k.i8(), 16);
  Val bytes = rest * element;
  Val whole = bytes / 16 * 16;
  for (unsigned r = 0; r < x.size(); ++r) {
    Val to = copy + int64_t(r) * size;
    for (int64_t at = 0; at < size; at += 16)
      k.store(k.zero(word), to + at);
    k.loop(k.i64(0), whole, 16,
           [&](Val i) { k.store(k.load(word, x[r] + i), to + i); });
    k.loop(whole, bytes, 1,
           [&](Val i) { k.store(k.load(k.i8(), x[r] + i), to + i); });
    rows.push_back(to);
  }
  return rows;
}

void PickedPanels::tileBody(unsigned count, unsigned width,
                            llvm::ArrayRef<Val> a) {
  Vals x;
  for (unsigned r = 0; r < count; ++r)
    x.push_back(a[X] + a[XRow] * (element * r));
  auto rowsAt = [&](Val input) {
    Vals moved;
    for (Val row : x)
      moved.push_back(row + input * element);
    return moved;
  };
  int64_t inputs = layout.blockInputs(), bytes = layout.blockBytes();
  Val blocks = a[Depth] / inputs, rest = a[Depth] % inputs;
  Val bytesOfPanel = panelBytes(a[Depth]);
  auto headerOf = [&](int64_t p) { return a[Header] + p * headerBytes; };
  Vals state;
  for (unsigned p = 0; p < width; ++p)
    state.append(start(count, headerOf(p)));
  size_t own = state.size() / width;
  auto blockOf = [&](Val index, llvm::ArrayRef<Val> rows,
                     llvm::ArrayRef<Val> carried) {
    Vals next;
    for (int64_t p = 0; p < width; ++p) {
      Val begin = a[W] + bytesOfPanel * p, at = begin + index * bytes;
      if (width > 1)
        k.prefetchAhead(
            at, bytes,
            {begin + bytesOfPanel, bytesOfPanel * int64_t(width - 1)});
      else if (count == 1)
        k.prefetchAhead(at, bytes);
      next.append(block(at, rows, carried.slice(p * own, own)));
    }
    return next;
  };
  state = k.loop(k.i64(0), blocks, 1, state,
                 [&](Val i, llvm::ArrayRef<Val> carried) {
                   return blockOf(i, rowsAt(i * inputs), carried);
                 });
  state = k.ifElse(
      rest > 0,
      [&] {
        return blockOf(blocks, copyRest(rowsAt(blocks * inputs), rest), state);
      },
      [&] { return state; });
  for (unsigned p = 0; p < width; ++p)
    finish(count, llvm::ArrayRef(state).slice(p * own, own), headerOf(p),
           a[Out] + int64_t(p * pickedBlockRows * 64));
}

void PickedPanels::emitTiles(unsigned most, unsigned width) {
  panels = width;
  mlir::Type p = k.ptr(), i = k.i64Type();
  auto emit = [&](const std::string &name, unsigned count, unsigned width) {
    return k.function(name, {p, i, p, p, i, p}, [&](llvm::ArrayRef<Val> a) {
      tileBody(count, width, a);
    });
  };
  for (unsigned count = 1; count <= most; ++count)
    tiles.push_back(emit("picked" + std::to_string(count), count, 1));
  if (width > 1)
    abreast = emit("picked1x" + std::to_string(16 * width), 1, width);
}

void PickedPanels::begin(const Matrix &given) {
  matrix = given;
  allPanels = (matrix.n + 15) / 16;
}

Val PickedPanels::panelBytes(Val depth) const {
  int64_t inputs = layout.blockInputs();
  return (depth + (inputs - 1)) / inputs * layout.blockBytes();
}

void PickedPanels::callTile(Function tile, Val row, Val panel, Val to) {
  Val x = matrix.x + row * matrix.xRow * element;
  Val header = matrix.weights + (panel * headerBytes + headerAt);
  Val weights = matrix.weights +
                (allPanels * headerBytes + panel * panelBytes(matrix.depth));
  k.call(tile, {x, matrix.xRow, weights, header, matrix.depth, to});
}

void PickedPanels::sum(Val first, Val count, Val panel, Val width, Val to) {
  int64_t most = tiles.size();
  auto each = [&] {
    k.loop(k.i64(0), width, 1, [&](Val p) {
      k.loop(k.i64(0), count, most, [&](Val row) {
        k.switchOn(min(count - row, most) - 1, tiles.size(), [&](unsigned i) {
          callTile(tiles[i], first + row, panel + p,
                   to + (p * pickedBlockRows + row) * 64);
        });
      });
    });
    return Vals();
  };
  if (!abreast) {
    each();
    return;
  }
  k.ifElse(
      eq(count, 1) & eq(width, panels),
      [&] {
        callTile(*abreast, first, panel, to);
        return Vals();
      },
      each);
}
