//===- LanguageData.h - What language models are searched by ----*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Private to Execution/Search. A text (TextData.h) or questions
// (QuestionData.h). The reference is the model in float32 with a cache in
// float32, run in this process.
//
//===----------------------------------------------------------------------===//

#ifndef QC_LIB_EXECUTION_SEARCH_LANGUAGEDATA_H
#define QC_LIB_EXECUTION_SEARCH_LANGUAGEDATA_H

#include "Divergence.h"
#include "TrialData.h"

namespace qc::search {

/// Gives a step of a language model a cache of this type, whose axes 0 and 4
/// it keeps.
void fitCache(std::vector<HostTensor> &inputs, DType type,
              llvm::ArrayRef<int64_t> shape);
/// A step that reads tokens and predicts what comes after some of them: tokens,
/// positions, sequences, rows. The cache is still missing.
std::vector<HostTensor> stepOf(llvm::ArrayRef<int32_t> tokens,
                               llvm::ArrayRef<int32_t> positions,
                               llvm::ArrayRef<int32_t> sequences,
                               llvm::ArrayRef<int32_t> rows);

class LanguageData : public TrialData {
public:
  /// Opens the data; `options` are those of trials.
  static llvm::Expected<std::unique_ptr<LanguageData>>
  open(const PrecisionSearchRequest &request, const CompileOptions &options);
  ~LanguageData() override;

  int64_t size(Part part) const override;
  JitNet &floatNet() override { return *net; }

  /// Asked now and then about the half that the search sees: true where what
  /// was measured so far is enough. Samples come in random order, the same one
  /// for all networks.
  std::function<bool(const MetricRecords &)> isEnough;

  /// The first samples of the half that the search sees tell divergences and
  /// the sensitivity of layers, each by one step.
  virtual size_t probes() const = 0;
  virtual llvm::Expected<std::vector<HostTensor>> probeStep(size_t probe) = 0;
  /// Adds what the predictions of that step say of the metric; `expected` are
  /// the reference's.
  virtual void addProbe(size_t probe, const HostTensor &logits,
                        const HostTensor &expected,
                        MetricRecords &records) const = 0;
  const MetricSpec &metricOf() const { return metric; }
  /// No records of it yet.
  MetricRecords noRecords() const;

protected:
  /// What is measured of a sample of the list of a part.
  using AddSample = llvm::function_ref<llvm::Error(int64_t index)>;

  /// Opens what is particular to the data; `model` and `options` are there.
  virtual llvm::Error split(const PrecisionSearchRequest &request) = 0;
  /// With `net` there as well.
  virtual llvm::Error planProbes() = 0;
  /// Rows of a vocabulary of which there is room for the reference's.
  int64_t probeRows() const;
  /// An error for too few samples on either side.
  llvm::Error checkCounts(const PrecisionSearchRequest &request,
                          llvm::StringRef what, llvm::StringRef fix) const;
  llvm::Error forEach(Part part, llvm::function_ref<bool(double done)> progress,
                      const MetricRecords *soFar, AddSample add) const;
  /// The probe that a sample of a part is.
  std::optional<size_t> probeOf(Part part, int64_t index) const;
  /// Compares the predictions of a probe's step with the reference's.
  void addDivergence(size_t probe, const HostTensor &logits, Measured &result);

  std::unique_ptr<mlir::MLIRContext> context;
  LoadedModel model;
  CompileOptions options;
  MetricSpec metric;
  std::unique_ptr<JitNet> net;
  /// Samples of the two halves, or of two files.
  std::vector<int64_t> seen, judging;
  /// The reference's predictions of probes.
  std::map<size_t, ReferenceRows> kept;
};

} // namespace qc::search

#endif // QC_LIB_EXECUTION_SEARCH_LANGUAGEDATA_H
