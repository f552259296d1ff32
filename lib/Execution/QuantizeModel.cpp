//===- QuantizeModel.cpp - A quantized model as a file --------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "qc/Execution/QuantizeModel.h"
#include "BuildInternal.h"

#include "qc/Execution/SearchWeights.h"
#include "qc/Export/ONNX/Export.h"
#include "qc/Import/ONNX/Reader.h"
#include "qc/Support/Error.h"

using namespace qc;
using llvm::Error;
using llvm::Expected;

static onnx::ExportOptions exportOptions(const CompileOptions &options) {
  onnx::ExportOptions result;
  if (options.weights == WeightsMode::Embedded)
    result.embeddedBytes = UINT64_MAX;
  else if (options.weights == WeightsMode::File)
    result.embeddedBytes = 0;
  return result;
}

Expected<QuantizeResult> qc::quantizeModelFile(const BuildRequest &request,
                                               const BuildHooks &hooks) {
  if (!wantsQuantization(request.options))
    return inputError("bad-option", "", "--precision",
                      request.options.precision +
                          ", which leaves the model as it is",
                      "int8, w8, w4-g128 ..., or --layer or --recipe");
  if (Error error = step(hooks, "reading"))
    return error;
  QuantizeResult result;
  std::unique_ptr<mlir::MLIRContext> context = makeContext();
  auto model = loadModel(*context, request.model, request.options);
  if (!model)
    return model.takeError();
  result.fp32Bytes = parameterBytes(*model->module);
  auto statistics = toLevelTwo(*model, request, hooks, result.warnings);
  if (!statistics)
    return statistics.takeError();
  auto quantization = onnx::readQuantization(*model->module, request.model);
  if (!quantization)
    return quantization.takeError();
  result.layers = quantization->layers.size();
  result.activations = quantization->values.size();
  if (Error error = step(hooks, "writing"))
    return error;
  auto source = onnx::readModel(request.model);
  if (!source)
    return source.takeError();
  auto bytes = onnx::writeQuantized(*source, *quantization, request.output,
                                    exportOptions(request.options));
  if (!bytes)
    return bytes.takeError();
  result.bytes = *bytes;
  finishSearch(request.output);
  // The IR goes before the context that owns its types.
  model->module = {};
  return result;
}
