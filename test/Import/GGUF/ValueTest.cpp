// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Values of all types, as numbers and as texts.

#include "qc/Import/GGUF/File.h"
#include "gtest/gtest.h"

using namespace qc::gguf;

TEST(Value, HoldsIntegers) {
  EXPECT_EQ(Value::scalar(ValueType::U8, 255).integer(), 255);
  EXPECT_EQ(Value::scalar(ValueType::I8, 255).integer(), -1);
  EXPECT_EQ(Value::scalar(ValueType::U16, 65535).integer(), 65535);
  EXPECT_EQ(Value::scalar(ValueType::I16, 65534).integer(), -2);
  EXPECT_EQ(Value::u32(4294967295).integer(), 4294967295);
  EXPECT_EQ(Value::scalar(ValueType::I32, 4294967293).integer(), -3);
  EXPECT_EQ(Value::scalar(ValueType::I64, uint64_t(-4)).integer(), -4);
  EXPECT_EQ(Value::scalar(ValueType::U64, 5).integer(), 5);
  EXPECT_FALSE(Value::scalar(ValueType::U64, uint64_t(-1)).integer());
  EXPECT_FALSE(Value::f32(1).integer());
  EXPECT_FALSE(Value::boolean(true).integer());
  EXPECT_FALSE(Value::text("1").integer());
  EXPECT_FALSE(Value::u32(1).integer(1));
}

TEST(Value, HoldsFloatsAndOthers) {
  EXPECT_EQ(Value::f32(0.5).number(), 0.5);
  EXPECT_EQ(Value::scalar(ValueType::F64, 0x3ff8000000000000).number(), 1.5);
  EXPECT_EQ(Value::u32(3).number(), 3);
  EXPECT_FALSE(Value::text("1").number());
  EXPECT_EQ(Value::boolean(true).boolean(), true);
  EXPECT_FALSE(Value::u32(1).boolean());
  EXPECT_EQ(Value::text("abc").text(), "abc");
  EXPECT_FALSE(Value::u32(1).text());
}

TEST(Value, HoldsArrays) {
  Value numbers =
      Value::numbers(ValueType::I16, std::string("\1\0\xff\xff", 4));
  EXPECT_EQ(numbers.size(), 2u);
  EXPECT_EQ(numbers.integer(0), 1);
  EXPECT_EQ(numbers.integer(1), -1);
  EXPECT_FALSE(numbers.integer(2));
  Value texts = Value::texts({"a", "b"});
  EXPECT_EQ(texts.text(1), "b");
  EXPECT_FALSE(texts.text(2));
  EXPECT_FALSE(texts.number(0));
  Value arrays = Value::arrays({numbers, texts});
  EXPECT_EQ(arrays.size(), 2u);
  EXPECT_EQ(arrays.arrays()[0].integer(1), -1);
  EXPECT_FALSE(arrays.integer(0));
}

TEST(Value, Describes) {
  EXPECT_EQ(Value::u32(3).describe(), "the u32 3");
  EXPECT_EQ(Value::f32(0.5).describe(), "the f32 0.500000");
  EXPECT_EQ(Value::boolean(false).describe(), "false");
  EXPECT_EQ(Value::text("x\n").describe(), "the string 'x?'");
  EXPECT_EQ(Value::texts({"a"}).describe(), "an array of 1 string");
  EXPECT_EQ(Value::scalar(ValueType::U64, uint64_t(-1)).describe(),
            "the u64 beyond 2^63");
}

TEST(TensorType, HasSizes) {
  EXPECT_EQ(byteSize(TensorType::F32, {2, 3}), 24u);
  EXPECT_EQ(byteSize(TensorType::Q4_0, {2, 64}), 72u);
  EXPECT_EQ(byteSize(TensorType::Q6_K, {256}), 210u);
  EXPECT_EQ(byteSize(TensorType::F16, {}), 2u);
  EXPECT_FALSE(byteSize(TensorType::Q4_0, {64, 2}));
  EXPECT_FALSE(byteSize(TensorType::F32, {1 << 30, 1 << 30}));
  EXPECT_FALSE(findBlock(static_cast<TensorType>(4)));
}
