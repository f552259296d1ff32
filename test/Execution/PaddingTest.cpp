//===- PaddingTest.cpp - Positions that a mask hides ----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "qc/Execution/Padding.h"
#include "gtest/gtest.h"

using namespace qc;

static NetPort portOf(llvm::StringRef name, DType type,
                      std::vector<std::string> symbols, int64_t least = 1) {
  NetPort port;
  port.name = name.str();
  port.type = type;
  port.min.assign(symbols.size(), 1);
  port.max.assign(symbols.size(), 8);
  port.min.back() = least;
  port.symbols = std::move(symbols);
  return port;
}

static HostTensor integers(llvm::ArrayRef<int64_t> shape,
                           llvm::ArrayRef<int64_t> values) {
  return HostTensor::of(DType::I64, shape, values);
}

static llvm::SmallVector<int64_t> valuesOf(const HostTensor &tensor) {
  return llvm::SmallVector<int64_t>(tensor.as<int64_t>());
}

static const std::vector<NetPort> sentences = {
    portOf("input_ids", DType::I64, {"batch", "seq"}),
    portOf("attention_mask", DType::I64, {"batch", "seq"})};

TEST(Padding, IsCutWhereAllRowsHaveIt) {
  std::vector<HostTensor> sample = {integers({2, 4}, {1, 2, 3, 4, 5, 6, 7, 8}),
                                    integers({2, 4}, {1, 1, 1, 0, 1, 0, 0, 0})};
  dropPadding(sentences, sample);
  EXPECT_EQ(valuesOf(sample[0]),
            (llvm::SmallVector<int64_t>{1, 2, 3, 5, 6, 7}));
  EXPECT_EQ(valuesOf(sample[1]),
            (llvm::SmallVector<int64_t>{1, 1, 1, 1, 0, 0}));
  EXPECT_EQ(sample[0].shape(), (llvm::ArrayRef<int64_t>{2, 3}));
}

TEST(Padding, IsCutFromEveryAxisOfTheName) {
  std::vector<NetPort> ports = {
      portOf("attention_mask", DType::I64, {"batch", "seq"}),
      portOf("bias", DType::I64, {"seq", "seq"}),
      portOf("position", DType::I64, {"place"})};
  std::vector<HostTensor> sample = {
      integers({1, 3}, {1, 1, 0}),
      integers({3, 3}, {1, 2, 3, 4, 5, 6, 7, 8, 9}), integers({3}, {0, 1, 2})};
  dropPadding(ports, sample);
  EXPECT_EQ(valuesOf(sample[1]), (llvm::SmallVector<int64_t>{1, 2, 4, 5}));
  EXPECT_EQ(sample[2].dim(0), 3);
}

TEST(Padding, StaysInFrontOfTheFirstToken) {
  std::vector<HostTensor> sample = {integers({1, 3}, {1, 2, 3}),
                                    integers({1, 3}, {0, 1, 1})};
  dropPadding(sentences, sample);
  EXPECT_EQ(sample[0].dim(1), 3);
}

TEST(Padding, LeavesThePortsLeast) {
  std::vector<NetPort> ports = sentences;
  ports[0].min[1] = ports[1].min[1] = 3;
  std::vector<HostTensor> sample = {integers({1, 4}, {1, 2, 3, 4}),
                                    integers({1, 4}, {1, 0, 0, 0})};
  dropPadding(ports, sample);
  EXPECT_EQ(sample[0].dim(1), 3);
}

TEST(Padding, StaysWhereNothingIsSeenOrTheSizeIsFixed) {
  std::vector<HostTensor> hidden = {integers({1, 2}, {1, 2}),
                                    integers({1, 2}, {0, 0})};
  dropPadding(sentences, hidden);
  EXPECT_EQ(hidden[0].dim(1), 2);
  std::vector<NetPort> fixed = {
      portOf("input_ids", DType::I64, {"batch", ""}),
      portOf("attention_mask", DType::I64, {"batch", ""})};
  std::vector<HostTensor> sample = {integers({1, 2}, {1, 2}),
                                    integers({1, 2}, {1, 0})};
  dropPadding(fixed, sample);
  EXPECT_EQ(sample[0].dim(1), 2);
}

TEST(Padding, IsThatOfBertsOwnName) {
  std::vector<NetPort> ports = {
      portOf("input_ids:0", DType::I64, {"batch", "seq"}),
      portOf("input_mask:0", DType::I64, {"batch", "seq"})};
  std::vector<HostTensor> sample = {integers({1, 3}, {1, 2, 3}),
                                    integers({1, 3}, {1, 1, 0})};
  dropPadding(ports, sample);
  EXPECT_EQ(valuesOf(sample[0]), (llvm::SmallVector<int64_t>{1, 2}));
}
