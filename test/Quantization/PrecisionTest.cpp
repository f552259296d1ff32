//===- PrecisionTest.cpp - Names of precisions, choice by layer -----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "qc/Quantization/Precision.h"
#include "gtest/gtest.h"

using namespace qc::quantization;
using Activations = Precision::Activations;
using Weights = Precision::Weights;

static const FormatGroups formats = {{"nf4", 64}, {"e5m2", 0}};

static Precision parse(llvm::StringRef text) {
  llvm::Expected<Precision> precision = Precision::parse(text, formats);
  EXPECT_TRUE(bool(precision)) << text.str();
  return precision ? *precision : Precision();
}

TEST(Precision, Names) {
  EXPECT_TRUE(parse("keep").isFloat());
  EXPECT_TRUE(parse("fp32").isFloat());
  EXPECT_EQ(parse("fp16").weights, Weights::Float16);
  EXPECT_EQ(parse("w8a8").activations, Activations::Static);
  EXPECT_EQ(parse("int8").activations, Activations::Static);
  EXPECT_EQ(parse("w8a8-dynamic").activations, Activations::Dynamic);
  EXPECT_EQ(parse("w8").activations, Activations::Float);
  EXPECT_EQ(parse("w4-g128").group, 128);
  EXPECT_EQ(parse("int4").weightBits, 4u);
  EXPECT_EQ(parse("w4a8-g32").group, 32);
  EXPECT_EQ(parse("w2-g64").weightBits, 2u);
  EXPECT_EQ(parse("nf4").format, "nf4");
  EXPECT_EQ(parse("nf4").weights, Weights::Format);
  EXPECT_EQ(parse("e5m2").group, 0);
  EXPECT_EQ(parse("nf4").group, 64);
  EXPECT_EQ(parse("nf4-g32").group, 32);
  EXPECT_EQ(parse("nf4-a8").activations, Activations::Dynamic);
  EXPECT_EQ(parse("nf4-a8").activationBlock, 0);
  EXPECT_EQ(parse("nf4-g64-a8-g32").activationBlock, 32);
  EXPECT_EQ(parse("keep-a8-g32").weights, Weights::Keep);
  EXPECT_EQ(parse("keep-a8-g32").activationBlock, 32);
}

TEST(Precision, ZeroPointsMayBeAskedFor) {
  EXPECT_EQ(parse("w4-g64").symmetric, std::nullopt);
  EXPECT_EQ(parse("w4-g64-sym").symmetric, true);
  EXPECT_EQ(parse("w4-g64-sym").group, 64);
  EXPECT_EQ(parse("w4-sym").group, 0);
  EXPECT_EQ(parse("w8-g32-asym").symmetric, false);
  EXPECT_EQ(parse("w4a8-g32-sym").activationBits, 8u);
  EXPECT_TRUE(parse("w4-g64-sym/2:4").sparsity);
}

TEST(Precision, MayBePruned) {
  Precision precision = parse("w4-g64/2:4");
  EXPECT_EQ(precision.group, 64);
  EXPECT_EQ(precision.sparsity->text(), "2:4");
  EXPECT_FALSE(parse("w4-g64").sparsity);
  EXPECT_FALSE(parse("fp32/50%").isFloat());
  EXPECT_EQ(parse("fp16/16x1:50%").sparsity->blockRows, 16);
  EXPECT_EQ(parse("int8/50%").activations, Activations::Static);
  EXPECT_EQ(parse("nf4/4:8").format, "nf4");
  EXPECT_EQ(spellOut("int8/50%"), "w8a8/50%");
  EXPECT_EQ(spellOut("int4"), "w4-g128");
  EXPECT_EQ(spellOut("fp32/2:4"), "fp32/2:4");
}

static std::string messageOf(llvm::StringRef text) {
  auto precision = Precision::parse(text, formats);
  return precision ? "" : llvm::toString(precision.takeError());
}

TEST(Precision, Structures) {
  Precision precision = parse("w8a8/channels:30%/2:4");
  EXPECT_EQ(precision.channels, 3000);
  EXPECT_EQ(precision.weightBits, 8u);
  EXPECT_EQ(precision.sparsity->text(), "2:4");
  EXPECT_EQ(parse("fp32/heads:12.5%").heads, 1250);
  EXPECT_EQ(parse("fp32/layers:2").layers, 2);
  // The weights that stay are as they were.
  EXPECT_TRUE(parse("fp32/channels:30%").isFloat());
  EXPECT_TRUE(namesStructures("fp32/2:4/channels:30%"));
  EXPECT_TRUE(namesSparsity("fp32/2:4/channels:30%"));
  EXPECT_FALSE(namesSparsity("fp32/channels:30%"));
  EXPECT_FALSE(namesStructures("w8/16x1:50%"));
}

TEST(Precision, StructuresComeApart) {
  llvm::StringRef whole = "w4-g64/layers:1/2:4/channels:30%@gptq+mse";
  EXPECT_EQ(structuresOf(whole), "/layers:1/channels:30%");
  EXPECT_EQ(withoutStructures(whole), "w4-g64/2:4@gptq+mse");
  EXPECT_EQ(withStructures("w4-g64/2:4@gptq+mse", "/layers:1/channels:30%"),
            "w4-g64/layers:1/channels:30%/2:4@gptq+mse");
  EXPECT_EQ(withStructures("w8", "/layers:1/heads:25%", /*ofOneLayer=*/true),
            "w8/heads:25%");
  for (llvm::StringRef plain : {"fp32", "w8/50%", "w8@rtn", "q4_K-a8"}) {
    EXPECT_EQ(structuresOf(plain), "");
    EXPECT_EQ(withoutStructures(plain), plain);
    EXPECT_EQ(withStructures(plain, ""), plain);
  }
}

TEST(Precision, BadStructures) {
  EXPECT_EQ(messageOf("fp32/channels:0%"),
            "precision 'fp32/channels:0%': found channels '0%', expected a "
            "share above 0% and below 100%, such as channels:30%");
  for (llvm::StringRef text :
       {"fp32/channels:100%", "fp32/channels:", "fp32/channels:-3%",
        "fp32/channels:1e1%", "fp32/channels:30",
        "fp32/channels:30%/channels:30%", "fp32/rows:30%", "keep/heads:25%",
        "channels:30%"})
    EXPECT_NE(messageOf(text), "") << text.str();
}

TEST(Precision, BadSparsities) {
  EXPECT_EQ(messageOf("w4/5:4"),
            "precision 'w4/5:4': found sparsity '5:4', expected N:M that keeps "
            "N of M, 1 <= N < M <= 1024");
  EXPECT_EQ(messageOf("keep/50%"),
            "found precision 'keep/50%', expected one that is made for its "
            "zeros, such as fp32/50%");
  for (llvm::StringRef text : {"w8/", "/50%", "w8/100%", "w8/2:4/2:4", "w9/50%",
                               "2:4", "w8/0:4", "w8/8x:50%"})
    EXPECT_NE(messageOf(text), "") << text.str();
}

TEST(Precision, MayHaveAlgorithms) {
  EXPECT_EQ(parse("w4-g64@gptq+mse").algorithms, "gptq+mse");
  EXPECT_EQ(parse("w4-g64@gptq+mse").group, 64);
  EXPECT_EQ(parse("w4-g64").algorithms, "");
  EXPECT_EQ(parse("fp32/2:4@wanda").sparsity->text(), "2:4");
  EXPECT_EQ(spellOut("int4@gptq"), "w4-g128@gptq");
  EXPECT_EQ(baseOf("int8/50%@wanda"), "int8");
  EXPECT_EQ(splitAlgorithms("gptq+mse"),
            (std::vector<std::string>{"gptq", "mse"}));
  for (llvm::StringRef text : {"w4@", "w4@awq", "w4@gptq+nothing", "keep@gptq",
                               "fp32@gptq", "w4@gptq@mse", "@gptq"})
    EXPECT_NE(messageOf(text), "") << text.str();
}

TEST(Precision, BadNames) {
  for (llvm::StringRef text : {"",
                               "w",
                               "w9",
                               "w1",
                               "w8a7",
                               "w8a",
                               "w4-g0",
                               "w4-g",
                               "w8-dynamic",
                               "w8a8x",
                               "fp8",
                               "nf5",
                               "nf4x",
                               "nf4-g0",
                               "nf4-dynamic",
                               "nf4-sym",
                               "w4-sym-g64",
                               "w4-g64-sym-asym",
                               "w4-g64sym",
                               "nf4-a8-g64",
                               "nf4-a8-g320",
                               "keep-a8x",
                               "keep-a9",
                               "w4a8-g32-g32",
                               "w99999999999999999999"})
    EXPECT_FALSE(
        bool(llvm::expectedToOptional(Precision::parse(text, formats))))
        << text.str();
}

static std::string getError(llvm::StringRef layers, llvm::StringRef recipe) {
  auto choice =
      PrecisionChoice::create("w8a8", layers, recipe, "r.json", formats);
  return choice ? "" : llvm::toString(choice.takeError());
}

TEST(PrecisionChoice, LastMatchCounts) {
  auto choice = PrecisionChoice::create(
      "w8a8", "conv.*=w8;conv2=keep",
      R"({"schema": 1, "layers": [{"name": "fc", "precision": "nf4"}]})",
      "r.json", formats);
  ASSERT_TRUE(bool(choice)) << llvm::toString(choice.takeError());
  EXPECT_EQ(choice->get("conv1").activations, Activations::Float);
  EXPECT_TRUE(choice->get("conv2").isFloat());
  EXPECT_EQ(choice->get("fc").format, "nf4");
  EXPECT_EQ(choice->get("xconv1").activations, Activations::Static);
}

TEST(PrecisionChoice, RulesMayPrune) {
  auto choice = PrecisionChoice::create(
      "w8/50%", "a.*=w4-g64/2:4",
      R"({"schema": 1, "layers": [{"name": "b", "precision": "fp32/4:8"}]})",
      "r.json", formats);
  ASSERT_TRUE(bool(choice)) << llvm::toString(choice.takeError());
  EXPECT_EQ(choice->get("a1").sparsity->text(), "2:4");
  EXPECT_EQ(choice->get("b").sparsity->text(), "4:8");
  EXPECT_EQ(choice->get("c").sparsity->text(), "50%");
}

TEST(PrecisionChoice, RecipesHavePatterns) {
  auto choice =
      PrecisionChoice::create("w8a8", "conv3=nf4",
                              R"({"schema": 1, "precision": "fp32", "layers": [
           {"pattern": "conv.*", "precision": "w8"},
           {"name": "conv.*", "precision": "w4"},
           {"name": "conv2", "precision": "keep"}]})",
                              "r.json", formats);
  ASSERT_TRUE(bool(choice)) << llvm::toString(choice.takeError());
  EXPECT_EQ(choice->get("conv1").weightBits, 8u);
  EXPECT_EQ(choice->get("conv.*").weightBits, 4u);
  EXPECT_TRUE(choice->get("conv2").isFloat());
  EXPECT_EQ(choice->get("conv3").format, "nf4");
  EXPECT_TRUE(choice->get("fc").isFloat());
}

TEST(PrecisionChoice, RecipesKnowOpsAndPlaces) {
  auto choice =
      PrecisionChoice::create("fp32", "",
                              R"({"schema": 1, "precision": "w8a8", "layers": [
           {"op": "matmul", "precision": "w4"},
           {"op": "attention", "precision": "keep"},
           {"place": "first", "precision": "nf4"},
           {"place": "last", "precision": "w8"},
           {"pattern": "none.*", "precision": "w2", "optional": true}]})",
                              "r.json", formats);
  ASSERT_TRUE(bool(choice)) << llvm::toString(choice.takeError());
  choice->resolve({{"conv1", "conv"},
                   {"conv2", "conv"},
                   {"fc1", "matmul"},
                   {"fc2", "matmul"},
                   {"qk", "attention"}});
  EXPECT_EQ(choice->get("conv1").format, "nf4");
  EXPECT_EQ(choice->get("conv2").activations, Activations::Static);
  EXPECT_EQ(choice->get("fc1").weightBits, 4u);
  EXPECT_EQ(choice->get("fc2").weightBits, 8u);
  EXPECT_TRUE(choice->get("qk").isFloat());
  llvm::Error error =
      choice->checkPatterns({"conv1", "conv2", "fc1", "fc2", "qk"});
  EXPECT_FALSE(bool(error)) << llvm::toString(std::move(error));
  // A rule about an op that no layer has is wrong, like a name.
  choice->resolve({{"conv1", "conv"}});
  EXPECT_EQ(llvm::toString(choice->checkPatterns({"conv1"})),
            "found no layer that matches 'matmul', nearest are 'conv1'");
}

TEST(PrecisionChoice, RecipesHaveAlgorithms) {
  auto choice = PrecisionChoice::create("w8", "", R"({"schema": 1, "layers": [
    {"pattern": "a.*", "precision": "w4-g32", "algorithms": ["gptq", "mse"]},
    {"name": "b", "precision": "w4-g32@imatrix"}]})",
                                        "r.json", formats);
  ASSERT_TRUE(bool(choice)) << llvm::toString(choice.takeError());
  EXPECT_EQ(choice->get("a1").algorithms, "gptq+mse");
  EXPECT_EQ(choice->get("b").algorithms, "imatrix");
  EXPECT_EQ(choice->get("c").algorithms, "");
}

TEST(PrecisionChoice, PatternWithoutLayer) {
  auto choice = PrecisionChoice::create("w8a8", "convx=keep", "", "", formats);
  ASSERT_TRUE(bool(choice));
  llvm::Error error = choice->checkPatterns({"fc", "conv1", "relu"});
  EXPECT_EQ(llvm::toString(std::move(error)),
            "found no layer that matches 'convx', nearest are 'conv1', 'fc', "
            "'relu'");
}

TEST(PrecisionChoice, BadOptions) {
  EXPECT_NE(getError("conv", ""), "");
  EXPECT_NE(getError("conv(=w8", ""), "");
  EXPECT_NE(getError("=w8", ""), "");
  EXPECT_NE(getError("conv=w77", ""), "");
}

TEST(PrecisionChoice, BadRecipes) {
  for (llvm::StringRef text :
       {"{", "[]", "{}", R"({"schema": 2})", R"({"schema": 1, "layers": {}})",
        R"({"schema": 1, "layers": [1]})",
        R"({"schema": 1, "layers": [{"name": "a"}]})",
        R"({"schema": 1, "layers": [{"name": "a", "precision": "w"}]})",
        R"({"schema": 1, "layers": [{"precision": "w8"}]})",
        R"({"schema": 1, "layers": [{"op": "pool", "precision": "w8"}]})",
        R"({"schema": 1, "layers": [{"place": "third", "precision": "w8"}]})",
        R"({"schema": 1, "layers": [{"pattern": "(", "precision": "w8"}]})",
        R"({"schema": 1, "layers": [{"pattern": "a", "precision": "w"}]})",
        R"({"schema": 1,
            "layers": [{"name": "a", "pattern": "a", "precision": "w8"}]})",
        R"({"schema": 1, "layers": [{"name": "a", "precision": "w4",
            "algorithms": ["awq"]}]})",
        R"({"schema": 1, "precision": "w"})"})
    EXPECT_NE(getError("", text), "") << text.str();
}
