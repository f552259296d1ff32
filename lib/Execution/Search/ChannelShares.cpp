//===- ChannelShares.cpp - How many channels each layer loses -------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ChannelShares.h"

#include "qc/Support/Error.h"

#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

#include <cmath>
#include <set>

using llvm::ArrayRef;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;
namespace json = llvm::json;

namespace qc::search {

/// Shares of channels that a group may lose, in per cent.
static constexpr double usualShares[] = {0, 5, 10, 20, 35, 50};
/// Kernels take so many channels at once, of many and of few: what is left of
/// them takes as long as all. Shares are of such blocks, up to a number.
static constexpr int64_t wideBlock = 16, narrowBlock = 8, manyChannels = 64,
                         mostBlocks = 5;
/// How much of the margin shapes may use: the rest is for precisions.
static constexpr double usedMargins[] = {1.0 / 3, 2.0 / 3};
/// Each is looked for in so many steps.
static constexpr int shareSteps = 8;

//===----------------------------------------------------------------------===//
// What was measured
//===----------------------------------------------------------------------===//

Error ChannelShares::readKnown() {
  llvm::SmallString<128> path(whole.candidates().folder());
  llvm::sys::path::append(path, "shares.jsonl");
  file = path.str().str();
  auto buffer = llvm::MemoryBuffer::getFile(file);
  if (!buffer)
    return Error::success();
  for (StringRef rest = (*buffer)->getBuffer(); rest.contains('\n');) {
    StringRef line;
    std::tie(line, rest) = rest.split('\n');
    auto value = json::parse(line);
    if (!value) {
      llvm::consumeError(value.takeError());
      continue;
    }
    const json::Object *entry = value->getAsObject();
    auto number = entry ? entry->getNumber("value") : std::nullopt;
    if (number)
      known[entry->getString("shape").value_or("").str()] = *number;
  }
  return Error::success();
}

static std::string keyOf(const Shape &shape, Part part) {
  std::string key = part == Part::Probe ? "probe" : "search";
  for (const auto &[layer, share] : shape.shares)
    key += ";" + layer + "=" + share;
  return key;
}

Expected<double>
ChannelShares::measure(const Shape &shape, Part part,
                       llvm::function_ref<double(const Measured &)> value) {
  std::string key = json::fixUTF8(keyOf(shape, part));
  auto found = known.find(key);
  if (found != known.end())
    return found->second;
  BuildHooks quiet;
  quiet.progress = [&](StringRef, double) { return bench.goesOn(0); };
  auto net = whole.candidates().compileShape(bench.request.build, shape, quiet);
  if (!net)
    return net.takeError();
  auto measured = bench.data().measure(**net, part,
                                       [&](double) { return bench.goesOn(0); });
  if (!measured)
    return measured.takeError();
  double result = value(*measured);
  std::error_code code;
  llvm::raw_fd_ostream out(file, code, llvm::sys::fs::OF_Append);
  out << json::Value(json::Object{{"shape", key}, {"value", result}}) << "\n";
  out.close();
  if (code || out.has_error())
    return inputError("file-unwritable", file, "", code.message(),
                      "room for what is measured");
  return known[key] = result;
}

Expected<double> ChannelShares::lossOf(const Shape &shape) {
  return measure(shape, Part::Probe, [](const Measured &measured) {
    return measured.signal > 0 ? measured.noise / measured.signal : 0;
  });
}

Expected<double> ChannelShares::marginOf(const Shape &shape) {
  auto reference = bench.referenceOf(Part::Search);
  if (!reference)
    return reference.takeError();
  return measure(shape, Part::Search, [&](const Measured &measured) {
    Trial trial;
    trial.shape = 1;
    trial.margin =
        judge(bench.request.band, measured.records, **reference).margin;
    return bench.safeMargin(trial);
  });
}

//===----------------------------------------------------------------------===//
// The front
//===----------------------------------------------------------------------===//

static std::vector<double> sharesOf(int64_t channels, bool forSize) {
  if (forSize)
    return {std::begin(usualShares), std::end(usualShares)};
  std::vector<double> shares = {0};
  int64_t block = channels < manyChannels ? narrowBlock : wideBlock;
  int64_t most = channels / 2 / block;
  int64_t count = std::min(most, mostBlocks);
  // What is beyond whole blocks goes with the first.
  for (int64_t i = 1; i <= count; ++i) {
    int64_t gone = channels % block + most * i / count * block;
    shares.push_back(100.0 * static_cast<double>(gone) /
                     static_cast<double>(channels));
  }
  return shares;
}

Error ChannelShares::findGroups() {
  const std::map<std::string, size_t> &groupOf = whole.candidates().groupOf();
  const Trial &best = *whole.best();
  for (ChannelLayers &layers :
       findPrunableChannels(whole.candidates().floatModel())) {
    // Layers that --layer fixes keep their channels.
    if (llvm::any_of(layers.makers, [&](const std::string &name) {
          return !groupOf.count(name);
        }))
      continue;
    std::set<size_t> touched;
    for (const auto *names : {&layers.makers, &layers.readers})
      for (const std::string &name : *names)
        if (auto found = groupOf.find(name); found != groupOf.end())
          touched.insert(found->second);
    Group group{std::move(layers)};
    for (size_t index : touched)
      group.cost +=
          bench.costs().of(best.groupTimes.empty() ? 0 : best.groupTimes[index],
                           static_cast<double>(best.groupBytes[index]));
    group.shares = sharesOf(group.layers.channels, bench.request.forSize);
    groups.push_back(std::move(group));
  }
  return readKnown();
}

Shape ChannelShares::shapeOf(ArrayRef<size_t> choices) const {
  Shape shape;
  double all = 0, saved = 0;
  for (auto [group, choice] : llvm::zip_equal(groups, choices)) {
    all += group.cost;
    double share = group.shares[choice];
    saved += group.cost * share / 100;
    if (choice)
      for (const std::string &name : group.layers.makers)
        shape.shares[name] = llvm::formatv("{0:f2}%", share).str();
  }
  shape.structures =
      llvm::formatv("/channels:auto:{0:f1}%", 100 * saved / all).str();
  return shape;
}

Error ChannelShares::probeGroups() {
  bench.begin("channels of layers");
  for (auto [index, group] : llvm::enumerate(groups))
    for (size_t share = 0; share < group.shares.size(); ++share) {
      double done = static_cast<double>(index) / groups.size();
      if (Error error = bench.checkGoesOn(done))
        return error;
      std::vector<size_t> choices(groups.size());
      choices[index] = share;
      auto loss = share ? lossOf(shapeOf(choices)) : Expected<double>(0);
      if (!loss)
        return loss.takeError();
      group.losses.push_back(*loss);
    }
  return Error::success();
}

void ChannelShares::findFront() {
  std::vector<std::vector<quantization::AllocationOption>> items;
  for (const Group &group : groups) {
    items.emplace_back();
    for (auto [share, loss] : llvm::zip_equal(group.shares, group.losses))
      items.back().push_back({group.cost * (100 - share) / 100, loss});
  }
  front.emplace(items);
}

Shape ChannelShares::shapeAt(size_t point) const {
  return shapeOf(front->assignment(point));
}

/// From the end of the front, each time with half of the loss: what is measured
/// is no smooth function of it, which bisection would take for one.
Expected<size_t> ChannelShares::pointWithin(double margin) {
  const auto &points = front->points();
  size_t outside = points.size(), point = points.size() - 1;
  for (int step = 0; step < shareSteps && point > 0; ++step) {
    if (Error error = bench.checkGoesOn(static_cast<double>(step) / shareSteps))
      return std::move(error);
    auto found = marginOf(shapeAt(point));
    if (!found)
      return found.takeError();
    if (*found >= margin)
      return closerTo(point, outside, margin);
    outside = point;
    ptrdiff_t next = front->within(points[point].loss / 2);
    point = std::clamp<ptrdiff_t>(next, 0, point - 1);
  }
  return 0;
}

/// One more between a point that leaves the margin and one that does not.
Expected<size_t> ChannelShares::closerTo(size_t inside, size_t outside,
                                         double margin) {
  if (outside <= inside + 1 || outside == front->points().size())
    return inside;
  double loss =
      std::sqrt(front->points()[inside].loss * front->points()[outside].loss);
  ptrdiff_t middle =
      std::clamp<ptrdiff_t>(front->within(loss), inside + 1, outside - 1);
  auto found = marginOf(shapeAt(middle));
  if (!found)
    return found.takeError();
  return *found >= margin ? middle : inside;
}

Expected<std::vector<Shape>> ChannelShares::find() {
  std::vector<Shape> found;
  if (Error error = findGroups())
    return std::move(error);
  if (groups.empty())
    return found;
  if (Error error = probeGroups())
    return std::move(error);
  findFront();
  bench.begin("following the channels");
  double all = bench.safeMargin(*whole.uniformTrial(0));
  std::set<size_t> taken = {0};
  for (double used : usedMargins) {
    auto point = pointWithin((1 - used) * all);
    if (!point)
      return point.takeError();
    if (taken.insert(*point).second)
      found.push_back(shapeAt(*point));
  }
  return found;
}

} // namespace qc::search
