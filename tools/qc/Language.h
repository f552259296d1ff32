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

/// Tokens that are measured: `prompt` at once, then `tokens` one by one.
struct StepsRequest {
  int32_t prompt = 128, tokens = 128;
  int threads = 1;
  /// Time to spend; there are at least three runs.
  int64_t milliseconds = 2000;
};

/// Measures and reports tokens per second.
llvm::Expected<int> benchSteps(Driver &driver, llvm::StringRef path,
                               LanguageNet &net, const StepsRequest &request);

/// Reports what the files of a language model say of it.
llvm::Expected<int> inspectLanguage(Driver &driver, llvm::StringRef path);
/// A line for each fact.
void printLanguage(const llvm::json::Object &facts);

} // namespace qc::driver

#endif // QC_TOOLS_QC_LANGUAGE_H
