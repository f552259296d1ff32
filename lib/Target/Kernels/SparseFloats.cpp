//===- SparseFloats.cpp - Float sums with 1 or 2 of 4 weights -------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// As SparseNofM.cpp with float activations: 4 floats of a row are in every 128
// bits of a register, from which the weights' positions pick. The scales of the
// columns multiply the finished sums.
//
//===----------------------------------------------------------------------===//

#include "SparsePanels.h"

using namespace qc;
using namespace qc::kernels;
using Vals = KernelBuilder::Vals;

/// Rows that read a panel one tile after the other.
static constexpr int64_t blockRows = 48;

namespace {

class FloatNofM : public SparsePanels {
public:
  FloatNofM(KernelBuilder &k, const numerics::SparseFormat &format);
  void begin(const Matrix &matrix) override;
  void sum(Val first, Val count, Val panel, Val width, Val to) override;

private:
  enum { X, XRow, W, Scales, Depth, Out };
  Function emitTile(unsigned rows);
  void tileBody(unsigned rows, llvm::ArrayRef<Val> a);
  Vals block(Val weights, llvm::ArrayRef<Val> x, llvm::ArrayRef<Val> sums);
  /// 4 floats of a row to pick from.
  Val table(Val pointer);
  /// Of each lane the float whose number is in the low 2 bits of `positions`.
  Val pick(Val table, Val positions);
  /// Copies of the rows' last `rest` inputs, filled up to a block with zeros.
  Vals copyRest(llvm::ArrayRef<Val> x, Val rest);
  unsigned registers() const { return 16 / k.lanes(); }
  /// Sums of a row and register: one for each of 4 neighbours where there is
  /// only one row, so that no product waits for the last.
  unsigned chainsOf(unsigned rows) const { return rows == 1 ? 4 : 1; }

  KernelBuilder &k;
  SparseWeights layout;
  std::vector<Function> tiles;
  Matrix matrix;
  Val panelBytes, allPanels;
};

} // namespace

FloatNofM::FloatNofM(KernelBuilder &k, const numerics::SparseFormat &format)
    : k(k) {
  layout.format = format;
  rows = blockRows;
  unsigned most = registers() == 1 ? 8 : registers() == 2 ? 4 : 2;
  for (unsigned count = 1; count <= most; ++count)
    tiles.push_back(emitTile(count));
}

Val FloatNofM::table(Val pointer) {
  Val floats = k.load(k.vec(k.f32(), 4), pointer);
  llvm::SmallVector<int32_t> lanes;
  for (unsigned i = 0; i < k.lanes(); ++i)
    lanes.push_back(i % 4);
  return k.shuffle(floats, floats, lanes);
}

Val FloatNofM::pick(Val table, Val positions) {
  mlir::Type type = k.vec(k.f32(), k.lanes());
  if (k.isX86() && k.lanes() > 4)
    return k.intrinsic(k.lanes() == 16 ? "llvm.x86.avx512.vpermilvar.ps.512"
                                       : "llvm.x86.avx.vpermilvar.ps.256",
                       type, {table, positions});
  positions = positions & 3;
  if (!k.isX86()) {
    mlir::Type bytes = k.vec(k.i8(), 16);
    Val index = positions * 0x04040404 + 0x03020100;
    return k.bitcast(
        k.intrinsic("llvm.aarch64.neon.tbl1.v16i8", bytes,
                    {k.bitcast(table, bytes), k.bitcast(index, bytes)}),
        type);
  }
  Val result = k.zero(type);
  for (int32_t i = 0; i < 4; ++i)
    result = k.select(eq(positions, i), k.shuffle(table, table, {i, i, i, i}),
                      result);
  return result;
}

Vals FloatNofM::block(Val weights, llvm::ArrayRef<Val> x,
                      llvm::ArrayRef<Val> sums) {
  Vals next(sums);
  unsigned lanes = k.lanes(), chained = chainsOf(x.size());
  mlir::Type words = k.vec(k.i32(), lanes);
  int64_t positionsAt = layout.blockSteps() * 64;
  for (unsigned step = 0; step < layout.blockSteps(); ++step)
    for (unsigned i = 0; i < 4; ++i) {
      // The group of 4 inputs that neighbour i of the step belongs to.
      int64_t group = (4 * step + i) / layout.format.keep;
      Vals tables;
      for (Val row : x)
        tables.push_back(table(row + group * 16));
      for (unsigned part = 0; part < registers(); ++part) {
        int64_t at = part * 4 * lanes;
        Val codes = k.load(words, weights + (step * 64 + at));
        Val w =
            k.convert(shrS(i < 3 ? codes << (24 - 8 * i) : codes, 24), k.f32());
        Val positions =
            shrU(k.load(words, weights + (positionsAt + step / 4 * 64 + at)),
                 8 * i + step % 4 * 2);
        for (unsigned r = 0; r < x.size(); ++r) {
          Val &sum = next[(r * registers() + part) * chained + i % chained];
          Val a = pick(tables[r], positions);
          sum = k.level().hasFma ? k.fma(a, w, sum) : sum + a * w;
        }
      }
    }
  return next;
}

Vals FloatNofM::copyRest(llvm::ArrayRef<Val> x, Val rest) {
  int64_t size = 4 * layout.blockInputs();
  Val copy = k.stack(size * x.size());
  Vals rows;
  for (unsigned r = 0; r < x.size(); ++r) {
    Val to = copy + int64_t(r) * size;
    for (int64_t at = 0; at < size; at += 16)
      k.store(k.zero(k.vec(k.f32(), 4)), to + at);
    k.loop(k.i64(0), rest, 1,
           [&](Val i) { k.store(k.load(k.f32(), x[r] + i * 4), to + i * 4); });
    rows.push_back(to);
  }
  return rows;
}

void FloatNofM::tileBody(unsigned count, llvm::ArrayRef<Val> a) {
  mlir::Type floats = k.vec(k.f32(), k.lanes());
  unsigned chained = chainsOf(count);
  Vals x;
  for (unsigned r = 0; r < count; ++r)
    x.push_back(a[X] + a[XRow] * int64_t(4 * r));
  auto rowsAt = [&](Val input) {
    Vals moved;
    for (Val row : x)
      moved.push_back(row + input * 4);
    return moved;
  };
  int64_t inputs = layout.blockInputs(), bytes = layout.blockBytes();
  Val blocks = a[Depth] / inputs, rest = a[Depth] % inputs;
  Vals state(count * registers() * chained, k.zero(floats));
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
    for (unsigned part = 0; part < registers(); ++part) {
      auto own = state.begin() + (r * registers() + part) * chained;
      Val sum = chained == 4 ? (own[0] + own[1]) + (own[2] + own[3]) : own[0];
      int64_t at = part * 4 * k.lanes();
      k.store(sum * k.load(floats, a[Scales] + at),
              a[Out] + (int64_t(r * 64) + at));
    }
}

Function FloatNofM::emitTile(unsigned count) {
  mlir::Type p = k.ptr(), i = k.i64Type();
  return k.function("picked" + std::to_string(count), {p, i, p, p, i, p},
                    [&](llvm::ArrayRef<Val> a) { tileBody(count, a); });
}

void FloatNofM::begin(const Matrix &given) {
  matrix = given;
  allPanels = (matrix.n + 15) / 16;
  panelBytes = (matrix.depth + (layout.blockInputs() - 1)) /
               layout.blockInputs() * layout.blockBytes();
}

void FloatNofM::sum(Val first, Val count, Val panel, Val, Val to) {
  Val scales = matrix.weights + (panel * 128 + 64);
  Val weights = matrix.weights + (allPanels * 128 + panel * panelBytes);
  int64_t most = tiles.size();
  k.loop(k.i64(0), count, most, [&](Val row) {
    Val x = matrix.x + (first + row) * matrix.xRow * 4;
    k.switchOn(min(count - row, most) - 1, tiles.size(), [&](unsigned i) {
      k.call(tiles[i],
             {x, matrix.xRow, weights, scales, matrix.depth, to + row * 64});
    });
  });
}

std::unique_ptr<SparsePanels>
kernels::makeFloatNofM(KernelBuilder &k, const numerics::SparseFormat &format) {
  return std::make_unique<FloatNofM>(k, format);
}
