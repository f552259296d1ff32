//===- Linear.h - Quantized matrices of checkpoints -------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The weight of a linear layer as GPTQ, AWQ and bitsandbytes keep it, laid out
// as the components of one of our encodings; nothing is rounded on the way.
//
// What a weight's value is: the packages multiply in the type that the model
// runs in, and so round scale * (code - zero) to f16 or bf16. That product is
// exact in f32, and it is what the components decode to; rounded once to f16 it
// is the package's f16 weight, bit for bit. NF4 and FP4 are multiplied in f32
// by their package too: the values are the same. Of LLM.int8 the package
// computes (code * SCB) * (1/127), ours is code * (SCB * (1/127)): the
// roundings differ, the values by no more than two units in the last place of
// f32.
//
//===----------------------------------------------------------------------===//

#ifndef QC_IMPORT_CHECKPOINTS_LINEAR_H
#define QC_IMPORT_CHECKPOINTS_LINEAR_H

#include "qc/Import/Checkpoints/Config.h"
#include "qc/Import/Safetensors/Reader.h"
#include "qc/Numerics/Encode.h"
#include "qc/Support/ParameterStore.h"

#include <variant>

namespace qc::checkpoints {

/// A matrix [outputs, inputs], as it is read.
struct Linear {
  std::vector<int64_t> shape;
  std::variant<numerics::AffineFormat, numerics::CodebookFormat> format;
  /// In the order of numerics::components.
  std::vector<numerics::ComponentData> components;
  /// Column j of the components belongs to input permutation[j]; empty where
  /// the columns are in the order of the inputs.
  std::vector<int32_t> permutation;

  numerics::DecodeSpec spec() const;
};

/// Whether the weight of `layer` ("model.layers.0.self_attn.q_proj") is kept in
/// the way of `config`; packages leave some layers plain.
bool isQuantized(const Config &config, const safetensors::Table &table,
                 llvm::StringRef layer);

/// Reads the weight of a layer that is quantized. A bias is a plain tensor and
/// not read.
llvm::Expected<Linear> readLinear(const Config &config,
                                  const safetensors::Table &table,
                                  ParameterStore &store, llvm::StringRef layer,
                                  int64_t outputs, int64_t inputs);

/// The same matrix as [inputs, outputs].
Linear transposed(const Linear &linear);

} // namespace qc::checkpoints

#endif // QC_IMPORT_CHECKPOINTS_LINEAR_H
