//===- VerifyMetric.h - Whether the quality is as reported ------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QC_TOOLS_QC_VERIFYMETRIC_H
#define QC_TOOLS_QC_VERIFYMETRIC_H

#include "Driver.h"

namespace qc::driver {

struct VerifyRequest {
  std::string folder, data, labels = "labels", reference, metricCommand;
  /// Bounds of the reference.
  CompileOptions options;
};

struct VerifiedMetric {
  MetricSpec spec;
  MetricValue value;
  double expected = 0;
  /// The data are those of the report.
  bool sameData = false;
};

/// Measures the metric of `report` again; an error where it is not what the
/// report says. Nothing where there is none, or, with a note, where it can't be
/// measured.
llvm::Expected<std::optional<VerifiedMetric>>
verifyMetric(Driver &driver, const VerifyRequest &request,
             const llvm::json::Object &report);

} // namespace qc::driver

#endif // QC_TOOLS_QC_VERIFYMETRIC_H
