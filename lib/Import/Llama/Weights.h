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

#include "qc/Import/Checkpoints/ComponentFile.h"
#include "qc/Import/GGUF/File.h"
#include "qc/Import/Llama/Import.h"
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

/// A matrix [inputs, outputs] as a package has quantized it.
struct QuantizedTensor {
  checkpoints::Linear linear;
  /// Where the bytes of each component begin in a file of components; empty
  /// where they are in memory.
  std::vector<uint64_t> offsets = {};
};

class Weights {
public:
  /// With `checkpoint` matrices of layers may be quantized in its way; they go
  /// into `components` if that is not null.
  static llvm::Expected<Weights>
  create(const ModelConfig &config, const safetensors::Table &table,
         llvm::StringRef path, const checkpoints::Config *checkpoint,
         checkpoints::ComponentFile *components, const ImportOptions &options);
  static llvm::Expected<Weights> create(const ModelConfig &config,
                                        const gguf::File &file);

  /// The tensor of a role, which the model must have.
  const SourceTensor &get(TensorRole role, int64_t layer = -1) const;

  /// The matrix of a role that a package has quantized; else null.
  const QuantizedTensor *findQuantized(TensorRole role, int64_t layer) const;
  /// The name of a role's layer: that of its tensor without ".weight".
  std::string layerName(TensorRole role, int64_t layer = -1) const;

private:
  llvm::Error readLinears(const safetensors::Table &table,
                          const checkpoints::Config &checkpoint,
                          checkpoints::ComponentFile *components,
                          const ImportOptions &options);
  llvm::Error addLinear(llvm::StringRef layer, QuantizedTensor tensor,
                        checkpoints::ComponentFile *components);
  bool isPartOfLinear(llvm::StringRef name) const;
  bool isEmptyBias(const SourceTensor &tensor) const;
  llvm::Error check(const ModelConfig &config, llvm::StringRef path);

  ModelConfig config;
  std::vector<SourceTensor> tensors;
  llvm::StringMap<size_t> index;
  /// By the name of the layer.
  llvm::StringMap<QuantizedTensor> linears;
};

} // namespace qc::llama

#endif // QC_LIB_IMPORT_LLAMA_WEIGHTS_H
