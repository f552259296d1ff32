//===- SparseFloats.cpp - Float sums with 1 or 2 of 4 weights -------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// As SparseNofM.cpp with float activations: 4 floats of a row are in every 128
// bits of a register, from which the weights' positions pick. The scales of the
// columns multiply the finished sums.
//
//===----------------------------------------------------------------------===//

#include "PickedPanels.h"

using namespace qc;
using namespace qc::kernels;
using Vals = KernelBuilder::Vals;

namespace {

class FloatNofM : public PickedPanels {
public:
  FloatNofM(KernelBuilder &k, const numerics::SparseFormat &format);

private:
  Vals start(unsigned rows, Val header) override;
  Vals block(Val weights, llvm::ArrayRef<Val> x,
             llvm::ArrayRef<Val> sums) override;
  void finish(unsigned rows, llvm::ArrayRef<Val> sums, Val header,
              Val to) override;
  /// 4 floats of a row to pick from.
  Val table(Val pointer);
  /// Of each lane the float whose number is in the low 2 bits of `positions`.
  Val pick(Val table, Val positions);
  unsigned registers() const { return 16 / k.lanes(); }
  /// Sums of a row and register: one for each of 4 neighbours where there is
  /// only one row, so that no product waits for the last.
  unsigned chainsOf(unsigned rows) const { return rows == 1 ? 4 : 1; }
};

} // namespace

FloatNofM::FloatNofM(KernelBuilder &k, const numerics::SparseFormat &format)
    : PickedPanels(k, format, sizeof(float), /*headerAt=*/64) {
  emitTiles(registers() == 1   ? 8
            : registers() == 2 ? 4
                               : 2,
            registers() == 1 ? panelsAbreast : 1);
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

Vals FloatNofM::start(unsigned count, Val) {
  return Vals(count * registers() * chainsOf(count),
              k.zero(k.vec(k.f32(), k.lanes())));
}

void FloatNofM::finish(unsigned count, llvm::ArrayRef<Val> sums, Val header,
                       Val to) {
  mlir::Type floats = k.vec(k.f32(), k.lanes());
  unsigned chained = chainsOf(count);
  for (unsigned r = 0; r < count; ++r)
    for (unsigned part = 0; part < registers(); ++part) {
      auto own = sums.begin() + (r * registers() + part) * chained;
      Val sum = chained == 4 ? (own[0] + own[1]) + (own[2] + own[3]) : own[0];
      int64_t at = part * 4 * k.lanes();
      k.store(sum * k.load(floats, header + at), to + (int64_t(r * 64) + at));
    }
}

std::unique_ptr<SparsePanels>
kernels::makeFloatNofM(KernelBuilder &k, const numerics::SparseFormat &format) {
  return std::make_unique<FloatNofM>(k, format);
}
