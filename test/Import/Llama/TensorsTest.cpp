// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Names and shapes against the files of real models.

#include "../../Support/TestFile.h"
#include "qc/Import/Llama/ModelConfig.h"
#include "qc/Import/Safetensors/Reader.h"

#include <cstdlib>

using namespace qc;
using namespace qc::llama;
using namespace qc::test;

TEST(Tensors, AreThoseOfRealModels) {
  const char *shared = std::getenv("QC_SHARED_DATA");
  if (!shared)
    GTEST_SKIP() << "no shared data";
  for (const char *name : {"stories260k-llama", "gutenberg-llama-6m"}) {
    std::string folder = std::string(shared) + "/data/" + name;
    ModelConfig config = valueOf(readConfig(folder));
    safetensors::Table table = valueOf(safetensors::readFolder(folder));
    std::vector<TensorSpec> specs = listTensors(config);
    EXPECT_EQ(specs.size(), table.tensors.size()) << name;
    for (const TensorSpec &spec : specs) {
      const safetensors::Tensor *tensor = table.find(spec.name);
      ASSERT_TRUE(tensor) << spec.name;
      EXPECT_EQ(tensor->shape, spec.shape) << spec.name;
    }
  }
}

/// A config of one layer with everything that a model can have.
static ModelConfig fullConfig(const char *family) {
  ModelConfig config;
  config.family = family;
  config.hidden = 64;
  config.layers = 1;
  config.intermediate = 172;
  config.vocab = 512;
  config.heads = 4;
  config.kvHeads = 2;
  config.headDim = 32;
  config.queryKeyValueBias = config.outputBias = config.feedForwardBias = true;
  config.queryKeyNorm = config.postNorms = true;
  return config;
}

TEST(Tensors, DependOnTheConfig) {
  ModelConfig config = fullConfig("llama");
  EXPECT_EQ(listTensors(config).size(), 23u);
  config.tiedEmbeddings = true;
  config.queryKeyValueBias = config.feedForwardBias = false;
  EXPECT_EQ(listTensors(config).size(), 16u);
  config.outputBias = config.queryKeyNorm = config.postNorms = false;
  EXPECT_EQ(listTensors(config).size(), 11u);
  EXPECT_FALSE(hasTensor(config, TensorRole::Head));
}

TEST(Tensors, HaveShapes) {
  ModelConfig config = fullConfig("llama");
  auto shape = [&](TensorRole role) { return tensorShape(config, role); };
  using Shape = std::vector<int64_t>;
  EXPECT_EQ(shape(TensorRole::Embedding), (Shape{512, 64}));
  EXPECT_EQ(shape(TensorRole::Query), (Shape{128, 64}));
  EXPECT_EQ(shape(TensorRole::Value), (Shape{64, 64}));
  EXPECT_EQ(shape(TensorRole::AttentionOutput), (Shape{64, 128}));
  EXPECT_EQ(shape(TensorRole::Down), (Shape{64, 172}));
  EXPECT_EQ(shape(TensorRole::QueryBias), (Shape{128}));
  EXPECT_EQ(shape(TensorRole::KeyBias), (Shape{64}));
  EXPECT_EQ(shape(TensorRole::KeyNorm), (Shape{32}));
  EXPECT_EQ(shape(TensorRole::UpBias), (Shape{172}));
  EXPECT_EQ(shape(TensorRole::FinalNorm), (Shape{64}));
}

TEST(Tensors, HaveNamesOfTheirFamily) {
  ModelConfig llama = fullConfig("llama"), gemma = fullConfig("gemma2");
  llama.postNorms = false;
  EXPECT_EQ(tensorName(llama, TensorRole::FeedForwardNorm, 3),
            "model.layers.3.post_attention_layernorm.weight");
  EXPECT_EQ(tensorName(gemma, TensorRole::FeedForwardNorm, 3),
            "model.layers.3.pre_feedforward_layernorm.weight");
  EXPECT_EQ(tensorName(gemma, TensorRole::PostAttentionNorm, 3),
            "model.layers.3.post_attention_layernorm.weight");
  gemma.naming = llama.naming = Naming::GGUF;
  EXPECT_EQ(tensorName(gemma, TensorRole::FeedForwardNorm, 3),
            "blk.3.ffn_norm.weight");
  EXPECT_EQ(tensorName(llama, TensorRole::Query, 12), "blk.12.attn_q.weight");
  EXPECT_EQ(tensorName(llama, TensorRole::Head), "output.weight");
}
