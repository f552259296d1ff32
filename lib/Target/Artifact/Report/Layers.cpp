//===- Layers.cpp - The table of layers -----------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A row is a launch, in the order of the network. With a search each candidate
// has a column: the signal-to-noise ratio of the network's output with this
// layer alone in that precision.
//
//===----------------------------------------------------------------------===//

#include "Page.h"

#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/FormatVariadic.h"

#include <algorithm>

using namespace llvm;

namespace qc::artifact {

namespace {
/// The table as it is made: what its columns need.
struct LayerTable {
  Page &page;
  /// What the search says of a layer, by its name.
  StringMap<const json::Object *> searched;
  SmallVector<StringRef> candidates;
  double mostBytes = 0, mostTime = 0;
  bool hasQuality = false, hasReasons = false, hasWeights = false;

  explicit LayerTable(Page &page, const json::Array &layers);
  void head();
  void row(int64_t number, const json::Object &layer);

private:
  void bar(const json::Object &layer, StringRef key, double most, bool bytes);
  void quality(const json::Object &layer);
  void candidate(const json::Object &layer, StringRef precision);
};
} // namespace

LayerTable::LayerTable(Page &page, const json::Array &layers) : page(page) {
  for (const json::Value &value : layers)
    if (const json::Object *layer = value.getAsObject()) {
      mostBytes = std::max(mostBytes, layer->getNumber("bytes").value_or(0));
      mostTime = std::max(mostTime, layer->getNumber("ms").value_or(0));
      hasQuality |= layer->getNumber("sqnr_db").has_value();
      hasReasons |= layer->getString("reason").has_value();
      hasWeights |= layer->getObject("weights") != nullptr;
    }
  const json::Object *search = page.report.getObject("search");
  if (!search)
    return;
  if (const json::Array *names = search->getArray("candidates"))
    for (const json::Value &name : *names)
      if (auto text = name.getAsString(); text && *text != "fp32")
        candidates.push_back(*text);
  if (const json::Array *rows = search->getArray("layers"))
    for (const json::Value &row : *rows)
      if (const json::Object *layer = row.getAsObject())
        searched[layer->getString("name").value_or("")] = layer;
}

void LayerTable::head() {
  raw_ostream &os = page.os;
  os << "<thead><tr><th>#</th><th class=t>layer</th><th class=t>op</th><th "
        "class=t>format</th><th>bytes</th>";
  if (mostTime > 0)
    os << "<th>ms</th><th>share</th>";
  if (hasWeights)
    os << "<th title=\"of the weights\">weights dB</th><th title=\"share of "
          "the weights that are zero\">zeros</th>";
  if (hasQuality)
    os << "<th title=\"of the network's output with this layer alone as "
          "chosen\">SQNR dB</th><th>cosine</th><th>KL</th><th title=\"share of "
          "the output's energy\">noise</th>";
  for (StringRef candidate : candidates)
    os << "<th title=\"SQNR in dB with this layer alone in that precision\">"
       << escapeHtml(candidate) << "</th>";
  if (hasReasons)
    os << "<th class=t>reason</th>";
  os << "</tr></thead>\n";
}

void LayerTable::bar(const json::Object &layer, StringRef key, double most,
                     bool bytes) {
  const json::Value *value = layer.get(key);
  auto number = value ? value->getAsNumber() : std::nullopt;
  std::string text;
  if (number && most > 0)
    text = formatv("<span class=part><i style=\"width:{0:f0}%\"></i></span>{1}",
                   *number / most * 100,
                   bytes ? formatv("{0:N}", int64_t(*number)).str()
                         : shortText(*number, 3));
  numberCell(page.os, value, text);
}

void LayerTable::quality(const json::Object &layer) {
  auto cell = [&](StringRef key, int digits) {
    const json::Value *value = layer.get(key);
    auto number = value ? value->getAsNumber() : std::nullopt;
    numberCell(page.os, value, number ? shortText(*number, digits) : "");
  };
  if (hasWeights) {
    const json::Object *weights = layer.getObject("weights");
    const json::Value *value = weights ? weights->get("sqnr_db") : nullptr;
    auto number = value ? value->getAsNumber() : std::nullopt;
    numberCell(page.os, value, number ? shortText(*number, 3) : "");
    value = weights ? weights->get("zeros") : nullptr;
    number = value ? value->getAsNumber() : std::nullopt;
    numberCell(page.os, value,
               number ? formatv("{0:f1} %", 100 * *number).str() : "");
  }
  if (!hasQuality)
    return;
  cell("sqnr_db", 3);
  cell("cosine", 6);
  cell("kl", 3);
  cell("sensitivity", 3);
}

/// What a layer would lose by a candidate: the redder the more.
void LayerTable::candidate(const json::Object &layer, StringRef precision) {
  raw_ostream &os = page.os;
  const json::Object *found =
      searched.lookup(layer.getString("name").value_or(""));
  const json::Array *tried = found ? found->getArray("candidates") : nullptr;
  const json::Object *row = nullptr;
  for (size_t i = 0; tried && i < tried->size(); ++i)
    if (const json::Object *each = (*tried)[i].getAsObject())
      if (each->getString("precision") == precision)
        row = each;
  if (auto refused = row ? row->getString("refused") : std::nullopt) {
    os << "<td class=no title=\"" << escapeHtml(*refused)
       << "\" data-v=\"\">no</td>";
    return;
  }
  const json::Value *value = row ? row->get("sqnr_db") : nullptr;
  auto number = value ? value->getAsNumber() : std::nullopt;
  std::string title;
  for (StringRef key : {"bytes", "ms", "margin", "cosine", "kl"})
    if (std::string text = exactText(row ? row->get(key) : nullptr);
        !text.empty())
      title += (title.empty() ? "" : ", ") + key.str() + " " + text;
  bool chosen = found && found->getString("precision") == precision;
  // 50 dB and more is no loss to speak of, 10 dB a large one.
  double loss = number ? std::clamp((50 - *number) / 40, 0.0, 1.0) : 0;
  std::string attributes =
      formatv("{0}title=\"{1}\" style=\"background:color-mix(in srgb, "
              "var(--bad) {2:f0}%, transparent)\"",
              chosen ? "class=pick " : "", title, loss * 42);
  numberCell(os, value, number ? shortText(*number, 3) : "", attributes);
}

void LayerTable::row(int64_t number, const json::Object &layer) {
  raw_ostream &os = page.os;
  auto text = [&](StringRef key) {
    return escapeHtml(layer.getString(key).value_or(""));
  };
  bool bare = layer.getInteger("bytes").value_or(0) == 0 ||
              layer.getString("op") == "generic";
  os << (bare ? "<tr class=bare>" : "<tr>")
     << formatv("<td>{0}</td><td class=\"t name mono\" "
                "title=\"{1}\">&lrm;{2}&lrm;</td>"
                "<td class=t title=\"{3}\">{4}</td><td class=t>{5}</td>",
                number, text("name"), text("name"), text("kernel"), text("op"),
                page.chip(layer.getString("format").value_or("")));
  bar(layer, "bytes", mostBytes, /*bytes=*/true);
  if (mostTime > 0) {
    bar(layer, "ms", mostTime, /*bytes=*/false);
    const json::Value *share = layer.get("share");
    auto part = share ? share->getAsNumber() : std::nullopt;
    numberCell(os, share, part ? formatv("{0:f1} %", *part * 100).str() : "");
  }
  quality(layer);
  for (StringRef name : candidates)
    candidate(layer, name);
  if (hasReasons)
    os << "<td class=why title=\"" << text("reason") << "\">" << text("reason")
       << "</td>";
  os << "</tr>\n";
}

void layerSection(Page &page) {
  const json::Array *layers = page.report.getArray("layers");
  if (!layers || layers->empty())
    return;
  LayerTable table(page, *layers);
  raw_ostream &os = page.os;
  os << "<h2>Layers</h2>\n<p class=head><span class=note>A row is a launch, in "
        "the order of the network. A click on a head sorts.";
  if (!table.candidates.empty())
    os << " A column of a precision is the SQNR in dB at the network's output "
          "with this layer alone in it; what was chosen has a frame.";
  os << "</span>";
  os << "<label class=note><input type=checkbox class=hides> hide rows without "
        "weights</label></p>\n<div class=scroll><table class=sorts>\n";
  table.head();
  os << "<tbody>\n";
  for (auto [number, value] : enumerate(*layers))
    if (const json::Object *layer = value.getAsObject())
      table.row(number, *layer);
  os << "</tbody></table></div>\n";
}

} // namespace qc::artifact
