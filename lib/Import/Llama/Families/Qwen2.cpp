//===- Qwen2.cpp - Qwen 2 and 2.5 ---------------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Llama with biases of q, k and v, and a window on the layers from
// max_window_layers on.
//
//===----------------------------------------------------------------------===//

#include "../Family.h"

using namespace qc;
using namespace qc::llama;

static void startQwen2(ModelConfig &config) { config.queryKeyValueBias = true; }

static void readQwen2(const JsonObject &json, ModelConfig &config) {
  int64_t window = 0;
  if (json.boolean("use_sliding_window", false))
    window = readWindow(json, 4096);
  int64_t first = json.integer("max_window_layers", 0, limits::layers, 28);
  if (!readLayerTypes(json, window, config))
    setWindows(config, window, [&](int64_t layer) { return layer >= first; });
}

Family qc::llama::qwen2Family() {
  return {"qwen2", "Qwen2ForCausalLM", {}, startQwen2, readQwen2, "qwen2"};
}
