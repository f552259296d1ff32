//===- GroupPacking.cpp - Weights of grouped integer sums -----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "qc/TargetInfo/GroupPacking.h"

#include "qc/Numerics/GroupSums.h"
#include "qc/Numerics/Packing.h"

#include "llvm/Support/MathExtras.h"

#include <algorithm>
#include <numeric>

using namespace qc;
using namespace qc::numerics;

static constexpr int64_t groupPanelColumns = 16, blockBytes = 64;

std::vector<unsigned> qc::codePlanes(unsigned bits) {
  std::vector<unsigned> planes;
  for (unsigned plane : {8u, 4u, 2u, 1u})
    if (bits & plane)
      planes.push_back(plane);
  return planes;
}

std::vector<int64_t> qc::groupPanelBytes(const DecodeSpec &spec, int64_t k) {
  std::vector<int64_t> bytes = encodedPanelBytes(spec, k);
  bytes[0] = llvm::divideCeilSigned(k, groupChunk) * blockBytes * spec.codeBits;
  return bytes;
}

int64_t qc::groupCodeBytes(const DecodeSpec &spec, int64_t k, int64_t n) {
  return llvm::divideCeilSigned(n, groupPanelColumns) *
         groupPanelBytes(spec, k)[0];
}

int64_t qc::groupPackedBytes(const DecodeSpec &spec, int64_t k, int64_t n) {
  std::vector<int64_t> panel = groupPanelBytes(spec, k);
  return llvm::divideCeilSigned(n, groupPanelColumns) *
         std::accumulate(panel.begin(), panel.end(), int64_t(0));
}

namespace {
/// The codes of one chunk of a panel, row by row.
using Chunk = uint8_t[groupChunk][groupPanelColumns];
} // namespace

/// Packs a chunk of `bits` blocks.
static void packChunk(const Chunk &codes, unsigned bits, uint8_t *packed) {
  unsigned shift = 0;
  for (unsigned plane : codePlanes(bits)) {
    unsigned run = groupChunk / plane, mask = (1u << plane) - 1;
    for (unsigned block = 0; block < plane; ++block, packed += blockBytes) {
      // Byte i of each column's four.
      uint8_t bytes[4][groupPanelColumns] = {};
      for (unsigned k = 0; k < run; ++k)
        for (unsigned c = 0; c < groupPanelColumns; ++c)
          bytes[k % 4][c] |= static_cast<uint8_t>(
              (codes[block * run + k][c] >> shift & mask) << (plane * (k / 4)));
      for (unsigned c = 0; c < groupPanelColumns; ++c)
        for (unsigned i = 0; i < 4; ++i)
          packed[4 * c + i] = bytes[i][c];
    }
    shift += plane;
  }
}

/// Packs one chunk of every panel: `count` rows of codes, which lie in `rows`
/// with a whole number of panels each.
static void packChunks(const std::vector<uint8_t> &rows, int64_t count,
                       unsigned bits, int64_t chunks, uint8_t *packed) {
  auto columns = static_cast<int64_t>(rows.size()) / groupChunk;
  for (int64_t n = 0; n < columns; n += groupPanelColumns) {
    Chunk codes = {};
    for (int64_t k = 0; k < count; ++k)
      std::copy_n(rows.begin() + k * columns + n, groupPanelColumns, codes[k]);
    packChunk(codes, bits, packed);
    packed += chunks * blockBytes * bits;
  }
}

void qc::packGroups(const DecodeSpec &spec, int64_t k, int64_t n,
                    std::span<const ComponentData> data,
                    std::span<uint8_t> packed) {
  int64_t codeBytes = groupCodeBytes(spec, k, n);
  unsigned bits = spec.codeBits;
  auto flip = static_cast<uint8_t>(groupSums(spec)->flip);
  size_t rowBytes = bits < 8 ? packedRowBytes(n, bits) : static_cast<size_t>(n);
  int64_t chunks = llvm::divideCeilSigned(k, groupChunk);
  int64_t columns =
      llvm::divideCeilSigned(n, groupPanelColumns) * groupPanelColumns;
  std::vector<uint8_t> rows(groupChunk * columns);
  for (int64_t chunk = 0; chunk < chunks; ++chunk) {
    int64_t first = chunk * groupChunk;
    int64_t count = std::min(groupChunk, k - first);
    for (int64_t i = 0; i < count; ++i) {
      std::span<const uint8_t> row(
          data[0].bytes.data() + (first + i) * rowBytes, rowBytes);
      std::span<uint8_t> codes(rows.data() + i * columns, n);
      if (bits < 8)
        unpackRow(row, bits, codes);
      else
        std::copy(row.begin(), row.end(), codes.begin());
      for (uint8_t &code : codes)
        code ^= flip;
    }
    packChunks(rows, count, bits, chunks,
               packed.data() + chunk * blockBytes * bits);
  }
  // The other regions are those that contract reads, without its codes.
  std::vector<uint8_t> all(encodedGroupBytes(spec, k, n));
  packEncoded(spec, false, k, n, 1, data, all);
  int64_t skipped = llvm::divideCeilSigned(n, groupPanelColumns) * k *
                    encodedRegions(spec)[0].rowBytes();
  std::copy(all.begin() + skipped, all.end(), packed.begin() + codeBytes);
}
