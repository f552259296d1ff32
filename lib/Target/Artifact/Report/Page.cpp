//===- Page.cpp - report.html ---------------------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One page without links: what came out, how it was found, each layer, and how
// to do it again.
//
//===----------------------------------------------------------------------===//

#include "Page.h"
#include "../Internal.h"

#include "qc/Runtime/Embedded.h"

#include "llvm/Support/FormatVariadic.h"

using namespace llvm;

namespace qc::artifact {

static StringRef pageFile(StringRef name) {
  for (const qc_embedded_file *file = qc_embedded_report; file->name; ++file)
    if (name == file->name)
      return {reinterpret_cast<const char *>(file->data), file->size};
  return "";
}

/// `auto for x86-64-v3, from a model of onnx`.
static void title(Page &page, StringRef name) {
  const json::Object &report = page.report;
  raw_ostream &os = page.os;
  os << "<header><h1>" << escapeHtml(name) << "</h1>\n<p class=sub>";
  os << escapeHtml(report.getString("precision").value_or(""));
  if (const json::Object *search = report.getObject("search"))
    if (search->getString("choice"))
      os << " (" << escapeHtml(choiceText(*search)) << ")";
  os << " for " << escapeHtml(report.getString("target").value_or(""));
  if (const json::Object *source = report.getObject("source"))
    os << ", from " << escapeHtml(source->getString("format").value_or(""));
  os << "</p></header>\n";
  if (const json::Array *warnings = report.getArray("warnings"))
    for (const json::Value &warning : *warnings)
      os << "<p class=warning>"
         << escapeHtml(warning.getAsString().value_or("")) << "</p>\n";
}

void commandSection(Page &page) {
  raw_ostream &os = page.os;
  os << "<h2>Do it again</h2>\n";
  const json::Array *commands = page.report.getArray("reproduce");
  for (size_t i = 0; commands && i < commands->size(); ++i)
    if (const json::Object *command = (*commands)[i].getAsObject())
      os << "<p class=note>"
         << escapeHtml(command->getString("what").value_or(""))
         << "</p>\n<div class=command><code>"
         << escapeHtml(command->getString("command").value_or(""))
         << "</code><button class=copy type=button>copy</button></div>\n";
  os << "<dl class=facts>\n";
  auto fact = [&](StringRef name, StringRef value) {
    if (!value.empty())
      os << "<dt>" << name << "</dt><dd>" << escapeHtml(value) << "</dd>\n";
  };
  fact("machine", page.report.getString("machine").value_or(""));
  fact("tool chain", page.report.getString("toolchain").value_or(""));
  if (const json::Object *source = page.report.getObject("source"))
    fact("licence", source->getString("licence").value_or(""));
  if (const json::Object *latency = page.report.getObject("latency_ms"))
    fact("threads", exactText(latency->get("threads")));
  if (const json::Object *data = page.report.getObject("calibration")) {
    fact("calibration",
         formatv("{0} samples in {1} s, SHA-256 {2}",
                 exactText(data->get("samples")),
                 shortText(data->getNumber("seconds").value_or(0), 3),
                 data->getString("hash").value_or(""))
             .str());
  }
  os << "</dl>\n";
}

std::string reportHtml(const json::Object &report, StringRef name) {
  std::string out;
  raw_string_ostream os(out);
  Page page(os, report);
  os << "<!doctype html>\n<html lang=en><head><meta charset=utf-8>\n<meta "
        "name=viewport content=\"width=device-width, initial-scale=1\">\n"
        "<title>"
     << escapeHtml(name) << "</title>\n<style>\n"
     << pageFile("style.css") << "</style></head><body>\n";
  title(page, name);
  verdictSection(page);
  sizeSection(page);
  searchSection(page);
  layerSection(page);
  distributionSection(page);
  commandSection(page);
  os << "<script>\n" << pageFile("page.js") << "</script>\n</body></html>\n";
  return out;
}

} // namespace qc::artifact
