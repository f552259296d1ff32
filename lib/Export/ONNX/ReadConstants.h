//===- ReadConstants.h - Codes of weights and biases ------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QC_LIB_EXPORT_ONNX_READCONSTANTS_H
#define QC_LIB_EXPORT_ONNX_READCONSTANTS_H

#include "qc/Analysis/Evaluator.h"
#include "qc/Analysis/LinalgViews.h"
#include "qc/Dialect/QC/IR/QCOps.h"
#include "qc/Export/ONNX/Quantization.h"

namespace qc::onnx {

/// A copy of `tensor` with its axes in the order of `permutation`.
HostTensor transposed(const HostTensor &tensor,
                      llvm::ArrayRef<int64_t> permutation);

/// Evaluates constant subgraphs of a level-2 module.
class ConstantReader {
public:
  explicit ConstantReader(ParameterStore &store) : evaluator(store) {}

  /// The codes, or the values, of a weight: the filter of `conv`, or that of a
  /// product.
  llvm::Expected<QuantizedConstant>
  readWeight(mlir::Value weight, const std::optional<mlir::qc::ConvView> &conv);

  /// A bias: multiples of a scale where it was rounded to them.
  llvm::Expected<QuantizedConstant> readBias(mlir::Value vector);

private:
  llvm::Expected<RuntimeValue> evaluate(mlir::Value value);
  llvm::Expected<HostTensor> evaluateVector(mlir::Value value);

  Evaluator evaluator;
};

} // namespace qc::onnx

/// Beside mlir::qc the short name is ambiguous.
namespace qconnx = ::qc::onnx;

#endif // QC_LIB_EXPORT_ONNX_READCONSTANTS_H
