// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The bit layout of packed codes.

#include "qc/Numerics/Packing.h"

#include <gtest/gtest.h>
#include <random>
#include <vector>

using namespace qc::numerics;

TEST(Packing, layoutIsLittleEndianInBits) {
  std::vector<uint8_t> codes{1, 2, 3, 4, 5}, bytes(3);
  packRow(codes, 4, bytes);
  EXPECT_EQ(bytes, (std::vector<uint8_t>{0x21, 0x43, 0x05}));
  bytes.assign(2, 0);
  packRow(codes, 3, bytes);
  // 101 100 011 010 001 from high to low.
  EXPECT_EQ(bytes, (std::vector<uint8_t>{0xd1, 0x58}));
}

TEST(Packing, roundTripsEveryWidth) {
  std::mt19937 rng(3);
  for (unsigned bits = 1; bits <= 8; ++bits)
    for (size_t columns : {0, 1, 2, 3, 7, 8, 9, 31, 64, 65}) {
      const size_t rows = 3;
      std::vector<uint8_t> codes(rows * columns);
      for (uint8_t &code : codes)
        code = static_cast<uint8_t>(rng() & ((1u << bits) - 1));
      size_t rowBytes = packedRowBytes(columns, bits);
      EXPECT_EQ(rowBytes, (columns * bits + 7) / 8);
      std::vector<uint8_t> bytes(rows * rowBytes), back(codes.size());
      packRows(codes, rows, columns, bits, bytes);
      unpackRows(bytes, rows, columns, bits, back);
      EXPECT_EQ(back, codes);
      for (size_t i = 0; i < codes.size(); ++i)
        EXPECT_EQ(
            unpackOne(bytes.data() + i / columns * rowBytes, bits, i % columns),
            codes[i]);
    }
}

TEST(Packing, onlyTheLowBitsCount) {
  std::vector<uint8_t> codes{0xff, 0xfe}, bytes(1);
  packRow(codes, 4, bytes);
  EXPECT_EQ(bytes[0], 0xef);
  EXPECT_EQ(signExtend(0xf, 4), -1);
  EXPECT_EQ(signExtend(0x8, 4), -8);
  EXPECT_EQ(signExtend(0x7, 4), 7);
  EXPECT_EQ(signExtend(0xf9, 4), -7);
  EXPECT_EQ(signExtend(0x80, 8), -128);
}
