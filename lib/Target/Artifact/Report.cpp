//===- Report.cpp - report.html -------------------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One page without scripts or links: what was measured of the whole network,
// then a row per layer. It shows what report.json has and nothing else.
//
//===----------------------------------------------------------------------===//

#include "Internal.h"

#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;
using namespace qc;
using namespace qc::artifact;

std::string artifact::escapeHtml(StringRef text) {
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

std::string artifact::cellText(const json::Value *value) {
  if (!value || value->getAsNull())
    return "";
  if (auto text = value->getAsString())
    return escapeHtml(*text);
  if (auto whole = value->getAsInteger())
    return formatv("{0:N}", *whole);
  if (auto number = value->getAsNumber())
    return formatv("{0:f3}", *number);
  if (auto flag = value->getAsBoolean())
    return *flag ? "yes" : "no";
  if (const json::Array *list = value->getAsArray()) {
    std::string out;
    for (const json::Value &item : *list)
      out += (out.empty() ? "" : ", ") + cellText(&item);
    return out;
  }
  return "";
}

static const char style[] = R"(
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 72rem;
       padding: 0 1rem; color: #1d2330; background: #fff; }
h1 { font-size: 1.5rem; margin-bottom: .2rem; } h2 { font-size: 1.1rem; }
.facts { display: flex; flex-wrap: wrap; gap: .8rem; margin: 1rem 0 2rem; }
.fact { border: 1px solid #d9dee8; border-radius: .5rem; padding: .6rem 1rem; }
.fact b { display: block; font-size: 1.2rem; } .fact span { color: #5b6577; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .35rem .7rem;
         border-bottom: 1px solid #e6eaf1; }
th { background: #f4f6fa; position: sticky; top: 0; }
td.n { text-align: right; font-variant-numeric: tabular-nums; }
p.warning { background: #fff6dd; border-left: 4px solid #e0a800;
            padding: .4rem .8rem; }
@media (prefers-color-scheme: dark) {
  body { color: #e4e8f0; background: #14171d; }
  th { background: #1f242d; } th, td, .fact { border-color: #323946; }
  p.warning { background: #3a3213; } }
)";

/// A card for each number or text of an object, `bytes.weights` by path.
static void facts(raw_ostream &os, const json::Object &object, StringRef path) {
  for (const auto &entry : object) {
    StringRef key = entry.first;
    if (path.empty() &&
        (key == "schema" || key == "layers" || key == "warnings" ||
         key == "pareto" || key == "search"))
      continue;
    std::string name = path.empty() ? key.str() : (path + " " + key).str();
    if (const json::Object *inner = entry.second.getAsObject()) {
      facts(os, *inner, name);
      continue;
    }
    std::string value = cellText(&entry.second);
    if (!value.empty())
      os << "<div class=fact><span>" << escapeHtml(name) << "</span><b>"
         << value << "</b></div>\n";
  }
}

static void layerTable(raw_ostream &os, const json::Array &layers) {
  static const char *const columns[] = {
      "name", "op",    "format",  "kernel",      "bytes",
      "ms",   "share", "sqnr_db", "sensitivity", "reason"};
  SmallVector<StringRef> used;
  for (StringRef column : columns)
    if (llvm::any_of(layers, [&](const json::Value &layer) {
          const json::Object *object = layer.getAsObject();
          return object && !cellText(object->get(column)).empty();
        }))
      used.push_back(column);
  os << "<h2>Layers</h2>\n<table>\n<tr>";
  for (StringRef column : used)
    os << "<th>" << column << "</th>";
  os << "</tr>\n";
  for (const json::Value &layer : layers) {
    const json::Object *object = layer.getAsObject();
    if (!object)
      continue;
    os << "<tr>";
    for (StringRef column : used) {
      const json::Value *value = object->get(column);
      bool number = value && value->getAsNumber();
      os << (number ? "<td class=n>" : "<td>") << cellText(value) << "</td>";
    }
    os << "</tr>\n";
  }
  os << "</table>\n";
}

std::string qc::artifact::reportHtml(const json::Object &report,
                                     StringRef name) {
  std::string out;
  raw_string_ostream os(out);
  os << "<!doctype html>\n<html lang=en><head><meta charset=utf-8>\n<title>"
     << escapeHtml(name) << "</title>\n<style>" << style
     << "</style></head><body>\n"
     << "<h1>" << escapeHtml(name) << "</h1>\n";
  if (const json::Array *warnings = report.getArray("warnings"))
    for (const json::Value &warning : *warnings)
      os << "<p class=warning>" << cellText(&warning) << "</p>\n";
  os << "<div class=facts>\n";
  facts(os, report, "");
  os << "</div>\n";
  const json::Object *search = report.getObject("search");
  const json::Array *front = report.getArray("pareto");
  if (search && front)
    searchPage(os, *search, *front);
  if (const json::Array *layers = report.getArray("layers"))
    if (!layers->empty())
      layerTable(os, *layers);
  os << "</body></html>\n";
  return out;
}
