//===- MixtureTest.cpp - Formats by what a matrix does --------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "qc/Quantization/Mixture.h"
#include "qc/Quantization/Precision.h"
#include "llvm/ADT/STLExtras.h"

#include <gtest/gtest.h>

using namespace qc::quantization;
using llvm::StringRef;

/// The matrices of a model by its names in GGUF, the head last.
static std::vector<MixtureMatrix> model(int64_t layers, bool hasHead = true,
                                        int64_t keys = 4096,
                                        int64_t inner = 11008) {
  std::vector<MixtureMatrix> result = {{"token_embd", 4096, 32000}};
  for (int64_t i = 0; i < layers; ++i) {
    std::string block = "blk." + std::to_string(i) + ".";
    result.push_back({block + "attn_q", 4096, 4096});
    result.push_back({block + "attn_k", 4096, keys});
    result.push_back({block + "attn_v", 4096, keys});
    result.push_back({block + "attn_output", 4096, 4096});
    result.push_back({block + "ffn_gate", 4096, inner});
    result.push_back({block + "ffn_up", 4096, inner});
    result.push_back({block + "ffn_down", inner, 4096});
  }
  if (hasHead)
    result.push_back({"output", 4096, 32000});
  return result;
}

/// The layers of `part` that have `precision`.
static std::vector<int64_t> layersWith(StringRef mixture,
                                       const std::vector<MixtureMatrix> &model,
                                       StringRef part, StringRef precision) {
  auto precisions = llvm::cantFail(mixPrecisions(*findMixture(mixture), model));
  std::vector<int64_t> layers;
  int64_t layer = 0;
  for (auto [matrix, found] : llvm::zip_equal(model, precisions))
    if (StringRef(matrix.name).rsplit('.').second == part) {
      if (found == precision)
        layers.push_back(layer);
      ++layer;
    }
  return layers;
}

static StringRef precisionOf(StringRef mixture,
                             const std::vector<MixtureMatrix> &model,
                             StringRef name) {
  auto precisions = llvm::cantFail(mixPrecisions(*findMixture(mixture), model));
  for (auto [matrix, found] : llvm::zip_equal(model, precisions))
    if (matrix.name == name)
      return found;
  return "";
}

TEST(MixtureTest, SomeLayersGetMoreBits) {
  std::vector<int64_t> half = {0,  1,  2,  3,  6,  9,  12, 15,
                               18, 21, 24, 27, 28, 29, 30, 31};
  for (StringRef part : {"attn_v", "ffn_down"}) {
    EXPECT_EQ(layersWith("Q4_K_M", model(32), part, "q6_K"), half);
    EXPECT_EQ(layersWith("Q5_K_M", model(32), part, "q6_K"), half);
    EXPECT_EQ(layersWith("Q4_K_M", model(32), part, "q4_K").size(), 16u);
  }
  using Layers = std::vector<int64_t>;
  EXPECT_EQ(layersWith("Q4_K_S", model(32), "attn_v", "q5_K"),
            (Layers{0, 1, 2, 3}));
  EXPECT_EQ(layersWith("Q4_K_S", model(40), "ffn_down", "q5_K"),
            (Layers{0, 1, 2, 3, 4}));
  EXPECT_EQ(layersWith("Q3_K_M", model(32), "ffn_down", "q5_K"),
            (Layers{0, 1}));
  EXPECT_EQ(layersWith("Q3_K_M", model(32), "attn_v", "q4_K").size(), 30u);
  EXPECT_EQ(layersWith("Q2_K", model(32), "attn_output", "q3_K").size(), 32u);
}

TEST(MixtureTest, FewHeadsOfKeys) {
  EXPECT_EQ(precisionOf("Q2_K", model(2), "blk.0.attn_v"), "q3_K");
  EXPECT_EQ(precisionOf("Q2_K", model(2, true, 1024), "blk.0.attn_v"), "q4_K");
  EXPECT_EQ(precisionOf("IQ4_XS", model(2, true, 1024), "blk.1.attn_v"),
            "q5_K");
  // 70B
  EXPECT_EQ(precisionOf("Q3_K_S", model(80, true, 512), "blk.9.attn_v"),
            "q5_K");
  EXPECT_EQ(precisionOf("Q3_K_S", model(80), "blk.9.attn_v"), "q3_K");
}

TEST(MixtureTest, HeadAndEmbedding) {
  EXPECT_EQ(precisionOf("Q4_K_M", model(1), "output"), "q6_K");
  EXPECT_EQ(precisionOf("Q4_K_M", model(1), "token_embd"), "q4_K");
  EXPECT_EQ(precisionOf("Q4_K_M", model(1, false), "token_embd"), "q6_K");
  EXPECT_EQ(precisionOf("Q8_0", model(1), "output"), "q8_0");
  EXPECT_EQ(precisionOf("TQ2_0", model(1), "token_embd"), "q4_K");
  EXPECT_EQ(precisionOf("F16", model(1), "output"), "fp16");
}

TEST(MixtureTest, RowsThatAreNoWholeBlocks) {
  auto narrow = [](StringRef mixture, int64_t inner) {
    return precisionOf(mixture, model(1, true, 4096, inner), "blk.0.ffn_down");
  };
  // One layer is among those with more bits.
  EXPECT_EQ(narrow("Q4_K_M", 704), "q8_0");
  EXPECT_EQ(narrow("Q4_K_S", 704), "q5_0");
  EXPECT_EQ(narrow("Q5_K_S", 704), "q5_1");
  EXPECT_EQ(narrow("Q3_K_S", 704), "q4_0");
  EXPECT_EQ(narrow("IQ4_XS", 704), "iq4_nl");
  EXPECT_EQ(narrow("TQ1_0", 704), "q4_0");
  EXPECT_EQ(narrow("Q4_K_M", 172), "fp16");
}

TEST(MixtureTest, Names) {
  EXPECT_EQ(findMixture("q4_k_m")->name, "Q4_K_M");
  EXPECT_EQ(findMixture("q4_K_X"), nullptr);
  MixtureMatrix other{"conv1", 16, 16};
  EXPECT_EQ(
      llvm::toString(mixPrecisions(*findMixture("Q4_K_M"), other).takeError()),
      "found the mixture Q4_K_M for layer 'conv1', expected a language "
      "model of layers that it knows");
}

TEST(MixtureTest, IsUnderAllRules) {
  FormatGroups formats = {
      {"q4_0", 32}, {"q4_K", 256}, {"q6_K", 256}, {"q8_0", 32}};
  auto choice = llvm::cantFail(
      PrecisionChoice::create("q4_K_M", "blk\\..*=q8_0", "", "", formats));
  ASSERT_TRUE(choice.isMixture());
  llvm::cantFail(choice.mix(model(1)));
  EXPECT_EQ(choice.get("output").format, "q6_K");
  EXPECT_EQ(choice.get("token_embd").format, "q4_K");
  EXPECT_EQ(choice.get("blk.0.attn_q").format, "q8_0");
  // The format of that name is no mixture; in upper case it is one.
  EXPECT_FALSE(
      llvm::cantFail(PrecisionChoice::create("q4_0", "", "", "", formats))
          .isMixture());
  EXPECT_TRUE(
      llvm::cantFail(PrecisionChoice::create("Q4_0", "", "", "", formats))
          .isMixture());
  // A recipe may name one.
  EXPECT_TRUE(
      llvm::cantFail(PrecisionChoice::create(
                         "fp32", "", R"({"schema": 1, "precision": "Q4_K_M"})",
                         "recipe.json", formats))
          .isMixture());
}
