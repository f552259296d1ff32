//===- Reader.h - Importance matrices of llama.cpp --------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reads what llama-imatrix writes: GGUF files, and the binary form (.dat) of
// before. Files are not trusted.
//
//===----------------------------------------------------------------------===//

#ifndef QC_IMPORT_IMATRIX_READER_H
#define QC_IMPORT_IMATRIX_READER_H

#include "qc/Quantization/ImportanceMatrix.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

namespace qc::imatrix {

llvm::Expected<quantization::ImportanceMatrix> readFile(llvm::StringRef path);

/// Reads bytes that stand for the file `path`.
llvm::Expected<quantization::ImportanceMatrix> readBytes(llvm::StringRef bytes,
                                                         llvm::StringRef path);

} // namespace qc::imatrix

#endif // QC_IMPORT_IMATRIX_READER_H
