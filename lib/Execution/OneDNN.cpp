//===- OneDNN.cpp - Which layers oneDNN computes --------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// --kernels onednn takes what it can; --kernels auto measures every layer both
// ways, by the code that a library would have, and keeps the faster one.
//
//===----------------------------------------------------------------------===//

#include "BuildInternal.h"

#include "qc/Execution/JitNet.h"
#include "qc/Runtime/Provider.h"
#include "qc/Support/Error.h"

#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"

#include <algorithm>

using namespace qc;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;

/// Both ways are run in turns this often; the fastest run counts, as a slower
/// one was disturbed.
static constexpr int rounds = 15;

static bool runsOneDNN(const Target &target) {
  return hasOneDNN() && hostRuns(target.arch, target.levels.back());
}

/// The layers that a recipe gives to oneDNN; nothing where it does not say.
static Expected<std::optional<std::vector<std::string>>>
layersOfRecipe(const std::string &path) {
  std::optional<std::vector<std::string>> layers;
  if (path.empty())
    return layers;
  auto buffer = llvm::MemoryBuffer::getFile(path);
  if (!buffer)
    return inputError("read", path, "", buffer.getError().message(),
                      "a recipe");
  auto value = llvm::json::parse((*buffer)->getBuffer());
  if (!value)
    return inputError("recipe", path, "", llvm::toString(value.takeError()),
                      "JSON");
  const llvm::json::Object *recipe = value->getAsObject();
  const llvm::json::Array *list = recipe ? recipe->getArray("onednn") : nullptr;
  if (!list || recipe->getString("kernels") != "auto")
    return layers;
  layers.emplace();
  for (const llvm::json::Value &layer : *list) {
    auto name = layer.getAsString();
    if (!name)
      return inputError("recipe", path, "onednn", "an entry that is no text",
                        "names of layers");
    layers->push_back(name->str());
  }
  return layers;
}

/// Compiles a copy of the model with these layers by oneDNN and loads it.
static Expected<std::unique_ptr<JitNet>>
candidate(const LoadedModel &model, CompileOptions options,
          std::vector<std::string> layers) {
  LoadedModel copy = model.copy();
  options.oneDNNLayers = std::move(layers);
  auto net = generateCode(copy, options);
  if (!net)
    return net.takeError();
  return JitNet::create(std::move(*net));
}

/// The least milliseconds of each layer so far.
using LayerTimes = llvm::StringMap<double>;

static Error addTimes(JitNet &net, llvm::ArrayRef<HostTensor> inputs,
                      LayerTimes &least) {
  auto times = net.launchTimes(inputs);
  if (!times)
    return times.takeError();
  LayerTimes sums;
  for (auto [name, time] : llvm::zip_equal(net.compiled().launches, *times))
    sums[name] += time;
  for (auto &entry : sums) {
    auto [known, added] = least.try_emplace(entry.getKey(), entry.second);
    if (!added)
      known->second = std::min(known->second, entry.second);
  }
  return Error::success();
}

static std::string shapeText(const qc_rt_onednn_layer &layer) {
  std::string text;
  llvm::raw_string_ostream os(text);
  os << layer.kernel_h << "x" << layer.kernel_w;
  if (layer.stride_h != 1 || layer.stride_w != 1)
    os << " /" << layer.stride_h;
  os << " " << layer.groups * layer.channels << "->"
     << layer.groups * layer.filters << " at " << layer.batch * layer.rows
     << "x" << layer.columns;
  if (layer.groups != 1)
    os << ", " << layer.groups << " groups";
  return text;
}

namespace {
/// What oneDNN has for a layer.
struct Found {
  std::string name, shape, implementation;
  /// It is fast, and its sums are exact.
  bool fast = false, exact = false;
};
} // namespace

/// Asks oneDNN for its implementation of each layer of a compiled network.
static Expected<std::vector<Found>> askOneDNN(const CompiledNet &net,
                                              int32_t threads) {
  auto weights = llvm::MemoryBuffer::getFile(net.weightsFile, false, false);
  if (!weights)
    return inputError("read", net.weightsFile, "", weights.getError().message(),
                      "the packed weights");
  std::vector<Found> found;
  for (auto [layer, name] : llvm::zip_equal(net.net.oneDNN, net.oneDNNNames)) {
    char text[128];
    Found entry;
    entry.name = name;
    entry.shape = shapeText(layer);
    entry.fast = !qc_rt_provider_probe(&layer, threads, text, sizeof text);
    entry.implementation = text;
    entry.exact = qc_rt_provider_exact(
        &layer,
        reinterpret_cast<const unsigned char *>((*weights)->getBufferStart()));
    found.push_back(std::move(entry));
  }
  return found;
}

/// What oneDNN has if it gets every layer that it can take.
static Expected<std::vector<Found>> findLayers(const LoadedModel &model,
                                               const CompileOptions &options) {
  LoadedModel copy = model.copy();
  CompileOptions all = options;
  all.oneDNNLayers = {"*"};
  auto net = generateCode(copy, all);
  if (!net)
    return net.takeError();
  bool openmp = options.threading == Threading::OpenMP;
  return askOneDNN(*net, openmp ? options.threads : 1);
}

/// Measures the layers, in turns with the generated kernels.
static Error measureLayers(const LoadedModel &model,
                           const CompileOptions &options,
                           llvm::StringMap<KernelTimes> &layers) {
  std::vector<std::string> names;
  for (auto &entry : layers)
    names.push_back(entry.getKey().str());
  auto generated = candidate(model, options, {});
  if (!generated)
    return generated.takeError();
  auto provided = candidate(model, options, names);
  if (!provided)
    return provided.takeError();
  std::vector<HostTensor> inputs = tunedInputs(**generated);
  LayerTimes ours, theirs;
  for (int round = 0; round < rounds; ++round) {
    if (Error error = addTimes(**generated, inputs, ours))
      return error;
    if (Error error = addTimes(**provided, inputs, theirs))
      return error;
  }
  for (auto &[name, times] : layers) {
    times.generated = ours.lookup(name);
    times.oneDNN = theirs.lookup(name);
  }
  return Error::success();
}

/// --kernels onednn: all layers but those whose sums oneDNN might round.
static Error keepExact(StringRef path, const LoadedModel &model,
                       CompileOptions &options, KernelChoice &choice) {
  auto found = findLayers(model, options);
  if (!found)
    return found.takeError();
  std::vector<std::string> exact;
  for (const Found &layer : *found) {
    if (!layer.fast)
      return inputError("onednn", path, "layer " + printable(layer.name),
                        layer.implementation.empty()
                            ? std::string("no implementation in oneDNN")
                            : "oneDNN's implementation " +
                                  printable(layer.implementation),
                        "a fast one, or --kernels auto, which leaves it out");
    if (layer.exact)
      exact.push_back(layer.name);
    else
      choice.remarks.push_back("layer '" + layer.name +
                               "' keeps the generated kernel: its sums may "
                               "pass 2^24, where oneDNN rounds them");
  }
  if (exact.size() != found->size())
    options.oneDNNLayers = std::move(exact);
  return Error::success();
}

/// --kernels auto: by the recipe, else what is faster here.
static Error takeFaster(const LoadedModel &model, CompileOptions &options,
                        KernelChoice &choice) {
  auto given = layersOfRecipe(options.recipeFile);
  if (!given)
    return given.takeError();
  if (*given) {
    options.oneDNNLayers = std::move(**given);
    return Error::success();
  }
  auto found = findLayers(model, options);
  if (!found)
    return found.takeError();
  llvm::StringMap<KernelTimes> &layers = choice.times;
  for (const Found &layer : *found)
    if (layer.fast && layer.exact && !layer.name.empty())
      layers[layer.name] = {0, 0, layer.shape, layer.implementation};
  if (layers.empty())
    return Error::success();
  if (Error error = measureLayers(model, options, layers))
    return error;
  for (auto &[name, times] : layers)
    if (times.oneDNN < times.generated)
      options.oneDNNLayers.push_back(name.str());
  llvm::sort(options.oneDNNLayers);
  return Error::success();
}

Error qc::chooseKernels(StringRef path, const LoadedModel &model,
                        CompileOptions &options, KernelChoice &choice) {
  if (!runsOneDNN(options.target) || !reachedLevel(*model.module).empty())
    return Error::success();
  if (options.kernels == "onednn")
    return keepExact(path, model, options, choice);
  if (options.kernels == "auto" && options.threading == Threading::OpenMP)
    return takeFaster(model, options, choice);
  return Error::success();
}

Error qc::probeOneDNN(const BuildRequest &request, Station &station) {
  const CompiledNet &net = station.net;
  const CompileOptions &options = request.options;
  if (options.kernels == "onednn" && net.net.oneDNN.empty()) {
    const auto &remarks = net.remarks.empty() ? station.remarks : net.remarks;
    return inputError("onednn", request.model, "--kernels onednn",
                      "no layer that it can compute" +
                          (remarks.empty() ? "" : "; " + remarks.front()),
                      "a convolution or product of sizes that are known");
  }
  if (!runsOneDNN(net.target))
    return Error::success();
  bool openmp = options.threading == Threading::OpenMP;
  auto found = askOneDNN(net, openmp ? options.threads : 1);
  if (!found)
    return found.takeError();
  for (const Found &layer : *found)
    station.implementations.push_back(layer.implementation);
  return Error::success();
}
