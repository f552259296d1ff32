//===- Export.h - What the writers of language models share -----*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QC_EXPORT_LLAMA_EXPORT_H
#define QC_EXPORT_LLAMA_EXPORT_H

#include "llvm/Support/Error.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace qc::llama {

struct ExportOptions {
  /// Relative names of parameters' files are looked up here.
  std::string baseFolder;
  /// Matrices of 16-bit floats become f32.
  bool widen = false;
  /// GGUF: the number of `general.file_type`; nullopt: that of most weights.
  std::optional<uint32_t> fileType;
  /// Called with what part of the tensors is written; an error ends it.
  std::function<llvm::Error(double done)> progress;
};

struct ExportResult {
  /// Of the file of weights.
  uint64_t bytes = 0;
  /// Matrices in fewer than 16 bits.
  size_t quantized = 0;
  /// What the kind of file cannot say: a line each.
  std::vector<std::string> warnings;
};

} // namespace qc::llama

#endif // QC_EXPORT_LLAMA_EXPORT_H
