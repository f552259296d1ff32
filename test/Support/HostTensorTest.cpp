// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Shapes, sharing and conversions of host tensors.

#include "qc/Support/HostTensor.h"
#include "gtest/gtest.h"

using namespace qc;

TEST(HostTensor, CountsElements) {
  EXPECT_EQ(elementCount({2, 3}), 6);
  EXPECT_EQ(elementCount({}), 1);
  EXPECT_EQ(elementCount({4, 0, 5}), 0);
  EXPECT_EQ(elementCount({-1, 2}), std::nullopt);
  EXPECT_EQ(elementCount({int64_t(1) << 40, int64_t(1) << 40}), std::nullopt);
  // A zero does not hide a size that no tensor has.
  EXPECT_EQ(elementCount({0, int64_t(1) << 60}), std::nullopt);
}

TEST(HostTensor, StartsWithZeros) {
  HostTensor tensor(DType::I16, {2, 2});
  EXPECT_EQ(tensor.byteCount(), 8u);
  EXPECT_EQ(tensor.describe(), "2x2xi16");
  for (int16_t value : tensor.as<int16_t>())
    EXPECT_EQ(value, 0);
}

TEST(HostTensor, SharesUntilWritten) {
  HostTensor a = HostTensor::of<int32_t>(DType::I32, {2}, {1, 2});
  HostTensor b = a;
  EXPECT_EQ(a.bytes(), b.bytes());
  b.mutableData<int32_t>()[0] = 7;
  EXPECT_EQ(a.asInt(0), 1);
  EXPECT_EQ(b.asInt(0), 7);
  const char *own = b.bytes();
  b.mutableData<int32_t>()[1] = 8;
  EXPECT_EQ(b.bytes(), own);
}

TEST(HostTensor, CopiesWhatIsNotAligned) {
  alignas(8) char bytes[12] = {};
  bytes[1] = 5;
  HostTensor shifted = HostTensor::borrow(DType::I32, {1}, bytes + 1);
  EXPECT_EQ(shifted.asInt(0), 5);
  EXPECT_NE(shifted.bytes(), bytes + 1);
  HostTensor plain = HostTensor::borrow(DType::I32, {1}, bytes + 4);
  EXPECT_EQ(plain.bytes(), bytes + 4);
  // Borrowed bytes are never written to.
  plain.mutableData<int32_t>()[0] = 9;
  EXPECT_EQ(bytes[4], 0);
}

TEST(HostTensor, ConvertsToFloat) {
  HostTensor half = HostTensor::of<uint16_t>(DType::F16, {2}, {0x3c00, 0xc000});
  EXPECT_EQ(half.toF32().as<float>()[0], 1.0f);
  EXPECT_EQ(half.asDouble(1), -2.0);
  HostTensor brain = HostTensor::of<uint16_t>(DType::BF16, {1}, {0x3f80});
  EXPECT_EQ(brain.toF32().as<float>()[0], 1.0f);
  HostTensor large =
      HostTensor::of<uint64_t>(DType::U64, {1}, {0xffffffffffffffffu});
  EXPECT_EQ(large.toF32().as<float>()[0], 18446744073709551616.0f);
  HostTensor codes = HostTensor::of<int8_t>(DType::I8, {2}, {-128, 127});
  EXPECT_EQ(codes.toF32().as<float>()[0], -128.0f);
  EXPECT_EQ(codes.bitcast(DType::U8).asInt(0), 128);
}

TEST(HostTensor, ReshapesWithoutCopy) {
  HostTensor a = HostTensor::of<float>(DType::F32, {2, 2}, {1, 2, 3, 4});
  HostTensor b = a.reshaped({4});
  EXPECT_EQ(b.bytes(), a.bytes());
  EXPECT_EQ(b.rank(), 1);
}
