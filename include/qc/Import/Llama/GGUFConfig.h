//===- GGUFConfig.h - A ModelConfig from GGUF metadata ----------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QC_IMPORT_LLAMA_GGUFCONFIG_H
#define QC_IMPORT_LLAMA_GGUFCONFIG_H

#include "qc/Import/GGUF/File.h"
#include "qc/Import/Llama/ModelConfig.h"

namespace qc::llama {

/// Reads the metadata of a file. What the format does not say (biases, a head
/// of its own, factors of RoPE) follows from which tensors are there. An
/// unknown `general.architecture` is an error that lists those known.
llvm::Expected<ModelConfig> readConfig(const gguf::File &file);

/// How GGUF files have the models of a family.
struct GGUFForm {
  /// `general.architecture`.
  llvm::StringRef architecture;
  /// How the rows of q and k lie in each head.
  RopeLayout layout = RopeLayout::Halves;
};
GGUFForm formInGGUF(const ModelConfig &config);

} // namespace qc::llama

#endif // QC_IMPORT_LLAMA_GGUFCONFIG_H
