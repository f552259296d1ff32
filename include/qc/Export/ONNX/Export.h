//===- Export.h - Quantized models as ONNX ----------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Writes what qc-quantize decided into the ONNX graph that the module came
// from, as QuantizeLinear and DequantizeLinear. docs/Rationale/ExportONNX.md
// says why the graph is edited and not built anew.
//
//===----------------------------------------------------------------------===//

#ifndef QC_EXPORT_ONNX_EXPORT_H
#define QC_EXPORT_ONNX_EXPORT_H

#include "mlir/IR/BuiltinOps.h"
#include "qc/Export/ONNX/Quantization.h"
#include "qc/Import/ONNX/Model.h"
#include "llvm/Support/Error.h"

namespace qc::onnx {

/// The decisions of a level-2 module that was imported from the ONNX file
/// `path`. Weights and biases are evaluated.
llvm::Expected<Quantization> readQuantization(mlir::ModuleOp module,
                                              llvm::StringRef path);

struct ExportOptions {
  /// Tensors go into a file OUTPUT.data where they have more bytes than this
  /// together.
  uint64_t embeddedBytes = uint64_t(1) << 30;
};

/// Writes the file `model` with `quantization` to `output`, whole or not at
/// all; the bytes written.
llvm::Expected<uint64_t> writeQuantized(const Model &model,
                                        const Quantization &quantization,
                                        llvm::StringRef output,
                                        const ExportOptions &options = {});

} // namespace qc::onnx

#endif // QC_EXPORT_ONNX_EXPORT_H
