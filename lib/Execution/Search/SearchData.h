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

#include "qc/Execution/JitNet.h"
#include "qc/Execution/Search/SearchPrecision.h"

namespace qc::search {

/// Probe: the first samples of the half that the search sees.
enum class Part { Probe, Search, Verdict };

/// What a network did on a part of the data.
struct Measured {
  MetricRecords records;
  /// Sums of the squares of the reference's output, and of what differs.
  double signal = 0, noise = 0;
};

class SearchData {
public:
  /// Opens the data and measures `reference`, the float network, on what the
  /// search sees.
  static llvm::Expected<std::unique_ptr<SearchData>>
  open(const PrecisionSearchRequest &request,
       std::unique_ptr<JitNet> reference);

  /// Runs `net`; `progress` stops it with an error of the code "interrupted".
  llvm::Expected<Measured>
  measure(Network &net, Part part,
          llvm::function_ref<bool(double done)> progress);
  /// The metric of the reference on a part; no records where it compares with
  /// the reference.
  llvm::Expected<MetricRecords>
  reference(Part part, llvm::function_ref<bool(double done)> progress);

  int64_t size(Part part) const;
  JitNet &floatNet() { return *net; }

private:
  /// Data and the samples of it that count.
  struct Samples {
    DataSet *data = nullptr;
    std::vector<int64_t> indices;
    std::vector<double> labels;
    /// Outputs of the reference, as far as there is room.
    std::map<int64_t, HostTensor> outputs;
  };
  Samples &samplesOf(Part part) {
    return part == Part::Verdict ? verdict : seen;
  }
  llvm::Error split(const PrecisionSearchRequest &request);
  llvm::Expected<const HostTensor *>
  referenceOutput(Samples &samples, int64_t index,
                  llvm::ArrayRef<HostTensor> inputs, HostTensor &room);

  MetricSpec metric, noiseMetric;
  std::unique_ptr<JitNet> net;
  std::unique_ptr<DataSet> data, otherData;
  Samples seen, verdict;
  size_t output = 0;
  int64_t kept = 0;
};

} // namespace qc::search

#endif // QC_LIB_EXECUTION_SEARCH_SEARCHDATA_H
