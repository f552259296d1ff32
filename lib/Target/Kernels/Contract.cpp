//===- Contract.cpp - Matrix product and grouped convolution --------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The loops around the register tile: a part of the rows and columns of one
// group; blocks of rows whose addresses are computed once; panels of columns,
// whose weights stay in the cache for all tiles of the block; tiles.
//
//===----------------------------------------------------------------------===//

#include "ContractTile.h"
#include "Emitters.h"
#include "Epilogue.h"
#include "PanelDecoder.h"
#include "qc/TargetInfo/KernelSlots.h"

using namespace qc;
using namespace qc::kernels;
namespace S = qc::slots::contract;

const EpilogueSlots qc::kernels::contractEpilogueSlots = {
    S::Bias,   S::Multiplier,   S::Residual,
    S::Y,      S::Low,          S::High,
    S::YZero,  S::ResidualZero, S::ResidualMultiplier,
    S::YScale, S::RowScale,     S::WZero};

namespace {

/// Rows whose addresses are kept at a time; with decoded weights also those
/// whose sums are, as each slab of weights is decoded once for all of them.
constexpr int64_t plainBlockRows = 192, decodedBlockRows = 48;
/// Panels in a decoded slab are this far apart: a cache line more than their
/// size, so that they do not fall on the same lines of a cache.
constexpr int64_t decodedPanelBytes = 64 * 64 + 64;

class ContractLoops {
public:
  /// `decoder` is null for weights that are read as they are.
  ContractLoops(KernelBuilder &k, const KernelKey &key, ProductUnit &unit,
                PanelDecoder *decoder)
      : k(k), unit(unit), decoder(decoder),
        tiles(k, unit, /*accumulate=*/decoder != nullptr),
        epilogue(k, key, contractEpilogueSlots) {}

  void emit();

private:
  void loadPart();
  void fillTable(Val first, Val count);
  void block(Val first, Val count);
  void decodedBlock(Val first, Val count);
  void decodedColumns(Val count, Val column, Val panels);
  void decodedSlab(Val count, Val firstPanel, Val panels, Val begin, Val end,
                   Val offset);
  /// The same for one row, whose weights stay in registers.
  void decodedRow(Val firstPanel, Val panels, Val begin, Val end, Val offset);
  void finish(Val row, Val rows, Val column, Val columns);

  KernelBuilder &k;
  ProductUnit &unit;
  PanelDecoder *decoder;
  ContractTiles tiles;
  Epilogue epilogue;
  Val x, w, n, channel, table, sums, panelBytes, slab, slabShape;
  Val rowsOfImage, columnsOfImage, xBatch, xRow, xColumn, yRow, residualRow;
  Val rowBegin, rowEnd, columnBegin, columnEnd;
};

} // namespace

void ContractLoops::loadPart() {
  Val part = k.part(), mParts = k.slot(S::MParts), nParts = k.slot(S::NParts);
  Val mPart = part % mParts, rest = part / mParts;
  Val nPart = rest % nParts, group = rest / nParts;
  n = k.slot(S::N);
  rowsOfImage = k.slot(S::Rows);
  columnsOfImage = k.slot(S::Columns);
  Val m = k.slot(S::Batch) * rowsOfImage * columnsOfImage;
  Val mChunk = k.slot(S::MChunk), nChunk = k.slot(S::NChunk);
  rowBegin = mPart * mChunk;
  rowEnd = min(rowBegin + mChunk, m);
  columnBegin = nPart * nChunk;
  columnEnd = min(columnBegin + nChunk, n);
  int64_t bytes = unit.xBytes;
  x = k.slotPtr(S::X) + group * k.slot(S::XGroup) * bytes;
  w = k.slotPtr(S::W) + group * k.slot(S::WGroupBytes);
  channel = group * n;
  xBatch = k.slot(S::XBatch) * bytes;
  xRow = k.slot(S::XRow) * bytes;
  xColumn = k.slot(S::XColumn) * bytes;
  yRow = k.slot(S::YRow);
  if (epilogue.hasResidual())
    residualRow = k.slot(S::ResidualRow);
  Val steps = (k.slot(S::Run) + int64_t(unit.step - 1)) / int64_t(unit.step);
  panelBytes = k.slot(S::KernelH) * k.slot(S::KernelW) * steps *
               int64_t(unit.panelStepBytes);
  if (decoder)
    decoder->setWeights(
        w, k.slot(S::KernelH) * k.slot(S::KernelW) * k.slot(S::Run),
        (n + 15) / 16);
}

/// The addresses in x of `count` pixels from `first` on.
void ContractLoops::fillTable(Val first, Val count) {
  Val perImage = rowsOfImage * columnsOfImage;
  Val b = first / perImage, inImage = first % perImage;
  Val r = inImage / columnsOfImage, c = inImage % columnsOfImage;
  k.loop(k.i64(0), count, 1, {b, r, c}, [&](Val i, llvm::ArrayRef<Val> at) {
    Val address = x + (at[0] * xBatch + at[1] * xRow + at[2] * xColumn);
    k.store(address, table + i * 8);
    Val column = at[2] + 1;
    Val rowDone = column >= columnsOfImage;
    Val row = k.select(rowDone, at[1] + 1, at[1]);
    Val imageDone = row >= rowsOfImage;
    return KernelBuilder::Vals{k.select(imageDone, at[0] + 1, at[0]),
                               k.select(imageDone, k.i64(0), row),
                               k.select(rowDone, k.i64(0), column)};
  });
}

void ContractLoops::finish(Val row, Val rows, Val column, Val columns) {
  int64_t yBytes = epilogue.yBytes();
  epilogue.applyTile(sums, tiles.columns(), rows, columns, [&](Val r, Val c) {
    EpiloguePlace place;
    place.channel = channel + column + c;
    place.row = row + r;
    place.y = epilogue.y() + (place.row * yRow + place.channel) * yBytes;
    if (epilogue.hasResidual())
      place.residual =
          epilogue.residualAt(place.row * residualRow + place.channel);
    return place;
  });
}

/// All columns of the part for a block of rows.
void ContractLoops::block(Val first, Val count) {
  fillTable(first, count);
  k.loop(columnBegin, columnEnd, tiles.columns(), [&](Val column) {
    Val columns = min(columnEnd - column, tiles.columns());
    tiles.forRows(count, [&](Val row, Val rows) {
      ContractTiles::Call call;
      call.rowTable = table + row * 8;
      call.rows = rows;
      call.weights = w + (column / 16) * panelBytes;
      call.panels = (columns + 15) / 16;
      call.panelBytes = panelBytes;
      call.shape = k.slots() + 8 * S::KernelH;
      call.offset = k.i64(0);
      call.sums = sums;
      tiles.call(call);
      finish(first + row, rows, column, columns);
    });
  });
}

/// The same with encoded weights.
void ContractLoops::decodedBlock(Val first, Val count) {
  fillTable(first, count);
  k.loop(columnBegin, columnEnd, tiles.columns(), [&](Val column) {
    Val columns = min(columnEnd - column, tiles.columns());
    decodedColumns(count, column, (columns + 15) / 16);
    finish(first, count, column, columns);
  });
}

/// The sums of a block of rows and some panels: slab after slab of K is
/// decoded, then multiplied with all rows.
void ContractLoops::decodedColumns(Val count, Val column, Val panels) {
  Val zero = k.zero(k.vec(k.f32(), k.lanes()));
  k.loop(k.i64(0), count * int64_t(tiles.columns()), k.lanes(),
         [&](Val i) { k.store(zero, sums + i * 4); });
  Val kernelH = k.slot(S::KernelH), kernelW = k.slot(S::KernelW);
  Val run = k.slot(S::Run);
  int64_t size = decoder->slab();
  k.loop(k.i64(0), kernelH, 1, [&](Val h) {
    k.loop(k.i64(0), kernelW, 1, [&](Val v) {
      Val base = (h * kernelW + v) * run;
      Val at = h * k.slot(S::XKernelH) + v * k.slot(S::XKernelW);
      Val slabs = (base + run + (size - 1)) / size;
      k.loop(base / size, slabs, 1, [&](Val s) {
        Val begin = max(s * size, base);
        Val end = min((s + 1) * size, base + run);
        Val offset = (at + (begin - base)) * 4;
        k.ifElse(
            eq(count, 1),
            [&] {
              decodedRow(column / 16, panels, begin, end, offset);
              return KernelBuilder::Vals();
            },
            [&] {
              decodedSlab(count, column / 16, panels, begin, end, offset);
              return KernelBuilder::Vals();
            });
      });
    });
  });
}

void ContractLoops::decodedSlab(Val count, Val firstPanel, Val panels,
                                Val begin, Val end, Val offset) {
  k.loop(k.i64(0), panels, 1, [&](Val p) {
    decoder->decode(firstPanel + p, begin, end, slab + p * decodedPanelBytes);
  });
  const Val shape[] = {k.i64(1), k.i64(0), k.i64(1), k.i64(0), end - begin};
  for (unsigned i = 0; i < 5; ++i)
    k.store(shape[i], slabShape + 8 * i);
  tiles.forRows(count, [&](Val row, Val rows) {
    ContractTiles::Call call;
    call.rowTable = table + row * 8;
    call.rows = rows;
    call.weights = slab;
    call.panels = panels;
    call.panelBytes = k.i64(decodedPanelBytes);
    call.shape = slabShape;
    call.offset = offset;
    call.sums = sums + row * int64_t(4 * tiles.columns());
    tiles.call(call);
  });
}

void ContractLoops::decodedRow(Val firstPanel, Val panels, Val begin, Val end,
                               Val offset) {
  Val row = k.load(k.ptr(), table) + offset;
  unsigned width = unit.maxPanels;
  Val wide = panels / int64_t(width) * int64_t(width);
  k.ifThen(wide > 0, [&] {
    decoder->addRow(row, firstPanel, width, begin, end, sums, unit);
  });
  if (width == 1)
    return;
  k.loop(wide, panels, 1, [&](Val p) {
    decoder->addRow(row, firstPanel + p, 1, begin, end, sums + p * 64, unit);
  });
}

void ContractLoops::emit() {
  loadPart();
  int64_t blockRows = decoder ? decodedBlockRows : plainBlockRows;
  table = k.stack(8 * blockRows);
  sums = k.stack(decoder ? blockRows * tiles.columns() * 4 : tiles.sumBytes());
  if (decoder) {
    slab = k.stack(decodedPanelBytes * (tiles.columns() / 16));
    slabShape = k.stack(5 * 8);
  }
  tiles.enter();
  k.loop(rowBegin, rowEnd, blockRows, [&](Val first) {
    Val count = min(rowEnd - first, blockRows);
    decoder ? decodedBlock(first, count) : block(first, count);
  });
  tiles.leave();
}

/// Why no kernel decodes these weights, or an empty string.
static std::string verifyEncoded(const KernelKey &key,
                                 const numerics::DecodeSpec &spec) {
  if (key.types[0] != "f32")
    return "encoded weights need f32 activations, found " + key.types[0];
  std::string error = numerics::verify(spec, 2);
  if (error.empty() && spec.codeBits > 16)
    error = "codes of " + std::to_string(spec.codeBits) +
            " bits, expected 1 to 8, or 16";
  return error;
}

llvm::LogicalResult
qc::kernels::emitContract(KernelBuilder &k, const KernelKey &key,
                          const numerics::DecodeSpec *weights,
                          std::string &error) {
  error = Epilogue::verify(key);
  if (!error.empty())
    return llvm::failure();
  if (weights)
    error = verifyEncoded(key, *weights);
  if (!error.empty())
    return llvm::failure();
  auto unit =
      makeTileUnit(k, key.types[0], weights ? "f32" : key.types[1], error);
  if (!unit)
    return llvm::failure();
  std::optional<PanelDecoder> decoder;
  if (weights)
    decoder.emplace(k, *weights);
  ContractLoops(k, key, *unit, decoder ? &*decoder : nullptr).emit();
  return llvm::success();
}
