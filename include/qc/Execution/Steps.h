//===- Steps.h - How fast a language model is -------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Tokens per second: of a prompt, and one by one after it. The logits stay in
// the library's process.
//
//===----------------------------------------------------------------------===//

#ifndef QC_EXECUTION_STEPS_H
#define QC_EXECUTION_STEPS_H

#include "qc/Execution/LanguageNet.h"

namespace qc {

/// Tokens that are measured: `prompt` at once, then `tokens` one by one.
struct StepsRequest {
  int32_t prompt = 128, tokens = 128;
  int threads = 1;
  /// Time to spend, and the least and most runs.
  int64_t milliseconds = 2000;
  int64_t leastRuns = 3, mostRuns = 2000;
};

/// Tokens per second by the median times; nothing where there are no tokens.
struct StepRates {
  std::optional<double> prefill, decode;
  int64_t runs = 0;
  bool emulated = false;
};

/// Measures; the tokens have to fit into the context. `progress` stops by
/// false, which is an error of the code "interrupted".
llvm::Expected<StepRates> measureSteps(LanguageNet &net,
                                       const StepsRequest &request,
                                       llvm::function_ref<bool()> progress);

/// The rates as JSON; null where nothing was measured.
llvm::json::Object stepsJson(const StepsRequest &request,
                             const std::optional<StepRates> &rates);

} // namespace qc

#endif // QC_EXECUTION_STEPS_H
