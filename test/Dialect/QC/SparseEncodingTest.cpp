//===- SparseEncodingTest.cpp - From a sparsity to an encoding ------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "qc/Dialect/QC/IR/QCDialect.h"
#include "qc/Dialect/QC/IR/QCSparse.h"

#include <gtest/gtest.h>

using namespace mlir;
using namespace mlir::qc;

namespace {
struct SparseEncoding : testing::Test {
  SparseEncoding() {
    context.loadDialect<QCDialect>();
    channels = AffineAttr::getPerChannel(&context, 8, 2, 1);
  }

  std::string text(Attribute attribute) {
    std::string out;
    llvm::raw_string_ostream(out) << attribute;
    return out;
  }

  MLIRContext context;
  const std::string inner = "#qc.affine<i8, group = [-1, 1], symmetric>";
  Attribute channels;
};
} // namespace

TEST_F(SparseEncoding, Forms) {
  EXPECT_EQ(text(sparseEncoding(channels, {64, 40}, 0, {.keep = 2, .of = 4})),
            "#qc.sparse<" + inner + ", keep = 2, of = 4, axis = 0>");
  // Zeros are counted down for each output: 6 of 65 inputs.
  EXPECT_EQ(text(sparseEncoding(channels, {65, 40}, 0, {.zeros = 0.1})),
            "#qc.sparse<" + inner + ", kept = 2360>");
  // 3 blocks of columns with 32 of 65 rows each.
  EXPECT_EQ(text(sparseEncoding(channels, {65, 40}, 0,
                                {.zeros = 0.5, .blockOutputs = 16})),
            "#qc.sparse<" + inner + ", block = [1, 16], kept = 99>");
}

TEST_F(SparseEncoding, WhatNoFormSuits) {
  Attribute filter = AffineAttr::getPerChannel(&context, 8, 4, 3);
  EXPECT_EQ(sparseEncoding(filter, {3, 3, 16, 8}, 2,
                           {.zeros = 0.5, .blockOutputs = 4}),
            filter);
  Attribute signs = CodebookAttr::get(
      &context, DenseF32ArrayAttr::get(&context, {-1, 1}), {64, 1}, Type(), 0);
  EXPECT_EQ(sparseEncoding(signs, {64, 8}, 0, {.keep = 2, .of = 4}), signs);
  EXPECT_EQ(sparseEncoding(Attribute(), {64, 8}, 0, {}), Attribute());
}

TEST_F(SparseEncoding, Bits) {
  auto bits = [&](const Sparsity &sparsity) {
    return cast<EncodingAttrInterface>(
               sparseEncoding(channels, {1024, 1024}, 0, sparsity))
        .getBitsPerWeight({1024, 1024});
  };
  double scales = 32.0 / 1024;
  EXPECT_EQ(bits({.keep = 2, .of = 4}), 5 + scales);
  EXPECT_EQ(bits({.keep = 1, .of = 4}), 2.5 + scales);
  EXPECT_EQ(bits({.zeros = 0.75}), 3 + scales);
  EXPECT_NEAR(bits({.zeros = 0.5, .blockOutputs = 16}), 4.5 + scales, 0.01);
}
