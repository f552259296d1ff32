//===- Table.h - Numbers and tables for people ------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QC_TOOLS_QC_TABLE_H
#define QC_TOOLS_QC_TABLE_H

#include "qc/Execution/Band.h"

#include "llvm/Support/JSON.h"

#include <string>
#include <vector>

namespace qc::driver {

/// Columns as wide as their longest cell; the first is to the left, the others
/// to the right.
class Table {
public:
  explicit Table(std::vector<std::string> header);
  void add(std::vector<std::string> row);
  std::string text() const;

private:
  std::vector<std::vector<std::string>> rows;
};

/// `1.5 MiB`, `80 B`.
std::string bytesText(uint64_t bytes);
/// `1.234 ms`.
std::string millisecondsText(double milliseconds);
/// `88.88 %` of a rate, `31.2 dB`, else the number.
std::string metricText(const MetricSpec &spec, double value);
/// `top1 88.88 %  95 %: [88.20 %, 89.50 %], 10000 samples`.
std::string valueText(const MetricSpec &spec, const MetricValue &value);
/// The value and its interval.
llvm::json::Object valueJson(const MetricValue &value);
/// `-0.12 [-0.40, +0.16] pp`.
std::string intervalText(const MetricSpec &spec, const MetricValue &value);

} // namespace qc::driver

#endif // QC_TOOLS_QC_TABLE_H
