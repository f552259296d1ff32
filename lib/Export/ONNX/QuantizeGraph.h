//===- QuantizeGraph.h - Decisions into a graph -----------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QC_LIB_EXPORT_ONNX_QUANTIZEGRAPH_H
#define QC_LIB_EXPORT_ONNX_QUANTIZEGRAPH_H

#include "GraphEditor.h"
#include "qc/Export/ONNX/Quantization.h"
#include "llvm/Support/Error.h"

namespace qc::onnx {

/// Puts quantize and dequantize ops where `quantization` says. `path` is for
/// messages.
llvm::Error quantizeGraph(GraphEditor &graph, const Quantization &quantization,
                          llvm::StringRef path);

} // namespace qc::onnx

#endif // QC_LIB_EXPORT_ONNX_QUANTIZEGRAPH_H
