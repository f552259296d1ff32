//===- Perplexity.h - How well a language model predicts a text -*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// exp of the mean negative log likelihood of the tokens of a text, over windows
// that one of three protocols cuts:
//
//   qc         windows of context tokens, the first of each the beginning of a
//              text (BOS) where the model has one: every token of the text is
//              scored once. Without it the first of each window is not scored.
//   hf         as the transformers documentation does it: a window of context
//              tokens every stride tokens, of which those are scored that no
//              window before had.
//   llama.cpp  as llama-perplexity: whole windows of context tokens, the first
//              of each replaced by BOS, the second half scored.
//
//===----------------------------------------------------------------------===//

#ifndef QC_EXECUTION_PERPLEXITY_H
#define QC_EXECUTION_PERPLEXITY_H

#include "qc/Execution/LanguageNet.h"
#include "qc/Execution/Metrics.h"

namespace qc {

enum class PerplexityProtocol { QC, HF, LlamaCpp };

struct PerplexityRequest {
  PerplexityProtocol protocol = PerplexityProtocol::QC;
  /// Tokens of a window; the model must have room for them.
  int64_t context = 512;
  /// Of the protocol hf.
  int64_t stride = 256;
  bool bos = true;
};

/// A run of tokens; those from `scored` on are predicted from the ones before.
struct PerplexityWindow {
  std::vector<int32_t> tokens;
  size_t scored = 1;
};

/// Cuts the tokens of a text, which have nothing added; `bos` is the token of a
/// beginning.
std::vector<PerplexityWindow> cutWindows(llvm::ArrayRef<int32_t> text,
                                         int32_t bos,
                                         const PerplexityRequest &request);

/// log of the sum of exp of a row of logits.
double logSumExp(llvm::ArrayRef<float> row);

struct Perplexity {
  double perplexity = 0, standardError = 0;
  int64_t tokens = 0;
  /// Against a reference: mean KL divergence of its predictions, and how often
  /// both find the same token likeliest.
  std::optional<double> divergence, agreement;
  /// Of each window, for paired differences.
  MetricRecords records;
};

/// Scores the windows. `reference` may be null. `progress` stops by false,
/// which is an error of the code "interrupted".
llvm::Expected<Perplexity>
measurePerplexity(LanguageNet &net, LanguageNet *reference,
                  llvm::ArrayRef<PerplexityWindow> windows,
                  llvm::function_ref<bool(double done)> progress);

} // namespace qc

#endif // QC_EXECUTION_PERPLEXITY_H
