//===- tokenizer.cpp - Any text as tokenizer.json -----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A tokenizer that encodes and decodes what follows the byte 0xff, or an error.
//
//===----------------------------------------------------------------------===//

#include "qc/Tokenizer/Tokenizer.h"

using namespace qc;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  llvm::StringRef bytes(reinterpret_cast<const char *>(data), size);
  auto [json, text] = bytes.split(static_cast<char>(0xff));
  llvm::Expected<Tokenizer> tokenizer = Tokenizer::parse(json, "fuzz.json");
  if (!tokenizer) {
    llvm::consumeError(tokenizer.takeError());
    return 0;
  }
  std::vector<int32_t> tokens = tokenizer->encode(text);
  tokenizer->decode(tokens);
  StreamDecoder decoder(*tokenizer);
  for (int32_t token : tokens)
    decoder.next(token);
  decoder.finish();
  return 0;
}
