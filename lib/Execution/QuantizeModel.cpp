//===- QuantizeModel.cpp - A quantized model as a file --------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "qc/Execution/QuantizeModel.h"
#include "BuildInternal.h"

#include "qc/Execution/SearchFolder.h"
#include "qc/Export/GGUF/LanguageModel.h"
#include "qc/Export/ONNX/Export.h"
#include "qc/Export/Safetensors/LanguageModel.h"
#include "qc/Import/Llama/Import.h"
#include "qc/Import/ONNX/Reader.h"
#include "qc/Pipelines/Precisions.h"
#include "qc/Quantization/Mixture.h"
#include "qc/Support/Error.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

using namespace qc;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;

//===----------------------------------------------------------------------===//
// Writers
//===----------------------------------------------------------------------===//

namespace {
/// A model at level 2 and what is told of it.
struct Quantized {
  const BuildRequest &request;
  const BuildHooks &hooks;
  LoadedModel &model;

  mlir::ModuleOp module() const { return *model.module; }
};

/// A kind of files and what writes them.
struct OutputKind {
  /// What their names end in.
  StringRef ending;
  /// The models that can be written so, in words.
  StringRef models;
  bool (*takes)(StringRef model);
  Error (*write)(const Quantized &model, QuantizeResult &result);
};
} // namespace

static Error writeONNX(const Quantized &model, QuantizeResult &result) {
  const BuildRequest &request = model.request;
  if (!wantsQuantization(request.options))
    return inputError("bad-option", "", "--precision",
                      request.options.precision +
                          ", which leaves the model as it is",
                      "int8, w8, w4-g128 ..., or --layer or --recipe");
  auto quantization = onnx::readQuantization(model.module(), request.model);
  if (!quantization)
    return quantization.takeError();
  result.layers = quantization->layers.size();
  result.activations = quantization->values.size();
  auto source = onnx::readModel(request.model);
  if (!source)
    return source.takeError();
  onnx::ExportOptions options;
  if (request.options.weights == WeightsMode::Embedded)
    options.embeddedBytes = UINT64_MAX;
  else if (request.options.weights == WeightsMode::File)
    options.embeddedBytes = 0;
  auto bytes =
      onnx::writeQuantized(*source, *quantization, request.output, options);
  if (!bytes)
    return bytes.takeError();
  result.bytes = *bytes;
  return Error::success();
}

/// Writes a language model by the function of a kind.
template <auto write>
static Error writeLanguageModel(const Quantized &model,
                                QuantizeResult &result) {
  const BuildRequest &request = model.request;
  llama::ExportOptions options;
  options.baseFolder = model.model.baseFolder;
  options.widen = request.options.precision == "fp32";
  if (const quantization::Mixture *mixture =
          quantization::findMixture(request.options.precision))
    options.fileType = mixture->fileType;
  options.progress = [&](double done) {
    return step(model.hooks, "writing", done);
  };
  auto written = write(model.module(), request.model, request.output, options);
  if (!written)
    return written.takeError();
  result.bytes = written->bytes;
  result.layers = written->quantized;
  llvm::append_range(result.warnings, written->warnings);
  return Error::success();
}

static bool isFolderOfModel(StringRef model) {
  return llama::isLanguageModel(model) && llvm::sys::fs::is_directory(model);
}

static const OutputKind kinds[] = {
    {".onnx", "an .onnx file",
     [](StringRef model) { return model.ends_with(".onnx"); }, writeONNX},
    {".gguf", "a language model", llama::isLanguageModel,
     writeLanguageModel<gguf::writeLanguageModel>},
    {"/", "the folder of a language model", isFolderOfModel,
     writeLanguageModel<safetensors::writeLanguageModel>},
};

static const OutputKind *findKind(StringRef output) {
  for (const OutputKind &kind : kinds)
    if (output.ends_with(kind.ending))
      return &kind;
  return nullptr;
}

//===----------------------------------------------------------------------===//
// The whole
//===----------------------------------------------------------------------===//

Error qc::checkQuantizedOutput(const BuildRequest &request) {
  StringRef output = request.output;
  const OutputKind *kind = findKind(output);
  StringRef ending = llvm::sys::path::extension(output);
  if (!kind)
    return inputError("model-kind", output, "-o",
                      ending.empty()
                          ? "a name without an ending"
                          : "a name that ends in " + printable(ending),
                      "OUT.onnx, OUT.gguf or DIR/");
  StringRef place = kind->ending == "/" ? "DIR" : "OUT";
  if (!kind->takes(request.model))
    return inputError("model-kind", request.model, "MODEL",
                      "a model that " + llvm::Twine(place) + kind->ending +
                          " is not written of",
                      kind->models);
  return Error::success();
}

/// A file that is written has the shapes of the one that was read.
static Error checkShapes(const LoadedModel &model,
                         const BuildRequest &request) {
  auto choice = precisionsOf(*model.module, request.options);
  if (!choice)
    return choice.takeError();
  if (!choice->takesChannels() && !choice->layersOut())
    return Error::success();
  return inputError(
      "bad-option", request.output, "--precision",
      "channels or layers that are taken out of a file that keeps the "
      "shapes of " +
          request.model,
      "qc compile");
}

Expected<QuantizeResult> qc::quantizeModelFile(const BuildRequest &asked,
                                               const BuildHooks &hooks) {
  BuildRequest request = asked;
  request.options.sparse = false;
  if (Error error = checkQuantizedOutput(request))
    return std::move(error);
  if (Error error = step(hooks, "reading"))
    return std::move(error);
  QuantizeResult result;
  std::unique_ptr<mlir::MLIRContext> context = makeContext();
  auto model =
      loadModel(*context, request.model, request.options, readingStep(hooks));
  if (!model)
    return model.takeError();
  result.fp32Bytes = parameterBytes(*model->module);
  if (Error error = checkShapes(*model, request))
    return std::move(error);
  auto statistics = toLevelTwo(*model, request, hooks, result.warnings);
  if (!statistics)
    return statistics.takeError();
  if (Error error = step(hooks, "writing"))
    return std::move(error);
  if (Error error =
          findKind(request.output)->write({request, hooks, *model}, result))
    return std::move(error);
  if (!request.search || !request.search->unfinished)
    finishSearch(request.output);
  // The IR goes before the context that owns its types.
  model->module = {};
  return result;
}
