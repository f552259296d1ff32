// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What each family's config.json means, and every way in which one is wrong.
// The sizes are those of published models.

#include "../../Support/TestFile.h"
#include "qc/Import/Llama/ModelConfig.h"

#include <cmath>
#include <cstdlib>

using namespace qc;
using namespace qc::llama;
using namespace qc::test;

static constexpr const char *llamaSizes = R"("hidden_size": 4096,
  "num_hidden_layers": 4, "intermediate_size": 14336, "vocab_size": 128256,
  "num_attention_heads": 32, "num_key_value_heads": 8, "rms_norm_eps": 1e-5,
  "max_position_embeddings": 131072, "hidden_act": "silu")";

/// A config of the sizes above.
static std::string textOf(std::string family, std::string rest = "") {
  return "{\"model_type\": \"" + family + "\", " + llamaSizes +
         (rest.empty() ? "" : ", ") + rest + "}";
}

static ModelConfig parse(std::string text, std::string generation = "") {
  return valueOf(parseConfig(text, generation, "m/config.json"));
}

TEST(Config, ReadsRealModels) {
  const char *shared = std::getenv("QC_SHARED_DATA");
  if (!shared)
    GTEST_SKIP() << "no shared data";
  ModelConfig config =
      valueOf(readConfig(std::string(shared) + "/data/stories260k-llama"));
  EXPECT_EQ(config.family, "llama");
  EXPECT_EQ(config.layers, 5);
  EXPECT_EQ(config.kvHeads, 4);
  EXPECT_EQ(config.headDim, 8);
  EXPECT_EQ(config.intermediate, 172);
  EXPECT_EQ(config.rmsEps, 1e-5);
  EXPECT_TRUE(config.tiedEmbeddings);
  EXPECT_EQ(config.bosId, 1);
  EXPECT_EQ(config.endIds, std::vector<int64_t>{2});
  EXPECT_EQ(config.window, std::vector<int64_t>(5, 0));
  EXPECT_NE(
      messageOf(readConfig(std::string(shared) + "/data/minilm-l6-v2"))
          .find("key 'model_type': found the unknown 'bert', expected one of "
                "gemma2, llama, mistral, qwen2, qwen3"),
      std::string::npos);
}

TEST(Config, ReadsLlama3) {
  ModelConfig config = parse(textOf("llama", R"("rope_theta": 500000.0,
    "rope_scaling": {"rope_type": "llama3", "factor": 8.0,
      "low_freq_factor": 1.0, "high_freq_factor": 4.0,
      "original_max_position_embeddings": 8192},
    "tie_word_embeddings": false, "attention_bias": false, "mlp_bias": true,
    "bos_token_id": 128000, "eos_token_id": [128001, 128009, 128001])"));
  EXPECT_EQ(config.headDim, 128);
  EXPECT_EQ(config.attentionScale, 1 / std::sqrt(128.0));
  EXPECT_EQ(config.ropeTheta, 500000);
  EXPECT_EQ(config.ropeScaling.kind, RopeScaling::Kind::Llama3);
  EXPECT_EQ(config.ropeScaling.factor, 8);
  EXPECT_EQ(config.ropeScaling.highFreqFactor, 4);
  EXPECT_EQ(config.ropeScaling.originalContext, 8192);
  EXPECT_FALSE(config.queryKeyValueBias);
  EXPECT_TRUE(config.feedForwardBias);
  EXPECT_EQ(config.endIds, (std::vector<int64_t>{128001, 128009}));
  EXPECT_EQ(config.ropeLayout, RopeLayout::Halves);
}

TEST(Config, ReadsOtherScalings) {
  auto scaling = [](std::string rest) {
    return parse(textOf("llama", rest)).ropeScaling;
  };
  using Kind = RopeScaling::Kind;
  RopeScaling linear = scaling(R"("rope_scaling": {"type": "linear",
                                                   "factor": 2})");
  EXPECT_EQ(linear.kind, Kind::Linear);
  EXPECT_EQ(linear.factor, 2);
  RopeScaling dynamic = scaling(R"("rope_scaling": {"rope_type": "dynamic",
                                                    "factor": 3.5})");
  EXPECT_EQ(dynamic.kind, Kind::Dynamic);
  EXPECT_EQ(dynamic.originalContext, 131072);
  RopeScaling yarn = scaling(R"("rope_scaling": {"rope_type": "yarn",
    "factor": 4.0, "original_max_position_embeddings": 32768})");
  EXPECT_EQ(yarn.kind, Kind::Yarn);
  EXPECT_DOUBLE_EQ(yarn.attentionFactor, 0.1 * std::log(4.0) + 1);
  EXPECT_EQ(yarn.betaFast, 32);
  EXPECT_EQ(scaling(R"("rope_scaling": null)").kind, Kind::None);
  ModelConfig newer = parse(textOf("llama", R"("rope_parameters":
    {"rope_type": "linear", "factor": 2, "rope_theta": 5e5})"));
  EXPECT_EQ(newer.ropeScaling.kind, Kind::Linear);
  EXPECT_EQ(newer.ropeTheta, 500000);
}

TEST(Config, ReadsMistral) {
  EXPECT_EQ(parse(textOf("mistral")).window, std::vector<int64_t>(4, 4096));
  EXPECT_EQ(parse(textOf("mistral", "\"sliding_window\": null")).window,
            std::vector<int64_t>(4, 0));
  EXPECT_EQ(parse(textOf("mistral", "\"sliding_window\": 100")).window,
            std::vector<int64_t>(4, 100));
}

TEST(Config, ReadsQwen2) {
  ModelConfig config = parse(textOf("qwen2", R"("use_sliding_window": false,
    "sliding_window": 32768, "max_window_layers": 2)"));
  EXPECT_TRUE(config.queryKeyValueBias);
  EXPECT_FALSE(config.outputBias);
  EXPECT_EQ(config.window, std::vector<int64_t>(4, 0));
  config = parse(textOf("qwen2", R"("use_sliding_window": true,
    "sliding_window": 32768, "max_window_layers": 2)"));
  EXPECT_EQ(config.window, (std::vector<int64_t>{0, 0, 32768, 32768}));
}

TEST(Config, ReadsQwen3) {
  ModelConfig config =
      parse(textOf("qwen3", "\"head_dim\": 80, \"attention_bias\": false"));
  EXPECT_TRUE(config.queryKeyNorm);
  EXPECT_FALSE(config.queryKeyValueBias);
  EXPECT_EQ(config.headDim, 80);
  EXPECT_EQ(parse(textOf("qwen3")).headDim, 128);
}

TEST(Config, ReadsGemma2) {
  ModelConfig config = parse(textOf("gemma2", R"("head_dim": 256,
    "query_pre_attn_scalar": 144, "attn_logit_softcapping": 50.0,
    "final_logit_softcapping": null, "sliding_window": 4096,
    "hidden_activation": "gelu_pytorch_tanh")"));
  EXPECT_EQ(config.attentionScale, 1.0 / 12);
  EXPECT_EQ(config.attentionSoftCap, 50);
  EXPECT_EQ(config.logitSoftCap, 0);
  EXPECT_EQ(config.embeddingScale, 64);
  EXPECT_EQ(config.normOffset, 1);
  EXPECT_TRUE(config.postNorms);
  EXPECT_TRUE(config.tiedEmbeddings);
  EXPECT_EQ(config.activation, Activation::GeluTanh);
  EXPECT_EQ(config.window, (std::vector<int64_t>{4096, 0, 4096, 0}));
  EXPECT_EQ(parse(textOf("gemma2", R"("layer_types": ["full_attention",
      "full_attention", "sliding_attention", "full_attention"])"))
                .window,
            (std::vector<int64_t>{0, 0, 4096, 0}));
}

TEST(Config, TakesTheTokensOfGeneration) {
  std::string config =
      textOf("llama", "\"bos_token_id\": 1, \"eos_token_id\": 2");
  EXPECT_EQ(parse(config, R"({"eos_token_id": [3, 2]})").endIds,
            (std::vector<int64_t>{3, 2}));
  EXPECT_EQ(parse(config, R"({"bos_token_id": 7})").bosId, 7);
  EXPECT_EQ(parse(config, R"({"temperature": 0.6})").endIds,
            std::vector<int64_t>{2});
}

TEST(Config, GoesByArchitectureWithoutAType) {
  std::string sizes = llamaSizes;
  EXPECT_EQ(parse("{\"architectures\": [\"Qwen2ForCausalLM\"], " + sizes + "}")
                .family,
            "qwen2");
  EXPECT_EQ(parse(textOf("llama", "\"quantization_config\": {\"quant_method\": "
                                  "\"gptq\", \"bits\": 4}"))
                .quantMethod,
            "gptq");
}

//===----------------------------------------------------------------------===//
// Bad files
//===----------------------------------------------------------------------===//

static std::string fault(std::string text, std::string generation = "") {
  return messageOf(parseConfig(text, generation, "m/config.json"));
}

TEST(Config, RefusesUnknownModels) {
  EXPECT_EQ(fault(textOf("mixtral")),
            "m/config.json: key 'model_type': found the unknown 'mixtral', "
            "expected one of gemma2, llama, mistral, qwen2, qwen3");
  EXPECT_EQ(fault("{\"architectures\": [\"T5Model\"]}"),
            "m/config.json: key 'architectures': found the unknown 'T5Model', "
            "expected one of gemma2, llama, mistral, qwen2, qwen3");
  EXPECT_EQ(fault("{}"),
            "m/config.json: key 'architectures': found no name of a model, "
            "expected one of gemma2, llama, mistral, qwen2, qwen3");
  EXPECT_EQ(fault(textOf("llama", "\"architectures\": "
                                  "[\"LlamaForSequenceClassification\"]")),
            "m/config.json: key 'architectures': found "
            "'LlamaForSequenceClassification', expected 'LlamaForCausalLM'");
}

TEST(Config, RefusesBadFields) {
  struct {
    const char *name, *rest, *message;
  } rows[] = {
      {"Activation", R"("hidden_activation": "relu")",
       "key 'hidden_activation': found 'relu', expected silu, gelu, gelu_new "
       "or gelu_pytorch_tanh"},
      {"HeadDimOdd", R"("head_dim": 3)",
       "heads: found heads of 3 elements, expected an even number"},
      {"HeadDimZero", R"("head_dim": 0)",
       "key 'head_dim': found the number 0, expected an integer of 1 to 16384"},
      {"Theta", R"("rope_theta": 1e400)", "key 'rope_theta': found the number"},
      {"PartialRope", R"("partial_rotary_factor": 0.5)",
       "key 'partial_rotary_factor': found a part of a head, expected 1"},
      {"ScalingType", R"("rope_scaling": {"type": "su"})",
       "key 'rope_scaling.type': found the unknown 'su', expected default, "
       "linear, dynamic, yarn or llama3"},
      {"ScalingFactor", R"("rope_scaling": {"type": "linear"})",
       "key 'rope_scaling.factor': found no such key"},
      {"ScalingBands", R"("rope_scaling": {"type": "llama3", "factor": 8,
        "low_freq_factor": 4, "high_freq_factor": 4})",
       "key 'rope_scaling.high_freq_factor': found 4.000000, expected more "
       "than low_freq_factor"},
      {"Mscale", R"("rope_scaling": {"type": "yarn", "factor": 8,
        "mscale": 1})",
       "key 'rope_scaling.mscale': found a scale of DeepSeek"},
      {"BosOutside", R"("bos_token_id": 128256)",
       "key 'bos_token_id': found token 128256, expected one below 128256"},
      {"BosList", R"("bos_token_id": [1, 2])",
       "key 'bos_token_id': found a list, expected one token"},
      {"EosOutside", R"("eos_token_id": [1, -1])",
       "key 'eos_token_id': found token -1, expected one below 128256"},
      {"EosText", R"("eos_token_id": ["</s>"])",
       "key 'eos_token_id': found the text '</s>', expected a token"},
      {"QuantMethod", R"("quantization_config": {})",
       "key 'quantization_config.quant_method': found no such key"},
      {"TwoKeys", R"("hidden_size": 8)", "key 'hidden_size': found a second"},
  };
  for (const auto &row : rows) {
    std::string message = fault(textOf("llama", row.rest));
    EXPECT_NE(message.find(row.message), std::string::npos)
        << row.name << ": " << message;
  }
  EXPECT_NE(fault(textOf("qwen3", R"("layer_types": ["full_attention"])"))
                .find("key 'layer_types': found 1 layers, expected 4"),
            std::string::npos);
  EXPECT_NE(fault(textOf("gemma2", R"("layer_types": ["a", "b", "c", "d"])"))
                .find("found the text 'a', expected sliding_attention or "
                      "full_attention"),
            std::string::npos);
}

TEST(Config, RefusesBadSizes) {
  auto sizes = [](std::string heads, std::string kvHeads) {
    return R"({"model_type": "llama", "hidden_size": 64,
      "num_hidden_layers": 1, "intermediate_size": 64, "vocab_size": 16,
      "num_attention_heads": )" +
           heads + ", \"num_key_value_heads\": " + kvHeads + "}";
  };
  EXPECT_EQ(parse(sizes("4", "2")).headDim, 16);
  EXPECT_EQ(fault(sizes("5", "5")),
            "m/config.json: heads: found 5 heads, expected a divisor of the "
            "64 hidden elements");
  EXPECT_EQ(fault(sizes("4", "3")),
            "m/config.json: heads: found 3 key-value heads, expected a divisor "
            "of the 4 heads");
  EXPECT_EQ(fault(sizes("0", "1")),
            "m/config.json: key 'num_attention_heads': found the number 0, "
            "expected an integer of 1 to 16384");
  EXPECT_EQ(fault("{\"model_type\": \"llama\"}"),
            "m/config.json: key 'hidden_size': found no such key, expected an "
            "integer of 1 to 1048576");
}

TEST(Config, RefusesABadGenerationFile) {
  EXPECT_EQ(fault(textOf("llama"), R"({"eos_token_id": 999999})"),
            "m/generation_config.json: key 'eos_token_id': found token 999999, "
            "expected one below 128256");
  EXPECT_EQ(fault(textOf("llama"), "[]"),
            "m/generation_config.json: found an array, expected an object");
}
