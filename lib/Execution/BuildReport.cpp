//===- BuildReport.cpp - What a build says of itself ----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// report.json and recipe.json as docs/Driver.md lists them.
//
//===----------------------------------------------------------------------===//

#include "BuildInternal.h"

#include "qc/Quantization/Precision.h"
#include "qc/Support/Shell.h"
#include "qc/TargetInfo/KernelKey.h"

#include "llvm/Config/llvm-config.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/TargetParser/Host.h"

#include <cmath>
#include <thread>

using namespace qc;
using llvm::StringRef;
namespace json = llvm::json;

std::string qc::machineText() {
  std::string model = llvm::sys::getHostCPUName().str();
  if (auto file = llvm::MemoryBuffer::getFileAsStream("/proc/cpuinfo")) {
    StringRef text = (*file)->getBuffer();
    size_t at = text.find("model name");
    if (at != StringRef::npos)
      model = text.substr(at).split(':').second.split('\n').first.trim().str() +
              " (" + model + ")";
  }
  return model + ", " + std::to_string(std::thread::hardware_concurrency()) +
         " CPUs";
}

static json::Value number(double value) {
  return std::isfinite(value) ? json::Value(value) : json::Value(nullptr);
}

static json::Value timesJson(const std::optional<BenchTimes> &times) {
  if (!times)
    return nullptr;
  return json::Object{{"median", times->median()}, {"p95", times->p95()}};
}

static const std::string &judgedDataOf(const BuildRequest &request) {
  return request.judgedData.empty() ? request.evalData : request.judgedData;
}

/// What the numbers of a metric are.
static json::Value unitOf(const MetricSpec &metric) {
  using Kind = MetricSpec::Kind;
  bool decibel = metric.kind == Kind::Sqnr || metric.kind == Kind::Psnr;
  return metric.isRate() ? json::Value("%")
         : decibel       ? json::Value("dB")
                         : json::Value(nullptr);
}

/// What the numbers of the metric were measured on; no paths.
static json::Value dataJson(const BuildRequest &request) {
  auto hash = hashOfData(judgedDataOf(request));
  if (!hash) {
    llvm::consumeError(hash.takeError());
    return nullptr;
  }
  return json::Object{{"sha256", *hash}, {"half", request.judgedHalf}};
}

static json::Value metricJson(const BuildRequest &request,
                              const BuildResult &result) {
  if (!result.metric)
    return nullptr;
  bool compared = result.referenceQuality.samples > 0;
  json::Object metric{{"name", result.metric->text},
                      {"ref", compared ? number(result.referenceQuality.value)
                                       : json::Value(nullptr)},
                      {"this", number(result.quality.value)},
                      {"unit", unitOf(*result.metric)},
                      {"higher_is_better", result.metric->higherIsBetter()},
                      {"data", dataJson(request)},
                      {"samples", result.quality.samples},
                      {"ci95", intervalJson(result.quality)}};
  if (compared)
    metric["difference"] =
        json::Object{{"value", number(result.difference.value)},
                     {"ci95", intervalJson(result.difference)}};
  return metric;
}

/// The reason that a remark gives for a layer; empty if none does.
static std::string reasonOf(const Station &station, StringRef layer) {
  for (const std::string &remark : station.remarks)
    if (StringRef(remark).contains("'" + layer.str() + "'"))
      return remark;
  return "";
}

/// One row per layer, in the order of the graph.
static json::Array layersJson(const Station &station,
                              const SearchFacts *search) {
  json::Array layers;
  size_t provided = 0;
  double total = 0;
  for (double time : station.launchTimes)
    total += time;
  for (const CompiledLayer &layer : station.net.layers) {
    auto key = KernelKey::parse(layer.kernel);
    std::string op = key ? key->op : "generic";
    // The type of the weights where there are some, else of the input.
    std::string format = "f32";
    if (key && !key->types.empty())
      format = key->types.size() > 1 &&
                       (op == "contract" || op == "depthwise" || op == "onednn")
                   ? key->types[1]
                   : key->types[0];
    json::Object row{{"name", json::fixUTF8(layer.name)},
                     {"op", op},
                     {"format", format},
                     {"kernel", layer.kernel},
                     {"bytes", layer.bytes},
                     {"ms", nullptr},
                     {"share", nullptr},
                     {"sqnr_db", nullptr},
                     {"sensitivity", nullptr},
                     {"reason", nullptr}};
    if (layer.launch < station.launchTimes.size()) {
      double time = station.launchTimes[layer.launch];
      row["ms"] = std::round(time * 1e6) / 1e6;
      row["share"] = total > 0 ? std::round(time / total * 1e4) / 1e4 : 0;
    }
    if (op == "onednn" && provided < station.implementations.size())
      row["implementation"] = station.implementations[provided++];
    auto times = station.kernelTimes.find(layer.name);
    if (times != station.kernelTimes.end() && op != "epilogue")
      row["measured_ms"] =
          json::Object{{"generated", times->second.generated},
                       {"onednn", times->second.oneDNN},
                       {"shape", times->second.shape},
                       {"implementation", times->second.implementation}};
    std::string reason = reasonOf(station, layer.name);
    if (search && search->layers.count(layer.name)) {
      const SearchFacts::Layer &found = search->layers.at(layer.name);
      row["sqnr_db"] = found.sqnr;
      row["cosine"] = found.cosine;
      row["kl"] = found.kl;
      row["sensitivity"] = found.sensitivity;
      reason = found.reason;
    }
    if (!reason.empty())
      row["reason"] = json::fixUTF8(reason);
    // An epilogue that runs alone has the name of its layer.
    auto values = station.distributions.find(layer.name);
    if (values != station.distributions.end() && layer.bytes > 0)
      for (const auto &entry : values->second)
        row[entry.first] = entry.second;
    layers.push_back(std::move(row));
  }
  return layers;
}

/// Bytes of the files with weights.
static uint64_t sourceBytes(const BuildRequest &request,
                            const Station &station) {
  bool isFolder = llvm::sys::fs::is_directory(request.model);
  uint64_t all = 0;
  for (const std::string &file : station.sourceFiles) {
    uint64_t bytes = 0;
    if (isFolder && llvm::sys::path::extension(file) != ".safetensors")
      continue;
    if (!llvm::sys::fs::file_size(file, bytes))
      all += bytes;
  }
  return all;
}

static json::Object sourceJson(const BuildRequest &request,
                               const Station &station) {
  bool isFolder = llvm::sys::fs::is_directory(request.model);
  StringRef suffix = llvm::sys::path::extension(request.model);
  return json::Object{
      {"format", isFolder ? "safetensors" : suffix.drop_front()},
      {"dtype", station.sourceFormat},
      {"bytes", sourceBytes(request, station)},
      {"licence", station.net.licence.empty()
                      ? json::Value(nullptr)
                      : json::Value(json::fixUTF8(station.net.licence))}};
}

/// The recipe that was given, which the build has read already; empty without
/// one.
static json::Object givenRecipe(const CompileOptions &options) {
  auto buffer = llvm::MemoryBuffer::getFile(options.recipeFile);
  if (options.recipeFile.empty() || !buffer)
    return {};
  auto value = json::parse((*buffer)->getBuffer());
  json::Object *object = value ? value->getAsObject() : nullptr;
  if (!object)
    llvm::consumeError(value.takeError());
  return object ? std::move(*object) : json::Object();
}

/// The precision of layers that no rule is about.
static std::string otherwise(const CompileOptions &options) {
  json::Object given = givenRecipe(options);
  std::optional<StringRef> precision = given.getString("precision");
  return precision ? precision->str() : options.precision;
}

/// What --precision, --recipe and --layer say together, so that the file alone
/// says it again.
static json::Object recipeJson(const BuildRequest &request,
                               const Station &station) {
  const CompileOptions &options = request.options;
  json::Object given = givenRecipe(options);
  std::string precision = otherwise(options);
  json::Object recipe{{"precision", quantization::spellOut(precision)}};
  recipe["observer"] = options.observer.text;
  recipe["algorithms"] = json::Array(options.algorithms);
  recipe["seed"] = options.seed;
  recipe["kernels"] = options.kernels;
  json::Array oneDNN;
  for (const std::string &layer : station.net.oneDNNNames)
    oneDNN.push_back(json::fixUTF8(layer));
  recipe["onednn"] = std::move(oneDNN);
  json::Array layers;
  if (const json::Array *known = given.getArray("layers"))
    layers = json::Array(*known);
  for (const LayerRule &rule : options.layers)
    layers.push_back(json::Object{{"pattern", json::fixUTF8(rule.pattern)},
                                  {"precision", rule.precision}});
  recipe["layers"] = std::move(layers);
  return recipe;
}

/// The lines for a shell that make, measure and check the artifact again.
static json::Array commandsJson(const BuildRequest &request,
                                const BuildResult &result) {
  std::string output = " " + shellWord(request.output), bounds;
  for (const DimRange &dim : request.options.dims)
    bounds += " --dim " + shellWord(dim.symbol + "=" + std::to_string(dim.min) +
                                    ":" + std::to_string(dim.opt) + ":" +
                                    std::to_string(dim.max));
  for (const ShapeOverride &shape : request.options.shapes) {
    std::string sizes;
    for (int64_t size : shape.dims)
      sizes += (sizes.empty() ? "" : "x") + std::to_string(size);
    bounds += " --shape " + shellWord(shape.input + "=" + sizes);
  }
  json::Array commands;
  auto add = [&](StringRef what, const std::string &command) {
    commands.push_back(
        json::Object{{"what", what}, {"command", json::fixUTF8(command)}});
  };
  add("Compile it again", request.command);
  const std::string &judged = judgedDataOf(request);
  std::string data = judged.empty() ? "" : " --data " + shellWord(judged);
  if (result.metric && !judged.empty()) {
    bool asked = result.metric->kind == MetricSpec::Kind::Command;
    std::string metric =
        asked ? " --metric-command " + shellWord(result.metric->command)
              : " --metric " + shellWord(result.metric->text);
    if (request.labels != "labels")
      metric += " --labels " + shellWord(request.labels);
    add("Measure its quality beside the model in float32",
        "qc eval" + output + data + metric + " --reference " +
            shellWord(request.model) + bounds);
  }
  add("Check its files, its outputs, and with data its metric",
      "qc verify" + output + data);
  return commands;
}

void qc::describe(const BuildRequest &request, Station &station,
                  const BuildResult &result) {
  ArtifactSpec &spec = station.spec;
  const CompileOptions &options = request.options;
  json::Object &report = spec.report;
  const std::optional<LanguageSpec> &language = spec.net.language;
  report["source"] = sourceJson(request, station);
  report["command"] = json::fixUTF8(request.command);
  report["machine"] = machineText();
  report["toolchain"] =
      "qc " + request.version + ", LLVM " + LLVM_VERSION_STRING;
  report["target"] = options.target.text;
  report["precision"] = otherwise(options);
  report["bytes"] = json::Object{{"fp32", result.fp32Bytes},
                                 {"source", sourceBytes(request, station)},
                                 {"weights", station.net.weightsBytes},
                                 {"artifact", nullptr}};
  report["memory"] = json::Object{
      {"arena", result.arenaBytes},
      {"kv_per_token",
       language ? json::Value(language->cacheBytes()) : json::Value(nullptr)},
      {"peak", result.arenaBytes + station.net.weightsBytes}};
  report["latency_ms"] = json::Object{{"fp32", timesJson(result.fp32Times)},
                                      {"this", timesJson(result.times)},
                                      {"threads", options.threads}};
  if (language)
    report["language_model"] = stepsJson(result.stepsRequest, result.steps);
  report["metric"] = metricJson(request, result);
  report["verdict"] = nullptr;
  if (request.band && result.verdict)
    report["verdict"] = verdictJson(*request.band, *result.verdict);
  report["reproduce"] = commandsJson(request, result);
  report["calibration"] = nullptr;
  if (!station.statistics.bytes.empty())
    report["calibration"] =
        json::Object{{"samples", station.statistics.samples},
                     {"hash", station.statistics.hash},
                     {"seconds", station.statistics.seconds}};
  report["layers"] = layersJson(station, request.search);
  report["pareto"] = json::Array{};
  if (request.search) {
    report["precision"] = "auto";
    report["verdict"] = request.search->verdict;
    report["pareto"] = json::Array(request.search->pareto);
    report["search"] = json::Object(request.search->search);
  }
  json::Array warnings;
  for (const std::string &warning : result.warnings)
    warnings.push_back(json::fixUTF8(warning));
  report["warnings"] = std::move(warnings);

  spec.recipe = recipeJson(request, station);
  // As recipe.json has it: what it makes again has the same bytes.
  spec.facts["precision"] = quantization::spellOut(otherwise(options));
  spec.facts["source"] =
      json::fixUTF8(llvm::sys::path::filename(request.model));
  spec.facts["licence"] = json::fixUTF8(station.net.licence);
  if (!station.net.licence.empty())
    spec.licenses =
        "The model " + llvm::sys::path::filename(request.model).str() +
        " states this licence: " + json::fixUTF8(station.net.licence) + "\n";
  if (!station.statistics.bytes.empty())
    spec.extras.push_back({result.name + ".stats", station.statistics.bytes});
}
