//===- checkpoint.cpp - Any bytes as a quantized checkpoint ---------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// config.json, cut at the first byte 0xff, and a safetensors file. What is read
// of a layer has to be what its encoding has.
//
//===----------------------------------------------------------------------===//

#include "qc/Import/Checkpoints/Linear.h"
#include "qc/Support/OutputFile.h"

#include <cstdlib>

using namespace qc;
using namespace qc::checkpoints;

static constexpr llvm::StringRef layer = "model.layers.0.self_attn.q_proj";

/// Where the bytes of each run lie; weights are mapped, so it is a file.
static const std::string &path() {
  static const std::string path = [] {
    llvm::SmallString<128> name;
    if (llvm::sys::fs::createTemporaryFile("qc-fuzz", "safetensors", name))
      std::abort();
    std::atexit([] { llvm::sys::fs::remove(::path()); });
    return name.str().str();
  }();
  return path;
}

static bool isSound(const Linear &linear) {
  return numerics::verify(linear.spec(), linear.shape, linear.components)
      .empty();
}

static llvm::Error read(llvm::StringRef text, llvm::StringRef bytes) {
  auto config = parseConfig(text, "config.json");
  if (!config)
    return config.takeError();
  auto table = safetensors::readBytes(bytes, path());
  if (!table)
    return table.takeError();
  if (llvm::Error error = writeWholeFile(path(), bytes))
    return error;
  ParameterStore store;
  for (int64_t outputs : {8, 32})
    for (int64_t inputs : {64, 172}) {
      auto linear = readLinear(*config, *table, store, layer, outputs, inputs);
      if (!linear)
        llvm::consumeError(linear.takeError());
      else if (!isSound(*linear) || !isSound(transposed(*linear)))
        std::abort();
    }
  return llvm::Error::success();
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  llvm::StringRef text(reinterpret_cast<const char *>(data), size);
  auto [config, bytes] = text.split(static_cast<char>(0xff));
  llvm::consumeError(read(config, bytes));
  return 0;
}
