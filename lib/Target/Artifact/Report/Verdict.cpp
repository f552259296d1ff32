//===- Verdict.cpp - Whether the quality is kept, drawn -------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The interval of the difference to float32 on a line, with the border of the
// band where there is one. What is better lies to the right.
//
//===----------------------------------------------------------------------===//

#include "Page.h"

#include "llvm/Support/FormatVariadic.h"

#include <algorithm>

using namespace llvm;

namespace qc::artifact {

namespace {
/// Places on the line: how much better than float32, in the metric's units.
struct Interval {
  double value = 0, low = 0, high = 0;
  /// The border of the band; nothing without one.
  std::optional<double> border;
  /// Where float32 is; nothing where nothing is compared with.
  std::optional<double> reference;
  /// The metric at 0 where nothing is compared with.
  double origin = 0;
  bool hasInterval = false;
};
} // namespace

/// The two ends of `ci95`, if it is one.
static bool readEnds(const json::Object &object, double &low, double &high) {
  const json::Array *ends = object.getArray("ci95");
  if (!ends || ends->size() != 2 || !(*ends)[0].getAsNumber() ||
      !(*ends)[1].getAsNumber())
    return false;
  low = *(*ends)[0].getAsNumber();
  high = *(*ends)[1].getAsNumber();
  return true;
}

/// Of a verdict: how far inside the band, which begins at 0.
static Interval intervalOfBand(const json::Object &verdict,
                               const json::Object &metric, double sign) {
  Interval line;
  line.value = verdict.getNumber("margin").value_or(0);
  line.hasInterval = readEnds(verdict, line.low, line.high);
  line.border = 0;
  double ours = metric.getNumber("this").value_or(0);
  line.origin = ours - sign * line.value;
  if (auto reference = metric.getNumber("ref"))
    line.reference = line.value - sign * (ours - *reference);
  return line;
}

static Interval intervalOfMetric(const json::Object &metric, double sign) {
  Interval line;
  const json::Object *difference = metric.getObject("difference");
  if (difference)
    line.reference = 0;
  line.value = sign * (difference ? difference->getNumber("value")
                                  : metric.getNumber("this"))
                          .value_or(0);
  line.hasInterval =
      readEnds(difference ? *difference : metric, line.low, line.high);
  if (sign < 0)
    std::swap(line.low, line.high);
  line.low *= sign;
  line.high *= sign;
  return line;
}

static void mark(raw_ostream &os, double x, double y, StringRef text,
                 StringRef style, StringRef anchor = "middle") {
  os << formatv("<text class=\"{0}\" x={1:f1} y={2:f1} text-anchor={3}>{4}"
                "</text>\n",
                style, x, y, anchor, text);
}

static void drawLine(Page &page, const Interval &line) {
  constexpr double width = 520, height = 104, middle = 54;
  Axis axis{line.value, line.value, 14, width - 14};
  auto widen = [&](double value) {
    axis.low = std::min(axis.low, value);
    axis.high = std::max(axis.high, value);
  };
  if (line.hasInterval) {
    widen(line.low);
    widen(line.high);
  }
  for (const std::optional<double> &place : {line.border, line.reference})
    if (place)
      widen(*place);
  double room = (axis.high - axis.low) * 0.14;
  axis.low -= room;
  axis.high += room;
  raw_ostream &os = page.os;
  os << formatv("<svg viewBox=\"0 0 {0:f0} {1:f0}\" role=img aria-label=\"95 % "
                "interval\">\n",
                width, height);
  if (line.border) {
    double x = axis.at(*line.border);
    os << formatv("<rect class=inside x={0:f1} y=22 width={1:f1} height=58 />"
                  "<line class=border x1={0:f1} x2={0:f1} y1=18 y2=80 />\n",
                  x, width - 14 - x);
    mark(os, x, 13, "border of the band", "", x > width / 2 ? "end" : "start");
  }
  os << formatv("<line class=axis x1=14 x2={0:f0} y1=80 y2=80 />\n",
                width - 14);
  if (line.reference) {
    double x = axis.at(*line.reference);
    os << formatv("<line class=zero x1={0:f1} x2={0:f1} y1=26 y2=80 />\n", x);
    mark(os, x, 97, "float32", "");
  }
  if (line.hasInterval)
    os << formatv("<line x1={0:f1} x2={1:f1} y1={2:f0} y2={2:f0} "
                  "stroke=\"var(--tone)\" stroke-width=7 stroke-linecap=round "
                  "stroke-opacity=.35 />\n",
                  axis.at(line.low), axis.at(line.high), middle);
  os << formatv("<circle cx={0:f1} cy={1:f0} r=6.5 fill=\"var(--tone)\" />\n",
                axis.at(line.value), middle);
  // Beside float32 the ends are differences to it.
  double sign = page.metric.higherIsBetter ? 1 : -1;
  auto text = [&](double value) {
    return line.reference
               ? page.metric.difference(sign * (value - *line.reference))
               : page.metric.value(line.origin + sign * value);
  };
  if (line.hasInterval) {
    mark(os, axis.at(line.low), middle + 20, text(line.low), "");
    mark(os, axis.at(line.high), middle + 20, text(line.high), "");
  }
  mark(os, axis.at(line.value), middle - 13, text(line.value), "strong");
  os << "</svg>\n";
}

/// `top1 of the half that judged: 80.44 %, float32 80.56 %`.
static void sentences(Page &page, const json::Object &metric,
                      const json::Object *verdict) {
  raw_ostream &os = page.os;
  auto samples = metric.getInteger("samples").value_or(0);
  os << "<p><b>" << escapeHtml(metric.getString("name").value_or(""))
     << "</b> on " << formatv("{0:N}", samples) << " samples";
  if (verdict)
    os << " that the search did not see";
  if (auto reference = metric.getNumber("ref"))
    os << ", float32 has " << page.metric.value(*reference);
  os << ".</p>\n";
  if (!verdict)
    return;
  os << "<p class=sub>Band <code>"
     << escapeHtml(verdict->getString("band").value_or("")) << "</code>";
  auto margin = verdict->getNumber("margin").value_or(0);
  os << ", " << page.metric.difference(margin)
     << (margin < 0 ? " (outside)" : " inside it");
  if (auto more = verdict->getInteger("more_samples"))
    os << formatv("; about {0:N} more samples would prove it", *more);
  os << ".</p>\n";
}

void verdictSection(Page &page) {
  const json::Object *metric = page.report.getObject("metric");
  const json::Object *verdict = page.report.getObject("verdict");
  if (!metric)
    return;
  std::string kind = "measured";
  if (verdict)
    kind = verdict->getString("verdict").value_or("").str();
  std::string style = kind;
  std::replace(style.begin(), style.end(), ' ', '-');
  raw_ostream &os = page.os;
  os << "<section class=\"card verdict " << escapeHtml(style) << "\"><div>\n"
     << "<span class=badge>" << escapeHtml(kind) << "</span>\n<div class=big>"
     << page.metric.value(metric->getNumber("this").value_or(0)) << "</div>\n";
  sentences(page, *metric, verdict);
  os << "</div><div>\n";
  double sign = page.metric.higherIsBetter ? 1 : -1;
  drawLine(page, verdict ? intervalOfBand(*verdict, *metric, sign)
                         : intervalOfMetric(*metric, sign));
  os << "<p class=note>Point and 95 % interval of "
     << (metric->getObject("difference") ? "the paired difference to float32"
                                         : "the value")
     << "; better is to the right.</p></div></section>\n";
}

} // namespace qc::artifact
