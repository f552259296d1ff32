//===- Page.h - The parts of report.html ------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Private to Target/Artifact/Report. A page is one file without links: text and
// drawings made here from report.json, with nothing that is not in it. Each
// section is a function that writes nothing where the report has nothing to
// show. Numbers are short for the reader, and whole in `data-v`, by which
// tables sort.
//
//===----------------------------------------------------------------------===//

#ifndef QC_LIB_TARGET_ARTIFACT_REPORT_PAGE_H
#define QC_LIB_TARGET_ARTIFACT_REPORT_PAGE_H

#include "llvm/ADT/StringMap.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"

#include <optional>
#include <string>
#include <vector>

namespace qc::artifact {

/// How the values of the report's metric are written.
struct MetricStyle {
  bool isRate = false, isDecibel = false, higherIsBetter = true;

  explicit MetricStyle(const llvm::json::Object &report);
  /// `88.88 %`, `31.2 dB`.
  std::string value(double number) const;
  /// `-0.12 pp`.
  std::string difference(double number) const;
};

/// What the sections share.
struct Page {
  llvm::raw_ostream &os;
  const llvm::json::Object &report;
  MetricStyle metric;
  /// A colour for each format, in the order in which they come up.
  llvm::StringMap<int> formats;

  Page(llvm::raw_ostream &os, const llvm::json::Object &report)
      : os(os), report(report), metric(report) {}
  /// The name of a format in its colour.
  std::string chip(llvm::StringRef format);
  /// The class of that colour.
  std::string tint(llvm::StringRef format);
};

void verdictSection(Page &page);
/// Bytes, times and memory as bars, and what the artifact was made of.
void sizeSection(Page &page);
/// What a search tried: drawings and a table.
void searchSection(Page &page);
void layerSection(Page &page);
/// Histograms of weights and activations.
void distributionSection(Page &page);
/// How to make and check this again.
void commandSection(Page &page);

/// The precisions of a search or of one of its trials, `18 w8a8, 2 fp32`, and
/// what was taken out.
std::string choiceText(const llvm::json::Object &trial);

std::string escapeHtml(llvm::StringRef text);
/// `1.5 MiB`.
std::string bytesText(double bytes);
/// A time in milliseconds, four digits.
std::string timeText(double milliseconds);
/// So many significant digits, no exponent where that is short.
std::string shortText(double number, int digits = 4);
/// A number as report.json has it; empty where there is none.
std::string exactText(const llvm::json::Value *value);

/// A cell that sorts by its exact number. `text` is what is shown.
void numberCell(llvm::raw_ostream &os, const llvm::json::Value *value,
                llvm::StringRef text, llvm::StringRef attributes = "");

/// A range of values and where they stand in a drawing.
struct Axis {
  double low = 0, high = 1, start = 0, end = 1;

  double at(double value) const;
  /// Round multiples of `unit` inside the range, about `count` of them.
  std::vector<double> ticks(int count, double unit = 1) const;
};

} // namespace qc::artifact

#endif // QC_LIB_TARGET_ARTIFACT_REPORT_PAGE_H
