//===- Rope.h - The frequencies of rotary embeddings ------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QC_IMPORT_LLAMA_ROPE_H
#define QC_IMPORT_LLAMA_ROPE_H

#include "qc/Import/Llama/ModelConfig.h"

namespace qc::llama {

/// Angles of RoPE per position for each pair of a head, in f32: the frequencies
/// of the scaling. An error for a scaling that depends on the length of a text
/// beyond `context`.
llvm::Expected<std::vector<float>> ropeFrequencies(const ModelConfig &config,
                                                   int64_t context,
                                                   llvm::StringRef path);

} // namespace qc::llama

#endif // QC_IMPORT_LLAMA_ROPE_H
