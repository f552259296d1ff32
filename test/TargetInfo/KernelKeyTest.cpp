//===- KernelKeyTest.cpp - Text of kernel keys ----------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "qc/TargetInfo/KernelKey.h"

#include <gtest/gtest.h>

using qc::KernelKey;

TEST(KernelKey, RoundTrips) {
  for (const char *text : {"contract:u8,i8,u8:residual,bias", "lookup:u8",
                           "unary:f32,f32:gelu", "observe:"}) {
    auto key = KernelKey::parse(text);
    ASSERT_TRUE(key) << text;
    EXPECT_EQ(key->text(), text);
  }
}

TEST(KernelKey, HasFlagsAndASymbol) {
  auto key = KernelKey::parse("contract:u8,i8,u8:bias,residual");
  ASSERT_TRUE(key);
  EXPECT_TRUE(key->has("bias"));
  EXPECT_FALSE(key->has("gelu"));
  EXPECT_EQ(key->symbol(), "contract_u8_i8_u8__bias_residual");
  EXPECT_EQ(KernelKey::parse("lookup:u8")->symbol(), "lookup_u8");
}

TEST(KernelKey, RefusesOddText) {
  for (const char *text : {"", "contract", ":u8", "a:b:", "a:b:c,", "a:,b",
                           "a b:c", "a:b:c:d", "a:b-c"})
    EXPECT_FALSE(KernelKey::parse(text)) << text;
}
