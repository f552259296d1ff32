//===- LayerProbe.cpp - What one layer alone does to predictions ----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LayerProbe.h"

#include "qc/Analysis/Evaluator.h"
#include "qc/Analysis/Names.h"
#include "qc/Analysis/QuantizationSites.h"
#include "qc/Dialect/QC/IR/QCOps.h"
#include "qc/Execution/SearchWeights.h"
#include "qc/Support/Error.h"
#include "qc/Support/OutputFile.h"

#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Path.h"

#include <set>

using llvm::Error;
using llvm::Expected;
using llvm::StringRef;
using mlir::Operation;
using mlir::Value;

namespace qc::search {

LayerProbe::LayerProbe(LanguageData &data, const Candidates &candidates)
    : data(data), candidates(candidates),
      function(mlir::ModuleOp(candidates.floatModel().module.get())
                   .lookupSymbol<mlir::func::FuncOp>("main")) {}

LayerProbe::~LayerProbe() = default;

Expected<std::unique_ptr<LayerProbe>>
LayerProbe::open(LanguageData &data, const Candidates &candidates) {
  std::unique_ptr<LayerProbe> probe(new LayerProbe(data, candidates));
  llvm::SmallString<128> path(candidates.folder());
  llvm::sys::path::append(path, "layer.json");
  probe->recipe = path.str().str();
  if (Error error = probe->readInputs())
    return std::move(error);
  if (Error error = probe->cutPieces())
    return std::move(error);
  if (Error error = probe->findReference())
    return std::move(error);
  return probe;
}

namespace {
/// What a piece reads, as the data of an algorithm on weights.
class PieceSamples : public Samples {
public:
  explicit PieceSamples(std::vector<std::vector<HostTensor>> windows)
      : windows(std::move(windows)) {}
  int64_t size() const override { return static_cast<int64_t>(windows.size()); }
  Expected<std::vector<HostTensor>> sample(int64_t index) override {
    return windows[index];
  }
  /// Nothing is kept that would have to tell them apart.
  Expected<std::string> hash() const override { return std::string(); }

private:
  std::vector<std::vector<HostTensor>> windows;
};
} // namespace

/// The ops with weights, by name, and those that look up embeddings.
static llvm::DenseMap<Operation *, std::string>
findLayers(mlir::func::FuncOp function) {
  llvm::DenseMap<Operation *, std::string> layers;
  auto sites = mlir::qc::QuantizationSites::find(
      function, [](const mlir::qc::QuantizableLayer &) { return true; });
  for (const mlir::qc::QuantizableLayer &layer : sites.layers)
    if (layer.weightOperand)
      layers[layer.op] = layer.name;
  function.walk([&](mlir::qc::EmbeddingOp op) {
    layers[op] = mlir::qc::getLayerName(op.getLoc()).str();
  });
  return layers;
}

/// True where of all that layers have made a single value goes on after `op`.
static bool isNarrow(mlir::qc::FunctionPieces &pieces, Operation *op,
                     Operation *firstLayer) {
  return llvm::count_if(pieces.carriedOver(op), [&](Value value) {
           return !value.getDefiningOp()->isBeforeInBlock(firstLayer);
         }) == 1;
}

Error LayerProbe::readInputs() {
  auto cache =
      llvm::cast<mlir::RankedTensorType>(function.getArgumentTypes().back());
  DType type = *evaluator::dtypeOf(cache.getElementType());
  for (size_t probe = 0; probe < data.probes(); ++probe) {
    auto step = data.probeStep(probe);
    if (!step)
      return step.takeError();
    fitCache(*step, type, cache.getShape());
    // What one leaves in the cache no other reads.
    const HostTensor *shared =
        inputs.empty() ? nullptr : &inputs.front().back();
    if (shared && shared->shape() == step->back().shape())
      step->back() = *shared;
    inputs.push_back(std::move(*step));
  }
  return Error::success();
}

Error LayerProbe::cutPieces() {
  mlir::qc::FunctionPieces whole(function);
  auto layers = findLayers(function);
  Operation *begin = nullptr, *firstLayer = nullptr;
  std::set<std::string> names;
  mlir::Block &block = function.getBody().front();
  Operation *end = block.getTerminator()->getPrevNode();
  for (Operation &op : block.without_terminator()) {
    auto found = layers.find(&op);
    if (found != layers.end()) {
      names.insert(found->second);
      if (!firstLayer)
        firstLayer = &op;
    }
    if (&op != end && (names.empty() || !isNarrow(whole, &op, firstLayer)))
      continue;
    std::string problem;
    auto piece = whole.cut(begin, &op, problem);
    if (failed(piece))
      return inputError("layer-by-layer", candidates.floatModel().name, "",
                        problem,
                        "fixed sizes or those of inputs: --shape, or --dim "
                        "with equal bounds");
    for (const std::vector<HostTensor> &step : inputs)
      fitBounds(*piece->module, function, step);
    Part part;
    part.piece = std::move(*piece);
    part.layers = std::move(names);
    auto net = compile(candidates.floatModel().with(
        llvm::cast<mlir::ModuleOp>(part.piece.module->clone())));
    if (!net)
      return net.takeError();
    part.net = std::move(*net);
    pieces.push_back(std::move(part));
    names.clear();
    begin = &op;
  }
  return Error::success();
}

Expected<std::unique_ptr<JitNet>> LayerProbe::compile(LoadedModel model) {
  auto compiled = generateCode(model, candidates.trialOptions(), {}, &kernels);
  if (!compiled)
    return compiled.takeError();
  return JitNet::create(std::move(*compiled));
}

Expected<std::unique_ptr<JitNet>> LayerProbe::compileQuantized(
    const Part &part, llvm::ArrayRef<std::string> layers, StringRef precision) {
  llvm::json::Array rules;
  for (const std::string &layer : layers)
    if (part.layers.count(layer))
      rules.push_back(llvm::json::Object{{"name", llvm::json::fixUTF8(layer)},
                                         {"precision", precision}});
  llvm::json::Object object{
      {"schema", 1}, {"precision", "fp32"}, {"layers", std::move(rules)}};
  std::string text =
      llvm::formatv("{0}", llvm::json::Value(std::move(object))).str();
  if (Error error = writeWholeFile(recipe, text))
    return std::move(error);
  mlir::qc::Piece const &piece = part.piece;
  LoadedModel model = candidates.floatModel().with(
      llvm::cast<mlir::ModuleOp>(mlir::ModuleOp(piece.module.get())->clone()));
  CompileOptions options = candidates.trialOptions();
  options.recipeFile = recipe;
  options.layers.clear();
  std::vector<std::string> ignored;
  if (Error error = quantizeModel(*model.module, options, "", ignored))
    return std::move(error);
  // What later pieces read is not there yet.
  if (&part == &pieces[at] && !layerAlgorithms(*model.module).empty())
    if (Error error = findWeights(part, model, options))
      return std::move(error);
  return compile(std::move(model));
}

Error LayerProbe::findWeights(const Part &part, LoadedModel &model,
                              const CompileOptions &options) {
  std::vector<std::vector<HostTensor>> windows;
  for (size_t window = 0; window < carried.size(); ++window)
    if (carried.size() == 1 || isLearnt(window))
      windows.push_back(tensorsOf(part, window, carried[window]));
  PieceSamples samples(std::move(windows));
  SearchRequest request;
  request.options = options;
  request.options.resume = false;
  request.samples = &samples;
  return searchWeights(model, request, BuildHooks());
}

std::vector<HostTensor> LayerProbe::tensorsOf(const Part &part, size_t window,
                                              const Values &values) const {
  std::vector<HostTensor> tensors;
  for (Value value : part.piece.inputs) {
    auto argument = llvm::dyn_cast<mlir::BlockArgument>(value);
    tensors.push_back(argument ? inputs[window][argument.getArgNumber()]
                               : values.lookup(value));
  }
  return tensors;
}

std::optional<size_t> LayerProbe::pieceOf(StringRef layer) const {
  for (auto [index, part] : llvm::enumerate(pieces))
    if (part.layers.count(layer.str()))
      return index;
  return std::nullopt;
}

Error LayerProbe::run(const Part &part, JitNet &net, size_t window,
                      Values &values) {
  auto outputs = net.run(tensorsOf(part, window, values));
  if (!outputs)
    return outputs.takeError();
  for (auto [value, tensor] : llvm::zip(part.piece.results, *outputs))
    values[value] = std::move(tensor);
  return Error::success();
}

Expected<HostTensor>
LayerProbe::finish(size_t window, const std::map<size_t, JitNet *> &replaced) {
  Values values = carried[window];
  for (size_t i = at; i < pieces.size(); ++i) {
    auto other = replaced.find(i);
    JitNet &net = other == replaced.end() ? *pieces[i].net : *other->second;
    if (Error error = run(pieces[i], net, window, values))
      return std::move(error);
  }
  return values.lookup(pieces.back().piece.results.front());
}

/// The predictions of the float pieces, so that only what is quantized tells.
Error LayerProbe::findReference() {
  carried.resize(inputs.size());
  for (size_t window = 0; window < inputs.size(); ++window) {
    auto logits = finish(window, {});
    if (!logits)
      return logits.takeError();
    references.emplace_back(std::move(*logits));
    metrics.push_back(data.noRecords());
    if (!data.metricOf().needsReference())
      data.addProbe(window, references.back().values(),
                    references.back().values(), metrics.back());
  }
  return Error::success();
}

Error LayerProbe::advanceTo(size_t piece) {
  for (; at < piece; ++at) {
    for (size_t window = 0; window < carried.size(); ++window)
      if (Error error =
              run(pieces[at], *pieces[at].net, window, carried[window]))
        return error;
    // What has been run is not needed again.
    pieces[at].net.reset();
  }
  auto isRead = [&](Value value) {
    return llvm::any_of(llvm::drop_begin(pieces, at), [&](const Part &part) {
      return llvm::is_contained(part.piece.inputs, value);
    });
  };
  for (Values &values : carried)
    for (Value value : llvm::to_vector(llvm::make_first_range(values)))
      if (!isRead(value))
        values.erase(value);
  return Error::success();
}

Expected<Measured> LayerProbe::measure(llvm::ArrayRef<std::string> layers,
                                       StringRef precision) {
  std::vector<std::unique_ptr<JitNet>> nets;
  std::map<size_t, JitNet *> replaced;
  for (size_t i = at; i < pieces.size(); ++i) {
    if (llvm::none_of(layers, [&](const std::string &layer) {
          return pieces[i].layers.count(layer);
        }))
      continue;
    auto net = compileQuantized(pieces[i], layers, precision);
    if (!net)
      return net.takeError();
    nets.push_back(std::move(*net));
    replaced[i] = nets.back().get();
  }
  Measured result{data.noRecords()};
  compared = data.noRecords();
  result.cosine = 0;
  bool learns = precision.contains('@') && carried.size() > 1;
  for (size_t window = 0; window < carried.size(); ++window) {
    // What an algorithm has seen says too little about others.
    if (learns && isLearnt(window))
      continue;
    auto logits = finish(window, replaced);
    if (!logits)
      return logits.takeError();
    result.signal += static_cast<double>(references[window].rows());
    result.noise += references[window].divergenceOf(*logits);
    *result.cosine += references[window].cosinesOf(*logits);
    llvm::append_range(compared.numbers, metrics[window].numbers);
    data.addProbe(window, *logits, references[window].values(), result.records);
  }
  result.takeMeans();
  return result;
}

} // namespace qc::search
