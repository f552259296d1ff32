//===- GPTQ.h - Integers in groups as GPTQ keeps them -----------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The layout that lib/Import/Checkpoints/GPTQ.cpp describes and reads.
//
//===----------------------------------------------------------------------===//

#ifndef QC_LIB_EXPORT_SAFETENSORS_GPTQ_H
#define QC_LIB_EXPORT_SAFETENSORS_GPTQ_H

#include "qc/Analysis/Evaluator.h"
#include "llvm/Support/JSON.h"

namespace qc::safetensors {

/// What all matrices of a checkpoint have in common.
struct GPTQFormat {
  unsigned bits = 0;
  /// Inputs of a group; -1 for all of them.
  int64_t group = -1;
  bool symmetric = false;

  bool operator==(const GPTQFormat &) const = default;
  /// "4 bits in groups of 64"
  std::string text() const;
};

/// The format of a matrix [inputs, outputs] of this encoding; nullopt for what
/// the layout does not have.
std::optional<GPTQFormat> gptqFormat(mlir::qc::EncodingAttrInterface encoding,
                                     llvm::ArrayRef<int64_t> shape);

/// `quantization_config` of config.json.
llvm::json::Object gptqConfig(const GPTQFormat &format, bool quantizesHead);

/// The tensors of a layer, in the order of their suffixes below.
struct GPTQTensors {
  HostTensor qweight, qzeros, scales, groups;
};
inline constexpr llvm::StringLiteral gptqSuffixes[] = {".qweight", ".qzeros",
                                                       ".scales", ".g_idx"};
/// Shapes of these, all i32 but the scales, for a matrix [inputs, outputs].
llvm::SmallVector<llvm::SmallVector<int64_t, 2>, 4>
gptqShapes(const GPTQFormat &format, llvm::ArrayRef<int64_t> shape);

GPTQTensors toGPTQ(const GPTQFormat &format, const EncodedTensor &matrix);

} // namespace qc::safetensors

#endif // QC_LIB_EXPORT_SAFETENSORS_GPTQ_H
