//===- Codegen.cpp - Levels 3 to 6 of a compilation -----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The graph goes through its levels; each kernel that it launches is emitted
// once for each CPU level of the target.
//
//===----------------------------------------------------------------------===//

#include "Diagnostics.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "qc/Conversion/GenericKernels.h"
#include "qc/Conversion/Passes.h"
#include "qc/Dialect/QC/IR/QCOps.h"
#include "qc/Pipelines/Compile.h"
#include "qc/Pipelines/Pipelines.h"
#include "qc/Target/Codegen/ObjectEmitter.h"
#include "qc/Target/Kernels/Kernels.h"
#include "qc/TargetInfo/EncodedPacking.h"
#include "qc/TargetInfo/KernelSlots.h"
#include "llvm/Support/FileSystem.h"

using namespace mlir;

namespace qc {

//===----------------------------------------------------------------------===//
// Kernels
//===----------------------------------------------------------------------===//

namespace {
/// A kernel that the graph launches, and the encoding that it decodes.
struct UsedKernel {
  llvm::StringRef text;
  mlir::qc::EncodingAttrInterface encoding;
};
} // namespace

/// The kernels that the graph launches, in the order of their numbers.
static llvm::SmallVector<UsedKernel> usedKernels(ModuleOp module) {
  llvm::SmallVector<UsedKernel> kernels;
  for (Attribute entry : module->getAttrOfType<ArrayAttr>("qc.kernels")) {
    if (auto text = dyn_cast<StringAttr>(entry)) {
      kernels.push_back({text.getValue(), {}});
      continue;
    }
    auto pair = cast<ArrayAttr>(entry);
    kernels.push_back({cast<StringAttr>(pair[0]).getValue(),
                       cast<mlir::qc::EncodingAttrInterface>(pair[1])});
  }
  return kernels;
}

/// True of a kernel that oneDNN computes: it has no code.
static bool isProvided(llvm::StringRef text) {
  return text.starts_with("onednn:");
}

static std::string kernelSymbol(llvm::StringRef text) {
  if (text.consume_front("@"))
    return text.str();
  if (isProvided(text))
    return "";
  return KernelKey::parse(text.str())->symbol();
}

/// Moves what `from` defines into `to`, which may have declarations of it.
static void moveInto(ModuleOp from, ModuleOp to) {
  SymbolTable symbols(to);
  for (Operation &op : llvm::make_early_inc_range(*from.getBody())) {
    auto symbol = dyn_cast<SymbolOpInterface>(op);
    if (symbol && symbol.isDeclaration() && symbols.lookup(symbol.getName()))
      continue;
    op.remove();
    to.getBody()->push_back(&op);
  }
}

static LogicalResult addKernels(ModuleOp graph, ModuleOp module,
                                const Target &target, const CpuLevel &level) {
  OwningOpRef<ModuleOp> generic = ModuleOp::create(graph.getLoc());
  bool anyGeneric = false;
  for (auto [text, encoding] : usedKernels(graph)) {
    if (isProvided(text))
      continue;
    std::string symbol = kernelSymbol(text) + "__" + level.name;
    if (text.consume_front("@")) {
      auto source = graph.lookupSymbol<func::FuncOp>(text);
      if (failed(mlir::qc::addGenericKernel(*generic, source, symbol)))
        return failure();
      anyGeneric = true;
      continue;
    }
    auto key = KernelKey::parse(text.str());
    // Only the rank matters to how an element of [K, N] decodes.
    std::optional<numerics::DecodeSpec> spec;
    if (encoding)
      spec = contractSpec(encoding.getDecodeSpec({1, 1}), false);
    if (failed(emitKernel(module, *key, level, target, symbol,
                          spec ? &*spec : nullptr)))
      return failure();
  }
  if (!anyGeneric)
    return success();
  PassManager pm(graph.getContext());
  mlir::qc::buildGenericKernelPipeline(pm);
  if (failed(pm.run(*generic)))
    return failure();
  moveInto(*generic, module);
  return success();
}

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
    auto dims =
        inputs
            ? cast<DictionaryAttr>(inputs[number]).getAs<ArrayAttr>("qc.dims")
            : ArrayAttr();
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
// Levels
//===----------------------------------------------------------------------===//

namespace {
/// The steps from level 2 to level 6 and the names of what they reach.
struct Stage {
  llvm::StringRef level;
  std::function<void(OpPassManager &)> build;
};
} // namespace

static std::vector<Stage> stagesOf(const mlir::qc::KernelOptions &options) {
  return {
      {"integer",
       [](OpPassManager &pm) { mlir::qc::buildIntegerPipeline(pm); }},
      {"packed",
       [&](OpPassManager &pm) { mlir::qc::buildPackedPipeline(pm, options); }},
      {"kernels",
       [&](OpPassManager &pm) { mlir::qc::buildKernelsPipeline(pm, options); }},
      {"llvm", [](OpPassManager &pm) {
         pm.addPass(mlir::qc::createConvertKernelsToLLVM());
       }}};
}

static llvm::Error runStage(LoadedModel &model, const Stage &stage,
                            std::vector<std::string> &remarks) {
  DiagnosticCollector diagnostics(model.module->getContext());
  PassManager pm(model.module->getContext());
  stage.build(pm);
  if (failed(pm.run(*model.module)))
    return diagnostics.error(model.name);
  remarks.insert(remarks.end(), diagnostics.remarks.begin(),
                 diagnostics.remarks.end());
  return llvm::Error::success();
}

static void setOptions(mlir::qc::KernelOptions &kernels, LoadedModel &model,
                       const CompileOptions &options) {
  kernels.target = options.target.text;
  kernels.base = model.baseFolder;
  kernels.oneDNN = options.oneDNNLayers;
}

static void describeLaunches(ModuleOp module, CompiledNet &result) {
  module.walk([&](mlir::qc::LaunchOp op) {
    result.launches.push_back(op.getLayer().value_or("").str());
    if (op.getLayer())
      result.layers.push_back({op.getLayer()->str(), op.getKey().str()});
  });
}

/// qc_graph alone, without the functions that the kernels came from.
static OwningOpRef<ModuleOp> graphOnly(ModuleOp module) {
  OwningOpRef<ModuleOp> graph = cast<ModuleOp>(module->clone());
  for (auto function : llvm::to_vector(graph->getOps<func::FuncOp>()))
    function.erase();
  for (NamedAttribute attribute : llvm::to_vector((*graph)->getAttrs()))
    (*graph)->removeAttr(attribute.getName());
  return graph;
}

llvm::Expected<CompiledNet> generateCode(LoadedModel &model,
                                         const CompileOptions &options,
                                         const ProgressFn &progress) {
  CompiledNet result;
  llvm::SmallString<128> weights;
  if (auto error = llvm::sys::fs::createTemporaryFile("qc", "weights", weights))
    return inputError("temporary-file", weights, "", error.message(), "");
  result.weightsFile = std::string(weights);
  result.target = options.target;
  result.licence = model.licence;

  mlir::qc::KernelOptions kernels;
  setOptions(kernels, model, options);
  kernels.weights = result.weightsFile;
  ModuleOp module = *model.module;
  for (const Stage &stage : stagesOf(kernels)) {
    if (progress)
      progress("lowering", 0);
    if (auto error = runStage(model, stage, result.remarks))
      return std::move(error);
    if (stage.level == "kernels")
      describeLaunches(module, result);
  }
  describePorts(module, result.net);
  result.net.arenaBytes =
      module->getAttrOfType<IntegerAttr>("qc.arena_bytes").getInt();
  result.weightsBytes =
      module->getAttrOfType<IntegerAttr>("qc.weights_bytes").getInt();
  describeOneDNN(module, result);
  for (const UsedKernel &kernel : usedKernels(module))
    result.net.kernels.push_back(kernelSymbol(kernel.text));

  DiagnosticCollector diagnostics(module.getContext());
  for (auto [number, level] : llvm::enumerate(options.target.levels)) {
    if (progress)
      progress("kernels for " + level.name,
               double(number) / options.target.levels.size());
    OwningOpRef<ModuleOp> code = ModuleOp::create(module.getLoc());
    if (failed(addKernels(module, *code, options.target, level)))
      return diagnostics.error(model.name);
    auto object = emitObject(*code, options.target, level);
    if (!object)
      return object.takeError();
    result.levels.push_back({level, (*object)->getBuffer().str()});
  }
  OwningOpRef<ModuleOp> graph = graphOnly(module);
  auto object =
      emitObject(*graph, options.target, options.target.levels.front());
  if (!object)
    return object.takeError();
  result.graphObject = (*object)->getBuffer().str();
  return result;
}

static std::string textOf(ModuleOp module) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  OpPrintingFlags flags;
  module.print(stream, flags.elideLargeElementsAttrs(64));
  return text;
}

llvm::Expected<std::string> emitLevel(LoadedModel &model,
                                      const CompileOptions &options,
                                      llvm::StringRef level) {
  ModuleOp module = *model.module;
  if (level == "model" || level == "observed" || level == "qdq")
    return textOf(module);
  mlir::qc::KernelOptions kernels;
  setOptions(kernels, model, options);
  std::vector<std::string> remarks;
  for (const Stage &stage : stagesOf(kernels)) {
    if (auto error = runStage(model, stage, remarks))
      return std::move(error);
    if (stage.level == level && level != "llvm")
      return textOf(module);
  }
  DiagnosticCollector diagnostics(module.getContext());
  const CpuLevel &best = options.target.levels.back();
  OwningOpRef<ModuleOp> code = graphOnly(module);
  if (failed(addKernels(module, *code, options.target, best)))
    return diagnostics.error(model.name);
  if (level == "llvm")
    return emitLLVMIR(*code, options.target, best);
  return emitAssembly(*code, options.target, best);
}

} // namespace qc
