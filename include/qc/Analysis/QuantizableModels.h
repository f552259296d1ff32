//===- QuantizableModels.h - Which upstream ops quantize --------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QC_ANALYSIS_QUANTIZABLEMODELS_H
#define QC_ANALYSIS_QUANTIZABLEMODELS_H

namespace mlir {
class DialectRegistry;
} // namespace mlir

namespace mlir::qc {

/// Attaches QuantizableOpInterface to linalg's convolutions, products and
/// poolings and to arith.addf.
void registerQuantizableOpModels(DialectRegistry &registry);

} // namespace mlir::qc

#endif // QC_ANALYSIS_QUANTIZABLEMODELS_H
