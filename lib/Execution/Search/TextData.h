//===- TextData.h - A text to decide by and to be judged by -----*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Private to Execution/Search. Windows of a text go in turns to the half that
// the search sees and to the half that judges it.
//
//===----------------------------------------------------------------------===//

#ifndef QC_LIB_EXECUTION_SEARCH_TEXTDATA_H
#define QC_LIB_EXECUTION_SEARCH_TEXTDATA_H

#include "LanguageData.h"

#include "qc/Execution/Samples.h"

namespace qc::search {

class TextData : public LanguageData {
public:
  llvm::Expected<Measured>
  measure(Network &net, Part part,
          llvm::function_ref<bool(double done)> progress) override;
  llvm::Expected<MetricRecords>
  reference(Part part, llvm::function_ref<bool(double done)> progress) override;

  size_t probes() const override;
  llvm::Expected<std::vector<HostTensor>> probeStep(size_t probe) override;
  void addProbe(size_t probe, const HostTensor &logits,
                const HostTensor &expected,
                MetricRecords &records) const override;

protected:
  llvm::Error split(const PrecisionSearchRequest &request) override;
  llvm::Error planProbes() override;

private:
  llvm::Error addWindow(Network &net, Part part, int64_t index,
                        Measured &result);
  /// Adds what predictions, rows of logits, say of the metric: `next` are the
  /// tokens that come after the rows, -1 where none does; `expected` are the
  /// reference's predictions, null for ppl.
  void addRecord(const HostTensor &logits, const HostTensor *expected,
                 llvm::ArrayRef<int32_t> next, MetricRecords &records) const;
  Samples &textOf(Part part) {
    return part == Part::Verdict && otherText ? *otherText : *text;
  }
  /// The reference's predictions of a window, kept if it is a probe.
  llvm::Expected<HostTensor> referenceLogits(Part part, int64_t index);

  std::unique_ptr<Samples> text, otherText;
  /// The rows of a window that are probed, and of each probe the tokens that
  /// come after them.
  std::vector<int32_t> rows;
  std::vector<std::vector<int32_t>> next;
};

} // namespace qc::search

#endif // QC_LIB_EXECUTION_SEARCH_TEXTDATA_H
