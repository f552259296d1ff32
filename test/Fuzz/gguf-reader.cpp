//===- gguf-reader.cpp - Any bytes as a GGUF file -----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The file, its configuration and its tokenizer, which encodes and decodes a
// text.
//
//===----------------------------------------------------------------------===//

#include "qc/Import/GGUF/Reader.h"
#include "qc/Import/Llama/GGUFConfig.h"
#include "qc/Tokenizer/Tokenizer.h"

using namespace qc;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  llvm::StringRef bytes(reinterpret_cast<const char *>(data), size);
  llvm::Expected<gguf::File> file = gguf::readBytes(bytes, "fuzz.gguf");
  if (!file) {
    llvm::consumeError(file.takeError());
    return 0;
  }
  llvm::Expected<llama::ModelConfig> config = llama::readConfig(*file);
  if (config)
    llama::listTensors(*config);
  else
    llvm::consumeError(config.takeError());
  llvm::Expected<Tokenizer> tokenizer = Tokenizer::fromGGUF(*file);
  if (tokenizer)
    tokenizer->decode(tokenizer->encode("a <s>b\xff \xe2\x96\x81 abc"));
  else
    llvm::consumeError(tokenizer.takeError());
  return 0;
}
