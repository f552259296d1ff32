//===- SearchData.h - Samples to decide by and to be judged by --*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Private to Execution/Search. Pairs of samples go in turns to the half that
// the search sees and to the half that judges it, so that sorted data do no
// harm and pairs (spearman-cosine) stay together.
//
//===----------------------------------------------------------------------===//

#ifndef QC_LIB_EXECUTION_SEARCH_SEARCHDATA_H
#define QC_LIB_EXECUTION_SEARCH_SEARCHDATA_H

#include "TrialData.h"

namespace qc::search {

class SearchData : public TrialData {
public:
  /// Opens the data and measures `reference`, the float network, on what the
  /// search sees.
  static llvm::Expected<std::unique_ptr<SearchData>>
  open(const PrecisionSearchRequest &request,
       std::unique_ptr<JitNet> reference);

  llvm::Expected<Measured>
  measure(Network &net, Part part,
          llvm::function_ref<bool(double done)> progress) override;
  llvm::Expected<MetricRecords>
  reference(Part part, llvm::function_ref<bool(double done)> progress) override;

  int64_t size(Part part) const override;
  JitNet &floatNet() override { return *net; }

private:
  /// Data and the samples of it that count.
  struct Samples {
    DataSet *data = nullptr;
    std::vector<int64_t> indices;
    std::vector<double> labels;
    /// Outputs of the reference, as far as there is room.
    std::map<int64_t, HostTensor> outputs;
  };
  class Judge;
  Samples &samplesOf(Part part) {
    return part == Part::Verdict ? verdict : seen;
  }
  llvm::Error split(const PrecisionSearchRequest &request);
  llvm::Expected<const HostTensor *>
  referenceOutput(Samples &samples, int64_t index,
                  llvm::ArrayRef<HostTensor> inputs, HostTensor &room);

  MetricSpec metric, noiseMetric, cosineMetric, klMetric;
  std::unique_ptr<JitNet> net;
  std::unique_ptr<DataSet> data, otherData;
  Samples seen, verdict;
  size_t output = 0;
  int64_t kept = 0;
};

} // namespace qc::search

#endif // QC_LIB_EXECUTION_SEARCH_SEARCHDATA_H
