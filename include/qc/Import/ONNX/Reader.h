//===- Reader.h - ONNX bytes to checked tables ------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Reads an ONNX file by walking its protobuf wire format in a mapped file.
// Nothing is copied that is not a name or a small value, so that a model of
// many GB costs no memory, and a damaged file costs at most a small multiple
// of its own size.
//
//===----------------------------------------------------------------------===//

#ifndef QC_IMPORT_ONNX_READER_H
#define QC_IMPORT_ONNX_READER_H

#include "qc/Import/ONNX/Model.h"

namespace qc::onnx {

/// Bounds that a file may not exceed.
struct ReadLimits {
  /// Nodes, tensors, attributes and value infos together, at any depth.
  uint64_t maxEntries = 1u << 22;
  /// Nesting of graphs in attributes of nodes.
  unsigned maxDepth = 16;
  /// Rank of a tensor.
  unsigned maxRank = 64;
  /// Look for NaN and infinity in floating-point initializers.
  bool checkValues = true;
};

/// Reads `path`; external data is looked for beside it and nowhere else.
llvm::Expected<Model> readModel(llvm::StringRef path,
                                const ReadLimits &limits = {});

/// Reads a model from memory. `path` is for messages and external data; the
/// bytes must outlive the model's `files`.
llvm::Expected<Model> readModel(llvm::ArrayRef<char> bytes,
                                llvm::StringRef path,
                                const ReadLimits &limits = {});

} // namespace qc::onnx

#endif // QC_IMPORT_ONNX_READER_H
