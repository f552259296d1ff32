//===- Questions.h - Questions that language models answer ------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Lines of a .jsonl, each an object {prompt, answer} or {prompt, choices,
// answer}, read one by one. Two ways to ask:
//
//   exact-match  the likeliest tokens after the prompt, up to a line break,
//                another stop text or an end; right if this text is the answer,
//                white space around both aside.
//   choice       the choice that is likeliest after the prompt: by the log
//                likelihood of its tokens per byte of its text (choice), or by
//                their sum (choice-sum). The first of equal ones.
//
// The tokens of a choice are those in which prompt and choice together differ
// from the prompt alone.
//
//===----------------------------------------------------------------------===//

#ifndef QC_EXECUTION_QUESTIONS_H
#define QC_EXECUTION_QUESTIONS_H

#include "qc/Execution/Metrics.h"
#include "qc/Execution/Speaker.h"

namespace qc {

class MappedFile;

struct Question {
  /// `FILE:LINE`, for messages.
  std::string place;
  std::string prompt, answer;
  /// None: the answer is free. Else it is `choices[correct]`.
  std::vector<std::string> choices;
  size_t correct = 0;
};

class QuestionReader {
public:
  static llvm::Expected<QuestionReader> open(llvm::StringRef path);

  /// The next question; nothing after the last. Blank lines are none.
  llvm::Expected<std::optional<Question>> next();
  /// How much of the file is read, in [0, 1].
  double progress() const;

private:
  QuestionReader() = default;

  std::shared_ptr<const MappedFile> file;
  size_t at = 0, line = 0;
};

struct QuestionOptions {
  /// Nothing: choice where the first question has choices, else exact-match.
  std::optional<MetricSpec> metric;
  /// Use the first questions only; -1: all.
  int64_t limit = -1;
  /// Of the half of the questions that the search for a precision did not see
  /// (judgedSamples).
  bool judgedHalf = false;
  /// Of free answers: most tokens, and texts that end one.
  int32_t most = 64;
  std::vector<std::string> stops = {"\n"};
};

/// A text as tokens, of which those from `first` on are looked for.
struct Continuation {
  std::vector<int32_t> tokens;
  size_t first = 0;

  size_t size() const { return tokens.size() - first; }
};

/// Asks one network, which keeps what it has read of a prompt.
class Asker {
public:
  Asker(Speaker &net, const QuestionOptions &options, MetricSpec::Kind kind)
      : net(net), options(options), kind(kind) {}

  /// Whether it answers well.
  llvm::Expected<bool> ask(const Question &question);

  llvm::Expected<std::vector<int32_t>> promptOf(const Question &question);
  /// Each choice after the prompt.
  llvm::Expected<std::vector<Continuation>> choicesOf(const Question &question);
  /// The logits that tell what is looked for: [size, vocabulary].
  llvm::Expected<HostTensor> predict(const Question &question,
                                     const Continuation &text);

private:
  llvm::Expected<bool> write(const Question &question);
  llvm::Expected<bool> choose(const Question &question);
  /// Room for so many tokens in the session.
  llvm::Error reserve(const Question &question, size_t tokens);

  Speaker &net;
  const QuestionOptions &options;
  MetricSpec::Kind kind;
  size_t room = 0;
  /// What the session holds.
  std::vector<int32_t> session;
};

/// The choice that log likelihoods speak for: the first of the best.
size_t bestChoice(const Question &question, MetricSpec::Kind kind,
                  llvm::ArrayRef<double> logLikelihoods);
/// The log likelihood of tokens that rows of logits tell.
double logLikelihood(const HostTensor &logits, size_t firstRow,
                     llvm::ArrayRef<int32_t> tokens);
/// A question has to have choices, or its metric is exact-match.
llvm::Error checkKind(const Question &question, const MetricSpec &metric);

/// Asks `net`, and `reference` if not null, every question of the file; the
/// records are right (1) or wrong (0). `progress` stops by false, which is an
/// error of the code "interrupted".
llvm::Expected<Evaluation>
askQuestions(Speaker &net, Speaker *reference, llvm::StringRef path,
             const QuestionOptions &options,
             llvm::function_ref<bool(double done)> progress);

/// How two networks did on the same questions.
struct PairedCounts {
  int64_t both = 0, onlyThis = 0, onlyOther = 0, neither = 0;

  PairedCounts(const MetricRecords &records, const MetricRecords &other);
  /// McNemar's exact test: how likely counts at least so uneven are where both
  /// networks are equally good.
  double mcNemar() const;
  /// The standard error of the difference of the two rates.
  double standardError() const;
};

} // namespace qc

#endif // QC_EXECUTION_QUESTIONS_H
