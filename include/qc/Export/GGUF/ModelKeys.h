//===- ModelKeys.h - A ModelConfig as GGUF metadata -------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QC_EXPORT_GGUF_MODELKEYS_H
#define QC_EXPORT_GGUF_MODELKEYS_H

#include "qc/Import/GGUF/File.h"
#include "qc/Import/Llama/ModelConfig.h"

namespace qc::gguf {

/// The configuration that a GGUF file of the model has: its names, its order of
/// rows, its norms without an offset, the RoPE of Llama 3 as factors.
llama::ModelConfig configInGGUF(llama::ModelConfig config);

/// Sets the keys that readers know the model by, `config` as it is in GGUF, and
/// checks that reading gives `config` again; what the keys cannot say is an
/// error. The tensors must be in `file`.
llvm::Error setModelKeys(const llama::ModelConfig &config, File &file);

/// The factors by which RoPE divides the frequencies of `config`, for the
/// tensor of that name.
llvm::Expected<std::vector<float>> ropeFactors(const llama::ModelConfig &config,
                                               llvm::StringRef path);

} // namespace qc::gguf

#endif // QC_EXPORT_GGUF_MODELKEYS_H
