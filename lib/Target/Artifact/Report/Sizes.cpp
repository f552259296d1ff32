//===- Sizes.cpp - Bytes, times and memory as bars ------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Page.h"

#include "llvm/Support/FormatVariadic.h"

#include <algorithm>

using namespace llvm;

namespace qc::artifact {

namespace {
struct Bar {
  std::string name;
  std::optional<double> value;
  bool isThis = false;
};
} // namespace

static void drawBars(raw_ostream &os, StringRef title, ArrayRef<Bar> bars,
                     function_ref<std::string(double)> text) {
  double most = 0;
  for (const Bar &bar : bars)
    most = std::max(most, bar.value.value_or(0));
  if (most <= 0)
    return;
  os << "<div class=card><h3>" << title << "</h3>\n";
  for (const Bar &bar : bars)
    if (bar.value && *bar.value > 0)
      os << formatv("<div class=\"bar-row{0}\"><span>{1}</span><div class=bar>"
                    "<i style=\"width:{2:f1}%\"></i></div><b data-v=\"{3}\">{4}"
                    "</b></div>\n",
                    bar.isThis ? " this" : "", escapeHtml(bar.name),
                    *bar.value / most * 100,
                    formatv("{0}", json::Value(*bar.value)), text(*bar.value));
  os << "</div>\n";
}

static void drawBytes(Page &page) {
  const json::Object *bytes = page.report.getObject("bytes");
  if (!bytes)
    return;
  drawBars(page.os, "Bytes",
           {{"float32", bytes->getNumber("fp32")},
            {"source file", bytes->getNumber("source")},
            {"weights", bytes->getNumber("weights"), true},
            {"whole folder", bytes->getNumber("artifact")}},
           bytesText);
}

static void drawMemory(Page &page) {
  const json::Object *memory = page.report.getObject("memory");
  if (!memory)
    return;
  drawBars(page.os, "Memory at run time",
           {{"weights + arena", memory->getNumber("peak")},
            {"arena", memory->getNumber("arena"), true},
            {"cache per token", memory->getNumber("kv_per_token")}},
           bytesText);
}

static std::optional<double> medianOf(const json::Object &times,
                                      StringRef key) {
  const json::Object *each = times.getObject(key);
  return each ? each->getNumber("median") : std::nullopt;
}

/// Those that the search timed in turns, else what the build measured.
static void drawTimes(Page &page) {
  const json::Object *search = page.report.getObject("search");
  const json::Object *turns = search ? search->getObject("turns") : nullptr;
  const json::Array *nets = turns ? turns->getArray("networks") : nullptr;
  std::vector<Bar> bars;
  if (nets) {
    for (const json::Value &value : *nets)
      if (const json::Object *net = value.getAsObject())
        bars.push_back({net->getString("precision").value_or("").str(),
                        medianOf(*net, "ms"),
                        net->getBoolean("chosen").value_or(false)});
    return drawBars(page.os, "Latency, in turns (median)", bars, timeText);
  }
  const json::Object *latency = page.report.getObject("latency_ms");
  if (!latency)
    return;
  bars = {{"float32", medianOf(*latency, "fp32")},
          {"this", medianOf(*latency, "this"), true}};
  drawBars(page.os, "Latency (median)", bars, timeText);
}

static void drawRates(Page &page) {
  const json::Object *language = page.report.getObject("language_model");
  if (!language)
    return;
  auto text = [](double rate) { return shortText(rate, 4) + "/s"; };
  drawBars(page.os, "Tokens per second",
           {{"prompt", language->getNumber("prefill_tokens_per_s")},
            {"one by one", language->getNumber("decode_tokens_per_s"), true}},
           text);
}

void sizeSection(Page &page) {
  page.os << "<h2>Cost</h2>\n<div class=grid>\n";
  drawBytes(page);
  drawTimes(page);
  drawRates(page);
  drawMemory(page);
  page.os << "</div>\n";
}

} // namespace qc::artifact
