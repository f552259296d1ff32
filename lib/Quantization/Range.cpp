//===- Range.cpp - The range of an activation -----------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "qc/Quantization/Range.h"

#include "llvm/ADT/Twine.h"

#include <algorithm>
#include <bit>
#include <cmath>

using namespace qc::quantization;
namespace num = qc::numerics;

namespace {
/// The values of one bin: `weight` of them, spread over [low, high].
struct Cell {
  float low, high;
  double weight;
  float middle() const { return low + (high - low) * 0.5f; }
};
} // namespace

llvm::Expected<Observer> Observer::parse(llvm::StringRef text) {
  Observer observer;
  if (text == "minmax")
    return observer;
  if (text == "entropy" || text == "mse") {
    observer.kind = text == "mse" ? Kind::Mse : Kind::Entropy;
    return observer;
  }
  llvm::StringRef rest = text;
  if (rest.consume_front("percentile:") &&
      !rest.getAsDouble(observer.percentile) && observer.percentile > 50.0 &&
      observer.percentile <= 100.0) {
    observer.kind = Kind::Percentile;
    return observer;
  }
  return llvm::createStringError(
      "found observer '" + text +
      "', expected minmax, percentile:P with P above 50 and at most 100, "
      "entropy or mse");
}

/// The bins in ascending order of their values, clipped to what was seen.
static std::vector<Cell> getCells(const TensorStatistics &statistics) {
  std::vector<Cell> cells;
  for (auto [index, count] : statistics.histogram) {
    auto bits = static_cast<uint32_t>(index) << 16;
    float near = std::bit_cast<float>(bits);
    float far = std::bit_cast<float>(bits | 0xffff);
    Cell cell{std::fmin(near, far), std::fmax(near, far),
              static_cast<double>(count)};
    // Zero has a bin that holds tiny values too; most often it is all zeros.
    if (near == 0.0f)
      cell.low = cell.high = 0.0f;
    cell.low = std::clamp(cell.low, statistics.min, statistics.max);
    cell.high = std::clamp(cell.high, statistics.min, statistics.max);
    cells.push_back(cell);
  }
  std::stable_sort(cells.begin(), cells.end(),
                   [](const Cell &a, const Cell &b) { return a.low < b.low; });
  return cells;
}

static Range choosePercentile(const std::vector<Cell> &cells, double total,
                              double percentile) {
  double allowed = total * (100.0 - percentile) / 100.0;
  Range range;
  double seen = 0;
  for (const Cell &cell : cells) {
    seen += cell.weight;
    range.low = cell.low;
    if (seen > allowed)
      break;
  }
  seen = 0;
  for (auto cell = cells.rbegin(); cell != cells.rend(); ++cell) {
    seen += cell->weight;
    range.high = cell->high;
    if (seen > allowed)
      break;
  }
  return range;
}

//===----------------------------------------------------------------------===//
// Least squared error
//===----------------------------------------------------------------------===//

/// Sum of squared errors of the values in `cells` when quantized to a range.
static double getSquaredError(const std::vector<Cell> &cells, Range range,
                              int32_t qmin, int32_t qmax) {
  num::ScaleZero affine =
      num::chooseAffine(range.low, range.high, qmin, qmax, false);
  double step = affine.scale;
  double error = 0;
  for (const Cell &cell : cells) {
    float x = cell.middle();
    int32_t code = num::quantize(x, affine.scale, affine.zeroPoint, qmin, qmax);
    double difference =
        double(x) - num::dequantize(code, affine.scale, affine.zeroPoint);
    double squared = difference * difference;
    // Values spread over more than a step have the error of uniform ones.
    bool inside = code > qmin && code < qmax;
    if (inside && double(cell.high) - cell.low > step)
      squared = step * step / 12.0;
    error += cell.weight * squared;
  }
  return error;
}

/// Shrinks both ends in steps of 1/64, together first, then each alone.
static Range chooseMse(const std::vector<Cell> &cells, Range all, int32_t qmin,
                       int32_t qmax) {
  constexpr int steps = 64;
  Range best = all;
  double bestError = getSquaredError(cells, all, qmin, qmax);
  auto consider = [&](Range range) {
    double error = getSquaredError(cells, range, qmin, qmax);
    if (error < bestError) {
      bestError = error;
      best = range;
    }
  };
  auto part = [](float bound, int i) {
    return bound * (static_cast<float>(i) / steps);
  };
  for (int i = steps - 1; i >= 4; --i)
    consider({part(all.low, i), part(all.high, i)});
  for (int i = steps; i >= 4; --i)
    consider({part(all.low, i), best.high});
  for (int i = steps; i >= 4; --i)
    consider({best.low, part(all.high, i)});
  return best;
}

//===----------------------------------------------------------------------===//
// Least divergence
//===----------------------------------------------------------------------===//

/// Magnitudes in `count` equal bins up to `limit`.
static std::vector<double> getMagnitudes(const std::vector<Cell> &cells,
                                         float limit, size_t count) {
  std::vector<double> bins(count, 0.0);
  double width = double(limit) / static_cast<double>(count);
  for (const Cell &cell : cells) {
    // Zeros are exact in any range; counting them would favor fine steps.
    if (cell.low == 0 && cell.high == 0)
      continue;
    double a = std::fabs(cell.low), b = std::fabs(cell.high);
    double low = std::min(a, b) / width, high = std::max(a, b) / width;
    auto first = std::min(static_cast<size_t>(low), count - 1);
    auto last = std::min(static_cast<size_t>(high), count - 1);
    if (first == last || high <= low) {
      bins[first] += cell.weight;
      continue;
    }
    double density = cell.weight / (high - low);
    for (size_t i = first; i <= last; ++i) {
      double from = std::max(low, static_cast<double>(i));
      double to = i == last ? high : static_cast<double>(i + 1);
      bins[i] += density * (to - from);
    }
  }
  return bins;
}

/// The divergence between the first `length` of `bins`, with what is clipped
/// added to the last one, and their average over `levels` equal parts.
static double getDivergence(const std::vector<double> &bins, size_t length,
                            size_t levels, double clipped) {
  double total = clipped, divergence = 0, kept = 0;
  for (size_t i = 0; i < length; ++i) {
    total += bins[i];
    kept += bins[i];
  }
  if (total <= 0 || kept <= 0)
    return std::numeric_limits<double>::infinity();
  for (size_t level = 0; level < levels; ++level) {
    size_t from = level * length / levels, to = (level + 1) * length / levels;
    double sum = 0;
    size_t filled = 0;
    for (size_t i = from; i < to; ++i) {
      sum += bins[i];
      filled += bins[i] > 0;
    }
    if (filled == 0)
      continue;
    double q = sum / static_cast<double>(filled) / kept;
    for (size_t i = from; i < to; ++i) {
      double p = (bins[i] + (i + 1 == length ? clipped : 0)) / total;
      if (p > 0)
        divergence += p * std::log(p / (bins[i] > 0 ? q : 1e-12));
    }
  }
  return divergence;
}

/// The same bound for both signs, as codes of both signs have equal steps.
static Range chooseEntropy(const std::vector<Cell> &cells, Range all,
                           int32_t qmin, int32_t qmax) {
  constexpr size_t count = 2048;
  float limit = std::fmax(-all.low, all.high);
  if (!(limit > 0))
    return all;
  std::vector<double> bins = getMagnitudes(cells, limit, count);
  bool signedValues = all.low < 0;
  auto levels = static_cast<size_t>(qmax - qmin + 1) / (signedValues ? 2 : 1);
  double total = 0;
  for (double weight : bins)
    total += weight;
  // Divergence is blind to how far off a clipped value is.
  double mostClipped = total / 1000;
  double clipped = 0, best = std::numeric_limits<double>::infinity();
  size_t bestLength = count;
  for (size_t length = count; length >= levels && clipped <= mostClipped;
       --length) {
    double divergence = getDivergence(bins, length, levels, clipped);
    if (divergence < best) {
      best = divergence;
      bestLength = length;
    }
    clipped += bins[length - 1];
  }
  float bound = limit * (static_cast<float>(bestLength) / count);
  return {std::fmax(all.low, -bound), std::fmin(all.high, bound)};
}

Range qc::quantization::chooseRange(const TensorStatistics &statistics,
                                    const Observer &observer, int32_t qmin,
                                    int32_t qmax) {
  if (statistics.getCount() == 0)
    return {};
  Range all{std::fmin(statistics.min, 0.0f), std::fmax(statistics.max, 0.0f)};
  if (observer.kind == Observer::Kind::MinMax)
    return all;
  std::vector<Cell> cells = getCells(statistics);
  Range range = all;
  if (observer.kind == Observer::Kind::Percentile)
    range = choosePercentile(cells, static_cast<double>(statistics.getCount()),
                             observer.percentile);
  else if (observer.kind == Observer::Kind::Mse)
    range = chooseMse(cells, all, qmin, qmax);
  else
    range = chooseEntropy(cells, all, qmin, qmax);
  return {std::fmin(range.low, 0.0f), std::fmax(range.high, 0.0f)};
}

num::ScaleZero qc::quantization::chooseScale(const TensorStatistics &statistics,
                                             const Observer &observer,
                                             int32_t qmin, int32_t qmax,
                                             bool symmetric) {
  Range range = chooseRange(statistics, observer, qmin, qmax);
  return num::chooseAffine(range.low, range.high, qmin, qmax, symmetric);
}
