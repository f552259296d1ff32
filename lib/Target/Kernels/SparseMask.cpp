//===- SparseMask.cpp - Sums with weights under a bit mask ----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The weights of a slab are put where their bits are, once for all rows of
// a block: 64 at a time by vpexpandb, or 8 at a time by a table that has for
// each byte of bits which weight goes where. One row meets what vpexpandb gives
// at once.
//
//===----------------------------------------------------------------------===//

#include "SlabTiles.h"
#include "SparsePanels.h"

#include "qc/TargetInfo/Features.h"

using namespace qc;
using namespace qc::kernels;
using Vals = KernelBuilder::Vals;

static constexpr int64_t blockRows = 48, maskSlab = SparseWeights::slab;

namespace {

class Mask : public SparsePanels {
public:
  Mask(KernelBuilder &k, std::unique_ptr<SlabTiles> tiles,
       std::unique_ptr<ProductUnit> unit)
      : k(k), tiles(std::move(tiles)), unit(std::move(unit)),
        expands(k.isX86() && k.level().vectorBits == 512 &&
                hasFeature(k.target().arch, k.level(), "avx512vbmi2")),
        picks(!k.isX86() || k.level().vectorBits >= 256) {
    rows = blockRows;
    // One row meets what vpexpandb gives of several panels.
    if (expands && this->unit->sumRegisters == 1)
      panels = panelsAbreast;
  }
  void begin(const Matrix &matrix) override;
  void sum(Val first, Val count, Val panel, Val width, Val to) override;

private:
  /// Where a panel has its bits and weights.
  struct Place {
    Val bits, weights;
  };
  /// A panel of several that one row meets abreast: memory gives several
  /// streams sooner than one.
  struct Stream {
    Place place;
    KernelBuilder::Jump bits, weights;
  };
  /// How far the weights of a panel lie behind those of the first.
  Val weightsOf(Val panel);
  Place placeOf(Val panel);
  Stream streamOf(Val panel, int64_t width);
  void sumRow(unsigned width, Val panel, Val x, Val to);
  void sumRows(const Place &place, Val first, Val count, Val to);
  /// The 64 weights of a step, by vpexpandb.
  Val expand(Val mask, Val weights);
  /// Writes the 64 weights of a step; the address of the next ones.
  Val decode(Val mask, Val weights, Val to);
  Val decodeBytes(Val mask, Val weights, Val to);
  Val decodeBits(Val mask, Val weights, Val to);
  Val countBits(Val mask) {
    return k.intrinsic("llvm.ctpop.i64", k.i64Type(), {mask});
  }

  KernelBuilder &k;
  std::unique_ptr<SlabTiles> tiles;
  std::unique_ptr<ProductUnit> unit;
  /// The level has vpexpandb, an instruction that picks bytes.
  bool expands, picks;
  Matrix matrix;
  Val allPanels, steps, bits, weights, buffer, table;
};

} // namespace

/// For each byte of bits 16 bytes: which of the next weights comes to each of 8
/// places, 0x80 for none.
static std::vector<int32_t> placeTable() {
  std::vector<int32_t> words;
  for (unsigned bits = 0; bits < 256; ++bits) {
    uint64_t places = 0;
    unsigned next = 0;
    for (unsigned i = 0; i < 8; ++i)
      places |= uint64_t(bits >> i & 1 ? next++ : 0x80) << (8 * i);
    words.push_back(static_cast<int32_t>(places));
    words.push_back(static_cast<int32_t>(places >> 32));
    words.insert(words.end(), 2, static_cast<int32_t>(0x80808080));
  }
  return words;
}

void Mask::begin(const Matrix &given) {
  matrix = given;
  tiles->begin(blockRows);
  allPanels = (matrix.n + 15) / 16;
  steps = (matrix.depth + 3) / 4;
  bits = matrix.weights + (allPanels + 1) * 8;
  weights = bits + allPanels * steps * 8;
  // What is written of a step may reach beyond it.
  buffer = k.stack(maskSlab * 16 + 64);
  if (!expands && picks)
    table = k.data(placeTable());
}

Val Mask::decodeBytes(Val mask, Val weights, Val to) {
  mlir::Type bytes = k.vec(k.i8(), 16);
  for (unsigned i = 0; i < 8; ++i) {
    Val bits = shrU(mask, int64_t(8 * i)) & 0xff;
    Val places = k.load(bytes, table + bits * 16);
    k.store(k.intrinsic(k.isX86() ? "llvm.x86.ssse3.pshuf.b.128"
                                  : "llvm.aarch64.neon.tbl1.v16i8",
                        bytes, {k.load(bytes, weights), places}),
            to + int64_t(8 * i));
    weights = weights + countBits(bits);
  }
  return weights;
}

Val Mask::decodeBits(Val mask, Val weights, Val to) {
  return k.loop(k.i64(0), 64, 1, {weights}, [&](Val i, llvm::ArrayRef<Val> at) {
    Val bit = shrU(mask, i) & 1;
    Val byte = k.convert(k.load(k.i8(), at[0]), k.i64Type());
    k.store(k.convert(byte * bit, k.i8()), to + i);
    return Vals{at[0] + bit};
  })[0];
}

Val Mask::expand(Val mask, Val weights) {
  mlir::Type bytes = k.vec(k.i8(), 64);
  // Pinned, or the load is one under the mask.
  return k.intrinsic("llvm.x86.avx512.mask.expand.v64i8", bytes,
                     {k.pinned(k.load(bytes, weights)), k.zero(bytes),
                      k.bitcast(mask, k.vec(k.i1(), 64))});
}

Val Mask::decode(Val mask, Val weights, Val to) {
  if (!expands)
    return picks ? decodeBytes(mask, weights, to)
                 : decodeBits(mask, weights, to);
  k.store(expand(mask, weights), to);
  return weights + countBits(mask);
}

Val Mask::weightsOf(Val panel) {
  return k.load(k.i64Type(), matrix.weights + panel * 8);
}

Mask::Place Mask::placeOf(Val panel) {
  return {bits + panel * steps * 8, weights + weightsOf(panel)};
}

Mask::Stream Mask::streamOf(Val panel, int64_t width) {
  Place end = placeOf(panel + 1);
  Val next = weightsOf(min(panel + width, allPanels));
  return {placeOf(panel),
          {end.bits, steps * (8 * (width - 1))},
          {end.weights, next - weightsOf(panel + 1)}};
}

/// One row, whose sums no buffer of weights comes between.
void Mask::sumRow(unsigned width, Val panel, Val x, Val to) {
  constexpr int64_t unroll = 4;
  llvm::SmallVector<Stream> streams;
  Vals state(width, k.zero(unit->sumType));
  for (unsigned p = 0; p < width; ++p) {
    streams.push_back(streamOf(panel + int64_t(p), width));
    state.push_back(streams.back().place.weights);
  }
  Val whole = matrix.depth / 4, rest = matrix.depth % 4;
  auto step = [&](Vals &state, Val index, Val activation) {
    for (unsigned p = 0; p < width; ++p) {
      Val mask = k.load(k.i64Type(), streams[p].place.bits + index * 8);
      Val &sum = state[p], &at = state[width + p];
      sum = unit->multiplyAdd(sum, activation, expand(mask, at));
      at = at + countBits(mask);
    }
  };
  Val middle = whole / unroll * unroll;
  state = k.loop(
      k.i64(0), middle, unroll, state, [&](Val i, llvm::ArrayRef<Val> carried) {
        Vals next(carried);
        for (unsigned p = 0; p < width; ++p) {
          const Stream &own = streams[p];
          k.prefetchAhead(own.place.bits + i * 8, 8 * unroll, own.bits);
          k.prefetchAhead(next[width + p], 64 * unroll / 2, own.weights);
        }
        for (int64_t c = 0; c < unroll; ++c)
          step(next, i + c, unit->activation(x + (i + c) * 4));
        return next;
      });
  state =
      k.loop(middle, whole, 1, state, [&](Val i, llvm::ArrayRef<Val> carried) {
        Vals next(carried);
        step(next, i, unit->activation(x + i * 4));
        return next;
      });
  state = k.ifElse(
      rest > 0,
      [&] {
        Vals last(state);
        step(last, whole, unit->activationTail(x + whole * 4, rest));
        return last;
      },
      [&] { return state; });
  for (unsigned p = 0; p < width; ++p)
    k.store(state[p], to + int64_t(64 * p * blockRows));
}

void Mask::sumRows(const Place &place, Val first, Val count, Val to) {
  tiles->setRows(count,
                 [&](Val r) { return matrix.x + (first + r) * matrix.xRow; });
  k.loop(k.i64(0), count, 1,
         [&](Val r) { k.store(k.zero(k.vec(k.i32(), 16)), to + r * 64); });
  k.loop(k.i64(0), matrix.depth, maskSlab, {place.weights},
         [&](Val begin, llvm::ArrayRef<Val> at) {
           Val end = min(begin + maskSlab, matrix.depth);
           Vals next =
               k.loop(begin / 4, (end + 3) / 4, 1, at,
                      [&](Val step, llvm::ArrayRef<Val> from) {
                        Val mask = k.load(k.i64Type(), place.bits + step * 8);
                        return Vals{decode(mask, from[0],
                                           buffer + (step * 64 - begin * 16))};
                      });
           tiles->add(buffer, begin, end - begin, to);
           return next;
         });
}

void Mask::sum(Val first, Val count, Val panel, Val width, Val to) {
  auto each = [&](llvm::function_ref<void(Val, Val)> one) {
    k.loop(k.i64(0), width, 1,
           [&](Val p) { one(panel + p, to + p * (64 * blockRows)); });
    return Vals();
  };
  auto rows = [&] {
    return each(
        [&](Val p, Val sums) { sumRows(placeOf(p), first, count, sums); });
  };
  if (panels == 1) {
    rows();
    return;
  }
  auto row = [&] {
    Val x = matrix.x + first * matrix.xRow;
    return k.ifElse(
        eq(width, panels),
        [&] {
          sumRow(panels, panel, x, to);
          return Vals();
        },
        [&] { return each([&](Val p, Val sums) { sumRow(1, p, x, sums); }); });
  };
  k.ifElse(eq(count, 1), row, rows);
}

std::unique_ptr<SparsePanels>
kernels::makeMask(KernelBuilder &k, llvm::StringRef x, std::string &error) {
  auto tiles = SlabTiles::create(k, x, error);
  return tiles ? std::make_unique<Mask>(k, std::move(tiles),
                                        makeProductUnit(k, x, "i8", error))
               : nullptr;
}
