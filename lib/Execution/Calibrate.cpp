//===- Calibrate.cpp - Statistics of a model on data ----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "qc/Execution/Calibrate.h"
#include "qc/Execution/DataSet.h"
#include "qc/Execution/JitNet.h"
#include "qc/Support/Error.h"

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

llvm::Expected<CalibrationResult> calibrate(mlir::MLIRContext &context,
                                            llvm::StringRef path,
                                            const CompileOptions &options,
                                            const ProgressFn &progress) {
  auto start = std::chrono::steady_clock::now();
  CompileOptions host = options;
  host.target = hostTarget();
  host.oneDNNLayers.clear();
  auto model = loadModel(context, path, host);
  if (!model)
    return model.takeError();
  if (auto error = insertObservers(*model->module))
    return std::move(error);
  auto compiled = generateCode(*model, host);
  if (!compiled)
    return compiled.takeError();
  auto net = JitNet::create(std::move(*compiled));
  if (!net)
    return net.takeError();
  CalibrationResult result;
  for (const std::string &file : options.calib) {
    DataOptions limits;
    limits.limit = options.samples - result.samples;
    if (limits.limit <= 0)
      break;
    auto data = DataSet::open(file, (*net)->inputs(), limits);
    if (!data)
      return data.takeError();
    for (int64_t i = 0; i < (*data)->size(); ++i) {
      auto sample = (*data)->sample(i);
      if (!sample)
        return sample.takeError();
      auto outputs = (*net)->run(*sample);
      if (!outputs)
        return outputs.takeError();
      countObserved(**net, *outputs, result.statistics);
      ++result.samples;
      if (progress)
        progress("calibrating", double(i + 1) / (*data)->size());
    }
    auto hash = (*data)->hash();
    if (!hash)
      return hash.takeError();
    result.hash += *hash;
  }
  if (result.samples == 0)
    return inputError("no-samples",
                      options.calib.empty() ? "" : options.calib[0], "",
                      "no samples", "at least one to calibrate on");
  result.statistics.samples = result.samples;
  result.seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start)
          .count();
  return result;
}

llvm::Expected<CompiledNet> compileReference(mlir::MLIRContext &context,
                                             llvm::StringRef path,
                                             const CompileOptions &options) {
  CompileOptions host = options;
  host.target = hostTarget();
  host.oneDNNLayers.clear();
  auto model = loadModel(context, path, host);
  if (!model)
    return model.takeError();
  return generateCode(*model, host);
}

llvm::Expected<CompiledNet>
compileModel(mlir::MLIRContext &context, llvm::StringRef path,
             const CompileOptions &options, llvm::StringRef statsFile,
             std::vector<std::string> &remarks, const ProgressFn &progress) {
  auto model = loadModel(context, path, options);
  if (!model)
    return model.takeError();
  bool keep = options.precision == "keep" || options.precision == "fp32";
  bool asked = !keep || !options.layers.empty() || !options.recipeFile.empty();
  if (isQuantized(*model->module) && asked && !options.requantize)
    return inputError("already-quantized", path, "",
                      "a model that is quantized already",
                      "--precision keep, or --requantize");
  if (asked)
    if (auto error = quantizeModel(*model->module, options, statsFile, remarks))
      return std::move(error);
  return generateCode(*model, options, progress);
}

} // namespace qc
