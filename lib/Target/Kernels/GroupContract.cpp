//===- GroupContract.cpp - Grouped integer products -----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Panels of 16 columns, for each all rows of the part by some at a time. Of a
// chunk of 32 along K the codes are taken out of their planes in registers and
// multiplied with the bytes of the rows; the sum of each segment is scaled and
// added to the floats of numerics/GroupSums.h.
//
//===----------------------------------------------------------------------===//

#include "Emitters.h"
#include "Epilogue.h"
#include "GroupUnit.h"
#include "PanelDecoder.h"

#include "qc/TargetInfo/GroupPacking.h"
#include "qc/TargetInfo/KernelSlots.h"

using namespace qc;
using namespace qc::kernels;
using Vals = KernelBuilder::Vals;
namespace S = qc::slots::contract;

namespace {

class GroupContract {
public:
  GroupContract(KernelBuilder &k, const KernelKey &key,
                const numerics::DecodeSpec &spec,
                const numerics::GroupSums &sums)
      : k(k), spec(spec), groups(sums), unit(k, groups, spec.codeBits),
        regions(encodedRegions(spec)), program(numerics::scaleProgram(spec)),
        planes(codePlanes(spec.codeBits)),
        epilogue(k, key, contractEpilogueSlots) {}
  void emit();

private:
  /// Arguments of a tile; after them the address of each region but the codes.
  enum { X, Scales, XSums, Codes, Out, K, XRow, NumArguments };
  /// What a tile keeps of a row and adds to.
  struct Rows {
    Vals x, scales, sums;
  };
  Function emitTile(unsigned rows);
  void tileBody(unsigned rows, llvm::ArrayRef<Val> a);
  Vals chunk(llvm::ArrayRef<Val> a, const Rows &rows, Val index,
             llvm::ArrayRef<Val> sums);
  Val codesOf(Val chunkCodes, unsigned step, unsigned part);
  Vals groupRows(llvm::ArrayRef<Val> a, Val first);
  void addSegment(const Rows &rows, Val index, unsigned segment,
                  llvm::ArrayRef<Val> integers, llvm::ArrayRef<Val> stored,
                  Vals &sums);
  Val part(Val lanes16, unsigned index) {
    return k.slice(lanes16, index * unit.lanes(), unit.lanes());
  }
  Val spread(Val scalar) { return k.splat(scalar, unit.lanes()); }
  void panel(Val column, Val rowBegin, Val rowEnd);

  KernelBuilder &k;
  const numerics::DecodeSpec &spec;
  const numerics::GroupSums &groups;
  GroupUnit unit;
  std::vector<EncodedRegion> regions;
  numerics::Program program;
  std::vector<unsigned> planes;
  Epilogue epilogue;
  llvm::SmallVector<Function> tiles;
  Val columnEnd, chunks, panels, sumBuffer;
};

} // namespace

/// Register `part` of the codes of step `step` of a chunk.
Val GroupContract::codesOf(Val chunkCodes, unsigned step, unsigned part) {
  Val codes;
  unsigned shift = 0;
  int64_t offset = 0;
  for (unsigned plane : planes) {
    unsigned perBlock = 8 / plane, block = step / perBlock;
    Val bytes = k.load(unit.bytes(), chunkCodes + (offset + block * 64 +
                                                   part * 4 * unit.lanes()));
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

/// The stored scales and zero points of the columns for the group of `first`.
Vals GroupContract::groupRows(llvm::ArrayRef<Val> a, Val first) {
  Vals stored;
  for (unsigned i = 1; i < regions.size(); ++i) {
    int64_t group = regions[i].groupK;
    Val row = k.i64(0);
    if (group)
      row = min(first / group, (a[K] - 1) / group);
    stored.push_back(
        loadPanelRow(k, regions[i].kind,
                     a[NumArguments + i - 1] + row * regions[i].rowBytes()));
  }
  return stored;
}

void GroupContract::addSegment(const Rows &rows, Val index, unsigned segment,
                               llvm::ArrayRef<Val> integers,
                               llvm::ArrayRef<Val> stored, Vals &sums) {
  unsigned registers = unit.registers();
  bool hasZero = spec.zeroPoint.has_value();
  Vals scales = k.emitProgram(program, stored.drop_front(hasZero ? 1 : 0));
  int64_t halves = groups.segment / 16;
  for (unsigned r = 0; r < rows.x.size(); ++r) {
    Val total = k.load(k.i32(), rows.sums[r] + index * 8 +
                                    int64_t(segment * halves * 4));
    if (halves == 2)
      total = total + k.load(k.i32(), rows.sums[r] + index * 8 + 4);
    Val scale = k.load(k.f32(), rows.scales[r] + index * 4);
    for (unsigned i = 0; i < registers; ++i) {
      Val sum = unit.finish(integers[r * registers + i]);
      if (unit.correction())
        sum = sum - spread(total * int64_t(unit.correction()));
      if (hasZero)
        sum = sum - part(stored[0], i) * spread(total);
      Val &out = sums[r * registers + i];
      out =
          out + k.convert(sum, k.f32()) * (part(scales[0], i) * spread(scale));
      if (spec.offset)
        out = out +
              part(scales[1], i) * spread(scale * k.convert(total, k.f32()));
    }
  }
}

Vals GroupContract::chunk(llvm::ArrayRef<Val> a, const Rows &rows, Val index,
                          llvm::ArrayRef<Val> carried) {
  Vals sums(carried);
  unsigned registers = unit.registers(), count = rows.x.size();
  Val codes = a[Codes] + index * int64_t(64 * spec.codeBits);
  unsigned steps = groups.segment / 4;
  for (unsigned segment = 0; segment < groupChunk / groups.segment; ++segment) {
    Vals integers(count * registers, unit.zero());
    for (unsigned step = segment * steps; step < (segment + 1) * steps; ++step)
      for (unsigned i = 0; i < registers; ++i) {
        Val weights = codesOf(codes, step, i);
        for (unsigned r = 0; r < count; ++r) {
          Val x = unit.activation(rows.x[r] + index * groupChunk +
                                  int64_t(4 * step));
          Val &sum = integers[r * registers + i];
          sum = unit.multiplyAdd(sum, weights, x);
        }
      }
    Val first = index * groupChunk + int64_t(segment * groups.segment);
    addSegment(rows, index, segment, integers, groupRows(a, first), sums);
  }
  return sums;
}

void GroupContract::tileBody(unsigned count, llvm::ArrayRef<Val> a) {
  unit.begin();
  Rows rows;
  for (unsigned r = 0; r < count; ++r) {
    Val skipped = a[XRow] * int64_t(r);
    rows.x.push_back(a[X] + skipped);
    rows.scales.push_back(a[Scales] + skipped / groupChunk * 4);
    rows.sums.push_back(a[XSums] + skipped / 16 * 4);
  }
  Vals sums(count * unit.registers(), k.zero(k.vec(k.f32(), unit.lanes())));
  Val chunks = (a[K] + (groupChunk - 1)) / groupChunk;
  sums = k.loop(k.i64(0), chunks, 1, sums,
                [&](Val index, llvm::ArrayRef<Val> carried) {
                  return chunk(a, rows, index, carried);
                });
  for (unsigned r = 0; r < count; ++r)
    for (unsigned i = 0; i < unit.registers(); ++i)
      k.store(sums[r * unit.registers() + i],
              a[Out] + int64_t(r * 64 + i * 4 * unit.lanes()));
}

Function GroupContract::emitTile(unsigned rows) {
  llvm::SmallVector<mlir::Type> types(NumArguments, k.ptr());
  types[K] = types[XRow] = k.i64Type();
  types.append(regions.size() - 1, k.ptr());
  return k.function("rows" + std::to_string(rows), types,
                    [&](llvm::ArrayRef<Val> a) { tileBody(rows, a); });
}

/// One panel with all rows of the part.
void GroupContract::panel(Val column, Val rowBegin, Val rowEnd) {
  Val depth = k.slot(S::Run), xRow = k.slot(S::XColumn), index = column / 16;
  Val at = k.slotPtr(S::W);
  Vals arguments(NumArguments);
  arguments[Codes] = at + index * chunks * int64_t(64 * spec.codeBits);
  arguments[Out] = sumBuffer;
  arguments[K] = depth;
  arguments[XRow] = xRow;
  at = at + panels * chunks * int64_t(64 * spec.codeBits);
  for (const EncodedRegion &region : llvm::drop_begin(regions)) {
    Val rows = k.i64(1);
    if (region.groupK)
      rows = (depth + (region.groupK - 1)) / region.groupK;
    arguments.push_back(at + index * rows * region.rowBytes());
    at = at + panels * rows * region.rowBytes();
  }
  Val columns = min(columnEnd - column, 16);
  int64_t most = tiles.size();
  k.loop(rowBegin, rowEnd, most, [&](Val first) {
    Val rows = min(rowEnd - first, most), skipped = first * xRow;
    arguments[X] = k.slotPtr(S::X) + skipped;
    arguments[Scales] = k.slotPtr(S::RowScale) + skipped / groupChunk * 4;
    arguments[XSums] = k.slotPtr(S::Scratch) + skipped / 16 * 4;
    k.switchOn(rows - 1, tiles.size(),
               [&](unsigned i) { k.call(tiles[i], arguments); });
    epilogue.applyTile(sumBuffer, 16, rows, columns, [&](Val r, Val c) {
      EpiloguePlace place;
      place.channel = column + c;
      place.row = first + r;
      place.y = epilogue.y() + (place.row * k.slot(S::YRow) + place.channel) *
                                   int64_t(epilogue.yBytes());
      if (epilogue.hasResidual())
        place.residual = epilogue.residualAt(
            place.row * k.slot(S::ResidualRow) + place.channel);
      return place;
    });
  });
}

void GroupContract::emit() {
  for (unsigned rows = 1; rows <= unit.maxRows(); ++rows)
    tiles.push_back(emitTile(rows));
  sumBuffer = k.stack(64 * int64_t(tiles.size()));
  Val mParts = k.slot(S::MParts), n = k.slot(S::N);
  Val rowBegin = k.part() % mParts * k.slot(S::MChunk);
  Val rowEnd = min(rowBegin + k.slot(S::MChunk), k.slot(S::Columns));
  Val columnBegin = k.part() / mParts * k.slot(S::NChunk);
  columnEnd = min(columnBegin + k.slot(S::NChunk), n);
  chunks = (k.slot(S::Run) + (groupChunk - 1)) / groupChunk;
  panels = (n + 15) / 16;
  k.loop(columnBegin, columnEnd, 16,
         [&](Val column) { panel(column, rowBegin, rowEnd); });
}

llvm::LogicalResult
kernels::emitGroupContract(KernelBuilder &k, const KernelKey &key,
                           const numerics::DecodeSpec *weights,
                           std::string &error) {
  error = Epilogue::verify(key);
  std::optional<numerics::GroupSums> sums;
  if (error.empty() && weights)
    sums = numerics::groupSums(*weights);
  if (error.empty() && (!sums || key.types[0] != "f32"))
    error = "expected the type f32 and integer codes in groups";
  if (!error.empty())
    return llvm::failure();
  GroupContract(k, key, *weights, *sums).emit();
  return llvm::success();
}
