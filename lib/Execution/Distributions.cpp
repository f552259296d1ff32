//===- Distributions.cpp - Histograms of each layer for the report --------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Distributions.h"

#include "qc/Analysis/Evaluator.h"
#include "qc/Analysis/QuantizationSites.h"
#include "qc/Dialect/QC/IR/QCOps.h"
#include "qc/Numerics/Rounding.h"
#include "qc/Quantization/Statistics.h"

#include <bit>
#include <cmath>

using namespace mlir;
using llvm::Error;
using llvm::Expected;
using mlir::qc::DequantizeOp;
using mlir::qc::QuantizableLayer;
using mlir::qc::QuantizationSites;
using mlir::qc::QuantizeOp;

namespace qc {

/// Bins of a histogram.
static constexpr int64_t histogramBins = 40;
/// Weights that are counted, of all layers and of one.
static constexpr int64_t mostWeights = int64_t(1) << 24;
static constexpr int64_t mostWeightsOfLayer = int64_t(1) << 22;

//===----------------------------------------------------------------------===//
// Counting
//===----------------------------------------------------------------------===//

namespace {
class Histogram {
public:
  Histogram(double low, double high) : low(low), high(high) {}

  void add(std::vector<int64_t> &counts, double value, int64_t weight) {
    counts.resize(histogramBins);
    double part = high > low ? (value - low) / (high - low) : 0;
    auto bin = static_cast<int64_t>(part * histogramBins);
    counts[std::clamp<int64_t>(bin, 0, histogramBins - 1)] += weight;
  }
  /// A value before and after quantization.
  void addPair(double from, double to, int64_t weight) {
    add(before, from, weight);
    add(after, to, weight);
    signal += from * from * static_cast<double>(weight);
    noise += (from - to) * (from - to) * static_cast<double>(weight);
  }
  /// Counts what is left in the end, for the share of zeros.
  void count(double value) {
    ++values;
    zeros += value == 0;
  }
  llvm::json::Object json() const;

  std::vector<int64_t> before, after;

private:
  double low, high, signal = 0, noise = 0;
  int64_t values = 0, zeros = 0;
};
} // namespace

llvm::json::Object Histogram::json() const {
  llvm::json::Object object{{"low", low}, {"high", high}};
  if (!before.empty())
    object["before"] = llvm::json::Array(before);
  if (!after.empty())
    object["after"] = llvm::json::Array(after);
  if (values > 0)
    object["zeros"] = std::round(1e4 * static_cast<double>(zeros) /
                                 static_cast<double>(values)) /
                      1e4;
  if (!before.empty() && !after.empty() && noise > 0 && signal > 0)
    object["sqnr_db"] = std::round(1000 * std::log10(signal / noise)) / 100;
  return object;
}

/// The least and the largest finite value; nothing where there is none.
static std::optional<std::pair<double, double>>
rangeOf(llvm::ArrayRef<float> values) {
  float low = HUGE_VALF, high = -HUGE_VALF;
  for (float value : values)
    if (std::isfinite(value)) {
      low = std::min(low, value);
      high = std::max(high, value);
    }
  if (low > high)
    return std::nullopt;
  return std::make_pair<double, double>(low, high);
}

//===----------------------------------------------------------------------===//
// Weights
//===----------------------------------------------------------------------===//

namespace {
/// The values of a weight before and after quantization; null where there are
/// none.
struct WeightValues {
  Value before, after;
};
} // namespace

static WeightValues valuesOf(const QuantizableLayer &layer) {
  Value weight = layer.getWeight();
  auto dequantize = weight.getDefiningOp<DequantizeOp>();
  if (!dequantize)
    return {weight, {}};
  if (auto quantize = dequantize.getInput().getDefiningOp<QuantizeOp>())
    return {quantize.getInput(), weight};
  // Floats of 16 bits are what a model was trained in.
  bool isFloat = isa<mlir::qc::FloatEncodingAttr>(
      mlir::qc::getEncoding(dequantize.getInput()));
  return isFloat ? WeightValues{weight, {}} : WeightValues{{}, weight};
}

static Expected<HostTensor> evaluate(Value value, Evaluator &evaluator) {
  Evaluator::ConstantCache cache;
  auto result = evaluator.evaluateConstant(value, cache);
  if (!result)
    return result.takeError();
  return result->values().toF32();
}

static Expected<std::optional<llvm::json::Object>>
countWeights(const QuantizableLayer &layer, Evaluator &evaluator) {
  WeightValues values = valuesOf(layer);
  HostTensor before, after;
  for (auto [value, tensor] :
       {std::pair(values.before, &before), std::pair(values.after, &after)}) {
    if (!value || !evaluator.isConstantSubgraph(value))
      continue;
    auto found = evaluate(value, evaluator);
    if (!found)
      return found.takeError();
    *tensor = std::move(*found);
  }
  llvm::ArrayRef<float> from = before.as<float>(), to = after.as<float>();
  auto range = rangeOf(from.empty() ? to : from);
  if (!range)
    return std::nullopt;
  Histogram histogram(range->first, range->second);
  bool pairs = from.size() == to.size();
  for (size_t i = 0; i < std::max(from.size(), to.size()); ++i) {
    histogram.count(i < to.size() ? to[i] : from[i]);
    if (pairs)
      histogram.addPair(from[i], to[i], 1);
    else if (i < from.size())
      histogram.add(histogram.before, from[i], 1);
    else
      histogram.add(histogram.after, to[i], 1);
  }
  return histogram.json();
}

/// Of layers with weights every so many are counted, so that time and memory
/// stay small.
static size_t strideOf(llvm::ArrayRef<QuantizableLayer> layers) {
  int64_t total = 0;
  for (const QuantizableLayer &layer : layers)
    if (layer.weightOperand)
      total += std::min(
          cast<ShapedType>(layer.getWeight().getType()).getNumElements(),
          mostWeightsOfLayer);
  return static_cast<size_t>((total + mostWeights - 1) / mostWeights);
}

//===----------------------------------------------------------------------===//
// Activations
//===----------------------------------------------------------------------===//

static llvm::json::Object
countActivations(const quantization::TensorStatistics &seen,
                 mlir::qc::AffineAttr encoding) {
  Histogram histogram(seen.min, seen.max);
  for (auto [bin, count] : seen.histogram) {
    // The middle of the values that a bin holds.
    float value = std::bit_cast<float>(uint32_t(bin) << 16 |
                                       (bin & 0x7fff ? 0x8000u : 0u));
    value = std::clamp(value, seen.min, seen.max);
    auto weight = static_cast<int64_t>(count);
    if (!encoding) {
      histogram.add(histogram.before, value, weight);
      continue;
    }
    auto scale = static_cast<float>(encoding.getScale().getValueAsDouble());
    auto zero = static_cast<int32_t>(encoding.getZeroPoint());
    int32_t code = numerics::quantize(value, scale, zero, -128, 127);
    histogram.addPair(value, numerics::dequantize(code, scale, zero), weight);
  }
  return histogram.json();
}

/// The static encoding that a layer reads its input in; null for others.
static mlir::qc::AffineAttr encodingOfInput(const QuantizableLayer &layer) {
  Value source = mlir::qc::getCodeSource(layer.getInput());
  auto dequantize = source.getDefiningOp<DequantizeOp>();
  return dequantize ? mlir::qc::getStaticAffine(dequantize.getInput())
                    : mlir::qc::AffineAttr();
}

//===----------------------------------------------------------------------===//
// The whole
//===----------------------------------------------------------------------===//

static QuantizationSites sitesOf(ModuleOp module) {
  auto main = module.lookupSymbol<func::FuncOp>("main");
  if (!main || !reachedLevel(module).empty())
    return {};
  return QuantizationSites::find(main,
                                 [](const QuantizableLayer &) { return true; });
}

Distributions::Distributions(ModuleOp module) {
  QuantizationSites sites = sitesOf(module);
  llvm::DenseMap<Value, std::string> names;
  for (const mlir::qc::QuantizationSite &site : sites.sites)
    names[site.value] = site.name;
  for (const QuantizableLayer &layer : sites.layers) {
    auto found = names.find(mlir::qc::getCodeSource(layer.getInput()));
    if (found != names.end())
      inputs[layer.name] = found->second;
  }
}

Error Distributions::count(LoadedModel &model, const CompileOptions &options,
                           const StatisticsFile &file) {
  quantization::Statistics statistics;
  if (!file.bytes.empty()) {
    auto read = quantization::Statistics::read(file.bytes, "");
    if (!read)
      return read.takeError();
    statistics = std::move(*read);
  }
  QuantizationSites sites = sitesOf(*model.module);
  ParameterStore parameters(model.baseFolder);
  Evaluator evaluator(parameters);
  size_t stride = std::max<size_t>(1, strideOf(sites.layers)), number = 0;
  for (const QuantizableLayer &layer : sites.layers) {
    auto input = inputs.find(layer.name);
    const quantization::TensorStatistics *seen =
        input == inputs.end() ? nullptr : statistics.find(input->second);
    if (seen && seen->getCount())
      layers[layer.name]["activations"] =
          countActivations(*seen, encodingOfInput(layer));
    // What memory is bounded for goes into the library alone.
    if (!layer.weightOperand || number++ % stride || options.memoryBudget ||
        cast<ShapedType>(layer.getWeight().getType()).getNumElements() >
            mostWeightsOfLayer)
      continue;
    auto counted = countWeights(layer, evaluator);
    if (!counted)
      return counted.takeError();
    if (*counted)
      layers[layer.name]["weights"] = std::move(**counted);
  }
  return Error::success();
}

} // namespace qc
