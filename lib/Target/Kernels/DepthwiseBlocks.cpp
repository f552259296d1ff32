//===- DepthwiseBlocks.cpp - Depthwise convolution in blocks --------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A 3x3 filter slides over a line of pixels and weaves each column once; other
// filters go tap column by tap column, three rows at a time, with weights that
// were woven into a buffer.
//
//===----------------------------------------------------------------------===//

#include "DepthwiseBlocks.h"

#include "qc/TargetInfo/KernelSlots.h"

using namespace qc;
using namespace qc::kernels;
using namespace qc::slots::depthwise;

/// Woven steps of weights that the buffer holds.
static constexpr unsigned maxSteps = 32;

DepthwisePart::DepthwisePart(KernelBuilder &k, int64_t bytes)
    : x(k.slotPtr(X)), w(k.slotPtr(W)), rows(k.slot(Rows)),
      columns(k.slot(Columns)), channels(k.slot(Channels)),
      kernelH(k.slot(KernelH)), kernelW(k.slot(KernelW)),
      xBatch(k.slot(XBatch) * bytes), xRow(k.slot(XRow) * bytes),
      xColumn(k.slot(XColumn) * bytes), xKernelH(k.slot(XKernelH) * bytes),
      xKernelW(k.slot(XKernelW) * bytes), yRow(k.slot(YRow)),
      residualRow(k.slot(ResidualRow)),
      lines(rangeOfPart(k, k.slot(Batch) * rows, k.slot(RowsChunk))) {}

Val DepthwisePart::lineStart(Val line) const {
  return x + ((line / rows) * xBatch + (line % rows) * xRow);
}

DepthwiseBlocks::DepthwiseBlocks(KernelBuilder &k, const KernelKey &key,
                                 const DepthwisePart &part, Epilogue &epilogue)
    : k(k), key(key), part(part), epilogue(epilogue),
      xType(*ElementType::parse(key.types[0])) {
  auto yType = ElementType::parse(key.types[2]);
  bool isByte = yType && !yType->isFloat && yType->bits == 8;
  isPlain = isByte &&
            (key.flags.empty() || (key.flags.size() == 1 && key.has("bias")));
  isPlain &= !xType.isFloat;
  isShort = llvm::all_of(key.flags, [](llvm::StringRef flag) {
    return flag == "bias" || flag == "clamp" || flag == "residual";
  });
  unsigned block = DepthwiseUnit::blocks(k, xType).front();
  auto unit = DepthwiseUnit::make(k, xType, block);
  weightBuffer = k.stack(maxSteps * unit->stepCount() * unit->stepBytes());
  if (!isPlain) {
    buffer = k.stack(block * 4);
    return;
  }
  if (key.has("bias"))
    bias = k.slotPtr(Bias);
  multiplier = k.slotPtr(Multiplier);
  high = k.slotF32(High);
  yZero = k.slotI32(YZero);
  // A bound before rounding is the rounded bound after it.
  lowByte = k.convert(k.roundToI32(k.slotF32(Low)) + yZero, k.i8());
}

//===----------------------------------------------------------------------===//
// Pixels and weights
//===----------------------------------------------------------------------===//

KernelBuilder::Vals DepthwiseBlocks::pixels(DepthwiseUnit &unit, Val x) {
  std::array<Val, DepthwiseUnit::rows> bytes;
  for (unsigned r = 0; r < bytes.size(); ++r)
    bytes[r] = k.load(unit.loadType(), x + part.xKernelH * int64_t(r));
  return unit.weave(bytes, xType.isSigned);
}

/// The weights of three rows of taps; zeros for rows that the filter has not.
KernelBuilder::Vals DepthwiseBlocks::weights(DepthwiseUnit &unit, Val channel,
                                             Val firstRow, Val column) {
  std::array<Val, DepthwiseUnit::rows> bytes;
  for (unsigned r = 0; r < bytes.size(); ++r) {
    Val row = firstRow + int64_t(r), last = part.kernelH - 1;
    Val tap = min(row, last) * part.kernelW + column;
    Val at = (tap * part.channels + channel) * int64_t(xType.bytes());
    Val loaded = k.load(unit.loadType(), part.w + at);
    bytes[r] = k.select(row <= last, loaded, k.zero(loaded.type()));
  }
  return unit.weave(bytes, true);
}

//===----------------------------------------------------------------------===//
// From sums to outputs
//===----------------------------------------------------------------------===//

KernelBuilder::Vals DepthwiseBlocks::firstSums(DepthwiseUnit &unit,
                                               Val channel) {
  if (isPlain)
    scale = unit.loadInOrder(k.f32(), multiplier + channel * 4);
  if (bias)
    return unit.loadInOrder(k.i32(), bias + channel * 4);
  return Vals(unit.sumCount(), k.zero(unit.sumType()));
}

void DepthwiseBlocks::store(DepthwiseUnit &unit, llvm::ArrayRef<Val> rounded,
                            Val pixel, Val channel) {
  bool isSigned = key.types[2] == "i8";
  Val bytes = unit.toBytes(rounded, yZero, isSigned);
  Val low = k.splat(lowByte, bytes.lanes());
  bytes = isSigned ? max(bytes, low) : k.select(ult(bytes, low), low, bytes);
  k.store(bytes, epilogue.y() + (pixel * part.yRow + channel));
}

void DepthwiseBlocks::finish(DepthwiseUnit &unit, Vals sums, Val pixel,
                             Val channel) {
  if (isPlain) {
    for (unsigned s = 0; s < sums.size(); ++s)
      sums[s] = k.roundToI32(min(k.convert(sums[s], k.f32()) * scale[s], high));
    return store(unit, sums, pixel, channel);
  }
  auto apply = [&](Val i, Val sum) {
    int64_t yBytes = epilogue.yBytes();
    EpiloguePlace place;
    place.channel = channel + i;
    place.y = epilogue.y() + (pixel * part.yRow + place.channel) * yBytes;
    if (epilogue.hasResidual())
      place.residual = epilogue.residual() +
                       (pixel * part.residualRow + place.channel) * yBytes;
    epilogue.apply(sum, Strip{k.lanes(), Val()}, place);
  };
  if (xType.isFloat)
    return apply(k.i64(0), sums[0]);
  unit.storeInOrder(sums, buffer);
  k.loop(k.i64(0), unit.channels(), k.lanes(), [&](Val i) {
    apply(i, k.load(k.vec(k.i32(), k.lanes()), buffer + i * 4));
  });
}

//===----------------------------------------------------------------------===//
// Lines
//===----------------------------------------------------------------------===//

void DepthwiseBlocks::eachLine(DepthwiseUnit &unit,
                               llvm::function_ref<void(Val x, Val pixel)> body,
                               Val channel) {
  k.loop(part.lines.lo, part.lines.hi, 1, [&](Val line) {
    body(part.lineStart(line) + channel * int64_t(xType.bytes()),
         line * part.columns);
  });
}

/// 3x3 with a distance of `stride` columns of taps between outputs. Columns
/// that the next output needs again are carried along.
void DepthwiseBlocks::sliding(DepthwiseUnit &unit, Val channel,
                              unsigned stride) {
  const unsigned width = 3, kept = width - stride;
  Vals filter[width];
  for (unsigned j = 0; j < width; ++j)
    filter[j] = weights(unit, channel, k.i64(0), k.i64(j));
  Vals first = firstSums(unit, channel);
  auto line = [&](Val x, Val pixel) {
    Vals carried;
    for (unsigned j = 0; j < kept; ++j)
      carried.append(pixels(unit, x + part.xKernelW * int64_t(j)));
    k.loop(k.i64(0), part.columns, 1, carried,
           [&](Val column, llvm::ArrayRef<Val> before) {
             Vals window(before.begin(), before.end());
             Val at = x + column * part.xColumn;
             for (unsigned j = kept; j < width; ++j)
               window.append(pixels(unit, at + part.xKernelW * int64_t(j)));
             Vals sums = first;
             unsigned n = unit.stepCount();
             llvm::ArrayRef<Val> all(window);
             for (unsigned j = 0; j < width; ++j)
               unit.multiplyAdd(sums, all.slice(j * n, n), filter[j]);
             finish(unit, sums, pixel + column, channel);
             llvm::ArrayRef<Val> next = all.drop_front(stride * n);
             return Vals(next.begin(), next.end());
           });
  };
  eachLine(unit, line, channel);
}

void DepthwiseBlocks::general(DepthwiseUnit &unit, Val channel) {
  const int64_t height = DepthwiseUnit::rows;
  unsigned n = unit.stepCount();
  const int64_t registerBytes = unit.stepBytes(), bytes = n * registerBytes;
  k.loop(k.i64(0), part.kernelH, height, [&](Val i) {
    k.loop(k.i64(0), part.kernelW, 1, [&](Val j) {
      Vals woven = weights(unit, channel, i, j);
      Val to = weightBuffer + ((i / height) * part.kernelW + j) * bytes;
      for (unsigned s = 0; s < n; ++s)
        k.store(woven[s], to + int64_t(s) * registerBytes);
    });
  });
  Vals first = firstSums(unit, channel);
  auto pixel = [&](Val x, Val at) {
    Vals sums = k.loop(
        k.i64(0), part.kernelH, height, first,
        [&](Val i, llvm::ArrayRef<Val> outer) {
          // Rows that the filter has not are read from its last one.
          Val rows[DepthwiseUnit::rows];
          for (unsigned r = 0; r < DepthwiseUnit::rows; ++r)
            rows[r] = x + min(i + int64_t(r), part.kernelH - 1) * part.xKernelH;
          Val from = weightBuffer + (i / height) * part.kernelW * bytes;
          return k.loop(k.i64(0), part.kernelW, 1, outer,
                        [&](Val j, llvm::ArrayRef<Val> inner) {
                          std::array<Val, DepthwiseUnit::rows> loaded;
                          for (unsigned r = 0; r < loaded.size(); ++r)
                            loaded[r] = k.load(unit.loadType(),
                                               rows[r] + j * part.xKernelW);
                          Vals sums(inner.begin(), inner.end()), filter;
                          for (unsigned s = 0; s < n; ++s)
                            filter.push_back(k.load(
                                unit.stepType(),
                                from + j * bytes + int64_t(s) * registerBytes));
                          unit.multiplyAdd(
                              sums, unit.weave(loaded, xType.isSigned), filter);
                          return sums;
                        });
        });
    finish(unit, sums, at, channel);
  };
  eachLine(
      unit,
      [&](Val x, Val at) {
        k.loop(k.i64(0), part.columns, 1, [&](Val column) {
          pixel(x + column * part.xColumn, at + column);
        });
      },
      channel);
}

/// One block of channels over the whole part.
void DepthwiseBlocks::block(DepthwiseUnit &unit, Val channel) {
  // A long epilogue is what takes the time: one copy of it will do.
  if (!isShort)
    return general(unit, channel);
  Val isSquare = eq(part.kernelH, 3) & eq(part.kernelW, 3);
  Val way = k.select(isSquare & eq(part.xColumn, part.xKernelW), k.i64(0),
                     k.select(isSquare & eq(part.xColumn, part.xKernelW * 2),
                              k.i64(1), k.i64(2)));
  k.switchOn(way, 3, [&](unsigned which) {
    if (which == 2)
      general(unit, channel);
    else
      sliding(unit, channel, which + 1);
  });
}

Val DepthwiseBlocks::emit() {
  Val left = k.i64(0), channels = part.channels;
  Val steps = (part.kernelH + 2) / 3 * part.kernelW;
  // Filters too large for the buffer, and lines without pixels, are not ours.
  Val ours = (steps <= int64_t(maxSteps)) & (part.columns > 0);
  Val end = k.select(ours, channels, k.i64(0));
  llvm::SmallVector<unsigned> sizes = DepthwiseUnit::blocks(k, xType);
  for (unsigned size : sizes) {
    bool isLast = size == sizes.back();
    auto unit = DepthwiseUnit::make(k, xType, size);
    Val whole = left + ((end - left) & -int64_t(size));
    // The last block may begin before the ones left to do; it computes some
    // channels again, which a residual in the place of y would not allow.
    bool overlaps = isLast && !key.has("residual");
    Val last = overlaps ? k.select(end >= int64_t(size), end, whole) : whole;
    k.loop(left, last, size, [&](Val channel) {
      Val start = overlaps ? min(channel, end - int64_t(size)) : channel;
      block(*unit, start);
    });
    left = last;
  }
  return left;
}
