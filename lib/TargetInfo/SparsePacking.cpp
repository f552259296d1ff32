//===- SparsePacking.cpp - Sparse 8-bit weights for kernels ---------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "qc/TargetInfo/SparsePacking.h"

#include "qc/Numerics/Packing.h"
#include "qc/TargetInfo/GroupPacking.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <numeric>

using namespace qc;
using namespace qc::numerics;

static constexpr int64_t columnsOfPanel = SparseWeights::panelColumns;
static constexpr int64_t stepBytes = 4 * columnsOfPanel;
/// Kernels read a register from the last weight on.
static constexpr int64_t maskPadding = 64;

//===----------------------------------------------------------------------===//
// Forms and sizes
//===----------------------------------------------------------------------===//

/// Positions are picked from 16 neighbours, weights multiplied by fours.
static bool hasNofM(int64_t keep, int64_t of) {
  return keep > 0 && keep < of && of <= 16 && 16 % of == 0 &&
         16 * keep / of % 4 == 0;
}

std::string SparseWeights::keyType() const {
  switch (format.kind) {
  case SparseFormat::Kind::NofM:
    if (format.axis != 0 || !hasNofM(format.keep, format.of))
      return "";
    return "i8_" + std::to_string(format.keep) + "of" +
           std::to_string(format.of);
  case SparseFormat::Kind::Mask:
    return "i8_mask";
  case SparseFormat::Kind::Blocks:
    break;
  }
  return format.blockRows == 1 && format.blockColumns == 16 ? "i8_16x1" : "";
}

bool SparseWeights::parse(std::string_view type, SparseFormat &format) {
  if (!type.starts_with("i8_"))
    return false;
  type.remove_prefix(3);
  format = SparseFormat();
  if (type == "mask") {
    format.kind = SparseFormat::Kind::Mask;
    return true;
  }
  if (type == "16x1") {
    format.kind = SparseFormat::Kind::Blocks;
    format.blockColumns = 16;
    return true;
  }
  const char *end = type.data() + type.size();
  auto [middle, error] = std::from_chars(type.data(), end, format.keep);
  if (error != std::errc() || end - middle < 3 || middle[0] != 'o' ||
      middle[1] != 'f')
    return false;
  auto [last, second] = std::from_chars(middle + 2, end, format.of);
  return second == std::errc() && last == end &&
         hasNofM(format.keep, format.of);
}

int64_t SparseWeights::blockSteps() const {
  int64_t steps = chunkSteps();
  for (unsigned plane : codePlanes(format.positionBits()))
    steps = std::lcm(steps, int64_t(8) / plane);
  return steps;
}

int64_t SparseWeights::blockBytes() const {
  return blockSteps() * (stepBytes + 8 * format.positionBits());
}

/// Steps of blocks of columns: the last of each slab may be filled up.
static int64_t allSteps(const SparseWeights &w) {
  return (w.format.kept + 3 * w.panels() * w.slabs()) / 4;
}

int64_t SparseWeights::packedBytes() const {
  switch (format.kind) {
  case SparseFormat::Kind::NofM:
    return headerBytes() + panels() * panelBytes();
  case SparseFormat::Kind::Mask:
    return (panels() + 1) * 8 + panels() * maskSteps() * 8 + format.kept +
           maskPadding;
  case SparseFormat::Kind::Blocks:
    break;
  }
  return (panels() * slabs() + 1) * 4 + allSteps(*this) * (8 + stepBytes);
}

//===----------------------------------------------------------------------===//
// Packing
//===----------------------------------------------------------------------===//

template <typename T> static void put(uint8_t *to, T value) {
  std::memcpy(to, &value, sizeof(T));
}

static void packNofM(const SparseWeights &w,
                     std::span<const ComponentData> data,
                     std::span<const float> scales, uint8_t *packed) {
  const uint8_t *codes = data[0].bytes.data();
  int64_t rows = data[0].component.shape[0];
  unsigned bits = w.format.positionBits();
  std::vector<uint8_t> positions(rows * w.n);
  unpackRows(data[1].bytes, rows, w.n, bits, positions);
  std::vector<int32_t> sums(w.panels() * columnsOfPanel);
  int64_t steps = w.blockSteps(), blockRows = 4 * steps;
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t n = 0; n < w.n; ++n) {
      int64_t step = row % blockRows / 4, c = n % columnsOfPanel;
      uint8_t *block = packed + w.headerBytes() +
                       n / columnsOfPanel * w.panelBytes() +
                       row / blockRows * w.blockBytes();
      int64_t at = 4 * c + row % 4;
      block[step * stepBytes + at] = codes[row * w.n + n];
      sums[n] += static_cast<int8_t>(codes[row * w.n + n]);
      uint8_t *planeAt = block + steps * stepBytes;
      unsigned shift = 0;
      for (unsigned plane : codePlanes(bits)) {
        int64_t sharing = 8 / plane;
        unsigned part = positions[row * w.n + n] >> shift & ((1u << plane) - 1);
        planeAt[step / sharing * stepBytes + at] |=
            static_cast<uint8_t>(part << (plane * (step % sharing)));
        planeAt += steps / sharing * stepBytes;
        shift += plane;
      }
    }
  constexpr int64_t both = 8 * columnsOfPanel;
  for (int64_t n = 0; n < w.n; ++n) {
    uint8_t *header =
        packed + n / columnsOfPanel * both + n % columnsOfPanel * 4;
    put<int32_t>(header, 128 * sums[n]);
    put<float>(header + both / 2, scales.empty() ? 1.0f : scales[n]);
  }
}

static void packMask(const SparseWeights &w,
                     std::span<const ComponentData> data, uint8_t *packed) {
  size_t rowBytes = packedRowBytes(w.n, 1);
  // All codes, and where they are.
  std::vector<int8_t> dense(w.k * w.n);
  std::vector<uint8_t> mask(w.k * w.n);
  unpackRows(data[1].bytes, rowBytes ? data[1].bytes.size() / rowBytes : 0, w.n,
             1, mask);
  size_t next = 0;
  for (size_t i = 0; i < mask.size(); ++i)
    if (mask[i])
      dense[i] = static_cast<int8_t>(data[0].bytes[next++]);
  int64_t steps = w.maskSteps();
  uint8_t *bits = packed + (w.panels() + 1) * 8;
  uint8_t *weights = bits + w.panels() * steps * 8;
  int64_t count = 0;
  for (int64_t p = 0; p < w.panels(); ++p) {
    put<int64_t>(packed + 8 * p, count);
    for (int64_t step = 0; step < steps; ++step) {
      uint64_t word = 0;
      for (int64_t at = 0; at < stepBytes; ++at) {
        int64_t n = p * columnsOfPanel + at / 4, k = 4 * step + at % 4;
        if (n >= w.n || k >= w.k || !mask[k * w.n + n])
          continue;
        word |= uint64_t(1) << at;
        weights[count++] = static_cast<uint8_t>(dense[k * w.n + n]);
      }
      put(bits + (p * steps + step) * 8, word);
    }
  }
  put<int64_t>(packed + 8 * w.panels(), count);
}

/// Calls `body(slab, first, end)` for the blocks of each slab of each panel.
template <typename BodyT>
static void forSlabs(const SparseWeights &w,
                     const std::vector<uint16_t> &inputs,
                     const std::vector<int32_t> &firsts, BodyT body) {
  for (int64_t p = 0; p < w.panels(); ++p) {
    int32_t from = firsts[p];
    for (int64_t slab = 0; slab < w.slabs(); ++slab) {
      int32_t to = from;
      while (to < firsts[p + 1] &&
             inputs[to] < (slab + 1) * SparseWeights::slab)
        ++to;
      body(slab, from, to);
      from = to;
    }
  }
}

static void packBlocks(const SparseWeights &w,
                       std::span<const ComponentData> data, uint8_t *packed) {
  std::vector<uint16_t> inputs(w.format.kept);
  std::vector<int32_t> firsts(w.panels() + 1);
  std::memcpy(inputs.data(), data[1].bytes.data(), data[1].bytes.size());
  std::memcpy(firsts.data(), data[2].bytes.data(), data[2].bytes.size());
  int64_t steps = 0;
  forSlabs(w, inputs, firsts, [&](int64_t, int32_t from, int32_t to) {
    steps += (to - from + 3) / 4;
  });
  uint8_t *numbers = packed + (w.panels() * w.slabs() + 1) * 4;
  uint8_t *weights = numbers + steps * 8;
  int32_t step = 0;
  forSlabs(w, inputs, firsts, [&](int64_t slab, int32_t from, int32_t to) {
    put(packed, step);
    packed += 4;
    int32_t count = to - from, last = (count + 3) / 4 * 4;
    for (int32_t i = 0; i < last; ++i) {
      int32_t s = step + i / 4;
      // Places that are left read the first input of the slab, times 0.
      put(numbers + s * 8 + i % 4 * 2,
          i < count ? inputs[from + i]
                    : static_cast<uint16_t>(slab * SparseWeights::slab));
      for (int64_t c = 0; i < count && c < columnsOfPanel; ++c)
        weights[s * stepBytes + 4 * c + i % 4] =
            data[0].bytes[(from + i) * columnsOfPanel + c];
    }
    step += last / 4;
  });
  put(packed, step);
}

void qc::packSparse(const SparseWeights &weights,
                    std::span<const ComponentData> data,
                    std::span<const float> scales, std::span<uint8_t> packed) {
  std::fill(packed.begin(), packed.end(), 0);
  switch (weights.format.kind) {
  case SparseFormat::Kind::NofM:
    return packNofM(weights, data, scales, packed.data());
  case SparseFormat::Kind::Mask:
    return packMask(weights, data, packed.data());
  case SparseFormat::Kind::Blocks:
    return packBlocks(weights, data, packed.data());
  }
}
