//===- Folder.h - A folder that is written whole or not at all --*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Private to Target/Artifact.
//
//===----------------------------------------------------------------------===//

#ifndef QC_LIB_TARGET_ARTIFACT_FOLDER_H
#define QC_LIB_TARGET_ARTIFACT_FOLDER_H

#include "qc/Target/Artifact/Artifact.h"

namespace qc::artifact {

/// Writes `files` into `dir`, which checkOutputFolder has passed: first into a
/// folder beside it, which then takes its place. Files in `dir` that are no
/// part of what qc wrote there stay.
llvm::Error writeFolder(llvm::StringRef dir, llvm::ArrayRef<ExtraFile> files);

} // namespace qc::artifact

#endif // QC_LIB_TARGET_ARTIFACT_FOLDER_H
