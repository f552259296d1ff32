//===- Tensors.h - The tensors of a language model at level 2 ---*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a compilation would pack, tensor by tensor: the values that qc-quantize
// left in the IR, found by the names that the importer gave. Nothing is
// evaluated before it is asked for, one tensor at a time.
//
//===----------------------------------------------------------------------===//

#ifndef QC_EXPORT_LLAMA_TENSORS_H
#define QC_EXPORT_LLAMA_TENSORS_H

#include "qc/Analysis/Evaluator.h"
#include "qc/Import/Llama/ModelConfig.h"

#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/StringMap.h"

namespace qc::llama {

/// A tensor of the file [outputs, inputs], or a vector.
struct TensorValue {
  /// The f32 values [inputs, outputs] of a matrix, dequantized where they are
  /// encoded; those of a vector.
  mlir::Value value;
  /// The encoding of a matrix; null where it is plain f32.
  mlir::qc::EncodingAttrInterface encoding() const;
};

class Tensors {
public:
  /// `config` is the one that `module` was imported with; `path` the model, for
  /// errors. A layer that computes more than its tensors say is an error.
  static llvm::Expected<Tensors> create(mlir::ModuleOp module,
                                        const ModelConfig &config,
                                        llvm::StringRef path);

  /// The tensor of a role that the model has. The head of a model with tied
  /// embeddings is that of Head where it was encoded by itself.
  TensorValue get(TensorRole role, int64_t layer = -1) const;
  /// The head of a model with tied embeddings is no longer the embedding.
  bool hasOwnHead() const { return config.tiedEmbeddings && bool(ownHead); }

private:
  llvm::Error add(mlir::Operation *op, llvm::StringRef path);
  llvm::Error addProduct(mlir::Operation *op, llvm::StringRef path);

  ModelConfig config;
  /// By the name of the tensor.
  llvm::StringMap<mlir::Value> values;
  mlir::Value ownHead;
};

/// The matrix [inputs, outputs] as it is encoded, or in f32.
llvm::Expected<RuntimeValue> evaluate(Evaluator &evaluator,
                                      const TensorValue &tensor);

/// The bytes of a matrix as its file has them, where it is what a file has in
/// this type and this order; nullopt where it has to be evaluated.
llvm::Expected<std::optional<HostTensor>>
bytesInFile(ParameterStore &store, const TensorValue &tensor);

/// The rows of the transposed matrix.
HostTensor transposed(const HostTensor &matrix);

} // namespace qc::llama

#endif // QC_EXPORT_LLAMA_TENSORS_H
