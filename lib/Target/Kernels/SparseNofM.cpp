//===- SparseNofM.cpp - Sums with n of m weights --------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A register of kept weights meets a register of activations that are picked by
// the weights' positions from 16 bytes of a row.
//
//===----------------------------------------------------------------------===//

#include "PickedPanels.h"
#include "SparseUnit.h"

#include "qc/TargetInfo/GroupPacking.h"

using namespace qc;
using namespace qc::kernels;
using Vals = KernelBuilder::Vals;

/// Sums of the one row of a tile, so that no product waits for the last.
static constexpr unsigned chains = 4;

namespace {

class NofM : public PickedPanels {
public:
  NofM(KernelBuilder &k, const numerics::SparseFormat &format, bool signedX);

private:
  Vals start(unsigned rows, Val header) override;
  Vals block(Val weights, llvm::ArrayRef<Val> x,
             llvm::ArrayRef<Val> sums) override;
  void finish(unsigned rows, llvm::ArrayRef<Val> sums, Val header,
              Val to) override;
  /// The positions of step `step` of the block.
  Val positions(Val weights, unsigned step, unsigned part);
  unsigned chainsOf(unsigned rows) const {
    return rows == 1 ? std::min<unsigned>(chains, layout.blockSteps()) : 1;
  }

  SparseUnit unit;
};

} // namespace

NofM::NofM(KernelBuilder &k, const numerics::SparseFormat &format, bool signedX)
    : PickedPanels(k, format, /*element=*/1, /*headerAt=*/0), unit(k, signedX) {
  emitTiles(unit.maxRows(), unit.registers() == 1 ? panelsAbreast : 1);
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

Vals NofM::start(unsigned count, Val header) {
  unit.begin();
  mlir::Type lanes = k.vec(k.i32(), unit.lanes());
  Vals sums;
  for (unsigned r = 0; r < count; ++r)
    for (unsigned part = 0; part < unit.registers(); ++part)
      for (unsigned c = 0; c < chainsOf(count); ++c) {
        Val sum = k.zero(lanes);
        if (c == 0 && unit.correction()) {
          sum = k.load(lanes, header + int64_t(part * 4 * unit.lanes()));
          sum = unit.correction() < 0 ? neg(sum) : sum;
        }
        sums.push_back(sum);
      }
  return sums;
}

void NofM::finish(unsigned count, llvm::ArrayRef<Val> sums, Val, Val to) {
  unsigned chained = chainsOf(count);
  for (unsigned r = 0; r < count; ++r)
    for (unsigned part = 0; part < unit.registers(); ++part) {
      auto own = sums.begin() + (r * unit.registers() + part) * chained;
      Val sum = own[0];
      for (unsigned c = 1; c < chained; ++c)
        sum = sum + own[c];
      k.store(sum, to + int64_t(r * 64 + part * 4 * unit.lanes()));
    }
}

std::unique_ptr<SparsePanels>
kernels::makeNofM(KernelBuilder &k, const numerics::SparseFormat &format,
                  bool signedX) {
  return std::make_unique<NofM>(k, format, signedX);
}
