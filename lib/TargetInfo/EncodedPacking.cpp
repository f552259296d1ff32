//===- EncodedPacking.cpp - Encoded weights as kernels read them ----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "qc/TargetInfo/EncodedPacking.h"

#include "qc/Numerics/Packing.h"

#include "llvm/Support/MathExtras.h"

#include <algorithm>
#include <cstring>
#include <numeric>

using namespace qc;
using namespace qc::numerics;

static constexpr int64_t encodedPanelColumns = 16;

DecodeSpec qc::contractSpec(const DecodeSpec &spec, bool transposed) {
  DecodeSpec result = spec;
  if (!transposed)
    return result;
  for (ScaleComponent &scale : result.scales)
    std::reverse(scale.group.begin(), scale.group.end());
  if (result.zeroPoint)
    std::reverse(result.zeroPoint->group.begin(),
                 result.zeroPoint->group.end());
  return result;
}

static int64_t groupAlong(const std::vector<int64_t> &group, unsigned axis) {
  return group.empty() ? 0 : group[axis];
}

std::vector<EncodedRegion> qc::encodedRegions(const DecodeSpec &spec) {
  std::vector<EncodedRegion> regions;
  regions.push_back({codeKind(spec.codeBits), 1});
  if (spec.zeroPoint)
    regions.push_back(
        {spec.zeroPoint->kind, groupAlong(spec.zeroPoint->group, 0)});
  for (const ScaleComponent &scale : spec.scales)
    regions.push_back({scale.kind, groupAlong(scale.group, 0)});
  return regions;
}

std::vector<int64_t> qc::encodedPanelBytes(const DecodeSpec &spec, int64_t k) {
  std::vector<int64_t> bytes;
  for (const EncodedRegion &region : encodedRegions(spec))
    bytes.push_back(region.rows(k) * region.rowBytes());
  return bytes;
}

int64_t qc::encodedGroupBytes(const DecodeSpec &spec, int64_t k, int64_t n) {
  std::vector<int64_t> panel = encodedPanelBytes(spec, k);
  return llvm::divideCeilSigned(n, encodedPanelColumns) *
         std::accumulate(panel.begin(), panel.end(), int64_t(0));
}

namespace {
/// One component of the tensor as stored.
struct Stored {
  const ComponentData &data;
  int64_t rowElements;
  unsigned bits;

  /// Copies element (row, column) to element `to` of a packed row.
  void copy(int64_t row, int64_t column, uint8_t *packedRow, int64_t to) const {
    if (bits >= 8) {
      size_t size = bits / 8;
      std::memcpy(packedRow + to * size,
                  data.bytes.data() + (row * rowElements + column) * size,
                  size);
      return;
    }
    const uint8_t *from =
        data.bytes.data() + row * packedRowBytes(rowElements, bits);
    unsigned code = unpackOne(from, bits, column);
    for (unsigned b = 0; b < bits; ++b)
      if (code >> b & 1)
        packedRow[(to * bits + b) / 8] |= 1u << ((to * bits + b) % 8);
  }
};
} // namespace

/// Packs a region of which each column has elements of its own, in the order of
/// columns and from a whole byte on: then panels are runs of bytes of the rows.
static int64_t copyRegion(const EncodedRegion &region, const Stored &stored,
                          int64_t k, int64_t firstColumn, int64_t n,
                          uint8_t *packed) {
  auto bytesOf = [&](int64_t elements) {
    return stored.bits < 8
               ? static_cast<int64_t>(packedRowBytes(elements, stored.bits))
               : elements * stored.bits / 8;
  };
  int64_t rows = region.rows(k), rowBytes = region.rowBytes();
  for (int64_t r = 0; r < rows; ++r) {
    const uint8_t *from = stored.data.bytes.data() +
                          r * bytesOf(stored.rowElements) +
                          bytesOf(firstColumn);
    uint8_t *to = packed + r * rowBytes;
    for (int64_t first = 0; first < n; first += encodedPanelColumns) {
      std::memcpy(to, from, bytesOf(std::min(encodedPanelColumns, n - first)));
      from += rowBytes;
      to += rows * rowBytes;
    }
  }
  return llvm::divideCeilSigned(n, encodedPanelColumns) * rows * rowBytes;
}

/// Packs one region of one group; returns the bytes written.
static int64_t packRegion(const EncodedRegion &region, int64_t groupN,
                          const Stored &stored, bool transposed, int64_t k,
                          int64_t firstColumn, int64_t n, uint8_t *packed) {
  // The last byte of a panel that is cut short may have bits of the next group.
  bool wholeBytes = firstColumn * stored.bits % 8 == 0 &&
                    (firstColumn + n == stored.rowElements ||
                     n % encodedPanelColumns * stored.bits % 8 == 0);
  if (!transposed && groupN == 1 && wholeBytes)
    return copyRegion(region, stored, k, firstColumn, n, packed);
  uint8_t *row = packed;
  for (int64_t first = 0; first < n; first += encodedPanelColumns)
    for (int64_t r = 0; r < region.rows(k); ++r) {
      int64_t count = std::min(encodedPanelColumns, n - first);
      for (int64_t i = 0; i < count; ++i) {
        int64_t column = firstColumn + first + i;
        column = groupN ? column / groupN : 0;
        if (transposed)
          stored.copy(column, r, row, i);
        else
          stored.copy(r, column, row, i);
      }
      row += region.rowBytes();
    }
  return row - packed;
}

void qc::packEncoded(const DecodeSpec &spec, bool transposed, int64_t k,
                     int64_t n, int64_t groups,
                     std::span<const ComponentData> data,
                     std::span<uint8_t> packed) {
  std::fill(packed.begin(), packed.end(), 0);
  DecodeSpec oriented = contractSpec(spec, transposed);
  std::vector<EncodedRegion> regions = encodedRegions(oriented);
  std::vector<int64_t> groupN{1};
  if (oriented.zeroPoint)
    groupN.push_back(groupAlong(oriented.zeroPoint->group, 1));
  for (const ScaleComponent &scale : oriented.scales)
    groupN.push_back(groupAlong(scale.group, 1));
  uint8_t *to = packed.data();
  for (int64_t group = 0; group < groups; ++group)
    for (size_t i = 0; i < regions.size(); ++i) {
      const std::vector<int64_t> &shape = data[i].component.shape;
      Stored stored{data[i], shape.empty() ? 1 : shape.back(),
                    bitWidth(regions[i].kind)};
      to += packRegion(regions[i], groupN[i], stored, transposed, k, group * n,
                       n, to);
    }
}
