// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Metadata of each architecture, real files, and every way of being wrong.

#include "qc/Import/Llama/GGUFConfig.h"
#include "../../Support/TestFile.h"
#include "qc/Import/GGUF/Reader.h"

#include <cmath>
#include <cstdlib>

using namespace qc;
using namespace qc::gguf;
using namespace qc::llama;
using namespace qc::test;

namespace {
/// Metadata of a small model, to be changed.
class Model {
public:
  explicit Model(std::string architecture) : architecture(architecture) {
    file.path = "a.gguf";
    set("general.architecture", Value::text(architecture));
    for (auto [name, value] :
         {std::pair<const char *, uint32_t>{"context_length", 512},
          {"embedding_length", 64},
          {"block_count", 2},
          {"feed_forward_length", 172},
          {"attention.head_count", 8},
          {"attention.head_count_kv", 4},
          {"vocab_size", 100}})
      key(name, Value::u32(value));
    key("attention.layer_norm_rms_epsilon", Value::f32(0.5));
  }
  Model &key(std::string name, Value value) {
    return set(architecture + "." + name, std::move(value));
  }
  Model &set(std::string name, Value value) {
    auto [at, isNew] = file.keyIndex.try_emplace(name, file.metadata.size());
    if (isNew)
      file.metadata.push_back({name, std::move(value)});
    else
      file.metadata[at->second].value = std::move(value);
    return *this;
  }
  Model &tensor(std::string name, std::vector<int64_t> shape = {1}) {
    file.tensorIndex[name] = file.tensors.size();
    file.tensors.push_back({name, TensorType::F32, shape, 0, 4});
    return *this;
  }
  ModelConfig read() { return valueOf(readConfig(file)); }
  std::string fault() { return messageOf(readConfig(file)); }

  std::string architecture;
  File file;
};
} // namespace

TEST(GGUFConfig, ReadsRealModels) {
  const char *shared = std::getenv("QC_SHARED_DATA");
  if (!shared)
    GTEST_SKIP() << "no shared data";
  File file = valueOf(readFile(std::string(shared) +
                               "/data/stories260k-llama/stories260k.gguf"));
  ModelConfig config = valueOf(readConfig(file));
  EXPECT_EQ(config.family, "llama");
  EXPECT_EQ(config.headDim, 8);
  EXPECT_EQ(config.ropeLayout, RopeLayout::Interleaved);
  EXPECT_EQ(config.endIds, std::vector<int64_t>{2});
  std::vector<TensorSpec> specs = listTensors(config);
  EXPECT_EQ(specs.size(), file.tensors.size());
  for (const TensorSpec &spec : specs) {
    const Tensor *tensor = file.findTensor(spec.name);
    ASSERT_TRUE(tensor) << spec.name;
    EXPECT_EQ(tensor->shape, spec.shape) << spec.name;
  }
}

TEST(GGUFConfig, ReadsLlama) {
  ModelConfig config = Model("llama")
                           .key("rope.freq_base", Value::f32(500000))
                           .key("rope.dimension_count", Value::u32(8))
                           .tensor("output.weight")
                           .tensor("token_embd.weight", {300, 64})
                           .tensor("rope_freqs.weight", {4})
                           .read();
  EXPECT_EQ(config.naming, Naming::GGUF);
  EXPECT_EQ(config.vocab, 300);
  EXPECT_EQ(config.ropeTheta, 500000);
  EXPECT_EQ(config.rmsEps, 0.5);
  EXPECT_EQ(config.ropeScaling.kind, RopeScaling::Kind::Factors);
  EXPECT_FALSE(config.tiedEmbeddings);
  EXPECT_TRUE(hasTensor(config, TensorRole::RopeFactors));
  EXPECT_EQ(config.window, std::vector<int64_t>(2, 0));
  EXPECT_EQ(Model("llama")
                .key("attention.sliding_window", Value::u32(9))
                .read()
                .window,
            std::vector<int64_t>(2, 9));
}

TEST(GGUFConfig, ReadsScalings) {
  Model model("qwen2");
  model.key("rope.scaling.type", Value::text("yarn"))
      .key("rope.scaling.factor", Value::f32(4))
      .key("rope.scaling.original_context_length", Value::u32(128));
  RopeScaling scaling = model.read().ropeScaling;
  EXPECT_EQ(scaling.kind, RopeScaling::Kind::Yarn);
  EXPECT_EQ(scaling.originalContext, 128);
  EXPECT_DOUBLE_EQ(scaling.attentionFactor, 0.1 * std::log(4.0) + 1);
  scaling =
      Model("llama").key("rope.scale_linear", Value::f32(2)).read().ropeScaling;
  EXPECT_EQ(scaling.kind, RopeScaling::Kind::Linear);
  EXPECT_EQ(scaling.factor, 2);
}

TEST(GGUFConfig, ReadsQwen) {
  Model qwen2("qwen2");
  qwen2.tensor("blk.0.attn_q.bias");
  ModelConfig config = qwen2.read();
  EXPECT_TRUE(config.queryKeyValueBias);
  EXPECT_EQ(config.ropeLayout, RopeLayout::Halves);
  Model qwen3("qwen3");
  qwen3.key("attention.key_length", Value::u32(128))
      .key("attention.value_length", Value::u32(128));
  config = qwen3.read();
  EXPECT_TRUE(config.queryKeyNorm);
  EXPECT_FALSE(config.queryKeyValueBias);
  EXPECT_EQ(config.headDim, 128);
}

TEST(GGUFConfig, ReadsGemma2) {
  Model model("gemma2");
  ModelConfig config = model.read();
  EXPECT_EQ(config.window, (std::vector<int64_t>{4096, 0}));
  EXPECT_EQ(config.attentionSoftCap, 50);
  EXPECT_EQ(config.normOffset, 0);
  EXPECT_EQ(config.embeddingScale, 8);
  EXPECT_EQ(config.activation, Activation::GeluTanh);
  EXPECT_TRUE(config.tiedEmbeddings);
  EXPECT_EQ(config.attentionScale, 1 / std::sqrt(8.0));
  model.key("block_count", Value::u32(46))
      .key("attention.key_length", Value::u32(32))
      .key("attention.value_length", Value::u32(32));
  EXPECT_EQ(model.read().attentionScale, 1 / std::sqrt(8.0));
}

TEST(GGUFConfig, TakesAllEnds) {
  Model model("llama");
  model.set("tokenizer.ggml.bos_token_id", Value::u32(1))
      .set("tokenizer.ggml.eos_token_id", Value::u32(2))
      .set("tokenizer.ggml.eot_token_id", Value::u32(4))
      .set("tokenizer.ggml.tokens",
           Value::texts({"a", "<|im_end|>", "</s>", "<|im_end|>"}))
      .set("tokenizer.ggml.token_type",
           Value::numbers(ValueType::U8, std::string("\1\1\3\3", 4)));
  ModelConfig config = model.read();
  EXPECT_EQ(config.bosId, 1);
  EXPECT_EQ(config.endIds, (std::vector<int64_t>{2, 4, 3}));
}

TEST(GGUFConfig, RefusesUnknownArchitectures) {
  EXPECT_EQ(Model("bert").fault(),
            "a.gguf: key 'general.architecture': found the unknown 'bert', "
            "expected one of gemma2, llama, qwen2, qwen3");
  File empty;
  EXPECT_EQ(messageOf(readConfig(empty)),
            "key 'general.architecture': found no such key, expected one of "
            "gemma2, llama, qwen2, qwen3");
}

TEST(GGUFConfig, RefusesBadKeys) {
  struct {
    const char *name;
    Value value;
    const char *message;
  } rows[] = {
      {"block_count", Value::text("2"),
       "key 'llama.block_count': found the string '2', expected an integer of "
       "1 to 4096"},
      {"embedding_length", Value::u32(0), "found the u32 0, expected an"},
      {"attention.head_count", Value::u32(5),
       "heads: found 5 heads, expected a divisor of the 64 hidden elements"},
      {"attention.head_count_kv", Value::u32(3),
       "heads: found 3 key-value heads, expected a divisor of the 8 heads"},
      {"feed_forward_length",
       Value::numbers(ValueType::U8, std::string("\1\2", 2)),
       "key 'llama.feed_forward_length': found numbers that differ by layer or "
       "are out of bounds, expected equal ones of 1 to 1048576"},
      {"expert_count", Value::u32(8),
       "key 'llama.expert_count': found a model of experts, expected 0"},
      {"attention.value_length", Value::u32(4),
       "key 'llama.attention.value_length': found 4, expected 8, as of the"},
      {"rope.dimension_count", Value::u32(4),
       "key 'llama.rope.dimension_count': found 4, expected 8"},
      {"attention.layer_norm_rms_epsilon", Value::f32(NAN),
       "key 'llama.attention.layer_norm_rms_epsilon': found the f32 nan"},
      {"rope.freq_base", Value::f32(INFINITY), "found the f32 inf"},
      {"rope.scaling.type", Value::text("su"),
       "key 'llama.rope.scaling.type': found the unknown 'su', expected none, "
       "linear or yarn"},
      {"rope.scaling.type", Value::u32(1),
       "found the u32 1, expected a string"},
  };
  for (auto &row : rows) {
    std::string message = Model("llama").key(row.name, row.value).fault();
    EXPECT_NE(message.find(row.message), std::string::npos) << message;
  }
  EXPECT_NE(Model("llama")
                .key("rope.scaling.type", Value::text("linear"))
                .tensor("rope_freqs.weight")
                .fault()
                .find("found 'linear' beside rope_freqs.weight, expected none"),
            std::string::npos);
  EXPECT_NE(Model("llama")
                .set("tokenizer.ggml.eos_token_id", Value::u32(100))
                .fault()
                .find("found token 100, expected one below 100"),
            std::string::npos);
}
