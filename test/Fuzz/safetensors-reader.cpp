//===- safetensors-reader.cpp - Any bytes as safetensors ----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A table or an error.
//
//===----------------------------------------------------------------------===//

#include "qc/Import/Safetensors/Reader.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  llvm::StringRef bytes(reinterpret_cast<const char *>(data), size);
  auto table = qc::safetensors::readBytes(bytes, "fuzz.safetensors");
  if (!table)
    llvm::consumeError(table.takeError());
  return 0;
}
