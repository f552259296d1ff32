//===- Shell.h - Words of a command and programs of the user ----*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QC_SUPPORT_SHELL_H
#define QC_SUPPORT_SHELL_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/Support/Error.h"

#include <string>

namespace qc {

/// A word as a shell takes it: in quotes where that is needed.
std::string shellWord(llvm::StringRef word);

/// Runs `command` by /bin/sh with more words after it; what it prints. Its
/// errors go where ours go. While it runs `goesOn` is asked again and again:
/// false ends the program and all that it started, which is an error of the
/// code "interrupted", as one is that the program fails or prints more than
/// `limit` bytes.
llvm::Expected<std::string> runShell(llvm::StringRef command,
                                     llvm::ArrayRef<std::string> words,
                                     size_t limit,
                                     llvm::function_ref<bool()> goesOn);

} // namespace qc

#endif // QC_SUPPORT_SHELL_H
