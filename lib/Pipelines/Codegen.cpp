//===- Codegen.cpp - Levels 3 to 6 of a compilation -----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The graph goes through the levels that it has before it; the kernels that it
// launches come from KernelObjects.cpp.
//
//===----------------------------------------------------------------------===//

#include "Diagnostics.h"
#include "KernelObjects.h"
#include "Stages.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/AsmState.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "qc/Dialect/QC/IR/QCOps.h"
#include "qc/Support/OutputFile.h"
#include "qc/Support/ParameterStore.h"
#include "qc/Target/Codegen/ObjectEmitter.h"
#include "qc/TargetInfo/KernelKey.h"
#include "qc/TargetInfo/KernelSlots.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"

#include <map>

using namespace mlir;

namespace qc {

//===----------------------------------------------------------------------===//
// Ports
//===----------------------------------------------------------------------===//

static int32_t portType(Type type) {
  if (auto integer = dyn_cast<IntegerType>(type)) {
    bool isUnsigned = integer.isUnsigned();
    switch (integer.getWidth()) {
    case 1:
      return QC_RT_BOOL;
    case 8:
      return isUnsigned ? QC_RT_U8 : QC_RT_I8;
    case 16:
      return isUnsigned ? QC_RT_U16 : QC_RT_I16;
    case 32:
      return isUnsigned ? QC_RT_U32 : QC_RT_I32;
    default:
      return isUnsigned ? QC_RT_U64 : QC_RT_I64;
    }
  }
  if (type.isF64())
    return QC_RT_F64;
  if (type.isF16())
    return QC_RT_F16;
  return type.isBF16() ? QC_RT_BF16 : QC_RT_F32;
}

static std::string portName(ArrayAttr attributes, unsigned number,
                            llvm::StringRef fallback) {
  if (attributes)
    if (auto dictionary = dyn_cast<DictionaryAttr>(attributes[number]))
      if (auto name = dictionary.getAs<StringAttr>("qc.name"))
        return name.str();
  return (fallback + llvm::Twine(number)).str();
}

static void describePorts(ModuleOp module, NetSpec &net) {
  llvm::StringMap<int32_t> symbols;
  if (auto bounds = module->getAttrOfType<DictionaryAttr>("qc.bounds"))
    for (NamedAttribute bound : bounds) {
      auto range = cast<DenseI64ArrayAttr>(bound.getValue()).asArrayRef();
      symbols[bound.getName()] = static_cast<int32_t>(net.symbols.size());
      net.symbols.push_back(
          {bound.getName().str(), range[0], range[1], range[2]});
    }
  auto type =
      cast<FunctionType>(module->getAttrOfType<TypeAttr>("qc.type").getValue());
  auto inputs = module->getAttrOfType<ArrayAttr>("qc.inputs");
  auto outputs = module->getAttrOfType<ArrayAttr>("qc.outputs");
  for (auto [number, input] : llvm::enumerate(type.getInputs())) {
    auto tensor = cast<RankedTensorType>(input);
    PortSpec port;
    port.name = portName(inputs, number, "input");
    port.dtype = portType(tensor.getElementType());
    auto attributes =
        inputs ? cast<DictionaryAttr>(inputs[number]) : DictionaryAttr();
    auto dims =
        attributes ? attributes.getAs<ArrayAttr>("qc.dims") : ArrayAttr();
    port.isState = attributes && attributes.contains("qc.state");
    for (auto [axis, size] : llvm::enumerate(tensor.getShape()))
      port.axes.push_back(ShapedType::isDynamic(size)
                              ? AxisSpec::named(symbols.lookup(
                                    cast<StringAttr>(dims[axis]).getValue()))
                              : AxisSpec::fixed(size));
    net.inputs.push_back(std::move(port));
  }
  auto axes = module->getAttrOfType<ArrayAttr>("qc.output_axes");
  for (auto [number, output] : llvm::enumerate(type.getResults())) {
    PortSpec port;
    port.name = portName(outputs, number, "output");
    port.dtype = portType(cast<RankedTensorType>(output).getElementType());
    for (Attribute axis : cast<ArrayAttr>(axes[number])) {
      auto v = cast<DenseI64ArrayAttr>(axis).asArrayRef();
      port.axes.push_back({static_cast<int32_t>(v[0]),
                           static_cast<int32_t>(v[1]), v[2], v[3], v[4]});
    }
    net.outputs.push_back(std::move(port));
  }
}

/// What the module says of its language model, which is on `net` then.
static void describeLanguage(ModuleOp module, NetSpec &net) {
  auto facts = module->getAttrOfType<DictionaryAttr>("qc.language_model");
  if (!facts)
    return;
  LanguageSpec language;
  qc_rt_language &l = language.numbers;
  auto number = [&](llvm::StringRef name) {
    return facts.getAs<IntegerAttr>(name).getInt();
  };
  language.family = facts.getAs<StringAttr>("family").str();
  l.vocabulary = number("vocabulary");
  language.bos = static_cast<int32_t>(number("bos"));
  for (int64_t end : facts.getAs<DenseI64ArrayAttr>("ends").asArrayRef())
    language.ends.push_back(static_cast<int32_t>(end));
  const PortSpec &cache = net.inputs.back();
  l.layers = cache.axes[1].offset;
  l.heads = cache.axes[3].offset;
  int64_t bytes = cache.dtype == QC_RT_F32  ? 4
                  : cache.dtype == QC_RT_I8 ? 1
                                            : 2;
  l.row_bytes = cache.axes[5].offset * bytes;
  l.tokens_symbol = net.inputs[0].axes[0].symbol;
  l.rows_symbol = net.inputs[3].axes[0].symbol;
  l.sequences_symbol = cache.axes[0].symbol;
  l.context_symbol = cache.axes[4].symbol;
  l.context = net.symbols[l.context_symbol].max;
  l.step_tokens = net.symbols[l.tokens_symbol].max;
  l.step_sequences = net.symbols[l.sequences_symbol].max;
  net.language = std::move(language);
}

/// Adds the tokenizer to the weights.
static llvm::Error addTokenizer(llvm::StringRef tables, CompiledNet &result) {
  if (!result.net.language || tables.empty())
    return llvm::Error::success();
  qc_rt_language &l = result.net.language->numbers;
  uint64_t padding = -result.weightsBytes % QC_RT_ALIGNMENT;
  l.tokenizer_offset = result.weightsBytes + padding;
  l.tokenizer_bytes = tables.size();
  std::error_code code;
  llvm::raw_fd_ostream os(result.weightsFile, code,
                          llvm::sys::fs::CD_OpenExisting,
                          llvm::sys::fs::FA_Write, llvm::sys::fs::OF_Append);
  os.write_zeros(padding);
  os << tables;
  os.close();
  code = os.error() ? os.error() : code;
  os.clear_error();
  if (code)
    return inputError("temporary-file", result.weightsFile, "", code.message(),
                      "room for the tokenizer");
  result.weightsBytes = l.tokenizer_offset + l.tokenizer_bytes;
  return llvm::Error::success();
}

/// The layers that oneDNN computes, from the attribute `qc.onednn`.
static void describeOneDNN(ModuleOp module, CompiledNet &result) {
  namespace S = slots::onednn;
  static_assert(int(S::X) == QC_RT_ONEDNN_X && int(S::Y) == QC_RT_ONEDNN_Y &&
                int(S::Layer) == QC_RT_ONEDNN_LAYER);
  for (auto entry : module->getAttrOfType<ArrayAttr>("qc.onednn")
                        .getAsRange<DictionaryAttr>()) {
    auto v = entry.getAs<DenseI64ArrayAttr>("slots").asArrayRef();
    qc_rt_onednn_layer layer = {};
    layer.batch = v[S::Batch];
    layer.in_rows = v[S::InRows];
    layer.in_columns = v[S::InColumns];
    layer.channels = v[S::Channels];
    layer.rows = v[S::Rows];
    layer.columns = v[S::Columns];
    layer.filters = v[S::Filters];
    layer.groups = v[S::Groups];
    layer.kernel_h = v[S::KernelH];
    layer.kernel_w = v[S::KernelW];
    layer.stride_h = v[S::StrideH];
    layer.stride_w = v[S::StrideW];
    layer.dilation_h = v[S::DilationH];
    layer.dilation_w = v[S::DilationW];
    layer.weights = v[S::W];
    layer.bias = v[S::Bias];
    layer.integer = v[S::Integer];
    result.net.oneDNN.push_back(layer);
    result.oneDNNNames.push_back(entry.getAs<StringAttr>("layer").str());
  }
}

//===----------------------------------------------------------------------===//
// Object code
//===----------------------------------------------------------------------===//

/// What the passes of levels 4 to 6 leave on a module; an error names what is
/// missing.
static llvm::Error checkAttributes(LoadedModel &model) {
  ModuleOp module = *model.module;
  for (llvm::StringRef name : {"qc.arena_bytes", "qc.weights_bytes"})
    if (!module->getAttrOfType<IntegerAttr>(name))
      return inputError("bad-mlir", model.name, name, "no such attribute",
                        "a number on the module");
  for (llvm::StringRef name : {"qc.kernels", "qc.output_axes"})
    if (!module->getAttrOfType<ArrayAttr>(name))
      return inputError("bad-mlir", model.name, name, "no such attribute",
                        "an array on the module");
  for (const UsedKernel &kernel : usedKernels(module)) {
    llvm::StringRef text = kernel.text;
    bool known = text.consume_front("@") ||
                 KernelKey::parse(std::string_view(text)).has_value();
    if (!known)
      return inputError("bad-mlir", model.name, "qc.kernels", printable(text),
                        "the key of a kernel");
  }
  return llvm::Error::success();
}

/// Writes the weights of a module that stood at level 5 or 6 to `path`.
static llvm::Error writeWeights(LoadedModel &model, llvm::StringRef path) {
  ModuleOp module = *model.module;
  std::unique_ptr<llvm::MemoryBuffer> file;
  llvm::StringRef bytes;
  Attribute weights = module->getAttr("qc.weights");
  if (auto name = dyn_cast_or_null<StringAttr>(weights)) {
    std::string found = ParameterStore(model.baseFolder).resolve(name);
    auto buffer = llvm::MemoryBuffer::getFile(found, false, false);
    if (!buffer)
      return inputError("weights", found, "", buffer.getError().message(),
                        "the weights of " + model.name);
    file = std::move(*buffer);
    bytes = file->getBuffer();
  } else if (auto resource =
                 dyn_cast_or_null<DenseResourceElementsAttr>(weights)) {
    if (AsmResourceBlob *blob = resource.getRawHandle().getBlob())
      bytes = {blob->getData().data(), blob->getData().size()};
  }
  auto wanted = module->getAttrOfType<IntegerAttr>("qc.weights_bytes").getInt();
  if (static_cast<int64_t>(bytes.size()) < wanted)
    return inputError("weights", model.name, "qc.weights",
                      std::to_string(bytes.size()) + " bytes",
                      std::to_string(wanted) + " bytes of weights");
  return writeWholeFile(path, bytes);
}

/// The size of each tensor in the weights, by its offset.
static std::map<int64_t, int64_t> sizesOfWeights(ModuleOp module) {
  std::map<int64_t, int64_t> sizes;
  module.walk([&](mlir::qc::BufferOp op) {
    if (op.getSpace() == "weights")
      sizes[op.getOffset()] = 0;
  });
  auto end = module->getAttrOfType<IntegerAttr>("qc.weights_bytes");
  int64_t next = end ? end.getInt() : 0;
  for (auto &[offset, size] : llvm::reverse(sizes)) {
    size = next - offset;
    next = offset;
  }
  return sizes;
}

static void describeLaunches(ModuleOp module, CompiledNet &result) {
  std::map<int64_t, int64_t> sizes = sizesOfWeights(module);
  module.walk([&](mlir::qc::LaunchOp op) {
    result.launches.push_back(op.getLayer().value_or("").str());
    if (!op.getLayer())
      return;
    CompiledLayer layer = {op.getLayer()->str(), op.getKey().str(),
                           result.launches.size() - 1};
    for (Value buffer : op.getBuffers())
      if (auto weight = buffer.getDefiningOp<mlir::qc::BufferOp>())
        if (weight.getSpace() == "weights")
          layer.bytes += sizes[weight.getOffset()];
    result.layers.push_back(std::move(layer));
  });
}

llvm::Expected<CompiledNet> generateCode(LoadedModel &model,
                                         const CompileOptions &options,
                                         const ProgressFn &progress,
                                         KernelCache *cache) {
  CompiledNet result;
  llvm::SmallString<128> weights;
  if (auto error = llvm::sys::fs::createTemporaryFile("qc", "weights", weights))
    return inputError("temporary-file", weights, "", error.message(),
                      "a folder with room for the weights, as TMPDIR names it");
  result.weightsFile = std::string(weights);
  auto target = targetOf(model, options.target);
  if (!target)
    return target.takeError();
  result.target = *target;
  result.licence = model.licence;

  mlir::qc::KernelOptions kernels;
  setOptions(kernels, model, options, *target);
  kernels.weights = result.weightsFile;
  if (progress)
    kernels.progress = [&](double done) { progress("weights", done); };
  ModuleOp module = *model.module;
  bool weightsThere = module->hasAttr("qc.weights_bytes");
  for (const Stage &stage : remainingStages(module, kernels)) {
    if (progress)
      progress("lowering", 0);
    if (auto error = runStage(model, stage, result.remarks))
      return std::move(error);
    if (stage.level == "kernels")
      describeLaunches(module, result);
  }
  if (auto error = checkAttributes(model))
    return std::move(error);
  if (weightsThere)
    if (auto error = writeWeights(model, weights))
      return std::move(error);
  describePorts(module, result.net);
  result.net.arenaBytes =
      module->getAttrOfType<IntegerAttr>("qc.arena_bytes").getInt();
  result.weightsBytes =
      module->getAttrOfType<IntegerAttr>("qc.weights_bytes").getInt();
  describeLanguage(module, result.net);
  if (result.net.language) {
    result.net.language->chatTemplate = model.chatTemplate;
    result.net.language->specialTokens = model.specialTokens;
  }
  if (auto error = addTokenizer(model.tokenizer, result))
    return std::move(error);
  describeOneDNN(module, result);
  for (const UsedKernel &kernel : usedKernels(module))
    result.net.kernels.push_back(kernel.symbol());

  KernelCache own;
  size_t count = target->levels.size();
  for (auto [number, level] : llvm::enumerate(target->levels)) {
    auto report = [&](double done) {
      if (progress)
        progress("kernels for " + level.name, (number + done) / count);
    };
    report(0);
    auto objects = kernelObjects(model, *target, level, options,
                                 cache ? *cache : own, report);
    if (!objects)
      return objects.takeError();
    result.levels.push_back(std::move(*objects));
  }
  OwningOpRef<ModuleOp> graph = graphOnly(module);
  auto object =
      emitObject(*graph, *target, target->levels.front(),
                 options.quickCode ? CodeEffort::Quick : CodeEffort::Full);
  if (!object)
    return object.takeError();
  result.graphObject = (*object)->getBuffer().str();
  return result;
}

} // namespace qc
