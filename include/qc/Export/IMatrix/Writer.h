//===- Writer.h - Writing importance matrices -------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Writes what llama-imatrix writes and llama-quantize reads.
//
//===----------------------------------------------------------------------===//

#ifndef QC_EXPORT_IMATRIX_WRITER_H
#define QC_EXPORT_IMATRIX_WRITER_H

#include "qc/Quantization/ImportanceMatrix.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

namespace qc::imatrix {

/// Writes a GGUF file, or the binary form of before (which has one count for
/// all matrices of a weight) if the name does not end in .gguf. The file
/// appears under its name at once or not at all.
llvm::Error writeFile(const quantization::ImportanceMatrix &matrix,
                      llvm::StringRef path);

/// The bytes of the binary form.
std::string writeBinary(const quantization::ImportanceMatrix &matrix);

} // namespace qc::imatrix

#endif // QC_EXPORT_IMATRIX_WRITER_H
