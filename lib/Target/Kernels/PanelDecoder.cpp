//===- PanelDecoder.cpp - Encoded weights to floats -----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// K is walked in segments in which every scale is constant, so that LLVM moves
// the arithmetic of the scales out of the loop over a segment.
//
//===----------------------------------------------------------------------===//

#include "PanelDecoder.h"

#include <numeric>

using namespace qc;
using namespace qc::kernels;
using numerics::ElementKind;
using Vals = KernelBuilder::Vals;

/// Largest slab: 64 columns of it stay in the first-level cache.
static constexpr int64_t maxSlab = 64;

PanelDecoder::PanelDecoder(KernelBuilder &kernel,
                           const numerics::DecodeSpec &spec)
    : k(kernel), program(makeProgram(spec)), regions(encodedRegions(spec)) {
  int64_t common = 0;
  for (const EncodedRegion &region : llvm::drop_begin(regions))
    common = std::gcd(common, region.groupK);
  if (!common)
    common = maxSlab;
  segmentK = common;
  while (segmentK > maxSlab || common % segmentK)
    segmentK = segmentK > maxSlab ? maxSlab : segmentK - 1;
  slabK = maxSlab / segmentK * segmentK;
}

/// The spec's valueProgram. Where a register holds the values of all codes and
/// picks from them by one instruction, the arithmetic of a code becomes that.
numerics::Program
PanelDecoder::makeProgram(const numerics::DecodeSpec &spec) const {
  if (!k.isX86() || k.lanes() < 16 || spec.codeBits > 4 || !spec.codeToInt)
    return numerics::valueProgram(spec);
  numerics::DecodeSpec direct = spec;
  std::vector<int32_t> ints;
  std::vector<float> floats;
  for (int32_t code = 0; code < 1 << spec.codeBits; ++code) {
    const numerics::Lane in[] = {numerics::Lane::ofInt(code)};
    ints.push_back(spec.codeToInt->evaluate(in).i);
    floats.push_back(float(ints.back()));
  }
  numerics::Program table;
  numerics::Value code = table.input(numerics::Kind::I32);
  if (spec.zeroPoint) {
    table.output(table.table(ints, code));
    direct.codeToInt = table;
  } else {
    table.output(table.table(floats, code));
    direct.codeToInt.reset();
    direct.codeToFloat = table;
  }
  return numerics::valueProgram(direct);
}

void PanelDecoder::setWeights(Val weights, Val depth, Val panels) {
  starts.clear();
  rowCounts.clear();
  Val start = weights;
  for (const EncodedRegion &region : regions) {
    Val rows = k.i64(1);
    if (region.groupK)
      rows = (depth + (region.groupK - 1)) / region.groupK;
    starts.push_back(start);
    rowCounts.push_back(rows);
    start = start + panels * rows * region.rowBytes();
  }
}

Val PanelDecoder::rowAddress(unsigned region, Val panel, Val row) {
  return starts[region] +
         (panel * rowCounts[region] + row) * regions[region].rowBytes();
}

/// 16 codes of 1, 2 or 4 bits: no code crosses a word of 32 bits.
static Val unpackWords(KernelBuilder &k, unsigned bits, Val pointer) {
  llvm::SmallVector<int64_t> shifts;
  for (unsigned i = 0; i < 16; ++i)
    shifts.push_back(i * bits % 32);
  Val words;
  if (bits == 4 && k.lanes() < 16) {
    words = k.concat(k.splat(k.load(k.i32(), pointer), 8),
                     k.splat(k.load(k.i32(), pointer + 4), 8));
  } else if (bits == 4) {
    llvm::SmallVector<int32_t> halves(16, 0);
    std::fill(halves.begin() + 8, halves.end(), 1);
    Val both = k.load(k.vec(k.i32(), 2), pointer);
    words = k.shuffle(both, both, halves);
  } else {
    words = k.splat(k.convert(k.load(bits == 2 ? k.i32() : k.i16(), pointer),
                              k.i32(), false),
                    16);
  }
  return shrU(words, k.numbers(k.i32(), shifts));
}

/// 16 codes of `bits` bits, zero-extended to i32 lanes.
static Val unpackCodes(KernelBuilder &k, unsigned bits, Val pointer) {
  int64_t mask = (1 << bits) - 1;
  if (bits == 8)
    return k.convert(k.load(k.vec(k.i8(), 16), pointer), k.i32(), false);
  if (8 % bits == 0)
    return unpackWords(k, bits, pointer) & mask;
  // Two bytes that hold each code.
  Val bytes = k.load(k.vec(k.i8(), 2 * bits), pointer);
  llvm::SmallVector<int32_t> pairs;
  llvm::SmallVector<int64_t> shifts;
  for (int32_t i = 0; i < 16; ++i) {
    int32_t bit = i * int32_t(bits), last = 2 * int32_t(bits) - 1;
    pairs.push_back(bit / 8);
    pairs.push_back(std::min(bit / 8 + 1, last));
    shifts.push_back(bit % 8);
  }
  Val wide = k.bitcast(k.shuffle(bytes, bytes, pairs), k.vec(k.i16(), 16));
  return shrU(k.convert(wide, k.i32(), false), k.numbers(k.i32(), shifts)) &
         mask;
}

Val qc::kernels::loadPanelRow(KernelBuilder &k, ElementKind kind, Val pointer) {
  auto load = [&](mlir::Type type) { return k.load(k.vec(type, 16), pointer); };
  switch (kind) {
  case ElementKind::F32:
    return load(k.f32());
  case ElementKind::I32:
    return load(k.i32());
  case ElementKind::I16:
    return k.convert(load(k.i16()), k.i32(), true);
  case ElementKind::F16:
  case ElementKind::BF16:
  case ElementKind::U16:
    return k.convert(load(k.i16()), k.i32(), false);
  case ElementKind::I8:
    return k.convert(load(k.i8()), k.i32(), true);
  default:
    return unpackCodes(k, numerics::bitWidth(kind), pointer);
  }
}

std::pair<Val, Val> PanelDecoder::segment(Val index, Val begin, Val end) const {
  return {max(index * segmentK, begin), min((index + 1) * segmentK, end)};
}

Vals PanelDecoder::factors(Val panel, Val begin) {
  Vals inputs(1);
  for (unsigned i = 1; i < regions.size(); ++i) {
    int64_t group = regions[i].groupK;
    Val row = group ? begin / group : k.i64(0);
    inputs.push_back(
        loadPanelRow(k, regions[i].kind, rowAddress(i, panel, row)));
  }
  return inputs;
}

Val PanelDecoder::values(llvm::ArrayRef<Val> factors, Val codes) {
  Vals inputs(factors);
  inputs[0] = loadPanelRow(k, regions[0].kind, codes);
  return k.emit(program, inputs);
}

void PanelDecoder::decode(Val panel, Val begin, Val end, Val to) {
  k.loop(begin / segmentK, (end - 1) / segmentK + 1, 1, [&](Val s) {
    auto [first, last] = segment(s, begin, end);
    Vals own = factors(panel, first);
    Val codes = rowAddress(0, panel, first), at = to + (first - begin) * 64;
    k.loop(k.i64(0), last - first, 1, [&](Val i) {
      k.store(values(own, codes + i * regions[0].rowBytes()), at + i * 64);
    });
  });
}

void PanelDecoder::addRow(Val row, Val panel, unsigned count, Val begin,
                          Val end, Val to, ProductUnit &unit) {
  unsigned registers = unit.sumRegisters, lanes = k.lanes();
  Vals sums;
  for (unsigned i = 0; i < count * registers; ++i)
    sums.push_back(k.load(unit.sumType, to + int64_t(4 * lanes * i)));
  auto add = [&](Val s, llvm::ArrayRef<Val> carried) {
    auto [first, last] = segment(s, begin, end);
    llvm::SmallVector<Vals> own;
    Vals codes;
    for (unsigned p = 0; p < count; ++p) {
      own.push_back(factors(panel + p, first));
      codes.push_back(rowAddress(0, panel + p, first));
      k.prefetchAhead(codes.back(), segmentK * regions[0].rowBytes());
    }
    Val at = row + (first - begin) * 4;
    return k.loop(
        k.i64(0), last - first, 1, carried,
        [&](Val i, llvm::ArrayRef<Val> before) {
          Vals next(before);
          Val x = unit.activation(at + i * 4);
          for (unsigned p = 0; p < count; ++p) {
            Val w = values(own[p], codes[p] + i * regions[0].rowBytes());
            for (unsigned r = 0; r < registers; ++r) {
              Val &sum = next[p * registers + r];
              sum = unit.multiplyAdd(sum, x, k.slice(w, r * lanes, lanes));
            }
          }
          return next;
        });
  };
  sums = k.loop(begin / segmentK, (end - 1) / segmentK + 1, 1, sums, add);
  for (auto [i, sum] : llvm::enumerate(sums))
    k.store(sum, to + int64_t(4 * lanes * i));
}
