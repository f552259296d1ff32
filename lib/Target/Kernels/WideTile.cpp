//===- WideTile.cpp - Some rows and wide blocks ---------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "WideTile.h"

using namespace qc;
using namespace qc::kernels;
using Vals = KernelBuilder::Vals;

WideTile::WideTile(KernelBuilder &k, WidePanel &wide, Operands all)
    : k(k), wide(wide), panel(wide.panel), operands(std::move(all)),
      panels(operands.places.size()), count(operands.x.size()),
      registers(panel.unit.registers()) {}

WideTile::Totals WideTile::zeros() {
  Vals lanes(numSums(), k.zero(k.vec(k.i32(), panel.unit.lanes())));
  Totals totals;
  totals.products = lanes;
  if (wide.hasCorrection())
    totals.lacking = lanes;
  if (wide.hasOffsetFactor())
    totals.shift = lanes;
  if (wide.hasTotal())
    totals.rows.assign(count, k.i32(0));
  return totals;
}

Vals WideTile::flat(const Totals &totals) const {
  Vals values(totals.products);
  for (const Vals &more : {totals.lacking, totals.shift, totals.rows})
    values.append(more);
  return values;
}

WideTile::Totals WideTile::unflat(llvm::ArrayRef<Val> values) const {
  auto next = [&](bool isThere, unsigned size) {
    Vals own(values.take_front(isThere ? size : 0));
    values = values.drop_front(own.size());
    return own;
  };
  Totals totals;
  totals.products = next(true, numSums());
  totals.lacking = next(wide.hasCorrection(), numSums());
  totals.shift = next(wide.hasOffsetFactor(), numSums());
  totals.rows = next(wide.hasTotal(), count);
  return totals;
}

void WideTile::addSegment(unsigned place, Val chunk, unsigned segment,
                          Totals &totals) {
  GroupUnit &unit = panel.unit;
  int64_t length = panel.sums().segment;
  unsigned steps = length / 4, lanes = unit.lanes();
  WideFactors factors =
      wide.factors(operands.places[place].regions,
                   chunk * groupChunk + segment * length, operands.depth);
  auto own = [&](Val all, unsigned i) {
    return k.slice(all, i * lanes, lanes);
  };
  llvm::SmallVector<GroupUnit::Sum> integers(count * registers);
  if (wide.hasFactor()) {
    Val factor = unit.factor(factors.scale);
    for (unsigned each = 0; each < count * registers; ++each)
      integers[each].factor = own(factor, each % registers);
  }
  Val codes = operands.places[place].codes + chunk * panel.chunkBytes();
  for (unsigned step = segment * steps; step < (segment + 1) * steps; ++step)
    for (unsigned i = 0; i < registers; ++i) {
      Val weights = panel.codes(codes, step, i);
      for (unsigned r = 0; r < count; ++r)
        unit.multiplyAdd(integers[r * registers + i], weights,
                         unit.activation(operands.x[r] + chunk * groupChunk +
                                         int64_t(4 * step)));
    }
  for (unsigned r = 0; r < count; ++r) {
    Val total = panel.total(operands.sums[r] + chunk * 8, segment);
    if (wide.hasTotal() && place == 0)
      totals.rows[r] = totals.rows[r] + total;
    Val spread = k.splat(total, lanes);
    for (unsigned i = 0; i < registers; ++i) {
      unsigned each = sumIndex(place, r, i);
      totals.products[each] =
          totals.products[each] + unit.finish(integers[r * registers + i]);
      auto add = [&](Val &sum, Val numbers) {
        sum = unit.addPairs(sum, own(numbers, i) & 0xffff, spread);
      };
      if (wide.hasCorrection())
        add(totals.lacking[each], factors.scale);
      if (wide.hasOffsetFactor())
        add(totals.shift[each], factors.offset);
    }
  }
}

void WideTile::addChunk(Val chunk, Totals &totals) {
  for (auto [index, place] : llvm::enumerate(operands.places)) {
    panel.prefetchAhead(place, chunk);
    for (unsigned s = 0; s < groupChunk / panel.sums().segment; ++s)
      addSegment(index, chunk, s, totals);
  }
}

Vals WideTile::block(Val index, Val chunkEnd, llvm::ArrayRef<Val> carried) {
  Val first = index * wide.chunks();
  Vals values =
      k.loop(first, min(chunkEnd, first + wide.chunks()), 1, flat(zeros()),
             [&](Val chunk, llvm::ArrayRef<Val> values) {
               Totals totals = unflat(values);
               addChunk(chunk, totals);
               return flat(totals);
             });
  Totals totals = unflat(values);
  Vals sums(carried);
  for (unsigned p = 0; p < panels; ++p)
    addBlock(p, index, totals, sums);
  return sums;
}

void WideTile::addBlock(unsigned place, Val index, const Totals &totals,
                        Vals &sums) {
  GroupFactors roots = panel.factors(operands.places[place].regions,
                                     index * wide.width(), operands.depth);
  for (unsigned r = 0; r < count; ++r) {
    WidePanel::Row row;
    row.scale = k.load(k.f32(), operands.scales[r] + index * 4);
    if (wide.hasTotal())
      row.total = totals.rows[r];
    for (unsigned i = 0; i < registers; ++i) {
      unsigned each = sumIndex(place, r, i);
      Val products = totals.products[each], shift;
      if (wide.hasCorrection())
        products =
            products - totals.lacking[each] * int64_t(panel.unit.correction());
      if (wide.hasOffsetFactor())
        shift = totals.shift[each];
      sums[each] = wide.add(sums[each], products, shift, roots, i, row);
    }
  }
}

Vals WideTile::sums() {
  Val chunks = (operands.depth + (groupChunk - 1)) / groupChunk;
  Val blocks = (chunks + (wide.chunks() - 1)) / wide.chunks();
  Vals sums(numSums(), k.zero(k.vec(k.f32(), panel.unit.lanes())));
  return k.loop(k.i64(0), blocks, 1, sums,
                [&](Val index, llvm::ArrayRef<Val> carried) {
                  return block(index, chunks, carried);
                });
}
