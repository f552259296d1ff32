//===- ParameterStore.h - The bytes of parameters ---------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A weight is a file, an offset and a length until somebody needs its bytes;
// this is where they come from.
//
//===----------------------------------------------------------------------===//

#ifndef QC_SUPPORT_PARAMETERSTORE_H
#define QC_SUPPORT_PARAMETERSTORE_H

#include "qc/Support/HostTensor.h"
#include "qc/Support/MappedFile.h"
#include "llvm/ADT/StringMap.h"

#include <mutex>

namespace qc {

/// Maps the files of parameters, each once. Thread-safe.
class ParameterStore {
public:
  /// Relative names of files are looked up in `baseFolder`.
  explicit ParameterStore(llvm::StringRef baseFolder = "")
      : baseFolder(baseFolder) {}

  /// The tensor of `length` bytes at `offset` of `file`. `name` is for errors.
  /// The bytes stay mapped as long as the tensor lives.
  llvm::Expected<HostTensor> get(llvm::StringRef name, llvm::StringRef file,
                                 int64_t offset, int64_t length, DType type,
                                 llvm::ArrayRef<int64_t> shape);

  /// The error that get() would give, if any.
  llvm::Error check(llvm::StringRef name, llvm::StringRef file, int64_t offset,
                    int64_t length, DType type, llvm::ArrayRef<int64_t> shape);

  /// The pages of these bytes, which nobody reads for now, leave memory.
  void release(llvm::StringRef file, int64_t offset, int64_t length);

  /// The mapping of a file, for those who read it otherwise.
  llvm::Expected<std::shared_ptr<const MappedFile>> map(llvm::StringRef file);

  /// Where `file` is looked up.
  std::string resolve(llvm::StringRef file) const;

private:
  std::string baseFolder;
  std::mutex mutex;
  llvm::StringMap<std::shared_ptr<const MappedFile>> files;
};

} // namespace qc

#endif // QC_SUPPORT_PARAMETERSTORE_H
