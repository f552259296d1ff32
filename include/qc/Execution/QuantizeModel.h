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

/// Quantizes the ONNX file `request.model` and writes it with quantize and
/// dequantize ops to `request.output`.
llvm::Expected<QuantizeResult> quantizeModelFile(const BuildRequest &request,
                                                 const BuildHooks &hooks);

} // namespace qc

#endif // QC_EXECUTION_QUANTIZEMODEL_H
