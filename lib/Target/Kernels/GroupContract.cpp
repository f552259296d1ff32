//===- GroupContract.cpp - Grouped integer products -----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Panels of 16 columns, for each all rows of the part by some at a time. Of a
// chunk of 32 along K the codes are taken out of their planes and multiplied
// with the bytes of the rows; the sum of each segment is scaled and added to
// the floats of numerics/GroupSums.h. Few rows take the codes in registers and
// keep their sums there, many rows meet slabs of unpacked weights
// (GroupSlab.h). With the flag `wide` the sums are those of
// numerics/WideSums.h.
//
//===----------------------------------------------------------------------===//

#include "Emitters.h"
#include "Epilogue.h"
#include "NarrowSlab.h"
#include "Parts.h"
#include "WideSlab.h"
#include "WideTile.h"

#include "qc/TargetInfo/KernelSlots.h"

using namespace qc;
using namespace qc::kernels;
using Vals = KernelBuilder::Vals;
namespace S = qc::slots::contract;

/// Tiles of rows that share a slab at most, and panels that share packed rows.
static constexpr int64_t blockTiles = 16, blockPanels = 8;

namespace {

class GroupContract {
public:
  /// `wideSums` may be null.
  GroupContract(KernelBuilder &k, const KernelKey &key,
                const numerics::DecodeSpec &spec,
                const numerics::GroupSums &sums,
                const numerics::WideSums *wideSums)
      : k(k), panel(k, wideSums ? wideSums->roots : spec, sums),
        epilogue(k, key, contractEpilogueSlots) {
    if (wideSums) {
      wide.emplace(k, panel, *wideSums);
      slab = std::make_unique<WideSlab>(k, *wide);
    } else {
      slab = std::make_unique<NarrowSlab>(k, panel);
    }
  }
  void emit();

private:
  /// Arguments of a tile; after them the address of each region but the codes.
  enum { X, Scales, XSums, Codes, Out, K, XRow, NumArguments };
  /// What a tile keeps of a row and adds to.
  struct Rows {
    Vals x, scales, sums;
  };
  /// Emits a tile of some rows and panels.
  Function emitTile(unsigned rows, unsigned width);
  void tileBody(unsigned rows, unsigned width, llvm::ArrayRef<Val> a);
  Vals chunk(llvm::ArrayRef<GroupPlace> places, const Rows &rows, Val depth,
             Val index, llvm::ArrayRef<Val> sums);
  /// The sums of one panel, a register of each row after the other.
  void addChunk(const GroupPlace &place, const Rows &rows, Val depth, Val index,
                llvm::MutableArrayRef<Val> sums);
  /// Bytes of a row of activations that share a scale.
  int64_t block() const { return wide ? wide->width() : groupChunk; }
  GroupPlace placeOf(Val column);
  /// Sums of the rows from `first` on with the panels from `column` on.
  void callTile(Function tile, Val column, Val first);
  void oneRow(Val columnBegin, Val row);
  void fewRows(Val column, Val rowBegin, Val rowEnd);
  void manyRows(Val columnBegin, Val rowBegin, Val rowEnd);
  /// Unpacks `count` chunks of the panels of a tile.
  void unpack(Val column, Val tilePanels, Val chunk, Val count);
  /// Asks for a share of the codes that will be unpacked next, `tile` being
  /// which. All at once would wait for the memory.
  void prefetch(Val codes, Val tile);
  void finish(Val column, Val sums, Val first, Val rows);

  KernelBuilder &k;
  GroupPanel panel;
  std::optional<WidePanel> wide;
  std::unique_ptr<GroupSlab> slab;
  Epilogue epilogue;
  llvm::SmallVector<Function> tiles;
  /// The tile of one row and several panels, where registers hold its sums.
  std::optional<Function> abreast;
  Val columnEnd, depth, xRow, chunks, panels, sumBuffer, slabBuffer, rowBuffer;
};

} // namespace

void GroupContract::addChunk(const GroupPlace &place, const Rows &rows,
                             Val depth, Val index,
                             llvm::MutableArrayRef<Val> sums) {
  GroupUnit &unit = panel.unit;
  unsigned registers = unit.registers(), count = rows.x.size();
  Val codes = place.codes + index * panel.chunkBytes();
  int64_t length = panel.sums().segment;
  unsigned steps = length / 4;
  for (unsigned segment = 0; segment < groupChunk / length; ++segment) {
    llvm::SmallVector<GroupUnit::Sum> integers(count * registers);
    for (unsigned step = segment * steps; step < (segment + 1) * steps; ++step)
      for (unsigned i = 0; i < registers; ++i) {
        Val weights = panel.codes(codes, step, i);
        for (unsigned r = 0; r < count; ++r) {
          Val x = unit.activation(rows.x[r] + index * groupChunk +
                                  int64_t(4 * step));
          unit.multiplyAdd(integers[r * registers + i], weights, x);
        }
      }
    GroupFactors factors = panel.factors(
        place.regions, index * groupChunk + int64_t(segment * length), depth);
    for (unsigned r = 0; r < count; ++r) {
      GroupRow row = panel.row(rows.scales[r] + index * 4,
                               rows.sums[r] + index * 8, segment);
      for (unsigned i = 0; i < registers; ++i) {
        Val &sum = sums[r * registers + i];
        sum = panel.add(sum, unit.finish(integers[r * registers + i]), factors,
                        i, row);
      }
    }
  }
}

Vals GroupContract::chunk(llvm::ArrayRef<GroupPlace> places, const Rows &rows,
                          Val depth, Val index, llvm::ArrayRef<Val> carried) {
  Vals sums(carried);
  size_t own = sums.size() / places.size();
  for (auto [p, place] : llvm::enumerate(places)) {
    panel.prefetchAhead(place, index);
    addChunk(place, rows, depth, index,
             llvm::MutableArrayRef(sums).slice(p * own, own));
  }
  return sums;
}

void GroupContract::tileBody(unsigned count, unsigned width,
                             llvm::ArrayRef<Val> a) {
  panel.unit.begin();
  Rows rows;
  for (unsigned r = 0; r < count; ++r) {
    Val skipped = a[XRow] * int64_t(r);
    rows.x.push_back(a[X] + skipped);
    rows.scales.push_back(a[Scales] + skipped / block() * 4);
    rows.sums.push_back(a[XSums] + skipped / 16 * 4);
  }
  Val chunks = (a[K] + (groupChunk - 1)) / groupChunk;
  Val panelBytes = panel.codesBytes(a[K]);
  llvm::SmallVector<GroupPlace> places;
  GroupPlace first{a[Codes], Vals(a.drop_front(NumArguments)), std::nullopt};
  for (int64_t p = 0; p < width; ++p) {
    places.push_back(panel.placeAfter(first, k.i64(p), a[K]));
    if (width > 1)
      places.back().jump = {places.back().codes + panelBytes,
                            panelBytes * int64_t(width - 1)};
  }
  unsigned registers = panel.unit.registers();
  Vals sums(width * count * registers,
            k.zero(k.vec(k.f32(), panel.unit.lanes())));
  if (wide)
    sums = WideTile(k, *wide, {places, a[K], rows.x, rows.scales, rows.sums})
               .sums();
  else
    sums = k.loop(k.i64(0), chunks, 1, sums,
                  [&](Val index, llvm::ArrayRef<Val> carried) {
                    return chunk(places, rows, a[K], index, carried);
                  });
  // A panel has 64 bytes of each row.
  for (auto [i, sum] : llvm::enumerate(sums))
    k.store(sum, a[Out] + int64_t(i * 4 * panel.unit.lanes()));
}

Function GroupContract::emitTile(unsigned rows, unsigned width) {
  llvm::SmallVector<mlir::Type> types(NumArguments, k.ptr());
  types[K] = types[XRow] = k.i64Type();
  types.append(panel.factorRegions().size(), k.ptr());
  std::string name = "rows" + std::to_string(rows);
  if (width > 1)
    name += "x" + std::to_string(16 * width);
  return k.function(name, types,
                    [&](llvm::ArrayRef<Val> a) { tileBody(rows, width, a); });
}

GroupPlace GroupContract::placeOf(Val column) {
  GroupPlace first;
  Val at = k.slotPtr(S::W);
  first.codes = at;
  at = at + panels * panel.codesBytes(depth);
  for (const EncodedRegion &region : panel.factorRegions()) {
    first.regions.push_back(at);
    at = at + panels * panel.regionBytes(region, depth);
  }
  return panel.placeAfter(first, column / 16, depth);
}

/// The epilogue of `rows` rows of a panel from `first` on.
void GroupContract::finish(Val column, Val sums, Val first, Val rows) {
  Val columns = min(columnEnd - column, 16);
  epilogue.applyTile(sums, 16, rows, columns, [&](Val r, Val c) {
    EpiloguePlace to;
    to.channel = column + c;
    to.row = first + r;
    to.y = epilogue.y() +
           (to.row * k.slot(S::YRow) + to.channel) * int64_t(epilogue.yBytes());
    if (epilogue.hasResidual())
      to.residual =
          epilogue.residualAt(to.row * k.slot(S::ResidualRow) + to.channel);
    return to;
  });
}

void GroupContract::callTile(Function tile, Val column, Val first) {
  GroupPlace place = placeOf(column);
  Val skipped = first * xRow;
  Vals arguments(NumArguments);
  arguments[X] = k.slotPtr(S::X) + skipped;
  arguments[Scales] = k.slotPtr(S::RowScale) + skipped / block() * 4;
  arguments[XSums] = k.slotPtr(S::Scratch) + skipped / 16 * 4;
  arguments[Codes] = place.codes;
  arguments[Out] = sumBuffer;
  arguments[K] = depth;
  arguments[XRow] = xRow;
  arguments.append(place.regions);
  k.call(tile, arguments);
}

void GroupContract::fewRows(Val column, Val rowBegin, Val rowEnd) {
  int64_t most = tiles.size();
  k.loop(rowBegin, rowEnd, most, [&](Val first) {
    Val rows = min(rowEnd - first, most);
    k.switchOn(rows - 1, tiles.size(),
               [&](unsigned i) { callTile(tiles[i], column, first); });
    finish(column, sumBuffer, first, rows);
  });
}

void GroupContract::oneRow(Val columnBegin, Val row) {
  int64_t width = 16 * panelsAbreast;
  Val rest = columnBegin + (columnEnd - columnBegin) / width * width;
  k.loop(columnBegin, rest, width, [&](Val column) {
    callTile(*abreast, column, row);
    k.loop(k.i64(0), width, 16, [&](Val at) {
      finish(column + at, sumBuffer + at * 4, row, k.i64(1));
    });
  });
  k.loop(rest, columnEnd, 16,
         [&](Val column) { fewRows(column, row, row + 1); });
}

void GroupContract::unpack(Val column, Val tilePanels, Val chunk, Val count) {
  k.loop(k.i64(0), tilePanels, 1, [&](Val index) {
    GroupPlace place = placeOf(column + index * 16);
    slab->unpack(place.codes, place.regions, chunk, chunk + count, depth,
                 slabBuffer + index * slab->bytes());
  });
}

void GroupContract::prefetch(Val codes, Val tile) {
  constexpr int64_t line = 64;
  int64_t lines = GroupSlab::chunks * panel.chunkBytes() / line;
  int64_t own = llvm::divideCeil(lines * slab->tilePanels(), blockTiles);
  for (int64_t i = 0; i < own; ++i) {
    Val index = tile * own + i;
    k.prefetch(codes + index / lines * (chunks * panel.chunkBytes()) +
               index % lines * line);
  }
}

void GroupContract::manyRows(Val columnBegin, Val rowBegin, Val rowEnd) {
  int64_t most = slab->tileRows(), blockRows = most * blockTiles;
  Val columns = min(columnEnd - columnBegin, 16 * blockPanels);
  k.loop(rowBegin, rowEnd, blockRows, [&](Val blockBegin) {
    Val rows = min(rowEnd - blockBegin, blockRows);
    k.loop(k.i64(0), blockPanels * blockRows * 64, 64, [&](Val at) {
      k.store(k.zero(k.vec(k.f32(), 16)), sumBuffer + at);
    });
    k.loop(k.i64(0), chunks, GroupSlab::chunks, [&](Val chunk) {
      Val count = min(chunks - chunk, GroupSlab::chunks);
      k.loop(k.i64(0), rows, most, [&](Val first) {
        Val skipped = (blockBegin + first) * xRow + chunk * groupChunk;
        slab->packRows({k.slotPtr(S::X) + skipped,
                        k.slotPtr(S::RowScale) + skipped / block() * 4,
                        k.slotPtr(S::Scratch) + skipped / 16 * 4, xRow},
                       min(rows - first, most), count,
                       rowBuffer + first / most * slab->packedBytes());
      });
      k.loop(k.i64(0), columns, 16 * slab->tilePanels(), [&](Val column) {
        Val own = min((columns - column + 15) / 16, slab->tilePanels());
        unpack(columnBegin + column, own, chunk, count);
        Val next = column + 16 * slab->tilePanels(), isLast = next >= columns;
        Val nextCodes =
            placeOf(columnBegin + k.select(isLast, k.i64(0), next)).codes +
            k.select(isLast, chunk + GroupSlab::chunks, chunk) *
                panel.chunkBytes();
        Val sums = sumBuffer + column * (blockRows * 4);
        k.loop(k.i64(0), rows, most, [&](Val first) {
          Val tile = first / most;
          prefetch(nextCodes, tile);
          slab->multiply(slabBuffer, own,
                         rowBuffer + tile * slab->packedBytes(), count,
                         sums + first * 64, k.i64(blockRows * 64));
        });
      });
    });
    k.loop(k.i64(0), rows, most, [&](Val first) {
      k.loop(k.i64(0), columns, 16, [&](Val column) {
        finish(columnBegin + column,
               sumBuffer + column * (blockRows * 4) + first * 64,
               blockBegin + first, min(rows - first, most));
      });
    });
  });
}

void GroupContract::emit() {
  for (unsigned rows = 1; rows <= panel.unit.maxRows(); ++rows)
    tiles.push_back(emitTile(rows, 1));
  if (panel.unit.registers() == 1)
    abreast = emitTile(1, panelsAbreast);
  slab->emit();
  sumBuffer = k.stack(64 * slab->tileRows() * blockTiles * blockPanels);
  slabBuffer = k.stack(slab->bytes() * slab->tilePanels());
  rowBuffer = k.stack(slab->packedBytes() * blockTiles);
  Val mParts = k.slot(S::MParts), n = k.slot(S::N);
  Val rowBegin = k.part() % mParts * k.slot(S::MChunk);
  Val rowEnd = min(rowBegin + k.slot(S::MChunk), k.slot(S::Columns));
  Val columnBegin = k.part() / mParts * k.slot(S::NChunk);
  columnEnd = min(columnBegin + k.slot(S::NChunk), n);
  depth = k.slot(S::Run);
  xRow = k.slot(S::XColumn);
  chunks = (depth + (groupChunk - 1)) / groupChunk;
  panels = (n + 15) / 16;
  // What whole tiles leave is less work where it needs no packing.
  int64_t most = slab->tileRows(), least = tiles.size();
  Val rows = rowEnd - rowBegin, rest = rows % most;
  Val many = k.select(rest <= least, rows - rest, rows);
  many = k.select(rows < slab->fewestTiles() * most, k.i64(0), many);
  Val middle = rowBegin + many;
  k.ifThen(rowBegin < middle, [&] {
    k.loop(columnBegin, columnEnd, 16 * blockPanels,
           [&](Val column) { manyRows(column, rowBegin, middle); });
  });
  auto few = [&] {
    k.loop(columnBegin, columnEnd, 16,
           [&](Val column) { fewRows(column, middle, rowEnd); });
    return Vals();
  };
  if (!abreast) {
    few();
    return;
  }
  k.ifElse(
      eq(rowEnd - middle, 1),
      [&] {
        oneRow(columnBegin, middle);
        return Vals();
      },
      few);
}

llvm::LogicalResult
kernels::emitGroupContract(KernelBuilder &k, const KernelKey &key,
                           const numerics::DecodeSpec *weights,
                           std::string &error) {
  KernelKey own = key;
  bool isWide = std::erase(own.flags, "wide");
  error = Epilogue::verify(own);
  std::optional<numerics::GroupSums> sums;
  std::optional<numerics::WideSums> wide;
  if (error.empty() && weights) {
    sums = numerics::groupSums(*weights);
    if (isWide)
      wide = numerics::wideSums(*weights);
  }
  if (error.empty() && (!sums || key.types[0] != "f32"))
    error = "expected the type f32 and integer codes in groups";
  if (error.empty() && isWide && !wide)
    error = "expected one scale for 64 weights or more with the flag wide";
  if (!error.empty())
    return llvm::failure();
  GroupContract(k, own, *weights, *sums, wide ? &*wide : nullptr).emit();
  return llvm::success();
}
