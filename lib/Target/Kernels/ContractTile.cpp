//===- ContractTile.cpp - The register tile of contract -------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ContractTile.h"

using namespace qc;
using namespace qc::kernels;
using Vals = KernelBuilder::Vals;

/// A register of 16 rows gains nothing for as few as these.
constexpr unsigned fewRows = 4, fewRowsPanels = 4;

ContractTiles::ContractTiles(KernelBuilder &kernel, ProductUnit &unit,
                             bool accumulate, llvm::StringRef name)
    : k(kernel), unit(unit), accumulate(accumulate) {
  if (unit.isMatrix)
    matrix.emplace(k, accumulate, name);
  maxRows = matrix ? fewRows : unit.maxRows;
  maxPanels = matrix ? fewRowsPanels : unit.maxPanels;
  for (unsigned rows = 1; rows <= maxRows; ++rows)
    for (unsigned panels = 1; panels <= maxPanels; ++panels)
      functions.push_back(emitTile(name, rows, panels));
}

void ContractTiles::enter() {
  if (matrix)
    matrix->enter();
}

void ContractTiles::leave() {
  if (matrix)
    matrix->leave();
}

void ContractTiles::call(const Call &tile) {
  if (!matrix)
    return callFunction(tile);
  k.ifElse(
      tile.rows <= int64_t(fewRows),
      [&] {
        k.loop(k.i64(0), tile.panels, fewRowsPanels, [&](Val panel) {
          Call part = tile;
          part.weights = tile.weights + panel * tile.panelBytes;
          part.panels = min(tile.panels - panel, fewRowsPanels);
          part.sums = tile.sums + panel * 64;
          callFunction(part);
        });
        return Vals();
      },
      [&] {
        matrix->call({tile.rowTable, tile.rows, tile.weights, tile.panels,
                      tile.panelBytes, tile.shape, tile.offset, tile.sums});
        return Vals();
      });
}

void ContractTiles::callFunction(const Call &tile) {
  Val index = (tile.rows - 1) * maxPanels + (tile.panels - 1);
  k.switchOn(index, functions.size(), [&](unsigned i) {
    k.call(functions[i], {tile.rowTable, tile.weights, tile.panelBytes,
                          tile.shape, tile.offset, tile.sums});
  });
}

void ContractTiles::forRows(Val count,
                            llvm::function_ref<void(Val, Val)> body) {
  Val most = k.i64(unit.maxRows);
  Val tileCount = (count + (most - 1)) / most;
  Val rows = count / tileCount, larger = count % tileCount;
  k.loop(k.i64(0), tileCount, 1, {k.i64(0)},
         [&](Val t, llvm::ArrayRef<Val> done) {
           Val here = matrix ? min(count - done[0], most)
                             : k.select(t < larger, rows + 1, rows);
           body(done[0], here);
           return Vals{done[0] + here};
         });
}

Function ContractTiles::emitTile(llvm::StringRef name, unsigned rows,
                                 unsigned panels) {
  std::string symbol =
      (name + "_" + llvm::Twine(rows) + "x" + llvm::Twine(16 * panels)).str();
  return k.function(
      symbol, {k.ptr(), k.ptr(), k.i64Type(), k.ptr(), k.i64Type(), k.ptr()},
      [&](llvm::ArrayRef<Val> a) { emitBody(rows, panels, a); });
}

namespace {
/// The loops of one tile function.
struct TileLoops {
  KernelBuilder &k;
  ProductUnit &unit;
  unsigned rows, panels;
  Vals rowPointers;
  Val panelBytes;

  unsigned sumIndex(unsigned row, unsigned panel) const {
    return (row * panels + panel) * unit.sumRegisters;
  }
  /// One step of K: `state` is the sums and then the address of the weights.
  Vals step(llvm::ArrayRef<Val> state,
            llvm::function_ref<Val(Val)> activation) const;
  /// A run whose first element is at byte `offset` of every row.
  Vals run(Val offset, Val length, llvm::ArrayRef<Val> state) const;
};
} // namespace

Vals TileLoops::step(llvm::ArrayRef<Val> state,
                     llvm::function_ref<Val(Val)> activation) const {
  Vals next(state);
  Val base = state.back();
  Vals pointers;
  for (unsigned p = 0; p < panels; ++p) {
    pointers.push_back(base + panelBytes * int64_t(p));
    // Of one row the weights are read once, as fast as the memory gives them.
    if (rows == 1)
      k.prefetchAhead(pointers.back(), unit.panelStepBytes);
  }
  auto weights = [&](unsigned i) {
    return unit.weights(pointers[i / unit.sumRegisters], i % unit.sumRegisters);
  };
  unsigned width = panels * unit.sumRegisters;
  auto add = [&](unsigned row, unsigned i, Val a, Val w) {
    Val &sum = next[row * width + i];
    sum = unit.multiplyAdd(sum, a, w);
  };
  Vals kept;
  // Beside the sums, the weights of a step or its activations are kept.
  if ((rows + 1) * width + 2 <= k.level().vectorRegisters) {
    for (unsigned i = 0; i < width; ++i)
      kept.push_back(weights(i));
    for (unsigned r = 0; r < rows; ++r) {
      Val a = activation(rowPointers[r]);
      for (unsigned i = 0; i < width; ++i)
        add(r, i, a, kept[i]);
    }
  } else {
    for (unsigned r = 0; r < rows; ++r)
      kept.push_back(activation(rowPointers[r]));
    for (unsigned i = 0; i < width; ++i) {
      Val w = weights(i);
      for (unsigned r = 0; r < rows; ++r)
        add(r, i, kept[r], w);
    }
  }
  next.back() = base + int64_t(unit.panelStepBytes);
  return next;
}

Vals TileLoops::run(Val offset, Val length, llvm::ArrayRef<Val> state) const {
  int64_t stepBytes = int64_t(unit.step) * unit.xBytes;
  Val rest = unit.step == 1 ? k.i64(0) : length & int64_t(unit.step - 1);
  Val end = offset + (length - rest) * int64_t(unit.xBytes);
  Vals next = k.loop(
      offset, end, stepBytes, state, [&](Val i, llvm::ArrayRef<Val> carried) {
        return step(carried, [&](Val row) { return unit.activation(row + i); });
      });
  if (unit.step == 1)
    return next;
  return k.ifElse(
      rest > 0,
      [&] {
        return step(next, [&](Val row) {
          return unit.activationTail(row + end, rest);
        });
      },
      [&] { return next; });
}

void ContractTiles::emitBody(unsigned rows, unsigned panels,
                             llvm::ArrayRef<Val> arguments) {
  Val table = arguments[0], weights = arguments[1], shape = arguments[3];
  Val base = arguments[4], sums = arguments[5];
  auto size = [&](unsigned i) { return k.load(k.i64Type(), shape + 8 * i); };
  Val kernelH = size(0), strideH = size(1) * int64_t(unit.xBytes);
  Val kernelW = size(2), strideW = size(3) * int64_t(unit.xBytes);
  Val length = size(4);
  TileLoops loops{k, unit, rows, panels, {}, arguments[2]};
  for (unsigned r = 0; r < rows; ++r)
    loops.rowPointers.push_back(k.load(k.ptr(), table + 8 * r));

  unsigned lanes = k.lanes();
  auto sumAddress = [&](unsigned r, unsigned p, unsigned i) {
    return sums + int64_t(4 * (r * columns() + 16 * p + i * lanes));
  };
  Vals state;
  for (unsigned r = 0; r < rows; ++r)
    for (unsigned p = 0; p < panels; ++p) {
      Vals before;
      for (unsigned i = 0; accumulate && i < 16 / lanes; ++i)
        before.push_back(k.load(unit.sumType, sumAddress(r, p, i)));
      state.append(accumulate ? unit.resume(before)
                              : Vals(unit.sumRegisters, k.zero(unit.sumType)));
    }
  state.push_back(weights);
  state =
      k.loop(k.i64(0), kernelH, 1, state, [&](Val h, llvm::ArrayRef<Val> s) {
        return k.loop(
            k.i64(0), kernelW, 1, s, [&](Val w, llvm::ArrayRef<Val> t) {
              return loops.run(base + h * strideH + w * strideW, length, t);
            });
      });
  for (unsigned r = 0; r < rows; ++r)
    for (unsigned p = 0; p < panels; ++p) {
      auto first = state.begin() + loops.sumIndex(r, p);
      Vals done = unit.finish(Vals(first, first + unit.sumRegisters));
      for (unsigned i = 0; i < done.size(); ++i)
        k.store(done[i], sumAddress(r, p, i));
    }
}
