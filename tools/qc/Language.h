//===- Language.h - What commands on language models share ------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QC_TOOLS_QC_LANGUAGE_H
#define QC_TOOLS_QC_LANGUAGE_H

#include "Driver.h"

#include "qc/Execution/Steps.h"

namespace qc::driver {

/// Opens an artifact, or compiles a model for this machine in full precision
/// with room for `context` tokens.
llvm::Expected<std::unique_ptr<LanguageNet>>
openLanguage(Driver &driver, llvm::StringRef path, int threads,
             std::optional<int64_t> context = {});

/// All of a text file.
llvm::Expected<std::string> readText(llvm::StringRef path);

/// Measures and reports tokens per second.
llvm::Expected<int> benchSteps(Driver &driver, llvm::StringRef path,
                               LanguageNet &net, const StepsRequest &request);

/// Questions to ask; see Execution/Questions.h.
struct QuestionsRequest {
  std::string model, reference, data, metric;
  std::optional<int64_t> context;
  int64_t samples = -1;
  int threads = 1;
  int32_t most = 64;
  /// Empty: a line break.
  std::vector<std::string> stops;
};

/// Asks the questions of a .jsonl and reports how many answers are right.
llvm::Expected<int> evalQuestions(Driver &driver,
                                  const QuestionsRequest &request);

/// Reports what the files of a language model say of it.
llvm::Expected<int> inspectLanguage(Driver &driver, llvm::StringRef path);
/// A line for each fact.
void printLanguage(const llvm::json::Object &facts);

} // namespace qc::driver

#endif // QC_TOOLS_QC_LANGUAGE_H
