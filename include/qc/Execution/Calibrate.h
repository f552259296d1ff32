//===- Calibrate.h - Statistics of a model on data --------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QC_EXECUTION_CALIBRATE_H
#define QC_EXECUTION_CALIBRATE_H

#include "qc/Pipelines/Compile.h"
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

/// Compiles the model at `path` in float with observers, runs it on the first
/// `options.samples` samples of `options.calib`, one at a time, and counts what
/// the observers see.
llvm::Expected<CalibrationResult> calibrate(mlir::MLIRContext &context,
                                            llvm::StringRef path,
                                            const CompileOptions &options,
                                            const ProgressFn &progress = {});

/// Compiles the model at `path` as it is, in float32, for this machine: the
/// reference of `qc run MODEL` and `qc eval --reference`.
llvm::Expected<CompiledNet> compileReference(mlir::MLIRContext &context,
                                             llvm::StringRef path,
                                             const CompileOptions &options);

/// Compiles the model at `path` as `options` say. `statsFile` holds the
/// statistics of a calibration, or is empty. `remarks` get one line for each
/// layer that stays in float.
llvm::Expected<CompiledNet> compileModel(mlir::MLIRContext &context,
                                         llvm::StringRef path,
                                         const CompileOptions &options,
                                         llvm::StringRef statsFile,
                                         std::vector<std::string> &remarks,
                                         const ProgressFn &progress = {});

} // namespace qc

#endif // QC_EXECUTION_CALIBRATE_H
