//===- GroupPanel.cpp - A panel of weights in groups ----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GroupPanel.h"

#include "PanelDecoder.h"

using namespace qc;
using namespace qc::kernels;

GroupPanel::GroupPanel(KernelBuilder &k, const numerics::DecodeSpec &spec,
                       const numerics::GroupSums &sums)
    : unit(k, sums, spec.codeBits), k(k), spec(spec), groups(sums),
      regions(encodedRegions(spec)), program(numerics::scaleProgram(spec)),
      planes(codePlanes(spec.codeBits)) {}

Val GroupPanel::codesBytes(Val depth) const {
  return (depth + (groupChunk - 1)) / groupChunk * chunkBytes();
}

Val GroupPanel::regionBytes(const EncodedRegion &region, Val depth) const {
  Val rows = k.i64(1);
  if (region.groupK)
    rows = (depth + (region.groupK - 1)) / region.groupK;
  return rows * region.rowBytes();
}

GroupPlace GroupPanel::placeAfter(const GroupPlace &place, Val index,
                                  Val depth) const {
  GroupPlace after;
  after.codes = place.codes + index * codesBytes(depth);
  for (auto [region, address] : llvm::zip_equal(factorRegions(), place.regions))
    after.regions.push_back(address + index * regionBytes(region, depth));
  return after;
}

void GroupPanel::prefetchAhead(const GroupPlace &place, Val chunk) {
  Val codes = place.codes + chunk * chunkBytes();
  if (place.jump)
    k.prefetchAhead(codes, chunkBytes(), *place.jump);
  else
    k.prefetchAhead(codes, chunkBytes());
}

Val GroupPanel::codes(Val chunk, unsigned step, unsigned part) {
  Val codes;
  unsigned shift = 0;
  int64_t offset = 0;
  for (unsigned plane : planes) {
    unsigned perBlock = 8 / plane, block = step / perBlock;
    Val bytes = k.load(unit.bytes(),
                       chunk + (offset + block * 64 + part * 4 * unit.lanes()));
    // Bytes are shifted as words; what comes in from neighbours is masked.
    unsigned down = plane * (step % perBlock);
    mlir::Type words = k.vec(k.i16(), 2 * unit.lanes());
    if (down)
      bytes = k.bitcast(shrU(k.bitcast(bytes, words), down), unit.bytes());
    if (plane < 8)
      bytes = bytes & int64_t((1 << plane) - 1);
    if (shift)
      bytes = k.bitcast(k.bitcast(bytes, words) << shift, unit.bytes());
    codes = codes ? codes | bytes : bytes;
    shift += plane;
    offset += plane * 64;
  }
  return unit.prepare(codes);
}

Val GroupPanel::stored(unsigned index, Val address, Val first, Val depth) {
  const EncodedRegion &region = factorRegions()[index];
  Val row = k.i64(0);
  if (int64_t group = region.groupK)
    row = min(first / group, (depth - 1) / group);
  return loadPanelRow(k, region.kind, address + row * region.rowBytes());
}

GroupFactors GroupPanel::factors(llvm::ArrayRef<Val> addresses, Val first,
                                 Val depth) {
  Vals all;
  for (auto [index, address] : llvm::enumerate(addresses))
    all.push_back(stored(index, address, first, depth));
  GroupFactors result;
  llvm::ArrayRef<Val> inputs = all;
  if (hasZero()) {
    result.zero = inputs.front();
    inputs = inputs.drop_front();
  }
  Vals scales = k.emitProgram(program, inputs);
  result.scale = scales[0];
  if (hasOffset())
    result.offset = scales[1];
  return result;
}

GroupRow GroupPanel::row(Val scale, Val total) {
  GroupRow row;
  row.scale = scale;
  if (hasZero())
    row.total = total;
  if (unit.correction())
    row.lacking = total * -int64_t(unit.correction());
  if (hasOffset())
    row.scaled = scale * k.convert(total, k.f32());
  return row;
}

Val GroupPanel::total(Val halves, unsigned segment) {
  int64_t count = groups.segment / 16;
  Val at = halves + int64_t(segment * count * 4);
  Val total = k.load(k.i32(), at);
  return count == 2 ? total + k.load(k.i32(), at + 4) : total;
}

GroupRow GroupPanel::row(Val scale, Val halves, unsigned segment) {
  return row(k.load(k.f32(), scale), total(halves, segment));
}

Val GroupPanel::add(Val sum, Val integers, const GroupFactors &factors,
                    unsigned part, const GroupRow &row) {
  unsigned lanes = unit.lanes();
  auto spread = [&](Val scalar) { return k.splat(scalar, lanes); };
  auto own = [&](Val all) { return k.slice(all, part * lanes, lanes); };
  Val exact = integers;
  if (row.lacking)
    exact = exact + spread(row.lacking);
  if (hasZero())
    exact = exact - own(factors.zero) * spread(row.total);
  sum = sum +
        k.convert(exact, k.f32()) * (own(factors.scale) * spread(row.scale));
  if (hasOffset())
    sum = sum + own(factors.offset) * spread(row.scaled);
  return sum;
}
