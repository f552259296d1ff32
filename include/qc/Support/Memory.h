//===- Memory.h - What the process takes of the machine ---------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QC_SUPPORT_MEMORY_H
#define QC_SUPPORT_MEMORY_H

#include <cstdint>

namespace qc {

/// Bytes of memory that this process has for itself; pages of files, which the
/// system may take back, do not count. 0 where it cannot be told.
int64_t ownMemory();

} // namespace qc

#endif // QC_SUPPORT_MEMORY_H
