//===- Language.h - What commands on language models share ------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QC_TOOLS_QC_LANGUAGE_H
#define QC_TOOLS_QC_LANGUAGE_H

#include "Driver.h"

#include "qc/Execution/LanguageNet.h"

namespace qc::driver {

/// Opens an artifact, or compiles a model for this machine in full precision
/// with room for `context` tokens.
llvm::Expected<std::unique_ptr<LanguageNet>>
openLanguage(Driver &driver, llvm::StringRef path, int threads,
             std::optional<int64_t> context = {});

} // namespace qc::driver

#endif // QC_TOOLS_QC_LANGUAGE_H
