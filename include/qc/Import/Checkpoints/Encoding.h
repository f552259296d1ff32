//===- Encoding.h - The encoding of a checkpoint's matrix -------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QC_IMPORT_CHECKPOINTS_ENCODING_H
#define QC_IMPORT_CHECKPOINTS_ENCODING_H

#include "mlir/IR/Attributes.h"
#include "qc/Import/Checkpoints/Linear.h"

namespace qc::checkpoints {

/// The encoding whose components, for a tensor of its shape, are those of
/// `linear`.
mlir::Attribute encodingOf(mlir::MLIRContext *context, const Linear &linear);

} // namespace qc::checkpoints

#endif // QC_IMPORT_CHECKPOINTS_ENCODING_H
