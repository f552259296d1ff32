//===- imatrix-reader.cpp - Any bytes as an importance matrix -------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "qc/Import/IMatrix/Reader.h"

using namespace qc;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  llvm::StringRef bytes(reinterpret_cast<const char *>(data), size);
  auto matrix = imatrix::readBytes(bytes, "fuzz");
  if (!matrix) {
    llvm::consumeError(matrix.takeError());
    return 0;
  }
  for (const auto &[name, entry] : matrix->entries)
    for (size_t k = 0; k < entry.counts.size(); ++k)
      (void)entry.means(k);
  return 0;
}
