//===- Text.cpp - Numbers and names on a page -----------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Page.h"

#include "llvm/Support/FormatVariadic.h"

#include <cmath>
#include <cstdio>

using namespace llvm;

namespace qc::artifact {

static std::string formatted(const char *form, double value) {
  char text[64];
  std::snprintf(text, sizeof text, form, value);
  return text;
}

std::string escapeHtml(StringRef text) {
  std::string out;
  for (char c : text)
    switch (c) {
    case '&':
      out += "&amp;";
      break;
    case '<':
      out += "&lt;";
      break;
    case '>':
      out += "&gt;";
      break;
    case '"':
      out += "&quot;";
      break;
    default:
      out += c;
    }
  return out;
}

std::string bytesText(double bytes) {
  if (bytes < 1024)
    return formatted("%.0f B", bytes);
  static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
  size_t unit = 0;
  for (bytes /= 1024; bytes >= 1024 && unit < 3; ++unit)
    bytes /= 1024;
  return formatted(bytes < 100 ? "%.1f " : "%.0f ", bytes) + units[unit];
}

std::string shortText(double number, int digits) {
  double size = std::abs(number);
  if (size != 0 && (size < 1e-4 || size >= 1e7))
    return formatted("%.2e", number);
  int before = size < 1 ? 0 : static_cast<int>(std::log10(size)) + 1;
  // Zeros after the point do not count as digits.
  int zeros = size > 0 && size < 1
                  ? static_cast<int>(-std::floor(std::log10(size))) - 1
                  : 0;
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", std::max(0, digits - before + zeros),
                number);
  return text;
}

std::string timeText(double milliseconds) {
  return shortText(milliseconds, 4) + " ms";
}

std::string exactText(const json::Value *value) {
  if (!value || !value->getAsNumber())
    return "";
  return formatv("{0}", *value).str();
}

void numberCell(raw_ostream &os, const json::Value *value, StringRef text,
                StringRef attributes) {
  os << "<td" << (attributes.empty() ? "" : " ") << attributes << " data-v=\""
     << exactText(value) << "\">" << text << "</td>";
}

MetricStyle::MetricStyle(const json::Object &report) {
  const json::Object *metric = report.getObject("metric");
  if (!metric)
    return;
  StringRef unit = metric->getString("unit").value_or("");
  isRate = unit == "%";
  isDecibel = unit == "dB";
  higherIsBetter = metric->getBoolean("higher_is_better").value_or(true);
}

std::string MetricStyle::value(double number) const {
  if (isRate)
    return formatted("%.2f %%", number * 100);
  return isDecibel ? formatted("%.2f dB", number) : shortText(number, 5);
}

std::string MetricStyle::difference(double number) const {
  std::string text = isRate      ? formatted("%+.2f pp", number * 100)
                     : isDecibel ? formatted("%+.2f dB", number)
                                 : formatted("%+.4g", number);
  // The minus of typography.
  if (text.front() == '-')
    text.replace(0, 1, "\u2212");
  return text;
}

std::string Page::tint(StringRef format) {
  // Floats are grey; the other colours go round.
  bool isFloat = format == "f32" || format == "fp32";
  int next = isFloat ? 0 : 1 + (formats.size() - formats.count("f32")) % 7;
  int number =
      formats.try_emplace(isFloat ? "f32" : format, next).first->second;
  return "k" + std::to_string(number);
}

std::string Page::chip(StringRef format) {
  return "<span class=\"chip " + tint(format) + "\">" + escapeHtml(format) +
         "</span>";
}

double Axis::at(double value) const {
  double part = high > low ? (value - low) / (high - low) : 0.5;
  return start + (end - start) * part;
}

std::vector<double> Axis::ticks(int count, double unit) const {
  std::vector<double> ticks;
  double rough = (high - low) / unit / count;
  if (!(rough > 0))
    return ticks;
  // The round step that gives no more of them.
  double power = std::pow(10, std::floor(std::log10(rough))), step = 0;
  for (double factor : {10.0, 5.0, 2.0, 1.0})
    if (power * factor >= rough)
      step = power * factor * unit;
  for (double i = std::ceil(low / step); i * step <= high; ++i)
    ticks.push_back(i * step);
  return ticks;
}

} // namespace qc::artifact
