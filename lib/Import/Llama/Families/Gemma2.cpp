//===- Gemma2.cpp - Gemma 2 ---------------------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Norms before and after, weights of norms about 0, soft caps, a window on
// every other layer from the first on, embeddings scaled by sqrt(hidden).
//
//===----------------------------------------------------------------------===//

#include "../Family.h"
#include "../Keys.h"

#include <cmath>

using namespace qc;
using namespace qc::llama;

static constexpr TensorName names[] = {
    {TensorRole::FeedForwardNorm, "pre_feedforward_layernorm.weight",
     "ffn_norm.weight"},
};

static void startGemma2(ModelConfig &config) {
  config.normOffset = 1;
  config.postNorms = true;
  config.headDim = 256;
  config.tiedEmbeddings = true;
  config.activation = Activation::GeluTanh;
}

static void readGemma2(const JsonObject &json, ModelConfig &config) {
  config.queryKeyValueBias = json.boolean("attention_bias", false);
  config.outputBias = config.queryKeyValueBias;
  config.embeddingScale = std::sqrt(static_cast<double>(config.hidden));
  config.attentionScale =
      1 / std::sqrt(json.number("query_pre_attn_scalar", 1e-6, 1e6, 256));
  // null switches a cap off.
  auto softCap = [&](llvm::StringRef key, double usual) {
    return json.get().get(key) ? json.number(key, 1e-3, 1e6, 0) : usual;
  };
  config.attentionSoftCap = softCap("attn_logit_softcapping", 50);
  config.logitSoftCap = softCap("final_logit_softcapping", 30);
  int64_t window = readWindow(json, 4096);
  if (!readLayerTypes(json, window, config))
    setWindows(config, window, [](int64_t layer) { return layer % 2 == 0; });
}

static void readKeys(const Keys &keys, ModelConfig &config) {
  config.embeddingScale = std::sqrt(static_cast<double>(config.hidden));
  // No key has it: the model of 27B scales by the mean width of its heads.
  if (config.layers == 46)
    config.attentionScale = 1 / std::sqrt(static_cast<double>(config.hidden) /
                                          static_cast<double>(config.heads));
  config.attentionSoftCap = keys.number("attn_logit_softcapping", 0, 1e6, 50);
  config.logitSoftCap = keys.number("final_logit_softcapping", 0, 1e6, 30);
  int64_t window =
      keys.integer("attention.sliding_window", 0, limits::context, 4096);
  setWindows(config, window, [](int64_t layer) { return layer % 2 == 0; });
}

Family qc::llama::gemma2Family() {
  return {"gemma2", "Gemma2ForCausalLM", names,   startGemma2, readGemma2,
          "gemma2", RopeLayout::Halves,  readKeys};
}
