//===- Table.cpp - Numbers and tables for people --------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Table.h"

#include <algorithm>
#include <cstdio>

using namespace qc;
using namespace qc::driver;

Table::Table(std::vector<std::string> header) { add(std::move(header)); }

void Table::add(std::vector<std::string> row) {
  rows.push_back(std::move(row));
}

std::string Table::text() const {
  std::vector<size_t> widths;
  for (const auto &row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i)
      widths[i] = std::max(widths[i], row[i].size());
  }
  std::string out;
  for (const auto &row : rows) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      std::string pad(widths[i] - row[i].size(), ' ');
      line += i == 0 ? row[i] + pad : "  " + pad + row[i];
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  }
  return out;
}

static std::string format(const char *form, double value) {
  char text[64];
  std::snprintf(text, sizeof text, form, value);
  return text;
}

std::string qc::driver::bytesText(uint64_t bytes) {
  if (bytes < 1024)
    return std::to_string(bytes) + " B";
  static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
  double value = static_cast<double>(bytes) / 1024;
  size_t unit = 0;
  for (; value >= 1024 && unit < 3; ++unit)
    value /= 1024;
  return format("%.1f ", value) + units[unit];
}

std::string qc::driver::millisecondsText(double milliseconds) {
  return format(milliseconds < 10 ? "%.4f ms" : "%.2f ms", milliseconds);
}

static bool isDecibel(const MetricSpec &spec) {
  return spec.kind == MetricSpec::Kind::Sqnr ||
         spec.kind == MetricSpec::Kind::Psnr;
}

std::string qc::driver::metricText(const MetricSpec &spec, double value) {
  if (spec.isRate())
    return format("%.2f %%", value * 100);
  return isDecibel(spec) ? format("%.2f dB", value) : format("%.5g", value);
}

std::string qc::driver::intervalText(const MetricSpec &spec,
                                     const MetricValue &value) {
  double scale = spec.isRate() ? 100 : 1;
  const char *form = spec.isRate() || isDecibel(spec) ? "%+.2f" : "%+.4g";
  std::string unit = spec.isRate() ? " pp" : isDecibel(spec) ? " dB" : "";
  std::string text = format(form, value.value * scale);
  if (value.hasInterval())
    text += " [" + format(form, value.low * scale) + ", " +
            format(form, value.high * scale) + "]";
  return text + unit;
}

std::string qc::driver::valueText(const MetricSpec &spec,
                                  const MetricValue &value) {
  std::string text = spec.text + " " + metricText(spec, value.value);
  text += value.hasInterval() ? "  95 %: [" + metricText(spec, value.low) +
                                    ", " + metricText(spec, value.high) + "], "
                              : "  no interval without per_sample, ";
  return text + std::to_string(value.samples) + " samples";
}

llvm::json::Object qc::driver::valueJson(const MetricValue &value) {
  return llvm::json::Object{{"value", value.value},
                            {"ci95", intervalJson(value)}};
}
