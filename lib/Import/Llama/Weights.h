//===- Weights.h - Where the weights of a model lie -------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The tensors of safetensors and GGUF files alike, as the builder needs them:
// found by name, with the shape that the configuration says.
//
//===----------------------------------------------------------------------===//

#ifndef QC_LIB_IMPORT_LLAMA_WEIGHTS_H
#define QC_LIB_IMPORT_LLAMA_WEIGHTS_H

#include "qc/Import/Checkpoints/Linear.h"
#include "qc/Import/GGUF/File.h"
#include "qc/Import/Llama/ModelConfig.h"
#include "qc/Import/Safetensors/Reader.h"
#include "qc/Numerics/Blocks.h"

namespace qc::llama {

/// Numbers of a tensor: f32, f16 or bf16, or blocks of GGML along its rows.
struct SourceTensor {
  std::string name, file;
  uint64_t offset = 0, length = 0;
  std::vector<int64_t> shape;
  DType type = DType::F32;
  /// Null for plain numbers.
  const numerics::BlockFormat *blocks = nullptr;
};

class Weights {
public:
  /// With `checkpoint` matrices of layers may be quantized in its way.
  static llvm::Expected<Weights>
  create(const ModelConfig &config, const safetensors::Table &table,
         llvm::StringRef path, const checkpoints::Config *checkpoint = nullptr);
  static llvm::Expected<Weights> create(const ModelConfig &config,
                                        const gguf::File &file);

  /// The tensor of a role, which the model must have.
  const SourceTensor &get(TensorRole role, int64_t layer = -1) const;

  /// The matrix [inputs, outputs] of a role that is quantized; else null.
  const checkpoints::Linear *findLinear(TensorRole role, int64_t layer) const;
  /// The name of a role's layer: that of its tensor without ".weight".
  std::string layerName(TensorRole role, int64_t layer = -1) const;

private:
  llvm::Error readLinears(const safetensors::Table &table,
                          const checkpoints::Config &checkpoint);
  bool isPartOfLinear(llvm::StringRef name) const;
  bool isEmptyBias(const SourceTensor &tensor) const;
  llvm::Error check(const ModelConfig &config, llvm::StringRef path);

  ModelConfig config;
  std::vector<SourceTensor> tensors;
  llvm::StringMap<size_t> index;
  /// By the name of the layer.
  llvm::StringMap<checkpoints::Linear> linears;
};

} // namespace qc::llama

#endif // QC_LIB_IMPORT_LLAMA_WEIGHTS_H
