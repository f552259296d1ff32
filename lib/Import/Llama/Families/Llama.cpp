//===- Llama.cpp - Llama 2 and 3 ----------------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The plain decoder that the other families vary.
//
//===----------------------------------------------------------------------===//

#include "../Family.h"

using namespace qc;
using namespace qc::llama;

static void startLlama(ModelConfig &config) {}

static void readLlama(const JsonObject &json, ModelConfig &config) {
  config.queryKeyValueBias = json.boolean("attention_bias", false);
  config.outputBias = config.queryKeyValueBias;
  config.feedForwardBias = json.boolean("mlp_bias", false);
}

Family qc::llama::llamaFamily() {
  return {"llama", "LlamaForCausalLM",     {}, startLlama, readLlama,
          "llama", RopeLayout::Interleaved};
}
