//===- OneDNNTest.cpp - oneDNN beside the generated kernels ---------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The provider and our epilogue on the problems that contract is tested with:
// odd sizes, tails, groups, strides, dilations. Integers are equal bit for bit;
// float sums lie within the tolerance of ContractReference.
//
//===----------------------------------------------------------------------===//

#include "ContractReference.h"
#include "qc/Runtime/Provider.h"
#include "qc/TargetInfo/KernelSlots.h"

#include <gtest/gtest.h>

using namespace qc;
using namespace qc::test;

qc_rt_onednn_layer ContractProblem::oneDNNLayer() const {
  const ContractCase &s = shape;
  qc_rt_onednn_layer layer = {};
  layer.batch = s.batch;
  layer.in_rows = s.height;
  layer.in_columns = s.width;
  layer.channels = s.c;
  layer.rows = s.rows();
  layer.columns = s.columns();
  layer.filters = s.n;
  layer.groups = s.groups;
  layer.kernel_h = s.kernelH;
  layer.kernel_w = s.kernelW;
  layer.stride_h = layer.stride_w = s.stride;
  layer.dilation_h = layer.dilation_w = s.dilation;
  layer.bias = -1;
  layer.integer = integerX;
  return layer;
}

bool ContractProblem::oneDNNRefuses() const {
  qc_rt_onednn_layer layer = oneDNNLayer();
  std::vector<int8_t> narrow(w.begin(), w.end());
  char name[128];
  int32_t status = qc_rt_provider_probe(&layer, 1, name, sizeof name);
  EXPECT_EQ(status != 0, std::string(name).find("ref") != std::string::npos)
      << name;
  return status ||
         !qc_rt_provider_exact(
             &layer, reinterpret_cast<const unsigned char *>(narrow.data()));
}

std::string ContractProblem::runOneDNN(KernelFunction epilogue) {
  qc_rt_onednn_layer layer = oneDNNLayer();
  std::vector<int8_t> narrow(w.begin(), w.end());
  // Weights, then the bias of a float layer, as in a weights file.
  std::vector<char> file(integerX ? narrow.size() : 4 * wf.size());
  std::memcpy(file.data(), integerX ? (const void *)narrow.data() : wf.data(),
              file.size());
  if (!integerX && key.has("bias")) {
    layer.bias = int64_t(file.size());
    const char *bias = biasBytes->as<char>();
    file.insert(file.end(), bias, bias + 4 * totalN);
  }
  qc_rt_net net = {};
  net.onednn_layers = &layer;
  net.n_onednn_layers = 1;
  qc_rt_provider *provider = nullptr;
  qc_rt_provider_state *state = nullptr;
  auto *weights = reinterpret_cast<const unsigned char *>(file.data());
  if (qc_rt_provider_open(&net, weights, 1, &provider))
    return "the provider does not open";
  int32_t status = qc_rt_provider_start(provider, &state);
  GuardedBytes sums(shape.m() * totalN * 4);
  Slots first(slots::onednn::Count);
  first.set(slots::onednn::X, xBytes->as<void>());
  first.set(slots::onednn::Y, sums.as<void>());
  if (!status)
    status = qc_rt_provider_run(state, first.data());
  qc_rt_provider_stop(state);
  qc_rt_provider_close(provider);
  if (status)
    return "the provider does not run";
  Slots second = slots();
  second.set(slots::contract::X, sums.as<void>());
  second.set(slots::contract::MChunk, 5);
  runParts(epilogue, second, (shape.m() + 4) / 5);
  return "";
}

namespace {
class OneDNN : public testing::Test {
protected:
  void SetUp() override {
#ifndef QC_ONEDNN_FOLDER
    GTEST_SKIP() << "built without oneDNN";
#endif
    best = hostLevels().back();
  }

  /// Both ways on the same operands, each against plain loops. Without VNNI
  /// only weights of 7 bits have exact sums in oneDNN.
  void check(const std::string &text, ContractCase shape, uint32_t seed) {
    if (best.dot != DotUnit::VpDpBusd)
      shape.largestWeight = 64;
    auto key = *KernelKey::parse("contract:" + text);
    auto rest = *KernelKey::parse("epilogue:" + text);
    if (key.types[0] == "f32")
      std::erase(rest.flags, "bias");
    KernelFunction whole = compileKernel(key, best);
    KernelFunction epilogue = compileKernel(rest, best);
    ASSERT_TRUE(whole && epilogue) << text;
    ContractProblem ours(key, shape, seed), theirs(key, shape, seed);
    ours.run(whole);
    ASSERT_EQ(ours.compare(), "") << text << " " << shape.text();
    std::string failure = theirs.runOneDNN(epilogue);
    if (theirs.oneDNNRefuses()) {
      ASSERT_EQ(failure, "the provider does not open");
      ++refused;
      return;
    }
    ASSERT_EQ(failure, "") << text << " " << shape.text();
    ASSERT_EQ(theirs.compare(), "") << text << " " << shape.text();
    ++equal;
  }

  CpuLevel best;
  /// Cases that oneDNN computed, and those it has no fast or exact code for.
  int equal = 0, refused = 0;
};
} // namespace

TEST_F(OneDNN, Products) {
  uint32_t seed = 1;
  for (int64_t m : {1, 2, 7, 33})
    for (int64_t n : {1, 15, 16, 67})
      for (int64_t k : {1, 3, 64, 129}) {
        check("u8,i8,u8:bias", ContractCase::matrix(m, n, k).turned(), ++seed);
        check("f32,f32,f32:bias", ContractCase::matrix(m, n, k).turned(),
              ++seed);
      }
  EXPECT_EQ(refused, 0);
}

TEST_F(OneDNN, Convolutions) {
  const ContractCase cases[] = {
      ContractCase::convolution(1, 7, 7, 8, 12, 3, 1, 1, 1),
      ContractCase::convolution(2, 9, 8, 3, 40, 3, 2, 1, 1),
      ContractCase::convolution(1, 11, 6, 1, 17, 5, 1, 1, 1),
      ContractCase::convolution(1, 9, 9, 5, 20, 3, 1, 2, 1),
      ContractCase::convolution(1, 6, 6, 4, 6, 3, 1, 1, 4),
      ContractCase::convolution(3, 5, 5, 7, 33, 1, 2, 1, 3),
      ContractCase::convolution(1, 16, 16, 3, 16, 7, 2, 1, 1),
      ContractCase::convolution(2, 12, 9, 64, 32, 1, 1, 1, 1),
      // Of ResNet-20.
      ContractCase::convolution(1, 32, 32, 3, 16, 3, 1, 1, 1),
      ContractCase::convolution(1, 32, 32, 16, 16, 3, 1, 1, 1),
      ContractCase::convolution(1, 32, 32, 16, 32, 3, 2, 1, 1),
      ContractCase::convolution(1, 16, 16, 32, 32, 3, 1, 1, 1),
      ContractCase::convolution(1, 16, 16, 32, 64, 3, 2, 1, 1),
      ContractCase::convolution(1, 8, 8, 64, 64, 3, 1, 1, 1),
      ContractCase::convolution(1, 13, 13, 16, 24, 3, 2, 3, 2),
      // One filter a channel.
      ContractCase::convolution(1, 9, 9, 1, 1, 3, 1, 1, 37),
      ContractCase::convolution(2, 10, 7, 1, 1, 5, 2, 1, 16),
  };
  uint32_t seed = 1;
  for (const ContractCase &shape : cases) {
    check("u8,i8,u8:bias", shape, ++seed);
    check("f32,f32,f32:bias", shape, ++seed);
  }
  EXPECT_GE(equal, 12);
}

/// Sums beyond 2^24, which oneDNN may take through float32, are refused; those
/// below are exact.
TEST_F(OneDNN, LargeSumsAreRefused) {
  check("u8,i8,i32", ContractCase::matrix(3, 35, 9001).turned(), 1);
  check("u8,i8,i32", ContractCase::convolution(1, 5, 5, 1024, 9, 3, 1, 1, 1),
        2);
  EXPECT_EQ(refused, 2);
  check("u8,i8,i32", ContractCase::matrix(3, 35, 501).turned(), 3);
  check("u8,i8,i32", ContractCase::convolution(1, 5, 5, 60, 9, 3, 1, 1, 1), 4);
  EXPECT_EQ(equal, 2);
}

TEST_F(OneDNN, Epilogues) {
  for (const char *text :
       {"u8,i8,u8", "u8,i8,i8:bias,residual", "u8,i8,i32:bias", "u8,i8,f32",
        "u8,i8,f32:bias,clamp", "u8,i8,u8:bias,residual_f32",
        "u8,i8,f32:bias,residual_u8", "u8,i8,u8:bias,gelu",
        "u8,i8,f32:bias,row_scale,correction", "f32,f32,f32",
        "f32,f32,f32:bias,residual,clamp", "f32,f32,f32:bias,gelu",
        "f32,f32,i8:bias"})
    check(text, ContractCase::convolution(1, 9, 9, 24, 131, 3, 2, 1, 1), 7);
}

/// Groups of few channels have a naive loop alone, on the CPUs known so far.
TEST_F(OneDNN, RefusesReferences) {
  check("u8,i8,u8", ContractCase::convolution(1, 9, 9, 4, 1, 3, 1, 1, 5), 1);
  if (equal)
    GTEST_SKIP() << "oneDNN has fast code for groups of four channels here";
  EXPECT_EQ(refused, 1);
}
