//===- StagedRun.cpp - A model run layer by layer -------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "qc/Execution/StagedRun.h"

#include "qc/Execution/JitNet.h"
#include "qc/Support/Error.h"

using namespace mlir;
using llvm::Error;
using llvm::Expected;

namespace qc {

static func::FuncOp mainOf(ModuleOp module) {
  return module.lookupSymbol<func::FuncOp>("main");
}

StagedRun::StagedRun(LoadedModel &model, Samples &samples,
                     const CompileOptions &given)
    : model(model), samples(samples), options(given),
      function(mainOf(*model.module)), pieces(function),
      carried(samples.size()) {
  options.target = hostTarget();
  // One level is enough: the best that this machine runs.
  llvm::erase_if(options.target.levels, [&](const CpuLevel &level) {
    return !hostRuns(options.target.arch, level);
  });
  options.target.levels.erase(options.target.levels.begin(),
                              options.target.levels.end() - 1);
  options.oneDNNLayers.clear();
}

Expected<std::vector<HostTensor>>
StagedRun::inputsOf(const mlir::qc::Piece &piece, int64_t sample) {
  std::vector<HostTensor> inputs, whole;
  for (Value value : piece.inputs) {
    auto argument = dyn_cast<BlockArgument>(value);
    if (!argument) {
      inputs.push_back(carried[sample].lookup(value));
      continue;
    }
    if (whole.empty()) {
      auto tensors = samples.sample(sample);
      if (!tensors)
        return tensors.takeError();
      whole = std::move(*tensors);
    }
    inputs.push_back(whole[argument.getArgNumber()]);
  }
  return inputs;
}

Error StagedRun::runPiece(Operation *last,
                          llvm::function_ref<Error(double)> progress) {
  std::string problem;
  auto piece = pieces.cut(done, last, problem);
  if (failed(piece))
    return inputError("layer-by-layer", model.name, "", problem,
                      "fixed sizes or those of inputs: --shape, or --dim with "
                      "equal bounds");
  if (Error error = fitBounds(*piece->module, function, samples))
    return error;
  LoadedModel part = model.with(std::move(piece->module));
  auto compiled = generateCode(part, options, {}, &kernels);
  if (!compiled)
    return compiled.takeError();
  auto net = JitNet::create(std::move(*compiled));
  if (!net)
    return net.takeError();
  llvm::SmallVector<Value> wanted = pieces.carriedOver(last);
  for (int64_t i = 0; i < samples.size(); ++i) {
    if (Error error = progress(static_cast<double>(i) / samples.size()))
      return error;
    auto inputs = inputsOf(*piece, i);
    if (!inputs)
      return inputs.takeError();
    auto outputs = (*net)->run(*inputs);
    if (!outputs)
      return outputs.takeError();
    llvm::DenseMap<Value, HostTensor> next;
    for (Value value : wanted)
      if (carried[i].contains(value))
        next[value] = carried[i].lookup(value);
    for (auto [value, tensor] : llvm::zip(piece->results, *outputs))
      next[value] = std::move(tensor);
    carried[i] = std::move(next);
  }
  done = last;
  return Error::success();
}

Error StagedRun::runTo(Value value, VisitFn visit,
                       llvm::function_ref<Error(double)> progress) {
  Operation *op = value.getDefiningOp();
  if (op && op != done && (!done || done->isBeforeInBlock(op)))
    if (Error error = runPiece(op, progress))
      return error;
  for (int64_t i = 0; i < samples.size(); ++i) {
    HostTensor tensor = carried[i].lookup(value);
    if (!op) {
      auto inputs = samples.sample(i);
      if (!inputs)
        return inputs.takeError();
      tensor = (*inputs)[cast<BlockArgument>(value).getArgNumber()];
    }
    if (Error error = visit(tensor))
      return error;
  }
  return Error::success();
}

} // namespace qc
