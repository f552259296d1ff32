//===- Calibrate.h - Statistics of a model on data --------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QC_EXECUTION_CALIBRATE_H
#define QC_EXECUTION_CALIBRATE_H

#include "qc/Execution/Samples.h"
#include "qc/Quantization/Statistics.h"

namespace qc {

/// What a calibration read.
struct CalibrationResult {
  quantization::Statistics statistics;
  int64_t samples = 0;
  /// SHA-256 of the data, in hex.
  std::string hash;
  double seconds = 0;
};

/// Compiles the model in float with observers, runs it on the samples, one at a
/// time, and counts what the observers see. The model is used up.
llvm::Expected<CalibrationResult> calibrate(LoadedModel &model,
                                            Samples &samples,
                                            const CompileOptions &options,
                                            const ProgressFn &progress = {});

} // namespace qc

#endif // QC_EXECUTION_CALIBRATE_H
