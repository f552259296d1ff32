//===- SearchFolder.h - What a search keeps beside its output ---*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// OUT.partial holds what a search has found, so that a run that was interrupted
// or killed goes on with --resume. A mark tells searches apart.
//
//===----------------------------------------------------------------------===//

#ifndef QC_EXECUTION_SEARCHFOLDER_H
#define QC_EXECUTION_SEARCHFOLDER_H

#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/Error.h"

#include <string>

namespace qc {

/// The folder of a search whose result is `output`.
std::string searchFolder(llvm::StringRef output);

/// A hash of a model and of `more`; files of parameters and `files` count by
/// size and time.
std::string searchMark(mlir::ModuleOp module, llvm::StringRef more,
                       llvm::ArrayRef<std::string> files = {});

/// Makes the folder of a search one that holds only what a search of this mark
/// found: nothing without `resume`.
llvm::Error openSearchFolder(llvm::StringRef folder, llvm::StringRef mark,
                             bool resume);

/// Removes what a search for `output` has kept.
void finishSearch(llvm::StringRef output);

} // namespace qc

#endif // QC_EXECUTION_SEARCHFOLDER_H
