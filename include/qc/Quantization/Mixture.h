//===- Mixture.h - Formats by what a matrix does ----------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The mixtures of llama-quantize: each matrix of a language model gets a format
// of GGML by its part in a block and by the block's place, as that program
// chooses it without an importance matrix.
//
//===----------------------------------------------------------------------===//

#ifndef QC_QUANTIZATION_MIXTURE_H
#define QC_QUANTIZATION_MIXTURE_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace qc::quantization {

struct Mixture {
  /// "Q4_K_M"
  llvm::StringRef name;
  /// The precision of what no rule is about: "q4_K".
  llvm::StringRef base;
  /// The number of such files in `general.file_type`.
  uint32_t fileType;
};

/// All of them.
llvm::ArrayRef<Mixture> mixtures();
/// That of a name in upper or lower case; null if there is none.
const Mixture *findMixture(llvm::StringRef name);

/// A matrix as the mixtures see it.
struct MixtureMatrix {
  /// The layer's name in files of Hugging Face or GGUF.
  std::string name;
  int64_t inputs = 0, outputs = 0;
};

/// The precision of each matrix, which come in the order of a model; the
/// embedding of a model without a head of its own is the head. Where blocks do
/// not divide the inputs another format takes its place. An error for names
/// that no language model has.
llvm::Expected<std::vector<llvm::StringRef>>
mixPrecisions(const Mixture &mixture, llvm::ArrayRef<MixtureMatrix> matrices);

} // namespace qc::quantization

#endif // QC_QUANTIZATION_MIXTURE_H
