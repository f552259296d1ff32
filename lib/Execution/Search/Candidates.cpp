//===- Candidates.cpp - What a search may choose --------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Candidates.h"

#include "qc/Analysis/Names.h"
#include "qc/Analysis/QuantizationSites.h"
#include "qc/Dialect/QC/IR/QCOps.h"
#include "qc/Execution/PruneStructures.h"
#include "qc/Execution/SearchFolder.h"
#include "qc/Quantization/Precision.h"
#include "qc/Support/Error.h"
#include "qc/Support/OutputFile.h"
#include "qc/Support/TemporaryFolder.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Regex.h"

using llvm::Error;
using llvm::Expected;
using llvm::StringRef;

namespace qc::search {

/// What is tried beside fp32 where nothing else is asked for.
static const char *const usualCandidates[] = {"w8a8", "w8", "w4-g32"};
static const char *const usualForTexts[] = {"w8", "w6-g64", "w5-g64", "w4-g64",
                                            "w3-g64"};
/// What these are followed by while smaller ones may be worth it.
static const char *const usualSmaller[] = {"w3-g64", "w2-g32"};

static const char *const noWeight = "it has no weight";

static std::string fileIn(StringRef folder, StringRef name) {
  llvm::SmallString<128> path(folder);
  llvm::sys::path::append(path, name);
  return path.str().str();
}

Candidates::~Candidates() {
  // The IR goes before the context that owns its types.
  model.module = {};
}

/// The level of the target that this machine runs best, or this machine.
static Target measuredTarget(const Target &target, bool &here) {
  Target measured = target;
  llvm::erase_if(measured.levels, [&](const CpuLevel &level) {
    return !hostRuns(measured.arch, level);
  });
  here = !measured.levels.empty();
  if (!here)
    return hostTarget();
  measured.levels.erase(measured.levels.begin(), measured.levels.end() - 1);
  return measured;
}

Expected<std::unique_ptr<Candidates>>
Candidates::open(const PrecisionSearchRequest &request, const Shape &shape,
                 size_t number, const BuildHooks &hooks) {
  const BuildRequest &build = request.build;
  std::unique_ptr<Candidates> result(new Candidates());
  result->context = makeContext();
  result->form = shape;
  auto model =
      loadModel(*result->context, build.model, build.options, [&](double done) {
        return !hooks.progress || hooks.progress("reading", done);
      });
  if (!model)
    return model.takeError();
  result->model = std::move(*model);
  mlir::ModuleOp module = *result->model.module;
  if (!reachedLevel(module).empty() ||
      (isQuantized(module) && !build.options.requantize))
    return inputError("quantized", build.model, "--precision",
                      "auto for a model that is quantized or lowered",
                      "a float model, or --requantize");
  result->options = build.options;
  result->options.precision = "fp32";
  result->options.strict = false;
  result->options.oneDNNLayers.clear();
  result->options.target = measuredTarget(build.options.target, result->here);
  if (Error error = result->findPrecisions(request))
    return std::move(error);
  auto removed = result->takeOut(result->model, build, shape, hooks);
  if (!removed)
    return removed.takeError();
  result->removedCount = *removed;
  if (!result->here)
    result->estimated.emplace(module, build.options.target.levels.back());
  if (Error error = result->findGroups())
    return std::move(error);
  if (result->layerGroups.empty())
    return inputError("bad-option", build.model, "--precision auto",
                      "no layer that may be quantized",
                      "a convolution or a product");
  if (Error error = result->openFolder(request, number))
    return std::move(error);
  if (Error error = result->addStatistics(build, hooks))
    return std::move(error);
  if (Error error = result->findRefusals(1))
    return std::move(error);
  if (Error error = result->openAlgorithms(build.model, hooks))
    return std::move(error);
  return result;
}

Error Candidates::findPrecisions(const PrecisionSearchRequest &request) {
  precisions = {"fp32"};
  for (const std::string &candidate : request.candidates) {
    std::string name = quantization::withoutStructures(candidate);
    Shape shape{quantization::structuresOf(candidate)};
    if (shape.namesAuto() && !shape.isAuto())
      return inputError("bad-option", "", "--candidates", printable(candidate),
                        "channels:auto with nothing else that is taken out");
    if (!llvm::is_contained(precisions, name))
      precisions.push_back(name);
  }
  areUsual = request.candidates.empty();
  if (areUsual && isOfTexts())
    llvm::append_range(precisions, usualForTexts);
  else if (areUsual)
    llvm::append_range(precisions, usualCandidates);
  for (const LayerRule &rule : options.layers)
    if (quantization::namesStructures(rule.precision))
      return inputError("not-built", "", "--precision auto",
                        "--layer with " + rule.precision +
                            ", which is not built yet",
                        "it among the candidates, or --within to judge it");
  return Error::success();
}

Expected<int64_t> Candidates::takeOut(LoadedModel &from,
                                      const BuildRequest &build,
                                      const Shape &shape,
                                      const BuildHooks &given) {
  if (shape.isWhole())
    return 0;
  BuildRequest request = build;
  request.options.precision = shape.ofModel("fp32");
  TemporaryFolder folder("qc-shape");
  if (!shape.shares.empty()) {
    llvm::json::Array layers;
    for (const auto &[name, share] : shape.shares)
      layers.push_back(
          llvm::json::Object{{"name", llvm::json::fixUTF8(name)},
                             {"precision", shape.ofLayer(name, "fp32")}});
    request.options.recipeFile = folder.path("recipe.json");
    std::string text =
        llvm::formatv("{0}", llvm::json::Value(llvm::json::Object{
                                 {"schema", 1},
                                 {"precision", request.options.precision},
                                 {"layers", std::move(layers)}}))
            .str();
    if (Error error = writeWholeFile(request.options.recipeFile, text))
      return std::move(error);
  }
  // What stays is told when the network that is chosen is built.
  BuildHooks quiet;
  quiet.progress = given.progress;
  std::vector<std::string> ignored;
  return pruneStructures(from, request, quiet, ignored);
}

Expected<std::unique_ptr<JitNet>>
Candidates::compileShape(const BuildRequest &build, const Shape &shape,
                         const BuildHooks &given) {
  LoadedModel copy = model.copy();
  auto removed = takeOut(copy, build, shape, given);
  if (!removed)
    return removed.takeError();
  auto net = generateCode(copy, options, {}, &kernels);
  if (!net)
    return net.takeError();
  return JitNet::create(std::move(*net));
}

int64_t Candidates::weights() const {
  int64_t sum = 0;
  for (const LayerGroup &group : layerGroups)
    sum += group.weights;
  return sum;
}

bool Candidates::isOfTexts() const {
  return model.module.get()->hasAttr("qc.language_model");
}

void Candidates::addGroup(const std::string &name, mlir::Value source,
                          int64_t weights) {
  size_t next = layerGroups.size();
  size_t group =
      source ? readers.try_emplace(source, next).first->second : next;
  if (group == next)
    layerGroups.push_back({{}, 0, std::vector<std::string>(precisions.size())});
  layerGroups[group].layers.push_back(name);
  layerGroups[group].weights += weights;
  indices[name] = group;
}

static int64_t elementsOf(mlir::Value weight) {
  return llvm::cast<mlir::ShapedType>(weight.getType()).getNumElements();
}

Error Candidates::findGroups() {
  auto main = model.module->lookupSymbol<mlir::func::FuncOp>("main");
  std::vector<llvm::Regex> fixed;
  for (const LayerRule &rule : options.layers)
    fixed.emplace_back("^(" + rule.pattern + ")$");
  auto isTaken = [&](const std::string &name) {
    return indices.count(name) || llvm::any_of(fixed, [&](llvm::Regex &rule) {
             return rule.match(name);
           });
  };
  main.walk([&](mlir::qc::EmbeddingOp op) {
    std::string name = mlir::qc::getLayerName(op.getLoc()).str();
    if (!isTaken(name))
      addGroup(name, {}, elementsOf(op.getTable()));
  });
  // Weights alone need not agree.
  bool agree = llvm::any_of(precisions, [](StringRef name) {
    return name.contains("a8") || name == "int8";
  });
  auto sites = mlir::qc::QuantizationSites::find(
      main, [](const mlir::qc::QuantizableLayer &) { return true; });
  for (const mlir::qc::QuantizableLayer &layer : sites.layers) {
    if (isTaken(layer.name) || (!layer.weightOperand && isOfTexts()))
      continue;
    if (layer.weightOperand) {
      addGroup(layer.name,
               agree ? mlir::qc::getCodeSource(layer.getInput())
                     : mlir::Value(),
               elementsOf(layer.getWeight()));
      continue;
    }
    addGroup(layer.name, {}, 0);
    for (size_t i = 1; i < precisions.size(); ++i)
      if (quantization::spellOut(precisions[i]) != "w8a8")
        layerGroups.back().refusals[i] = noWeight;
  }
  return Error::success();
}

Error Candidates::openFolder(const PrecisionSearchRequest &request,
                             size_t number) {
  const BuildRequest &build = request.build;
  partial = searchFolder(build.output);
  if (number > 0) {
    partial = fileIn(partial, "shape-" + std::to_string(number));
    if (std::error_code code = llvm::sys::fs::create_directories(partial))
      return inputError("file-unwritable", partial, "", code.message(),
                        "a folder for what is measured");
    return Error::success();
  }
  std::string more;
  llvm::raw_string_ostream os(more);
  for (const std::string &name :
       request.candidates.empty() ? precisions : request.candidates)
    os << name << ";";
  os << request.band.text << build.metric << build.metricCommand << build.labels
     << request.forSize << options.observer.text << options.samples
     << options.target.text << options.threads << options.kernels;
  for (const std::string &name : options.algorithms)
    os << name;
  for (const LayerRule &rule : options.layers)
    os << rule.pattern << "=" << rule.precision;
  std::vector<std::string> files = options.calib;
  files.insert(files.end(), options.stats.begin(), options.stats.end());
  files.push_back(build.evalData);
  if (!request.verdictData.empty())
    files.push_back(request.verdictData);
  return openSearchFolder(partial, searchMark(*model.module, more, files),
                          build.options.resume);
}

Error Candidates::addStatistics(const BuildRequest &build,
                                const BuildHooks &given) {
  if (options.calib.empty() && options.stats.empty())
    return Error::success();
  statistics = fileIn(partial, "statistics");
  if (llvm::sys::fs::exists(statistics))
    return Error::success();
  auto made =
      makeStatistics(model, build, given, /*run=*/!options.calib.empty());
  if (!made)
    return made.takeError();
  return writeWholeFile(statistics, made->bytes);
}

Assignment Candidates::uniform(size_t candidate) const {
  Assignment assignment;
  for (const LayerGroup &group : layerGroups)
    assignment.push_back(group.refusals[candidate].empty() ? candidate : 0);
  return assignment;
}

llvm::json::Object
Candidates::precisionsOf(const Assignment &assignment) const {
  llvm::json::Array layers;
  for (auto [group, choice] : llvm::zip_equal(layerGroups, assignment))
    for (const std::string &layer : group.layers)
      layers.push_back(llvm::json::Object{
          {"name", llvm::json::fixUTF8(layer)},
          {"precision", form.ofLayer(layer, precisions[choice])}});
  return llvm::json::Object{{"schema", 1},
                            {"precision", form.ofModel("fp32")},
                            {"layers", std::move(layers)}};
}

Error Candidates::findRefusals(size_t first) {
  for (size_t candidate = first; candidate < precisions.size(); ++candidate) {
    CompileOptions trial;
    std::vector<std::string> remarks;
    auto copy = quantized(uniform(candidate), trial, remarks);
    if (!copy)
      return copy.takeError();
    copy->module = {};
    for (StringRef remark : remarks) {
      auto [head, reason] = remark.split("' stays in float: ");
      if (!head.consume_front("layer '") && !head.consume_front("embedding '"))
        continue;
      auto found = indices.find(head.str());
      if (found != indices.end())
        layerGroups[found->second].refusals[candidate] = reason.str();
    }
  }
  return Error::success();
}

Expected<bool> Candidates::addSmaller() {
  if (!areUsual)
    return false;
  const auto *next = llvm::find_if(usualSmaller, [&](StringRef name) {
    return !llvm::is_contained(precisions, name);
  });
  if (next == std::end(usualSmaller))
    return false;
  precisions.push_back(*next);
  for (LayerGroup &group : layerGroups)
    group.refusals.push_back(group.weights > 0 ? "" : noWeight);
  if (Error error = findRefusals(precisions.size() - 1))
    return std::move(error);
  return true;
}

Expected<LoadedModel> Candidates::quantized(const Assignment &assignment,
                                            CompileOptions &trial,
                                            std::vector<std::string> &remarks) {
  LoadedModel copy = model.copy();
  trial = options;
  trial.recipeFile = fileIn(partial, "trial.json");
  std::string text =
      llvm::formatv("{0}", llvm::json::Value(precisionsOf(assignment))).str();
  if (Error error = writeWholeFile(trial.recipeFile, text))
    return std::move(error);
  if (Error error = quantizeModel(*copy.module, trial, statistics, remarks))
    return std::move(error);
  return copy;
}

Error Candidates::openAlgorithms(const std::string &path,
                                 const BuildHooks &given) {
  auto parsed = quantization::Algorithms::parse(options.algorithms);
  if (!parsed)
    return parsed.takeError();
  algorithms = *parsed;
  // Trials tell their own progress.
  hooks.note = given.note;
  // The first that needs data, of all layers or of a candidate.
  std::string needing;
  auto look = [&](const quantization::Algorithms &some, StringRef name) {
    bool fromFile = !options.imatrixFile.empty() && !some.needsInputs();
    if (some.searches() && !fromFile && needing.empty())
      needing = name.str();
  };
  if (!options.algorithms.empty())
    look(algorithms, options.algorithms.back());
  for (StringRef name : precisions) {
    auto own = quantization::Algorithms::parse(
        quantization::splitAlgorithms(name.split('@').second));
    if (!own)
      return own.takeError();
    look(*own, name);
  }
  if (needing.empty())
    return Error::success();
  if (options.calib.empty())
    return inputError("bad-option", "", "--algorithm",
                      needing + " without data", "--calib DATA");
  auto opened = openSamples(model, path, options);
  if (!opened)
    return opened.takeError();
  samples = std::move(*opened);
  return Error::success();
}

Expected<LoadedModel> Candidates::searched(const Assignment &assignment,
                                           CompileOptions &trial) {
  std::vector<std::string> ignored;
  auto made = quantized(assignment, trial, ignored);
  if (!made ||
      (!algorithms.searches() && layerAlgorithms(*made->module).empty()))
    return made;
  SearchRequest request;
  request.algorithms = algorithms;
  request.options = trial;
  request.options.resume = false;
  request.samples = samples.get();
  request.output = fileIn(partial, "trial");
  if (algorithms.channels != quantization::Algorithms::Channels::None) {
    LoadedModel scaled = model.copy();
    if (Error error = scaleChannels(scaled, *made, request, hooks, ignored))
      return std::move(error);
    if (Error error = quantizeModel(*scaled.module, trial, statistics, ignored))
      return std::move(error);
    *made = std::move(scaled);
  }
  if (Error error = searchWeights(*made, request, hooks))
    return std::move(error);
  return made;
}

Expected<std::unique_ptr<JitNet>>
Candidates::compile(const Assignment &assignment) {
  CompileOptions trial;
  auto copy = searched(assignment, trial);
  if (!copy)
    return copy.takeError();
  auto layers = oneDNNLayers(assignment);
  if (!layers)
    return layers.takeError();
  trial.oneDNNLayers = std::move(*layers);
  auto net = generateCode(*copy, trial, {}, &kernels);
  if (!net)
    return net.takeError();
  return JitNet::create(std::move(*net));
}

} // namespace qc::search
