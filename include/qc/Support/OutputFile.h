//===- OutputFile.h - Putting a finished file into place --------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QC_SUPPORT_OUTPUTFILE_H
#define QC_SUPPORT_OUTPUTFILE_H

#include "llvm/ADT/StringRef.h"

#include <system_error>

namespace qc {

/// Makes the file `temporary` the file `path`, at once. Where `path` is no file
/// but a device or a pipe, that gets the bytes instead and stays what it is.
std::error_code moveIntoPlace(llvm::StringRef temporary, llvm::StringRef path);

} // namespace qc

#endif // QC_SUPPORT_OUTPUTFILE_H
