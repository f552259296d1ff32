//===- Arena.cpp - Offsets of buffers in one arena ------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Largest first, each at the lowest offset that is free during its life; ties
// go by the step of birth, so that the layout is the same on every run.
//
//===----------------------------------------------------------------------===//

#include "Arena.h"

#include <algorithm>
#include <numeric>

using namespace mlir::qc;

static constexpr int64_t alignment = 64;

static int64_t aligned(int64_t bytes) {
  return (bytes + alignment - 1) / alignment * alignment;
}

int64_t mlir::qc::layOutArena(std::vector<ArenaBuffer> &buffers) {
  std::vector<size_t> order(buffers.size());
  std::iota(order.begin(), order.end(), size_t(0));
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return buffers[a].bytes > buffers[b].bytes;
  });
  std::vector<const ArenaBuffer *> placed;
  int64_t size = 0;
  for (size_t index : order) {
    ArenaBuffer &buffer = buffers[index];
    std::vector<std::pair<int64_t, int64_t>> taken;
    for (const ArenaBuffer *other : placed)
      if (other->first <= buffer.last && buffer.first <= other->last)
        taken.emplace_back(other->offset,
                           other->offset + aligned(other->bytes));
    std::sort(taken.begin(), taken.end());
    int64_t offset = 0;
    for (auto [begin, end] : taken) {
      if (offset + aligned(buffer.bytes) <= begin)
        break;
      offset = std::max(offset, end);
    }
    buffer.offset = offset;
    size = std::max(size, offset + aligned(buffer.bytes));
    placed.push_back(&buffer);
  }
  return size;
}

int64_t mlir::qc::peakOf(const std::vector<ArenaBuffer> &buffers) {
  int64_t peak = 0;
  for (const ArenaBuffer &at : buffers) {
    int64_t bytes = 0;
    for (const ArenaBuffer &other : buffers)
      if (other.first <= at.first && at.first <= other.last)
        bytes += aligned(other.bytes);
    peak = std::max(peak, bytes);
  }
  return peak;
}
