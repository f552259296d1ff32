//===- Front.cpp - What a search tried, drawn and listed ------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Each network that was measured is a point: cost across, quality up. What lies
// far outside the band stands at the lower edge as a triangle, so that the rest
// can be told apart.
//
//===----------------------------------------------------------------------===//

#include "Page.h"

#include "llvm/Support/FormatVariadic.h"

#include <algorithm>
#include <cmath>

using namespace llvm;

namespace qc::artifact {

namespace {
struct Point {
  double cost = 0, margin = 0;
  const json::Object *trial = nullptr;
  bool isChosen = false, isUniform = false, isFront = false;
};
} // namespace

static constexpr double frontWidth = 520, frontHeight = 330;
static constexpr double frontLeft = 62, frontBottom = 286, frontTop = 26;

/// The trials that have a cost of this kind; the front of cost and quality is
/// marked.
static std::vector<Point> pointsOf(const json::Array &trials, StringRef cost) {
  std::vector<Point> points;
  for (const json::Value &value : trials) {
    const json::Object *trial = value.getAsObject();
    auto number = trial ? trial->getNumber(cost) : std::nullopt;
    if (number)
      points.push_back({*number, trial->getNumber("margin").value_or(0), trial,
                        trial->getBoolean("chosen").value_or(false),
                        trial->getString("origin") == "uniform", false});
  }
  for (Point &point : points)
    point.isFront = none_of(points, [&](const Point &other) {
      return other.cost <= point.cost && other.margin >= point.margin &&
             (other.cost < point.cost || other.margin > point.margin);
    });
  return points;
}

static std::pair<Axis, Axis> axesOf(ArrayRef<Point> points) {
  Axis across{points[0].cost, points[0].cost, frontLeft + 14, frontWidth - 18};
  double best = points[0].margin, worst = best;
  for (const Point &point : points) {
    across.low = std::min(across.low, point.cost);
    across.high = std::max(across.high, point.cost);
    best = std::max(best, point.margin);
    worst = std::min(worst, point.margin);
  }
  double room = std::max((across.high - across.low) * 0.06, 1e-9);
  across.low -= room;
  across.high += room;
  double top = std::max(best, 0.0), span = top > 0 ? top : -worst;
  Axis up{std::max(std::min(worst, 0.0), top - 2.6 * span), top, frontBottom,
          frontTop};
  room = std::max((up.high - up.low) * 0.12, 1e-12);
  up.low -= room;
  up.high += room;
  return {across, up};
}

/// The metric where the margin is 0.
static double limitOf(const Point &point, const MetricStyle &style) {
  double value = point.trial->getNumber("value").value_or(0);
  return value - point.margin * (style.higherIsBetter ? 1 : -1);
}

static void drawFrontAxes(Page &page, const Axis &across, const Axis &up,
                          double limit, bool bytes) {
  raw_ostream &os = page.os;
  double edge = up.at(std::max(0.0, up.low));
  os << formatv("<rect class=inside x={0:f0} y={1:f0} width={2:f0} "
                "height={3:f1} /><line class=border x1={0:f0} x2={4:f0} "
                "y1={5:f1} y2={5:f1} />\n",
                frontLeft, frontTop, frontWidth - frontLeft, edge - frontTop,
                frontWidth, edge);
  os << formatv("<text x={0:f0} y={1:f1} text-anchor=end>border of the band"
                "</text>\n",
                frontWidth - 4, edge - 5);
  os << formatv("<line class=axis x1={0:f0} x2={1:f0} y1={2:f0} y2={2:f0} />"
                "<line class=axis x1={0:f0} x2={0:f0} y1={3:f0} y2={2:f0} />\n",
                frontLeft, frontWidth, frontBottom, frontTop);
  double unit = !bytes ? 1 : across.high < 2 << 20 ? 1 << 10 : 1 << 20;
  for (double tick : across.ticks(4, unit))
    os << formatv("<text x={0:f1} y={1:f0} text-anchor=middle>{2}</text>\n",
                  across.at(tick), frontBottom + 17,
                  bytes ? bytesText(tick) : shortText(tick, 3) + " ms");
  // Ticks at round values of the metric.
  double sign = page.metric.higherIsBetter ? 1 : -1;
  Axis values = up;
  values.low = std::min(limit + sign * up.low, limit + sign * up.high);
  values.high = std::max(limit + sign * up.low, limit + sign * up.high);
  for (double tick : values.ticks(5))
    os << formatv("<text x={0:f0} y={1:f1} text-anchor=end>{2}</text>\n",
                  frontLeft - 7, up.at(sign * (tick - limit)) + 4,
                  page.metric.value(tick));
}

/// Left to right along what nothing beats.
static void drawSteps(raw_ostream &os, ArrayRef<Point> points,
                      const Axis &across, const Axis &up) {
  std::vector<const Point *> front;
  for (const Point &point : points)
    if (point.isFront && point.margin >= up.low)
      front.push_back(&point);
  llvm::stable_sort(
      front, [](const Point *a, const Point *b) { return a->cost < b->cost; });
  if (front.size() < 2)
    return;
  os << "<path class=steps d=\"";
  for (auto [i, point] : enumerate(front)) {
    double x = across.at(point->cost), y = up.at(point->margin);
    os << (i ? formatv("H{0:f1}V{1:f1}", x, y).str()
             : formatv("M{0:f1} {1:f1}", x, y).str());
  }
  os << "\" />\n";
}

std::string choiceText(const json::Object &trial) {
  std::string text = trial.getString("choice").value_or("").str();
  if (auto shape = trial.getString("shape"))
    text += " with " + shape->str() + " taken out";
  return text;
}

/// The name of a trial's precision, or what it is made of.
static std::string labelOf(const json::Object &trial) {
  auto name = trial.getString("precision");
  return name ? name->str() : choiceText(trial);
}

static void drawPoint(Page &page, const Point &point, const Axis &across,
                      const Axis &up) {
  raw_ostream &os = page.os;
  double x = across.at(point.cost);
  bool below = point.margin < up.low;
  double y = below ? frontBottom - 7 : up.at(point.margin);
  StringRef kind = point.isChosen    ? "chosen"
                   : point.isUniform ? "uniform"
                   : point.isFront   ? "front"
                                     : "other";
  os << formatv("<g class=\"trial {0}\" data-cost=\"{1}\" data-margin=\"{2}\">",
                kind, exactText(point.trial->get("bytes")),
                exactText(point.trial->get("margin")));
  if (below)
    os << formatv("<path d=\"M{0:f1} {1:f1}h12l-6 9z\" />", x - 6, y - 5);
  else if (point.isChosen)
    os << formatv("<path d=\"M{0:f1} {1:f1}l8 8 -8 8 -8 -8z\" />", x, y - 8);
  else if (point.isUniform)
    os << formatv("<rect x={0:f1} y={1:f1} width=10 height=10 />", x - 5,
                  y - 5);
  else
    os << formatv("<circle cx={0:f1} cy={1:f1} r=5 />", x, y);
  double value = point.trial->getNumber("value").value_or(0);
  os << "<title>" << escapeHtml(labelOf(*point.trial)) << ": "
     << page.metric.value(value) << ", " << page.metric.difference(point.margin)
     << " from the border</title></g>\n";
}

namespace {
/// Where a label or a point stands, so that others keep away.
struct Label {
  double left, right, y;
  std::string text;
  StringRef style;
};
} // namespace

/// Beside the point, to the right if there is room, else higher or lower.
static void placeLabel(std::vector<Label> &labels, double at, double y,
                       std::string text, StringRef style) {
  double width = 6.4 * static_cast<double>(text.size());
  for (double shift : {0.0, -12.0, 12.0, -24.0, 24.0, -36.0})
    for (double left : {at + 11, at - 11 - width}) {
      Label label{left, left + width, y + shift, text, style};
      auto clashes = [&](const Label &other) {
        return label.left < other.right + 3 && other.left < label.right + 3 &&
               std::abs(other.y - label.y) < 11;
      };
      if (left < frontLeft || label.right > frontWidth ||
          any_of(labels, clashes))
        continue;
      labels.push_back(std::move(label));
      return;
    }
}

/// Names of uniform networks and of what was chosen, moved apart.
static void drawLabels(raw_ostream &os, ArrayRef<Point> points,
                       const Axis &across, const Axis &up) {
  std::vector<Label> labels;
  auto heightOf = [&](const Point &point) {
    return point.margin < up.low ? frontBottom - 4 : up.at(point.margin) + 4;
  };
  for (const Point &point : points)
    labels.push_back({across.at(point.cost) - 6, across.at(point.cost) + 6,
                      heightOf(point), "", ""});
  for (bool chosen : {true, false})
    for (const Point &point : points) {
      if (point.isChosen != chosen || !(chosen || point.isUniform))
        continue;
      std::string text = !chosen           ? labelOf(*point.trial)
                         : point.isUniform ? "chosen: " + labelOf(*point.trial)
                                           : "chosen";
      placeLabel(labels, across.at(point.cost), heightOf(point), text,
                 chosen ? "strong" : "");
    }
  for (const Label &label : labels)
    if (!label.text.empty())
      os << formatv("<text class=\"{0}\" x={1:f1} y={2:f1}>{3}</text>\n",
                    label.style, label.left, label.y, escapeHtml(label.text));
}

/// Times are no measurements.
static bool hasEstimates(const json::Object &report) {
  const json::Object *search = report.getObject("search");
  return search && search->getString("times") == "estimated";
}

static void drawFront(Page &page, const json::Array &trials, bool bytes) {
  std::vector<Point> points = pointsOf(trials, bytes ? "bytes" : "ms");
  if (points.empty())
    return;
  // What matters most is drawn last.
  llvm::stable_sort(points, [](const Point &a, const Point &b) {
    auto rank = [](const Point &p) {
      return p.isChosen ? 3 : p.isUniform ? 2 : p.isFront ? 1 : 0;
    };
    return rank(a) < rank(b);
  });
  auto [across, up] = axesOf(points);
  raw_ostream &os = page.os;
  StringRef cost = bytes                       ? "size of the weights"
                   : hasEstimates(page.report) ? "latency (estimated)"
                                               : "latency";
  os << "<div class=card><h3>Quality and " << cost
     << formatv("</h3>\n<svg viewBox=\"0 0 {0:f0} {1:f0}\" role=img "
                "aria-label=\"{2}\">\n",
                frontWidth, frontHeight - 20, cost);
  drawFrontAxes(page, across, up, limitOf(points[0], page.metric), bytes);
  drawSteps(os, points, across, up);
  for (const Point &point : points)
    drawPoint(page, point, across, up);
  drawLabels(os, points, across, up);
  os << "</svg></div>\n";
}

/// `0.834 ms, 0.957 of float32, 0.985 [0.981, 0.990] of w8a8`.
static void turnsText(Page &page, const json::Object &search) {
  const json::Object *turns = search.getObject("turns");
  const json::Array *nets = turns ? turns->getArray("networks") : nullptr;
  if (!nets)
    return;
  std::string text;
  for (const json::Value &value : *nets) {
    const json::Object *net = value.getAsObject();
    const json::Object *ratio = net ? net->getObject("ratio") : nullptr;
    const json::Array *ends = ratio ? ratio->getArray("ci95") : nullptr;
    if (!ends || ends->size() != 2)
      continue;
    text += formatv("{0}{1} [{2}, {3}] of {4}", text.empty() ? "" : ", ",
                    shortText(ratio->getNumber("value").value_or(0), 3),
                    shortText((*ends)[0].getAsNumber().value_or(0), 3),
                    shortText((*ends)[1].getAsNumber().value_or(0), 3),
                    escapeHtml(net->getString("precision").value_or("")));
  }
  if (!text.empty())
    page.os << "<p class=note>Time of what was chosen, run in turns with the "
               "uniform precisions in one process ("
            << turns->getInteger("rounds").value_or(0)
            << " rounds), as a share: " << text << ".</p>\n";
}

static void trialTable(Page &page, const json::Array &trials) {
  raw_ostream &os = page.os;
  os << "<details><summary>" << trials.size()
     << " networks were measured</summary>\n<div class=scroll><table "
        "class=sorts><thead><tr><th>#</th><th class=t>origin</th><th "
        "class=t>layers</th><th>bytes</th><th>"
     << (hasEstimates(page.report) ? "ms (estimated)" : "ms")
     << "</th><th>metric</th>"
        "<th>inside by</th><th>from</th><th>to</th><th>SQNR</th><th "
        "class=t>band</th></tr></thead><tbody>\n";
  for (auto [number, value] : enumerate(trials)) {
    const json::Object *trial = value.getAsObject();
    if (!trial)
      continue;
    bool chosen = trial->getBoolean("chosen").value_or(false);
    os << (chosen ? "<tr class=is-chosen>" : "<tr>")
       << formatv("<td>{0}</td><td class=t>{1}</td><td class=t>{2}</td>",
                  number, escapeHtml(trial->getString("origin").value_or("")),
                  escapeHtml(choiceText(*trial)));
    const json::Array *ends = trial->getArray("ci95");
    auto cell = [&](const json::Value *number, auto text) {
      auto plain = number ? number->getAsNumber() : std::nullopt;
      numberCell(os, number, plain ? text(*plain) : "");
    };
    auto difference = [&](double x) { return page.metric.difference(x); };
    cell(trial->get("bytes"),
         [](double x) { return formatv("{0:N}", int64_t(x)).str(); });
    cell(trial->get("ms"), [](double x) { return shortText(x); });
    cell(trial->get("value"), [&](double x) { return page.metric.value(x); });
    cell(trial->get("margin"), difference);
    cell(ends && ends->size() == 2 ? &(*ends)[0] : nullptr, difference);
    cell(ends && ends->size() == 2 ? &(*ends)[1] : nullptr, difference);
    cell(trial->get("sqnr_db"), [](double x) { return shortText(x, 3); });
    bool inside = trial->getBoolean("inside").value_or(false);
    os << "<td class=t>" << (inside ? "inside" : "outside")
       << (chosen ? ", chosen" : "") << "</td></tr>\n";
  }
  os << "</tbody></table></div></details>\n";
}

/// What became of each shape that was tried.
static void shapesText(Page &page, const json::Object &search) {
  std::string text;
  const json::Array *shapes = search.getArray("shapes");
  for (size_t i = 0; shapes && i < shapes->size(); ++i) {
    const json::Object *shape = (*shapes)[i].getAsObject();
    if (!shape)
      continue;
    auto margin = shape->getNumber("float_margin");
    text += (text.empty() ? "" : "; ") +
            escapeHtml(shape->getString("shape").value_or("")) + " (" +
            std::to_string(shape->getInteger("removed").value_or(0)) +
            " gone), in float32 ";
    if (margin)
      text += (shape->getBoolean("float_inside").value_or(false)
                   ? "inside the band, by "
                   : "outside the band, by ") +
              page.metric.difference(*margin);
    else
      text += "not measured";
  }
  if (!text.empty())
    page.os << "<p class=note>Taken out before layers got precisions: " << text
            << ".</p>\n";
}

void searchSection(Page &page) {
  const json::Object *search = page.report.getObject("search");
  const json::Array *trials = search ? search->getArray("trials") : nullptr;
  if (!trials || trials->empty())
    return;
  raw_ostream &os = page.os;
  os << "<h2>What was tried</h2>\n<p class=sub>Chosen for "
     << escapeHtml(search->getString("objective").value_or("")) << ": "
     << escapeHtml(choiceText(*search));
  if (auto stopped = search->getString("stopped"))
    os << "; the search was ended by the " << escapeHtml(*stopped);
  os << ".";
  if (auto summary = search->getString("summary"); summary && !summary->empty())
    os << " Summary: " << escapeHtml(*summary) << ".";
  os << "</p>\n<div class=grid>\n";
  drawFront(page, *trials, /*bytes=*/false);
  drawFront(page, *trials, /*bytes=*/true);
  os << "</div>\n<ul class=legend><li style=\"--dot:var(--accent)\">chosen</li>"
        "<li style=\"--dot:var(--f2)\">one precision for all layers</li><li "
        "style=\"--dot:var(--f1)\">beaten by none</li><li "
        "style=\"--dot:var(--faint)\">others</li></ul>\n<p class=note>Measured "
        "on the half of the data that the search sees. A triangle at the lower "
        "edge lies further below.";
  if (hasEstimates(page.report))
    os << " Times are estimates from what is known of the target, of the "
          "layers "
          "alone: it did not run.";
  os << "</p>\n";
  turnsText(page, *search);
  shapesText(page, *search);
  trialTable(page, *trials);
}

} // namespace qc::artifact
