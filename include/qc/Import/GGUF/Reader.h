//===- Reader.h - GGUF bytes to checked tables ------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reads GGUF versions 2 and 3 (little-endian). Every count is checked against
// the bytes that are left before anything is allocated for it.
//
//===----------------------------------------------------------------------===//

#ifndef QC_IMPORT_GGUF_READER_H
#define QC_IMPORT_GGUF_READER_H

#include "qc/Import/GGUF/File.h"
#include "llvm/Support/Error.h"

namespace qc::gguf {

/// Reads a file. One of several that a model was split into is refused.
llvm::Expected<File> readFile(llvm::StringRef path);

/// Reads bytes that stand for the file `path`.
llvm::Expected<File> readBytes(llvm::StringRef bytes, llvm::StringRef path);

} // namespace qc::gguf

#endif // QC_IMPORT_GGUF_READER_H
