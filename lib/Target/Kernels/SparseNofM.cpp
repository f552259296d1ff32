//===- SparseNofM.cpp - Sums with n of m weights --------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A register of kept weights meets a register of activations that are picked by
// the weights' positions from 16 bytes of a row.
//
//===----------------------------------------------------------------------===//

#include "SparsePanels.h"
#include "SparseUnit.h"

#include "qc/TargetInfo/GroupPacking.h"

using namespace qc;
using namespace qc::kernels;
using Vals = KernelBuilder::Vals;

/// Rows that read a panel one tile after the other.
static constexpr int64_t blockRows = 48;
/// Sums of the one row of a tile, so that no product waits for the last.
static constexpr unsigned chains = 4;

namespace {

class NofM : public SparsePanels {
public:
  NofM(KernelBuilder &k, const numerics::SparseFormat &format, bool signedX);
  void begin(const Matrix &matrix) override;
  void sum(Val first, Val count, Val panel, Val width, Val to) override;

private:
  enum { X, XRow, W, Header, Depth, Out };
  Function emitTile(unsigned rows);
  void tileBody(unsigned rows, llvm::ArrayRef<Val> a);
  /// The sums after another block of weights; `x` is where the rows have its
  /// inputs.
  Vals block(Val weights, llvm::ArrayRef<Val> x, llvm::ArrayRef<Val> sums);
  /// The positions of step `step` of the block.
  Val positions(Val weights, unsigned step, unsigned part);
  /// Copies of the rows' last `rest` inputs, filled up to a block with zeros.
  Vals copyRest(llvm::ArrayRef<Val> x, Val rest);
  unsigned chainsOf(unsigned rows) const {
    return rows == 1 ? std::min<unsigned>(chains, layout.blockSteps()) : 1;
  }

  KernelBuilder &k;
  SparseUnit unit;
  SparseWeights layout;
  std::vector<Function> tiles;
  Matrix matrix;
  Val panelBytes, allPanels;
};

} // namespace

NofM::NofM(KernelBuilder &k, const numerics::SparseFormat &format, bool signedX)
    : k(k), unit(k, signedX) {
  layout.format = format;
  rows = blockRows;
  for (unsigned count = 1; count <= unit.maxRows(); ++count)
    tiles.push_back(emitTile(count));
}

Val NofM::positions(Val weights, unsigned step, unsigned part) {
  int64_t offset = layout.blockSteps() * 64, at = part * 4 * unit.lanes();
  mlir::Type words = k.vec(k.i16(), 2 * unit.lanes());
  Val result;
  unsigned bit = 0;
  for (unsigned plane : codePlanes(layout.format.positionBits())) {
    unsigned sharing = 8 / plane, down = plane * (step % sharing);
    Val bytes =
        k.load(unit.bytes(), weights + (offset + step / sharing * 64 + at));
    // Bytes are shifted as words; what comes in from neighbours is masked.
    bytes = k.bitcast(bytes, words);
    if (down > bit)
      bytes = shrU(bytes, down - bit);
    else if (down < bit)
      bytes = bytes << (bit - down);
    bytes = k.bitcast(bytes, unit.bytes()) & (((1 << plane) - 1) << bit);
    result = result ? result | bytes : bytes;
    offset += layout.blockSteps() / sharing * 64;
    bit += plane;
  }
  return result;
}

Vals NofM::block(Val weights, llvm::ArrayRef<Val> x, llvm::ArrayRef<Val> sums) {
  Vals next(sums);
  int64_t perChunk = layout.chunkSteps();
  unsigned registers = unit.registers(), chained = chainsOf(x.size());
  Vals tables(x.size());
  for (unsigned step = 0; step < layout.blockSteps(); ++step) {
    int64_t inChunk = step % perChunk;
    if (inChunk == 0)
      for (auto [table, row] : llvm::zip_equal(tables, x))
        table = unit.table(row + step / perChunk * SparseWeights::chunk);
    llvm::SmallVector<int64_t, 4> first;
    for (int64_t i = 0; i < 4; ++i)
      first.push_back((4 * inChunk + i) / layout.format.keep *
                      layout.format.of);
    for (unsigned part = 0; part < registers; ++part) {
      Val index = positions(weights, step, part);
      Val w = k.load(unit.bytes(),
                     weights + int64_t(step * 64 + part * 4 * unit.lanes()));
      for (unsigned r = 0; r < x.size(); ++r) {
        Val &sum = next[(r * registers + part) * chained + step % chained];
        sum = unit.multiplyAdd(
            sum, unit.pick(tables[r], index, first, layout.format.of), w);
      }
    }
  }
  return next;
}

Vals NofM::copyRest(llvm::ArrayRef<Val> x, Val rest) {
  int64_t size = layout.blockInputs();
  Val copy = k.stack(size * x.size());
  Vals rows;
  mlir::Type word = k.vec(k.i8(), 16);
  Val whole = rest / 16 * 16;
  for (unsigned r = 0; r < x.size(); ++r) {
    Val to = copy + int64_t(r) * size;
    for (int64_t at = 0; at < size; at += 16)
      k.store(k.zero(word), to + at);
    k.loop(k.i64(0), whole, 16,
           [&](Val i) { k.store(k.load(word, x[r] + i), to + i); });
    k.loop(whole, rest, 1,
           [&](Val i) { k.store(k.load(k.i8(), x[r] + i), to + i); });
    rows.push_back(to);
  }
  return rows;
}

void NofM::tileBody(unsigned count, llvm::ArrayRef<Val> a) {
  unit.begin();
  unsigned registers = unit.registers(), chained = chainsOf(count);
  mlir::Type lanes = k.vec(k.i32(), unit.lanes());
  Vals x, state;
  for (unsigned r = 0; r < count; ++r) {
    x.push_back(a[X] + a[XRow] * int64_t(r));
    for (unsigned part = 0; part < registers; ++part)
      for (unsigned c = 0; c < chained; ++c) {
        Val sum = k.zero(lanes);
        if (c == 0 && unit.correction()) {
          sum = k.load(lanes, a[Header] + int64_t(part * 4 * unit.lanes()));
          sum = unit.correction() < 0 ? neg(sum) : sum;
        }
        state.push_back(sum);
      }
  }
  auto rowsAt = [&](Val offset) {
    Vals moved;
    for (Val row : x)
      moved.push_back(row + offset);
    return moved;
  };
  int64_t inputs = layout.blockInputs(), bytes = layout.blockBytes();
  Val blocks = a[Depth] / inputs, rest = a[Depth] % inputs;
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
  for (unsigned r = 0; r < count; ++r)
    for (unsigned part = 0; part < registers; ++part) {
      auto own = state.begin() + (r * registers + part) * chained;
      Val sum = own[0];
      for (unsigned c = 1; c < chained; ++c)
        sum = sum + own[c];
      k.store(sum, a[Out] + int64_t(r * 64 + part * 4 * unit.lanes()));
    }
}

Function NofM::emitTile(unsigned count) {
  mlir::Type p = k.ptr(), i = k.i64Type();
  return k.function("picked" + std::to_string(count), {p, i, p, p, i, p},
                    [&](llvm::ArrayRef<Val> a) { tileBody(count, a); });
}

void NofM::begin(const Matrix &given) {
  matrix = given;
  allPanels = (matrix.n + 15) / 16;
  panelBytes = (matrix.depth + (layout.blockInputs() - 1)) /
               layout.blockInputs() * layout.blockBytes();
}

void NofM::sum(Val first, Val count, Val panel, Val, Val to) {
  Val header = matrix.weights + panel * 128;
  Val weights = matrix.weights + (allPanels * 128 + panel * panelBytes);
  int64_t most = tiles.size();
  k.loop(k.i64(0), count, most, [&](Val row) {
    k.switchOn(min(count - row, most) - 1, tiles.size(), [&](unsigned i) {
      k.call(tiles[i], {matrix.x + (first + row) * matrix.xRow, matrix.xRow,
                        weights, header, matrix.depth, to + row * 64});
    });
  });
}

std::unique_ptr<SparsePanels>
kernels::makeNofM(KernelBuilder &k, const numerics::SparseFormat &format,
                  bool signedX) {
  return std::make_unique<NofM>(k, format, signedX);
}
