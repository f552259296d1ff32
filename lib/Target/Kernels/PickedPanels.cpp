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

void PickedPanels::tileBody(unsigned count, llvm::ArrayRef<Val> a) {
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
  Vals state = start(count, a[Header]);
  state = k.loop(k.i64(0), blocks, 1, state,
                 [&](Val i, llvm::ArrayRef<Val> carried) {
                   return block(a[W] + i * bytes, rowsAt(i * inputs), carried);
                 });
  state = k.ifElse(
      rest > 0,
      [&] {
        return block(a[W] + blocks * bytes,
                     copyRest(rowsAt(blocks * inputs), rest), state);
      },
      [&] { return state; });
  finish(count, state, a[Header], a[Out]);
}

void PickedPanels::emitTiles(unsigned most) {
  mlir::Type p = k.ptr(), i = k.i64Type();
  for (unsigned count = 1; count <= most; ++count)
    tiles.push_back(
        k.function("picked" + std::to_string(count), {p, i, p, p, i, p},
                   [&](llvm::ArrayRef<Val> a) { tileBody(count, a); }));
}

void PickedPanels::begin(const Matrix &given) {
  matrix = given;
  allPanels = (matrix.n + 15) / 16;
  panelBytes = (matrix.depth + (layout.blockInputs() - 1)) /
               layout.blockInputs() * layout.blockBytes();
}

void PickedPanels::sum(Val first, Val count, Val panel, Val, Val to) {
  Val header = matrix.weights + (panel * 128 + headerAt);
  Val weights = matrix.weights + (allPanels * 128 + panel * panelBytes);
  int64_t most = tiles.size();
  k.loop(k.i64(0), count, most, [&](Val row) {
    Val x = matrix.x + (first + row) * matrix.xRow * element;
    k.switchOn(min(count - row, most) - 1, tiles.size(), [&](unsigned i) {
      k.call(tiles[i],
             {x, matrix.xRow, weights, header, matrix.depth, to + row * 64});
    });
  });
}
