//===- Mistral.cpp - Mistral 7B and its like ----------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Llama with a window on all layers, unless it is null. GGUF files
// of it are files of Llama.
//
//===----------------------------------------------------------------------===//

#include "../Family.h"

using namespace qc;
using namespace qc::llama;

static void startMistral(ModelConfig &config) {}

static void readMistral(const JsonObject &json, ModelConfig &config) {
  int64_t window = readWindow(json, 4096);
  if (!readLayerTypes(json, window, config))
    setWindows(config, window, [](int64_t) { return true; });
}

Family qc::llama::mistralFamily() {
  return {"mistral", "MistralForCausalLM", {}, startMistral, readMistral};
}
