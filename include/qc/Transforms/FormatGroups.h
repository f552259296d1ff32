//===- FormatGroups.h - Formats with names of their own ---------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QC_TRANSFORMS_FORMATGROUPS_H
#define QC_TRANSFORMS_FORMATGROUPS_H

#include "mlir/IR/MLIRContext.h"
#include "qc/Quantization/Precision.h"

namespace mlir::qc {

/// The formats that the loaded dialect has, for those who parse precisions.
::qc::quantization::FormatGroups getFormatGroups(MLIRContext *context);

} // namespace mlir::qc

#endif // QC_TRANSFORMS_FORMATGROUPS_H
