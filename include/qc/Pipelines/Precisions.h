//===- Precisions.h - The precision of each layer ---------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QC_PIPELINES_PRECISIONS_H
#define QC_PIPELINES_PRECISIONS_H

#include "mlir/IR/BuiltinOps.h"
#include "qc/Pipelines/CompileOptions.h"
#include "qc/Quantization/Precision.h"

namespace qc {

/// What the precision, the layers and the recipe of `options` say together
/// about the layers of `module`, as --qc-quantize reads them.
llvm::Expected<quantization::PrecisionChoice>
precisionsOf(mlir::ModuleOp module, const CompileOptions &options);

/// An error that names the option where one of them, or the recipe, is no
/// precision. `auto` is one.
llvm::Error checkPrecisions(const CompileOptions &options);

} // namespace qc

#endif // QC_PIPELINES_PRECISIONS_H
