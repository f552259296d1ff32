//===- QuantizeModel.h - A quantized model as a file ------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What `qc quantize` does between its options and its table.
//
//===----------------------------------------------------------------------===//

#ifndef QC_EXECUTION_QUANTIZEMODEL_H
#define QC_EXECUTION_QUANTIZEMODEL_H

#include "qc/Execution/Build.h"

namespace qc {

struct QuantizeResult {
  /// Bytes of the file, and of the model's parameters in float32.
  uint64_t bytes = 0, fp32Bytes = 0;
  /// Layers with quantized weights, activations in 8 bits.
  size_t layers = 0, activations = 0;
  /// Layers that could not be quantized as asked, one line each.
  std::vector<std::string> warnings;
};

/// Fails unless `request.output` names a kind of file that can be written of
/// `request.model`.
llvm::Error checkQuantizedOutput(const BuildRequest &request);

/// Quantizes `request.model` and writes it to `request.output`: ONNX with
/// quantize and dequantize ops, a language model as GGUF.
llvm::Expected<QuantizeResult> quantizeModelFile(const BuildRequest &request,
                                                 const BuildHooks &hooks);

} // namespace qc

#endif // QC_EXECUTION_QUANTIZEMODEL_H
