//===- Distributions.cpp - Histograms of each layer, drawn ----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Small drawings, one card for a layer: the values before quantization as an
// area, those after it as a line. Heights go with the root of the counts, so
// that rare values are seen too.
//
//===----------------------------------------------------------------------===//

#include "Page.h"

#include "llvm/Support/FormatVariadic.h"

#include <algorithm>
#include <cmath>

using namespace llvm;

namespace qc::artifact {

static constexpr double smallWidth = 128, smallHeight = 50;

static std::vector<double> countsOf(const json::Object &object, StringRef key) {
  std::vector<double> counts;
  if (const json::Array *array = object.getArray(key))
    for (const json::Value &value : *array)
      counts.push_back(std::sqrt(value.getAsNumber().value_or(0)));
  return counts;
}

/// The outline of a histogram, closed at the bottom.
static void outline(raw_ostream &os, ArrayRef<double> counts, double most,
                    StringRef style) {
  if (counts.empty() || most <= 0)
    return;
  double step = smallWidth / static_cast<double>(counts.size());
  os << "<path class=" << style << formatv(" d=\"M0 {0:f0}", smallHeight);
  double before = -1;
  for (auto [i, count] : enumerate(counts)) {
    double y = smallHeight - count / most * (smallHeight - 3);
    if (y != before)
      os << formatv("H{0:f1}V{1:f1}", static_cast<double>(i) * step, y);
    before = y;
  }
  os << formatv("H{0:f0}V{1:f0}\" />", smallWidth, smallHeight);
}

static void drawHistogram(Page &page, const json::Object *histogram,
                          StringRef what) {
  raw_ostream &os = page.os;
  os << "<div>" << what;
  if (histogram) {
    std::vector<double> before = countsOf(*histogram, "before"),
                        after = countsOf(*histogram, "after");
    double most = 0;
    for (ArrayRef<double> counts : {ArrayRef(before), ArrayRef(after)})
      for (double count : counts)
        most = std::max(most, count);
    if (auto sqnr = histogram->getNumber("sqnr_db"))
      os << " &middot; " << shortText(*sqnr, 3) << " dB";
    os << formatv("<svg viewBox=\"0 0 {0:f0} {1:f0}\">", smallWidth,
                  smallHeight + 13);
    outline(os, before, most, "before");
    outline(os, after, most, "after");
    os << formatv("<line class=axis x1=0 x2={0:f0} y1={1:f0} y2={1:f0} />",
                  smallWidth, smallHeight);
    double low = histogram->getNumber("low").value_or(0),
           high = histogram->getNumber("high").value_or(0);
    os << formatv("<text x=0 y={0:f0}>{1}</text><text x={2:f0} y={0:f0} "
                  "text-anchor=end>{3}</text></svg>",
                  smallHeight + 11, shortText(low, 2), smallWidth,
                  shortText(high, 2));
  }
  os << "</div>\n";
}

void distributionSection(Page &page) {
  const json::Array *layers = page.report.getArray("layers");
  auto has = [](const json::Value &value) {
    const json::Object *layer = value.getAsObject();
    return layer &&
           (layer->getObject("weights") || layer->getObject("activations"));
  };
  if (!layers || none_of(*layers, has))
    return;
  raw_ostream &os = page.os;
  os << "<h2>Distributions</h2>\n<p class=note>Values of the weights and of "
        "what the layer reads (from calibration): grey before quantization, "
        "coloured as they are after it. The height is the root of the count. "
        "dB: signal to noise of the quantization itself.</p>\n<div "
        "class=small>\n";
  for (const json::Value &value : *layers) {
    if (!has(value))
      continue;
    const json::Object &layer = *value.getAsObject();
    StringRef format = layer.getString("format").value_or("");
    std::string name = escapeHtml(layer.getString("name").value_or(""));
    os << "<div class=\"card " << page.tint(format)
       << "\"><div class=title><span class=mono title=\"" << name << "\">&lrm;"
       << name << "</span>" << page.chip(format) << "</div><div class=pair>\n";
    drawHistogram(page, layer.getObject("weights"), "weights");
    if (layer.getObject("activations"))
      drawHistogram(page, layer.getObject("activations"), "inputs");
    os << "</div></div>\n";
  }
  os << "</div>\n";
}

} // namespace qc::artifact
