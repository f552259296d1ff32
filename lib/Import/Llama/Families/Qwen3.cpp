//===- Qwen3.cpp - Qwen 3 -----------------------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Norms of the heads of q and k, a width of heads of its own.
//
//===----------------------------------------------------------------------===//

#include "../Family.h"

using namespace qc;
using namespace qc::llama;

static void startQwen3(ModelConfig &config) {
  config.queryKeyNorm = true;
  config.headDim = 128;
}

static void readQwen3(const JsonObject &json, ModelConfig &config) {
  config.queryKeyValueBias = json.boolean("attention_bias", false);
  config.outputBias = config.queryKeyValueBias;
  // Its windows are those of Qwen 2.
  qwen2Family().read(json, config);
}

Family qc::llama::qwen3Family() {
  return {"qwen3", "Qwen3ForCausalLM", {}, startQwen3, readQwen3, "qwen3"};
}
