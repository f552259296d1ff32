//===- Npy.h - The header of a .npy array -----------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The text that stands before the numbers of a .npy array (NumPy's format
// versions 1 to 3): type, order and shape.
//
//===----------------------------------------------------------------------===//

#ifndef QC_LIB_SUPPORT_NPY_H
#define QC_LIB_SUPPORT_NPY_H

#include "qc/Support/HostTensor.h"
#include "llvm/Support/Error.h"

namespace qc::npy {

struct Header {
  DType type = DType::F32;
  llvm::SmallVector<int64_t, 4> shape;
  bool bigEndian = false;
  /// The first axis is the fastest.
  bool fortranOrder = false;
  /// Bytes before the numbers.
  uint64_t dataOffset = 0;
};

/// Bytes at the start of a file that tell the size of its header.
inline constexpr uint64_t prefixSize = 12;

/// Size of the whole header from the first `prefixSize` bytes (or fewer where
/// the file is shorter).
llvm::Expected<uint64_t>
headerSize(llvm::StringRef prefix, llvm::StringRef file, llvm::StringRef where);

/// Parses a whole header.
llvm::Expected<Header> parseHeader(llvm::StringRef text, llvm::StringRef file,
                                   llvm::StringRef where);

/// A header of version 1, filled up to a multiple of 64 bytes.
std::string makeHeader(DType type, llvm::ArrayRef<int64_t> shape);

} // namespace qc::npy

#endif // QC_LIB_SUPPORT_NPY_H
