//===- PruneChannels.cpp - Channels of a model that go --------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// First all groups are chosen, on what the whole model gives; then they go;
// then the layers that read them are fitted, one after another: each reads what
// the fitted ones before it give, and is to give what the whole model gives,
// with the other operand of a sum behind it.
//
//===----------------------------------------------------------------------===//

#include "PruneChannels.h"
#include "BuildInternal.h"
#include "LayerRows.h"
#include "LayerStages.h"

#include "qc/Analysis/Evaluator.h"
#include "qc/Analysis/LinalgViews.h"
#include "qc/Analysis/Names.h"
#include "qc/Dialect/QC/IR/QCOps.h"
#include "qc/Execution/PruneStructures.h"
#include "qc/Execution/Samples.h"
#include "qc/Execution/StagedRun.h"
#include "qc/Pipelines/Precisions.h"
#include "qc/Quantization/RemovedChannels.h"
#include "qc/Support/Error.h"
#include "qc/Transforms/LayerConstants.h"
#include "qc/Transforms/RemoveChannels.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

#include <map>

using namespace mlir;
using llvm::Error;
using llvm::Expected;
using mlir::qc::ChannelGroup;
using ::qc::quantization::ChannelQuota;
using ::qc::quantization::ChannelReader;
using ::qc::quantization::PruningRule;
using ::qc::quantization::RepairRule;

namespace qc {

namespace {
/// A layer that sums over channels of a group.
struct Reader {
  Operation *op;
  size_t group;
  ChannelReader data;
  /// The same layer in a copy of the model as it was.
  Operation *whole = nullptr;
  /// Its outputs that stay.
  llvm::SmallVector<int64_t> kept = {};
};

class ChannelPruning {
public:
  ChannelPruning(LoadedModel &model, const BuildRequest &request,
                 const quantization::Algorithms &algorithms,
                 const BuildHooks &hooks, std::vector<std::string> &remarks)
      : model(model), request(request), algorithms(algorithms), hooks(hooks),
        remarks(remarks),
        main(model.module->lookupSymbol<func::FuncOp>("main")) {}

  Expected<int64_t> run();

private:
  bool hasData() const { return !request.options.calib.empty(); }
  PruningRule rule() const;
  Error findGroups();
  void addGroup(ChannelGroup &group, quantization::PrecisionChoice &choice);
  void refuse(llvm::ArrayRef<std::string> layers, const std::string &reason);
  Error reportRefusals();
  Error checkHeads();
  Expected<HostTensor> constantOf(Value value);
  Error readWeights();
  Error addMoments();
  void choose();
  void remove();
  Error repairBiases();
  Error fitReaders(LoadedModel &whole);
  int64_t count();
  Error fitReader(Reader &reader, StagedRun &now, StagedRun &before,
                  double done);
  Expected<std::vector<HostTensor>> valuesOf(StagedRun &run, Value value,
                                             double done);

  LoadedModel &model;
  const BuildRequest &request;
  const quantization::Algorithms &algorithms;
  const BuildHooks &hooks;
  std::vector<std::string> &remarks;
  func::FuncOp main;
  std::vector<ChannelGroup> groups;
  std::vector<std::vector<ChannelQuota>> quotas;
  /// By group and channel.
  std::vector<std::vector<double>> made;
  std::vector<std::vector<bool>> removed;
  /// In program order.
  std::vector<Reader> readers;
  /// The layers that were asked for channels and keep them, by the reason.
  std::map<std::string, std::vector<std::string>> refused;
};
} // namespace

static std::string nameOfLayer(Operation *op) {
  return mlir::qc::getLayerName(op->getLoc()).str();
}

PruningRule ChannelPruning::rule() const {
  return algorithms.pruning.value_or(hasData() ? PruningRule::SparseGpt
                                               : PruningRule::Magnitude);
}

//===----------------------------------------------------------------------===//
// Which channels may go
//===----------------------------------------------------------------------===//

void ChannelPruning::refuse(llvm::ArrayRef<std::string> layers,
                            const std::string &reason) {
  llvm::append_range(refused[reason], layers);
}

/// One line for each reason.
Error ChannelPruning::reportRefusals() {
  constexpr size_t mostNames = 8;
  for (const auto &[reason, layers] : refused) {
    std::string text = layers.size() == 1 ? "layer" : "layers";
    for (auto [i, name] : llvm::enumerate(layers))
      if (i < mostNames)
        text += (i ? ", '" : " '") + name + "'";
    if (layers.size() > mostNames)
      text += " and " + std::to_string(layers.size() - mostNames) + " more";
    text += (layers.size() == 1 ? " keeps its channels: "
                                : " keep their channels: ") +
            reason;
    if (request.options.strict || groups.empty())
      return inputError("bad-option", model.name,
                        request.options.strict ? "--strict" : "--precision",
                        text, "channels that can go");
    remarks.push_back(text);
  }
  return Error::success();
}

static int64_t distinct(llvm::ArrayRef<int64_t> channels) {
  return static_cast<int64_t>(
      llvm::SmallDenseSet<int64_t>(channels.begin(), channels.end()).size());
}

/// Why the sums over the channels of a group can't be fitted; empty if they
/// can.
static std::string problemOfReaders(const ChannelGroup &group) {
  for (Operation *op : group.consumers)
    if (!RowLayer::match(op))
      return "layer '" + nameOfLayer(op) +
             "' reads them, which is neither a convolution without groups nor "
             "a product with a matrix";
  return "";
}

void ChannelPruning::addGroup(ChannelGroup &group,
                              quantization::PrecisionChoice &choice) {
  std::vector<ChannelQuota> most;
  std::vector<std::string> asked;
  std::string problem = group.problem;
  for (Operation *op : group.producers) {
    quantization::Precision precision = choice.get(nameOfLayer(op));
    int64_t share = group.isHeads ? precision.heads : precision.channels;
    if (share)
      asked.push_back(nameOfLayer(op));
    else if (problem.empty())
      problem =
          "layer '" + nameOfLayer(op) + "' makes the same, and keeps them";
    // Who asks for heads means no other channels.
    if (group.isHeads && !share && precision.channels)
      refuse({nameOfLayer(op)}, "they are heads of attention");
    if (!problem.empty())
      continue;
    const auto &channels = group.weightAxis(op, /*ofInputs=*/false).channels;
    most.push_back({{channels.begin(), channels.end()},
                    (share * distinct(channels) + 5000) / 10000});
  }
  if (asked.empty())
    return;
  if (problem.empty())
    problem = problemOfReaders(group);
  if (!problem.empty())
    return refuse(asked, problem);
  // One has to stay of every tensor.
  for (auto &[value, at] : group.values)
    most.push_back(
        {{at.channels.begin(), at.channels.end()}, distinct(at.channels) - 1});
  for (Operation *op : group.consumers)
    readers.push_back({op, groups.size(), {}});
  groups.push_back(std::move(group));
  quotas.push_back(std::move(most));
}

/// Heads go from all layers alike.
Error ChannelPruning::checkHeads() {
  llvm::SmallPtrSet<Operation *, 16> appends;
  llvm::SmallDenseSet<int64_t> counts;
  for (auto [group, most] : llvm::zip_equal(groups, quotas)) {
    if (group.appends.empty())
      continue;
    appends.insert(group.appends.begin(), group.appends.end());
    int64_t least = group.size;
    for (const ChannelQuota &quota : most)
      least = std::min(least, quota.most);
    counts.insert(least);
  }
  int64_t all = 0;
  main.walk([&](mlir::qc::KVAppendOp) { ++all; });
  if (appends.empty() ||
      (static_cast<int64_t>(appends.size()) == all && counts.size() == 1))
    return Error::success();
  return inputError("bad-option", model.name, "--precision",
                    "heads of " + std::to_string(appends.size()) + " of " +
                        std::to_string(all) + " layers, or more of some",
                    "as many of all of them: they share a cache");
}

Error ChannelPruning::findGroups() {
  auto choice = precisionsOf(*model.module, request.options);
  if (!choice)
    return choice.takeError();
  for (ChannelGroup &group : mlir::qc::findChannelGroups(main))
    addGroup(group, *choice);
  llvm::sort(readers, [](const Reader &a, const Reader &b) {
    return a.op->isBeforeInBlock(b.op);
  });
  if (Error error = reportRefusals())
    return error;
  if (groups.empty() && choice->takesChannels())
    return inputError("bad-option", model.name, "--precision",
                      "a share of channels or heads that no layer has",
                      "channels of convolutions or products, heads of "
                      "attention");
  return checkHeads();
}

//===----------------------------------------------------------------------===//
// What they are worth
//===----------------------------------------------------------------------===//

Expected<HostTensor> ChannelPruning::constantOf(Value value) {
  ParameterStore store(model.baseFolder);
  Evaluator evaluator(store);
  Evaluator::ConstantCache cache;
  auto result = evaluator.evaluateConstant(value, cache);
  if (!result)
    return result.takeError();
  return result->values().toF32();
}

/// A weight with the outputs last as [outputs, inputs].
static Eigen::MatrixXd matrixOf(const HostTensor &weight) {
  int64_t outputs = weight.shape().back();
  int64_t inputs = weight.size() / std::max<int64_t>(outputs, 1);
  return Eigen::Map<const Eigen::MatrixXf>(weight.as<float>().data(), outputs,
                                           inputs)
      .cast<double>();
}

Error ChannelPruning::readWeights() {
  for (Reader &reader : readers) {
    auto weight = constantOf(reader.op->getOperand(1));
    if (!weight)
      return weight.takeError();
    reader.data.weights = matrixOf(*weight);
    llvm::ArrayRef<int64_t> channels =
        groups[reader.group].weightAxis(reader.op, /*ofInputs=*/true).channels;
    for (int64_t k = 0; k < reader.data.weights.cols(); ++k)
      reader.data.channels.push_back(channels[k % channels.size()]);
  }
  for (const ChannelGroup &group : groups) {
    std::vector<double> sums(group.size);
    for (Operation *op : group.producers) {
      auto weight = constantOf(op->getOperand(1));
      if (!weight)
        return weight.takeError();
      Eigen::MatrixXd matrix = matrixOf(*weight);
      for (auto [n, channel] :
           llvm::enumerate(group.weightAxis(op, /*ofInputs=*/false).channels))
        sums[channel] += matrix.row(n).squaredNorm();
    }
    made.push_back(std::move(sums));
  }
  return Error::success();
}

Expected<std::vector<HostTensor>>
ChannelPruning::valuesOf(StagedRun &run, Value value, double done) {
  std::vector<HostTensor> values;
  auto add = [&](const HostTensor &tensor) {
    values.push_back(tensor.toF32());
    return Error::success();
  };
  if (Error error = run.runTo(
          value, add, [&](double) { return step(hooks, "pruning", done); }))
    return std::move(error);
  return values;
}

Error ChannelPruning::addMoments() {
  auto samples = openSamples(model, request.model, request.options);
  if (!samples)
    return samples.takeError();
  StagedRun run(model, **samples, request.options);
  for (auto [i, reader] : llvm::enumerate(readers)) {
    auto inputs = valuesOf(run, reader.op->getOperand(0),
                           static_cast<double>(i) / (2 * readers.size()));
    if (!inputs)
      return inputs.takeError();
    reader.data.moments = RowLayer::match(reader.op)->moments(*inputs);
  }
  return Error::success();
}

void ChannelPruning::choose() {
  for (size_t i = 0; i < groups.size(); ++i) {
    std::vector<ChannelReader> data;
    for (const Reader &reader : readers)
      if (reader.group == i)
        data.push_back(reader.data);
    removed.push_back(
        quantization::chooseChannels(data, quotas[i], made[i], rule()));
  }
}

//===----------------------------------------------------------------------===//
// They go
//===----------------------------------------------------------------------===//

void ChannelPruning::remove() {
  std::vector<llvm::BitVector> bits;
  for (const std::vector<bool> &gone : removed) {
    bits.emplace_back(gone.size());
    for (size_t c = 0; c < gone.size(); ++c)
      if (gone[c])
        bits.back().set(c);
  }
  for (Reader &reader : readers) {
    llvm::append_range(reader.kept,
                       llvm::seq<int64_t>(reader.data.weights.rows()));
    for (auto [group, gone] : llvm::zip_equal(groups, bits))
      if (llvm::is_contained(group.producers, reader.op))
        reader.kept = mlir::qc::keptEntries(
            group.weightAxis(reader.op, /*ofInputs=*/false), gone);
  }
  for (auto [group, gone] : llvm::zip_equal(groups, bits))
    mlir::qc::removeChannels(group, gone);
  mlir::qc::fitCaches(main);
}

/// What the channels gave in the mean goes into the bias.
Error ChannelPruning::repairBiases() {
  for (Reader &reader : readers) {
    std::optional<Value> bias = mlir::qc::getLayerBias(reader.op);
    if (!bias)
      continue;
    Eigen::VectorXd lost =
        quantization::meansOfRemoved(reader.data, removed[reader.group]);
    std::vector<float> sums;
    for (int64_t output : reader.kept)
      sums.push_back(static_cast<float>(lost[output]));
    if (*bias) {
      auto old = constantOf(*bias);
      if (!old)
        return old.takeError();
      for (auto [sum, value] : llvm::zip_equal(sums, old->as<float>()))
        sum += value;
    }
    mlir::qc::setLayerBias(reader.op, sums);
  }
  return Error::success();
}

//===----------------------------------------------------------------------===//
// Fitting
//===----------------------------------------------------------------------===//

Error ChannelPruning::fitReader(Reader &reader, StagedRun &now,
                                StagedRun &before, double done) {
  Operation *op = reader.op;
  if (!mlir::qc::getLayerBias(op))
    return Error::success();
  auto weight = constantOf(op->getOperand(1));
  if (!weight)
    return weight.takeError();
  Value target = reader.whole->getResult(0), other, ignored;
  bool hasResidual =
      findResidual(op, other) && findResidual(reader.whole, ignored);
  auto inputs = valuesOf(now, op->getOperand(0), done);
  if (!inputs)
    return inputs.takeError();
  std::vector<HostTensor> residuals;
  if (hasResidual) {
    target = findResidual(reader.whole, ignored).getResult();
    auto found = valuesOf(now, other, done);
    if (!found)
      return found.takeError();
    residuals = std::move(*found);
  }
  auto targets = valuesOf(before, target, done);
  if (!targets)
    return targets.takeError();
  RowLayer layer = *RowLayer::match(op);
  quantization::FittedLayer fitted = quantization::fitLayer(
      matrixOf(*weight),
      layer.moments(*inputs, *targets, residuals, reader.kept));
  Eigen::MatrixXf weights = fitted.weights.cast<float>();
  Eigen::VectorXf bias = fitted.bias.cast<float>();
  mlir::qc::setLayerWeight(
      op, {weights.data(), static_cast<size_t>(weights.size())});
  mlir::qc::setLayerBias(op, {bias.data(), static_cast<size_t>(bias.size())});
  return Error::success();
}

Error ChannelPruning::fitReaders(LoadedModel &whole) {
  // The caches of both may differ.
  auto own = openSamples(model, request.model, request.options);
  if (!own)
    return own.takeError();
  auto samples = openSamples(whole, request.model, request.options);
  if (!samples)
    return samples.takeError();
  StagedRun now(model, **own, request.options);
  StagedRun before(whole, **samples, request.options);
  for (auto [i, reader] : llvm::enumerate(readers))
    if (Error error =
            fitReader(reader, now, before,
                      (1 + static_cast<double>(i) / readers.size()) / 2))
      return error;
  return Error::success();
}

//===----------------------------------------------------------------------===//
// The whole
//===----------------------------------------------------------------------===//

/// Says how many channels go.
int64_t ChannelPruning::count() {
  int64_t gone = 0, all = 0;
  for (const std::vector<bool> &group : removed) {
    gone += llvm::count(group, true);
    all += static_cast<int64_t>(group.size());
  }
  if (hooks.note)
    hooks.note(std::to_string(gone) + " of " + std::to_string(all) +
               " channels that can go are taken out");
  return gone;
}

Expected<int64_t> ChannelPruning::run() {
  if (Error error = findGroups())
    return std::move(error);
  if (groups.empty())
    return 0;
  if (!request.options.stats.empty())
    return inputError("bad-option", "", "--stats",
                      "statistics of a model with all its channels",
                      "--calib, by which the pruned one is calibrated");
  if (rule() != PruningRule::Magnitude && !hasData())
    return inputError("bad-option", "", "--algorithm",
                      "a rule for channels that looks at data", "--calib DATA");
  if (Error error = readWeights())
    return std::move(error);
  if (hasData())
    if (Error error = addMoments())
      return std::move(error);
  choose();
  LoadedModel whole = model.copy();
  llvm::DenseMap<Operation *, Operation *> copies;
  auto wholeMain = whole.module->lookupSymbol<func::FuncOp>("main");
  for (auto [op, copy] : llvm::zip_equal(main.getBody().front().getOperations(),
                                         wholeMain.getBody().front()))
    copies[&op] = &copy;
  for (Reader &reader : readers)
    reader.whole = copies.lookup(reader.op);
  remove();
  if (hasData())
    if (Error error = algorithms.repair == RepairRule::Bias ? repairBiases()
                                                            : fitReaders(whole))
      return std::move(error);
  return count();
}

std::vector<ChannelLayers> findPrunableChannels(const LoadedModel &model) {
  auto main =
      mlir::ModuleOp(model.module.get()).lookupSymbol<func::FuncOp>("main");
  std::vector<ChannelLayers> found;
  for (const ChannelGroup &group : mlir::qc::findChannelGroups(main)) {
    if (group.isHeads || group.size < 2 || !group.problem.empty() ||
        !problemOfReaders(group).empty())
      continue;
    found.emplace_back();
    found.back().channels = group.size;
    for (Operation *op : group.producers)
      found.back().makers.push_back(nameOfLayer(op));
    for (Operation *op : group.consumers)
      found.back().readers.push_back(nameOfLayer(op));
  }
  return found;
}

Expected<int64_t> pruneChannels(LoadedModel &model, const BuildRequest &request,
                                const quantization::Algorithms &algorithms,
                                const BuildHooks &hooks,
                                std::vector<std::string> &remarks) {
  return ChannelPruning(model, request, algorithms, hooks, remarks).run();
}

} // namespace qc
