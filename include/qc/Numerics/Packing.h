// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Packing of n-bit codes. Code i of a row occupies bits [i*n, i*n + n) of the
// row, bit b of a row is bit b % 8 of its byte b / 8 (little-endian bit
// order), and each row starts on a byte. Unused bits of the last byte are 0.

#ifndef QC_NUMERICS_PACKING_H
#define QC_NUMERICS_PACKING_H

#include <cstddef>
#include <cstdint>
#include <span>

namespace qc::numerics {

/// Bytes of one row of `count` codes of `bits` bits (1..8).
inline size_t packedRowBytes(size_t count, unsigned bits) {
  // Written so that no count overflows.
  return count / 8 * bits + (count % 8 * bits + 7) / 8;
}

/// Packs one row. Only the low `bits` bits of a code are used, so signed codes
/// may be given as two's complement. `bytes` has packedRowBytes(codes.size()).
void packRow(std::span<const uint8_t> codes, unsigned bits,
             std::span<uint8_t> bytes);

/// Unpacks one row into zero-extended codes.
void unpackRow(std::span<const uint8_t> bytes, unsigned bits,
               std::span<uint8_t> codes);

/// Code `index` of a packed row.
inline uint8_t unpackOne(const uint8_t *row, unsigned bits, size_t index) {
  size_t bit = index * bits;
  unsigned shift = bit % 8;
  unsigned word = row[bit / 8];
  if (shift + bits > 8)
    word |= static_cast<unsigned>(row[bit / 8 + 1]) << 8;
  return static_cast<uint8_t>((word >> shift) & ((1u << bits) - 1));
}

/// Packs `rows` rows of `columns` codes one after another.
void packRows(std::span<const uint8_t> codes, size_t rows, size_t columns,
              unsigned bits, std::span<uint8_t> bytes);

/// Unpacks what packRows packed.
void unpackRows(std::span<const uint8_t> bytes, size_t rows, size_t columns,
                unsigned bits, std::span<uint8_t> codes);

/// The two's complement value of a `bits`-bit code.
inline int32_t signExtend(uint32_t code, unsigned bits) {
  uint32_t sign = 1u << (bits - 1);
  uint32_t mask = sign | (sign - 1);
  return static_cast<int32_t>(((code & mask) ^ sign) - sign);
}

} // namespace qc::numerics

#endif // QC_NUMERICS_PACKING_H
