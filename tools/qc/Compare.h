//===- Compare.h - What eval and compare share ------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QC_TOOLS_QC_COMPARE_H
#define QC_TOOLS_QC_COMPARE_H

#include "Language.h"

namespace qc::driver {

/// The data and the metric that networks are measured by.
struct MetricArguments {
  std::string data, metric, metricCommand, labels = "labels";
  int64_t samples = -1;
  int threads = 1;
};

struct CompareCommand : MetricArguments {
  std::vector<std::string> models;
  CompileArguments arguments;
};

/// The options of both commands but --data.
void addMetricOptions(CLI::App &command, MetricArguments &state);

/// Bytes of a network.
struct ComparedSizes {
  uint64_t weights = 0, files = 0, arena = 0;
};
ComparedSizes sizesOf(llvm::StringRef path, const LoadedNet &net);
llvm::json::Object sizesJson(llvm::StringRef path, const ComparedSizes &sizes);

/// `0.912 [0.905, 0.921]`.
std::string ratioText(const MetricValue &ratio);

/// Language models: also tokens per second, and the perplexity of a .txt or the
/// answers to a .jsonl.
llvm::Expected<int> compareLanguageModels(Driver &driver,
                                          const CompareCommand &command);

} // namespace qc::driver

#endif // QC_TOOLS_QC_COMPARE_H
