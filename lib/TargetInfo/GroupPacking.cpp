//===- GroupPacking.cpp - Weights of grouped integer sums -----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "qc/TargetInfo/GroupPacking.h"

#include "qc/Numerics/GroupSums.h"
#include "qc/Numerics/Packing.h"

#include <algorithm>

using namespace qc;
using namespace qc::numerics;

static constexpr int64_t panelColumns = 16, blockBytes = 64;

static int64_t ceilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }

std::vector<unsigned> qc::codePlanes(unsigned bits) {
  std::vector<unsigned> planes;
  for (unsigned plane : {8u, 4u, 2u, 1u})
    if (bits & plane)
      planes.push_back(plane);
  return planes;
}

int64_t qc::groupCodeBytes(const DecodeSpec &spec, int64_t k, int64_t n) {
  return ceilDiv(n, panelColumns) * ceilDiv(k, groupChunk) * blockBytes *
         spec.codeBits;
}

int64_t qc::groupPackedBytes(const DecodeSpec &spec, int64_t k, int64_t n) {
  std::vector<EncodedRegion> regions = encodedRegions(spec);
  int64_t codes = ceilDiv(n, panelColumns) * k * regions[0].rowBytes();
  return encodedGroupBytes(spec, k, n) - codes + groupCodeBytes(spec, k, n);
}

/// Puts one code into its chunk of `bits` blocks.
static void putCode(unsigned code, unsigned bits, int64_t k, int64_t column,
                    uint8_t *chunk) {
  unsigned shift = 0;
  for (unsigned plane : codePlanes(bits)) {
    int64_t run = groupChunk / plane;
    int64_t block = k / run, inRun = k % run;
    unsigned part = code >> shift & ((1u << plane) - 1);
    chunk[block * blockBytes + column * 4 + inRun % 4] |=
        static_cast<uint8_t>(part << (plane * (inRun / 4)));
    chunk += plane * blockBytes;
    shift += plane;
  }
}

void qc::packGroups(const DecodeSpec &spec, int64_t k, int64_t n,
                    std::span<const ComponentData> data,
                    std::span<uint8_t> packed) {
  int64_t codeBytes = groupCodeBytes(spec, k, n);
  std::fill_n(packed.begin(), codeBytes, 0);
  unsigned bits = spec.codeBits;
  auto flip = static_cast<unsigned>(groupSums(spec)->flip);
  size_t rowBytes = bits < 8 ? packedRowBytes(n, bits) : static_cast<size_t>(n);
  int64_t chunks = ceilDiv(k, groupChunk), chunkBytes = blockBytes * bits;
  for (int64_t i = 0; i < k; ++i) {
    const uint8_t *row = data[0].bytes.data() + i * rowBytes;
    for (int64_t column = 0; column < n; ++column) {
      unsigned code = bits < 8 ? unpackOne(row, bits, column) : row[column];
      int64_t chunk = column / panelColumns * chunks + i / groupChunk;
      putCode(code ^ flip, bits, i % groupChunk, column % panelColumns,
              packed.data() + chunk * chunkBytes);
    }
  }
  // The other regions are those that contract reads, without its codes.
  std::vector<uint8_t> all(encodedGroupBytes(spec, k, n));
  packEncoded(spec, false, k, n, 1, data, all);
  int64_t skipped =
      ceilDiv(n, panelColumns) * k * encodedRegions(spec)[0].rowBytes();
  std::copy(all.begin() + skipped, all.end(), packed.begin() + codeBytes);
}
