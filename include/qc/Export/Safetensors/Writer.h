//===- Writer.h - Writing safetensors files ---------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Names and shapes of all tensors come first; then the bytes of each tensor in
// that order, so that no two tensors need be in memory.
//
//===----------------------------------------------------------------------===//

#ifndef QC_EXPORT_SAFETENSORS_WRITER_H
#define QC_EXPORT_SAFETENSORS_WRITER_H

#include "qc/Import/Safetensors/Reader.h"
#include "qc/Support/OutputFile.h"

namespace qc::safetensors {

/// The file appears under its name when finish() succeeds, and not before. The
/// same calls write the same bytes.
class Writer {
public:
  explicit Writer(llvm::StringRef path) : file(path) {}

  /// Adds a tensor; names must differ.
  void addTensor(llvm::StringRef name, DataType type,
                 llvm::ArrayRef<int64_t> shape);
  /// Bytes of all tensors.
  uint64_t totalBytes() const { return total; }
  /// Writes the header: no tensors are added after it.
  llvm::Error start();
  /// All bytes of the next tensor.
  llvm::Error write(llvm::ArrayRef<char> bytes);
  llvm::Error finish();

private:
  OutputFile file;
  std::vector<Tensor> tensors;
  uint64_t total = 0;
  size_t next = 0;
};

} // namespace qc::safetensors

#endif // QC_EXPORT_SAFETENSORS_WRITER_H
