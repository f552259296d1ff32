//===- Builder.h - A decoder of the Llama kind as IR ------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QC_LIB_IMPORT_LLAMA_BUILDER_H
#define QC_LIB_IMPORT_LLAMA_BUILDER_H

#include "Weights.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"

namespace qc::llama {

/// Emits one step of a model. Names of ops are those of the tensors.
class DecoderBuilder {
public:
  DecoderBuilder(mlir::OpBuilder &b, const ModelConfig &config,
                 const Weights &weights);

  /// The body of main (Import.h) over its arguments: logits and cache.
  std::pair<mlir::Value, mlir::Value> build(mlir::ValueRange arguments,
                                            llvm::ArrayRef<float> frequencies);

private:
  void setName(TensorRole role, int64_t layer);
  mlir::RankedTensorType floats(llvm::ArrayRef<int64_t> shape);
  mlir::Value empty(llvm::ArrayRef<int64_t> shape);
  mlir::Value splat(mlir::Value like, double number);
  mlir::Value scale(mlir::Value x, double factor);

  mlir::Value parameter(const SourceTensor &source, mlir::Type element,
                        llvm::ArrayRef<int64_t> shape);
  mlir::Type elementOf(const SourceTensor &source);
  mlir::Value componentOf(const QuantizedTensor &tensor, size_t number,
                          mlir::Type type, llvm::StringRef name);
  mlir::Value codesOf(const QuantizedTensor &tensor);
  mlir::Value vectorOf(TensorRole role, int64_t layer);
  mlir::Value matrix(TensorRole role, int64_t layer);

  mlir::Value gather(mlir::Value x, mlir::Value places, unsigned axis,
                     int64_t columns);
  mlir::Value reordered(mlir::Value x, llvm::ArrayRef<int32_t> order);
  mlir::Value product(mlir::Value x, mlir::Value weight);
  mlir::Value linear(mlir::Value x, TensorRole role, TensorRole bias,
                     int64_t layer);
  mlir::Value norm(mlir::Value x, TensorRole role, int64_t layer);
  mlir::Value split(mlir::Value x, int64_t heads);
  mlir::Value merge(mlir::Value x, int64_t heads);
  mlir::Value turned(mlir::Value x, int64_t heads, TensorRole normRole,
                     int64_t layer);
  mlir::Value attention(mlir::Value x, int64_t layer);
  mlir::Value feedForward(mlir::Value x, int64_t layer);
  mlir::Value block(mlir::Value x, int64_t layer);
  void makeAngles(llvm::ArrayRef<float> frequencies);
  mlir::Value pick(mlir::Value x, mlir::Value rows);
  mlir::Value logits(mlir::Value x, mlir::Value rows);

  mlir::OpBuilder &b;
  mlir::Location loc;
  const ModelConfig &config;
  const Weights &weights;
  /// Rows of the values that are being built: tokens, later those of logits.
  mlir::Value count;
  mlir::Value positions, sequences, cache, cosines, sines, table;
};

} // namespace qc::llama

#endif // QC_LIB_IMPORT_LLAMA_BUILDER_H
