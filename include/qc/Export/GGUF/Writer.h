//===- Writer.h - Writing GGUF files ----------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Writes GGUF version 3, little-endian. All metadata and the shapes of all
// tensors come first; then the bytes of each tensor in that order, in any
// number of pieces, so that no tensor need be in memory whole.
//
//===----------------------------------------------------------------------===//

#ifndef QC_EXPORT_GGUF_WRITER_H
#define QC_EXPORT_GGUF_WRITER_H

#include "qc/Import/GGUF/File.h"
#include "llvm/Support/Error.h"

#include <memory>

namespace qc::gguf {

/// The file appears under its name when finish() succeeds, and not before. The
/// same calls write the same bytes.
class Writer {
public:
  static llvm::Expected<std::unique_ptr<Writer>> create(llvm::StringRef path);
  ~Writer();

  /// Adds a value; a key that was set is an error.
  llvm::Error set(llvm::StringRef key, Value value);
  /// Adds a tensor; `shape` is row-major, outermost first.
  llvm::Error addTensor(llvm::StringRef name, TensorType type,
                        llvm::ArrayRef<int64_t> shape);
  /// The next bytes of the tensors in the order in which they were added; not
  /// across the end of one.
  llvm::Error write(llvm::ArrayRef<char> bytes);
  llvm::Error finish();

private:
  struct State;
  explicit Writer(std::unique_ptr<State> state);
  std::unique_ptr<State> state;
};

} // namespace qc::gguf

#endif // QC_EXPORT_GGUF_WRITER_H
