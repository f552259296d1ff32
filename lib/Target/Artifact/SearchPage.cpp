//===- SearchPage.cpp - What a search tried, in report.html ---------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A plot of the networks that were measured, cost across and quality up, with
// the border of the band and the front; then the same as a table.
//
//===----------------------------------------------------------------------===//

#include "Internal.h"

#include "llvm/ADT/DenseSet.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"

#include <algorithm>
#include <cmath>

using namespace llvm;
using namespace qc;
using namespace qc::artifact;

/// Size of the plot, and what its axes take.
static constexpr double plotWidth = 720, plotHeight = 320, border = 60;

namespace {
/// A range of values and where they stand in the plot.
struct Axis {
  double low = HUGE_VAL, high = -HUGE_VAL, start, end;

  void add(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
  double at(double value) const {
    double part = high > low ? (value - low) / (high - low) : 0.5;
    return start + (end - start) * (0.05 + 0.9 * part);
  }
};
} // namespace

static double numberOf(const json::Object &trial, StringRef key) {
  return trial.getNumber(key).value_or(0);
}

static void axisText(raw_ostream &os, const Axis &across, const Axis &up,
                     StringRef cost, StringRef metric) {
  os << formatv("<text x={0:f0} y={1:f0}>{2:g4}</text>"
                "<text x={3:f0} y={1:f0} text-anchor=end>{4:g4} {5}</text>\n",
                border, plotHeight - 20, across.low, plotWidth - 10,
                across.high, cost);
  for (double value : {up.low, up.high})
    os << formatv("<text x={0:f0} y={1:f1} text-anchor=end>{2:f4}</text>\n",
                  border - 6, up.at(value) + 4, value);
  os << formatv("<text x={0:f0} y=16>{1}</text>\n", border, escapeHtml(metric));
}

/// The trials as points; those of the front are joined by a line.
static void plot(raw_ostream &os, const json::Object &search,
                 const json::Array &front, StringRef band) {
  bool bySize = search.getString("objective") == "size";
  StringRef key = bySize ? "bytes" : "ms";
  const json::Array &trials = *search.getArray("trials");
  Axis across, up;
  across.start = border;
  across.end = plotWidth - 10;
  up.start = plotHeight - 40;
  up.end = 20;
  double limit = 0;
  for (const json::Value &entry : trials)
    if (const json::Object *trial = entry.getAsObject()) {
      across.add(numberOf(*trial, key));
      up.add(numberOf(*trial, "value"));
      // Of an absolute band and of one beside float the same for all.
      double margin = numberOf(*trial, "margin");
      limit =
          numberOf(*trial, "value") + (band.contains("<=") ? margin : -margin);
    }
  up.add(limit);
  os << formatv("<svg viewBox=\"0 0 {0:f0} {1:f0}\" role=img>\n", plotWidth,
                plotHeight);
  axisText(os, across, up, key, band);
  os << formatv("<line class=band x1={0:f0} x2={1:f0} y1={2:f1} y2={2:f1} "
                "/>\n",
                border, plotWidth - 10, up.at(limit));
  DenseSet<int64_t> best;
  for (const json::Value &index : front)
    best.insert(index.getAsInteger().value_or(-1));
  int64_t number = 0;
  for (const json::Value &entry : trials) {
    const json::Object &trial = *entry.getAsObject();
    bool chosen = trial.getBoolean("chosen").value_or(false);
    StringRef origin = trial.getString("origin").value_or("");
    StringRef kind = chosen                  ? "chosen"
                     : origin == "uniform"   ? "uniform"
                     : best.contains(number) ? "front"
                                             : "other";
    ++number;
    os << formatv("<circle class=\"trial {0}\" cx={1:f1} cy={2:f1} r={3}>"
                  "<title>{4}: {5}</title></circle>\n",
                  kind, across.at(numberOf(trial, key)),
                  up.at(numberOf(trial, "value")), chosen ? 7 : 5,
                  escapeHtml(origin),
                  escapeHtml(trial.getString("choice").value_or("")));
  }
  os << "</svg>\n<p><b class=chosen>chosen</b> <b class=uniform>uniform</b> "
        "<b class=front>beaten by none</b> <b class=other>others</b>, the "
        "dashed line is the border of the band</p>\n";
}

static const char searchStyle[] = R"(<style>
svg { width: 100%; max-width: 60rem; font: 11px system-ui, sans-serif; }
svg text { fill: #5b6577; } .band { stroke: #c0392b; stroke-dasharray: 5 4; }
.chosen { fill: #d35400; color: #d35400; } .uniform { fill: #2471a3; color: #2471a3; }
.front { fill: #1e8449; color: #1e8449; } .other { fill: #aab4c4; color: #7b8698; }
</style>
)";

void qc::artifact::searchPage(raw_ostream &os, const json::Object &search,
                              const json::Array &front) {
  const json::Array *trials = search.getArray("trials");
  if (!trials || trials->empty())
    return;
  StringRef band = search.getString("band").value_or("");
  os << searchStyle << "<h2>Search</h2>\n<p>" << escapeHtml(band) << ": "
     << escapeHtml(search.getString("choice").value_or("")) << "</p>\n";
  plot(os, search, front, band);
  static const char *const columns[] = {"origin",  "choice", "bytes",
                                        "ms",      "value",  "margin",
                                        "sqnr_db", "inside", "chosen"};
  os << "<table>\n<tr>";
  for (const char *column : columns)
    os << "<th>" << column << "</th>";
  os << "</tr>\n";
  for (const json::Value &entry : *trials) {
    os << "<tr>";
    for (const char *column : columns)
      os << "<td>" << cellText(entry.getAsObject()->get(column)) << "</td>";
    os << "</tr>\n";
  }
  os << "</table>\n";
}
