//===- Calibrate.cpp - Statistics of a model on data ----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "qc/Execution/Calibrate.h"
#include "qc/Execution/JitNet.h"

#include <chrono>

namespace qc {

/// The prefix that marks an observed tensor among the outputs.
static constexpr llvm::StringLiteral observePrefix = "observe:";

static void countObserved(const JitNet &net, llvm::ArrayRef<HostTensor> outputs,
                          quantization::Statistics &statistics) {
  for (auto [port, tensor] : llvm::zip_equal(net.outputs(), outputs)) {
    llvm::StringRef name = port.name;
    if (!name.consume_front(observePrefix))
      continue;
    llvm::ArrayRef<float> values = tensor.as<float>();
    size_t channels = tensor.rank() > 1 ? tensor.shape().back() : 0;
    statistics.tensors[name.str()].add({values.data(), values.size()},
                                       channels);
  }
}

llvm::Expected<CalibrationResult> calibrate(LoadedModel &model,
                                            Samples &samples,
                                            const CompileOptions &options,
                                            const ProgressFn &progress) {
  auto start = std::chrono::steady_clock::now();
  CompileOptions host = options;
  host.target = hostTarget();
  host.oneDNNLayers.clear();
  auto main = model.module->lookupSymbol<mlir::func::FuncOp>("main");
  if (auto error = fitBounds(*model.module, main, samples))
    return std::move(error);
  if (auto error = insertObservers(*model.module))
    return std::move(error);
  auto compiled = generateCode(model, host);
  if (!compiled)
    return compiled.takeError();
  auto net = JitNet::create(std::move(*compiled));
  if (!net)
    return net.takeError();
  CalibrationResult result;
  for (; result.samples < samples.size(); ++result.samples) {
    auto sample = samples.sample(result.samples);
    if (!sample)
      return sample.takeError();
    auto outputs = (*net)->run(*sample);
    if (!outputs)
      return outputs.takeError();
    countObserved(**net, *outputs, result.statistics);
    if (progress)
      progress("calibrating", double(result.samples + 1) / samples.size());
  }
  auto hash = samples.hash();
  if (!hash)
    return hash.takeError();
  result.hash = *hash;
  result.statistics.samples = result.samples;
  result.seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start)
          .count();
  return result;
}

} // namespace qc
