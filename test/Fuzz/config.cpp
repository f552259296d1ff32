//===- config.cpp - Any text as config.json -----------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Two texts, cut at the first byte 0xff: config.json and
// generation_config.json.
//
//===----------------------------------------------------------------------===//

#include "qc/Import/Llama/ModelConfig.h"

using namespace qc::llama;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  llvm::StringRef text(reinterpret_cast<const char *>(data), size);
  auto [config, generation] = text.split(static_cast<char>(0xff));
  llvm::Expected<ModelConfig> model =
      parseConfig(config, generation, "config.json");
  if (model)
    listTensors(*model);
  else
    llvm::consumeError(model.takeError());
  return 0;
}
