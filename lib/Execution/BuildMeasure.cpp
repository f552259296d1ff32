//===- BuildMeasure.cpp - What a build measures of itself -----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Times where the target runs here, and quality on the data of --eval, beside
// those of the float network.
//
//===----------------------------------------------------------------------===//

#include "BuildInternal.h"

#include "qc/Execution/Questions.h"
#include "qc/Execution/ReferenceNet.h"
#include "qc/Import/Llama/Import.h"
#include "qc/Support/Error.h"

using namespace qc;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;

/// The float network that times and quality are compared with: none where it
/// is what is built.
static std::unique_ptr<LoadedNet> floatNet(const BuildRequest &request) {
  CompileOptions options = request.options;
  options.precision = "keep";
  if (llama::isLanguageModel(request.model))
    options.cache = "f32";
  options.layers.clear();
  options.recipeFile.clear();
  options.calib.clear();
  options.stats.clear();
  options.kernels = "generated";
  options.oneDNNLayers.clear();
  LoadOptions load;
  load.threads = options.threads;
  auto net = buildTemporary(request.model, options, load);
  if (net)
    return std::move(*net);
  llvm::consumeError(net.takeError());
  return nullptr;
}

static Error measureTimes(LoadedNet &net, LoadedNet *other,
                          BuildResult &result) {
  BenchRequest bench;
  bench.milliseconds = 500;
  auto inputs = benchInputs(net);
  if (!inputs)
    return inputs.takeError();
  auto times = net.bench(*inputs, bench);
  if (!times)
    return times.takeError();
  result.times = std::move(*times);
  if (!other)
    return Error::success();
  auto again = other->bench(*inputs, bench);
  if (!again) {
    llvm::consumeError(again.takeError());
    return Error::success();
  }
  result.fp32Times = std::move(*again);
  return Error::success();
}

/// Puts an evaluation into the result.
static void takeQuality(const BuildRequest &request,
                        const Evaluation &evaluation, BuildResult &result) {
  if (request.band)
    result.verdict =
        judge(*request.band, evaluation.records, evaluation.reference);
  result.metric = evaluation.records.spec;
  result.quality = evaluation.records.value();
  if (evaluation.reference.samples()) {
    result.referenceQuality = evaluation.reference.value();
    result.difference = evaluation.records.minus(evaluation.reference);
  }
}

/// That of the band, or of --metric and --metric-command.
static Expected<MetricSpec> metricOf(const BuildRequest &request) {
  if (request.band)
    return request.band->metric;
  return MetricSpec::parse(request.metric, request.metricCommand);
}

static Error measureQuality(const BuildRequest &request, LoadedNet &net,
                            Network *reference, const BuildHooks &hooks,
                            BuildResult &result) {
  auto metric = metricOf(request);
  if (!metric)
    return metric.takeError();
  DataOptions options;
  options.labels = request.labels;
  auto data = DataSet::open(request.evalData, net.inputs(), options);
  if (!data)
    return data.takeError();
  auto evaluation =
      evaluate(net, reference, **data, *metric, [&](int64_t done, int64_t all) {
        return !hooks.progress ||
               hooks.progress("evaluating", static_cast<double>(done) / all);
      });
  if (!evaluation)
    return evaluation.takeError();
  if (evaluation->interrupted)
    return inputError("interrupted", "", "", "an interrupt", "");
  takeQuality(request, *evaluation, result);
  return Error::success();
}

static Error measureAnswers(const BuildRequest &request, LanguageNet &net,
                            const BuildHooks &hooks, BuildResult &result) {
  auto metric = metricOf(request);
  if (!metric)
    return metric.takeError();
  std::unique_ptr<LanguageNet> reference;
  if (auto loaded = floatNet(request)) {
    auto other = LanguageNet::create(std::move(loaded));
    if (!other)
      return other.takeError();
    reference = std::move(*other);
  }
  QuestionOptions options;
  options.metric = *metric;
  auto evaluation = askQuestions(
      net, reference.get(), request.evalData, options, [&](double done) {
        return !hooks.progress || hooks.progress("evaluating", done);
      });
  if (!evaluation)
    return evaluation.takeError();
  takeQuality(request, *evaluation, result);
  return Error::success();
}

/// Times a language model, by few tokens, as it may be a large one, and asks it
/// the questions of --eval.
static Error measureLanguage(const BuildRequest &request,
                             std::unique_ptr<LoadedNet> loaded, bool runsHere,
                             const BuildHooks &hooks, BuildResult &result) {
  auto net = LanguageNet::create(std::move(loaded));
  if (!net)
    return net.takeError();
  if (runsHere && request.measure) {
    auto rates = measureSteps(**net, result.stepsRequest, [&] {
      return !hooks.progress || hooks.progress("measuring", 0);
    });
    if (!rates)
      return rates.takeError();
    result.steps = *rates;
  }
  if (request.evalData.empty())
    return Error::success();
  return measureAnswers(request, **net, hooks, result);
}

/// What is measured of a language model with so much context.
static StepsRequest stepsFor(int64_t context, int threads) {
  StepsRequest request;
  request.prompt = static_cast<int32_t>(std::min<int64_t>(128, context / 2));
  request.tokens = static_cast<int32_t>(std::min<int64_t>(16, context / 2));
  request.threads = threads;
  request.milliseconds = 500;
  request.leastRuns = 1;
  // Enough of a small model, whose runs are short.
  request.mostRuns = 10;
  return request;
}

Error qc::measureBuild(const BuildRequest &request, Station &station,
                       const BuildHooks &hooks, BuildResult &result) {
  if (request.search) {
    result.metric = request.search->metric;
    result.quality = request.search->quality;
    result.referenceQuality = request.search->referenceQuality;
    result.difference = request.search->difference;
  }
  const Target &target = request.options.target;
  bool runsHere = hostRuns(target.arch, target.levels.front());
  const std::optional<LanguageSpec> &language = station.spec.net.language;
  if (language)
    result.stepsRequest =
        stepsFor(language->numbers.context, request.options.threads);
  if ((!request.measure || !runsHere) && request.evalData.empty())
    return Error::success();
  TemporaryFolder folder("qc-net");
  std::string path = folder.path("net");
  auto sizes = writeArtifact(station.spec, path);
  if (!sizes)
    return sizes.takeError();
  LoadOptions load;
  load.threads = request.options.threads;
  load.label = request.model;
  auto net = LoadedNet::open(path, load);
  if (!net)
    return net.takeError();
  if (Error error = step(hooks, "measuring"))
    return error;
  if (language)
    return measureLanguage(request, std::move(*net), runsHere, hooks, result);
  std::unique_ptr<LoadedNet> reference;
  if (wantsQuantization(request.options) || !request.evalData.empty())
    reference = floatNet(request);
  if (runsHere && request.measure) {
    if (Error error = measureTimes(**net, reference.get(), result))
      return error;
    if (Error error = timeLaunches(station.net, station.launchTimes))
      return error;
  }
  if (request.evalData.empty())
    return Error::success();
  std::unique_ptr<ReferenceNet> slow;
  if (!reference) {
    auto opened = ReferenceNet::open(request.model, request.options);
    if (!opened)
      return opened.takeError();
    slow = std::move(*opened);
  }
  Network *compared =
      reference ? static_cast<Network *>(reference.get()) : slow.get();
  return measureQuality(request, **net, compared, hooks, result);
}
