//===- MetricCommand.h - A metric that a program computes -------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// --metric-command: a program of the user gets the outputs of a network and the
// data as two .npz files and prints {"value", "higher_is_better",
// "per_sample"}. The last, numbers whose mean is the value, make intervals and
// paired differences possible.
//
//===----------------------------------------------------------------------===//

#ifndef QC_EXECUTION_METRICCOMMAND_H
#define QC_EXECUTION_METRICCOMMAND_H

#include "qc/Execution/Metrics.h"

namespace qc {

/// Collects the outputs of one network, then asks the program.
class MetricCommand {
public:
  MetricCommand(const MetricSpec &spec, llvm::ArrayRef<NetPort> outputs)
      : spec(spec), ports(outputs.vec()), parts(outputs.size()) {}

  /// Adds the outputs of a run.
  void add(llvm::ArrayRef<HostTensor> outputs);

  /// What the program says of the runs that were added, which are those of the
  /// samples `indices` of `data` in this order. `goesOn` stops it by false,
  /// which is an error of the code "interrupted".
  llvm::Expected<MetricRecords> ask(DataSet &data,
                                    llvm::ArrayRef<int64_t> indices,
                                    llvm::function_ref<bool()> goesOn);

private:
  llvm::Error writeOutputs(llvm::StringRef path);

  MetricSpec spec;
  std::vector<NetPort> ports;
  /// Of each output those of all runs.
  std::vector<std::vector<HostTensor>> parts;
};

/// The records that the text of an answer gives; `samples` is the number of
/// runs, for an answer without numbers of samples.
llvm::Expected<MetricRecords> readAnswer(const MetricSpec &spec,
                                         llvm::StringRef text, int64_t samples);

} // namespace qc

#endif // QC_EXECUTION_METRICCOMMAND_H
