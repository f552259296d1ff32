//===- QuestionData.h - Questions to decide and judge by --------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Private to Execution/Search. Pairs of questions go in turns to the half that
// the search sees and to the half that judges it. What tells the sensitivity of
// layers are the predictions of choices, or of what float32 writes. There
// exact-match counts the right answers of which every token stays the
// likeliest.
//
//===----------------------------------------------------------------------===//

#ifndef QC_LIB_EXECUTION_SEARCH_QUESTIONDATA_H
#define QC_LIB_EXECUTION_SEARCH_QUESTIONDATA_H

#include "LanguageData.h"
#include "NetworkSpeaker.h"

#include "qc/Execution/Questions.h"

namespace qc::search {

class QuestionData : public LanguageData {
public:
  llvm::Expected<Measured>
  measure(Network &net, Part part,
          llvm::function_ref<bool(double done)> progress) override;
  llvm::Expected<MetricRecords>
  reference(Part part, llvm::function_ref<bool(double done)> progress) override;

  size_t probes() const override { return plan.size(); }
  llvm::Expected<std::vector<HostTensor>> probeStep(size_t probe) override;
  void addProbe(size_t probe, const HostTensor &logits,
                const HostTensor &expected,
                MetricRecords &records) const override;

protected:
  llvm::Error split(const PrecisionSearchRequest &request) override;
  llvm::Error planProbes() override;

private:
  /// A question that is probed: each choice, or what the reference writes.
  struct Probe {
    std::vector<Continuation> texts;
    /// What the reference writes is the answer.
    bool right = false;

    size_t tokens() const;
    size_t rows() const;
  };

  llvm::Error read(const std::string &path, std::vector<Question> &to) const;
  const Question &question(Part part, int64_t index) const {
    return (part == Part::Verdict && !others.empty() ? others : own)[index];
  }
  NetworkSpeaker speakerOf(Network &network) const;
  llvm::Expected<Probe> probeOfQuestion(NetworkSpeaker &speaker, Asker &asker,
                                        const Question &question) const;
  /// The predictions of a probe, as its step would give them.
  llvm::Expected<HostTensor> predictProbe(Asker &asker, size_t probe) const;
  /// What is measured of one question.
  llvm::Error addQuestion(Asker &asker, Part part, int64_t index,
                          Measured &result);
  llvm::Error keepReference(size_t probe);

  std::optional<Tokenizer> tokenizer;
  std::vector<int64_t> ends;
  std::string path;
  std::vector<Question> own, others;
  std::vector<Probe> plan;
  /// Of the step of any probe.
  HostTensor cache;
  QuestionOptions asking;
};

} // namespace qc::search

#endif // QC_LIB_EXECUTION_SEARCH_QUESTIONDATA_H
