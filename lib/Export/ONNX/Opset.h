//===- Opset.h - Raising the opset of a model -------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QC_LIB_EXPORT_ONNX_OPSET_H
#define QC_LIB_EXPORT_ONNX_OPSET_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <onnx/onnx_pb.h>

namespace qc::onnx {

/// Gives `model` the standard opset `wanted` where it has a lower one. Nodes
/// whose form has changed since are put into the new one; a node for which that
/// cannot be done is an error. `path` is for messages.
llvm::Error raiseOpset(::onnx::ModelProto &model, int64_t wanted,
                       llvm::StringRef path);

} // namespace qc::onnx

#endif // QC_LIB_EXPORT_ONNX_OPSET_H
