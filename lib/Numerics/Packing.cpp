// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Packing of n-bit codes: eight at a time, then a bit queue of at most 15 bits
// moves along the rest of the row.

#include "qc/Numerics/Packing.h"

#include <cassert>

namespace qc::numerics {

void packRow(std::span<const uint8_t> codes, unsigned bits,
             std::span<uint8_t> bytes) {
  assert(bits >= 1 && bits <= 8 && "codes have 1..8 bits");
  assert(bytes.size() == packedRowBytes(codes.size(), bits));
  uint32_t mask = (1u << bits) - 1, queue = 0;
  unsigned queued = 0;
  size_t at = 0;
  // Eight codes are `bits` whole bytes.
  // Two a byte, which compilers make vectors of.
  if (bits == 4) {
    size_t pairs = codes.size() / 2;
    for (size_t i = 0; i < pairs; ++i)
      bytes[i] =
          static_cast<uint8_t>((codes[2 * i] & 15) | codes[2 * i + 1] << 4);
    codes = codes.subspan(2 * pairs);
    at = pairs;
  }
  for (; codes.size() >= 8; codes = codes.subspan(8)) {
    uint64_t eight = 0;
    for (unsigned i = 0; i < 8; ++i)
      eight |= static_cast<uint64_t>(codes[i] & mask) << (i * bits);
    for (unsigned i = 0; i < bits; ++i)
      bytes[at++] = static_cast<uint8_t>(eight >> (8 * i));
  }
  for (uint8_t code : codes) {
    queue |= (code & mask) << queued;
    queued += bits;
    if (queued < 8)
      continue;
    bytes[at++] = static_cast<uint8_t>(queue);
    queue >>= 8;
    queued -= 8;
  }
  if (queued)
    bytes[at] = static_cast<uint8_t>(queue);
}

void unpackRow(std::span<const uint8_t> bytes, unsigned bits,
               std::span<uint8_t> codes) {
  assert(bits >= 1 && bits <= 8 && "codes have 1..8 bits");
  assert(bytes.size() == packedRowBytes(codes.size(), bits));
  uint32_t mask = (1u << bits) - 1, queue = 0;
  unsigned queued = 0;
  size_t at = 0;
  if (bits == 4) {
    size_t pairs = codes.size() / 2;
    for (size_t i = 0; i < pairs; ++i) {
      codes[2 * i] = bytes[i] & 15;
      codes[2 * i + 1] = bytes[i] >> 4;
    }
    codes = codes.subspan(2 * pairs);
    at = pairs;
  }
  for (; codes.size() >= 8; codes = codes.subspan(8)) {
    uint64_t eight = 0;
    for (unsigned i = 0; i < bits; ++i)
      eight |= static_cast<uint64_t>(bytes[at++]) << (8 * i);
    for (unsigned i = 0; i < 8; ++i)
      codes[i] = static_cast<uint8_t>(eight >> (i * bits) & mask);
  }
  for (uint8_t &code : codes) {
    if (queued < bits) {
      queue |= static_cast<uint32_t>(bytes[at++]) << queued;
      queued += 8;
    }
    code = static_cast<uint8_t>(queue & mask);
    queue >>= bits;
    queued -= bits;
  }
}

void packRows(std::span<const uint8_t> codes, size_t rows, size_t columns,
              unsigned bits, std::span<uint8_t> bytes) {
  size_t rowBytes = packedRowBytes(columns, bits);
  assert(codes.size() == rows * columns && bytes.size() == rows * rowBytes);
  for (size_t r = 0; r < rows; ++r)
    packRow(codes.subspan(r * columns, columns), bits,
            bytes.subspan(r * rowBytes, rowBytes));
}

void unpackRows(std::span<const uint8_t> bytes, size_t rows, size_t columns,
                unsigned bits, std::span<uint8_t> codes) {
  size_t rowBytes = packedRowBytes(columns, bits);
  assert(codes.size() == rows * columns && bytes.size() == rows * rowBytes);
  for (size_t r = 0; r < rows; ++r)
    unpackRow(bytes.subspan(r * rowBytes, rowBytes), bits,
              codes.subspan(r * columns, columns));
}

} // namespace qc::numerics
