//===- TextData.h - A text to decide by and to be judged by -----*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Private to Execution/Search. Windows of a text go in turns to the half that
// the search sees and to the half that judges it. The reference is the model in
// float32 with a cache in float32, run in this process.
//
//===----------------------------------------------------------------------===//

#ifndef QC_LIB_EXECUTION_SEARCH_TEXTDATA_H
#define QC_LIB_EXECUTION_SEARCH_TEXTDATA_H

#include "Divergence.h"
#include "TrialData.h"

#include "qc/Execution/Samples.h"

namespace qc::search {

/// What tells divergences: some windows, and some rows of each.
struct ProbePlan {
  std::vector<int64_t> windows;
  std::vector<int32_t> rows;
};

/// Adds what predictions, rows of logits, say of the metric: `next` are the
/// tokens that come after the rows, -1 where none does; `expected` are the
/// reference's predictions, null for ppl.
void addRecord(MetricRecords &records, const HostTensor &logits,
               const HostTensor *expected, llvm::ArrayRef<int32_t> next);
/// No records of a metric yet.
MetricRecords recordsOf(const MetricSpec &metric);
/// The token after each of `tokens`, -1 at the end.
std::vector<int32_t> nextTokens(llvm::ArrayRef<int32_t> tokens);
/// KL and cosine are sums over rows before, means after.
void meansOf(Measured &result);

/// Gives a sample of a language model a cache of this type, whose axes 0 and 4
/// it keeps.
void fitCache(std::vector<HostTensor> &inputs, DType type,
              llvm::ArrayRef<int64_t> shape);

class TextData : public TrialData {
public:
  /// Opens the texts; `options` are those of trials.
  static llvm::Expected<std::unique_ptr<TextData>>
  open(const PrecisionSearchRequest &request, const CompileOptions &options);
  ~TextData() override;

  llvm::Expected<Measured>
  measure(Network &net, Part part,
          llvm::function_ref<bool(double done)> progress) override;
  llvm::Expected<MetricRecords>
  reference(Part part, llvm::function_ref<bool(double done)> progress) override;
  int64_t size(Part part) const override;
  JitNet &floatNet() override { return *net; }

  /// Asked now and then about the half that the search sees: true where what
  /// was measured so far is enough. Windows come in random order, the same ones
  /// for all networks.
  std::function<bool(const MetricRecords &)> isEnough;

  /// All windows that the search may see are among these.
  Samples &samples() { return *text; }
  const ProbePlan &probe() const { return plan; }
  const MetricSpec &metricOf() const { return metric; }

private:
  TextData() = default;
  llvm::Error split(const PrecisionSearchRequest &request);
  llvm::Error addWindow(Network &net, Samples &from, int64_t index,
                        MetricRecords &records, Measured &result);
  /// The reference's predictions of a window, kept if it belongs to the probe.
  llvm::Expected<HostTensor> referenceLogits(Samples &from, int64_t index);

  std::unique_ptr<mlir::MLIRContext> context;
  LoadedModel model;
  CompileOptions options;
  MetricSpec metric;
  std::unique_ptr<JitNet> net;
  std::unique_ptr<Samples> text, otherText;
  std::vector<int64_t> seen, judging;
  ProbePlan plan;
  std::map<int64_t, ReferenceRows> kept;
};

} // namespace qc::search

#endif // QC_LIB_EXECUTION_SEARCH_TEXTDATA_H
