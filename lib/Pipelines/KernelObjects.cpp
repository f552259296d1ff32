//===- KernelObjects.cpp - The kernels of a graph as object code ----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Each kernel is a module, and an object, of its own: so most come from the
// cache, and the others are compiled side by side.
//
//===----------------------------------------------------------------------===//

#include "KernelObjects.h"
#include "Diagnostics.h"
#include "Stages.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "qc/Conversion/GenericKernels.h"
#include "qc/Target/Codegen/ObjectEmitter.h"
#include "qc/Target/Kernels/Kernels.h"
#include "qc/TargetInfo/EncodedPacking.h"
#include "llvm/Support/ThreadPool.h"

#include <atomic>

using namespace mlir;

namespace qc {

llvm::SmallVector<UsedKernel> usedKernels(ModuleOp module) {
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

std::string UsedKernel::symbol() const {
  llvm::StringRef name = text;
  if (name.consume_front("@"))
    return name.str();
  if (isProvided())
    return "";
  return KernelKey::parse(text.str())->symbol();
}

void moveInto(ModuleOp from, ModuleOp to) {
  SymbolTable symbols(to);
  for (Operation &op : llvm::make_early_inc_range(*from.getBody())) {
    auto symbol = dyn_cast<SymbolOpInterface>(op);
    if (symbol && symbol.isDeclaration() && symbols.lookup(symbol.getName()))
      continue;
    op.remove();
    to.getBody()->push_back(&op);
  }
}

/// Adds a kernel that `graph` launches to `module`.
static LogicalResult addKernel(ModuleOp graph, ModuleOp module,
                               const UsedKernel &kernel, const Target &target,
                               const CpuLevel &level) {
  std::string symbol = codeSymbol(kernel.symbol(), level);
  llvm::StringRef text = kernel.text;
  if (!text.consume_front("@")) {
    auto key = KernelKey::parse(text.str());
    // Only the rank matters to how an element of [K, N] decodes.
    std::optional<numerics::DecodeSpec> spec;
    if (kernel.encoding)
      spec = contractSpec(kernel.encoding.getDecodeSpec({1, 1}), false);
    return emitKernel(module, *key, level, target, symbol,
                      spec ? &*spec : nullptr);
  }
  OwningOpRef<ModuleOp> generic = ModuleOp::create(graph.getLoc());
  auto source = graph.lookupSymbol<func::FuncOp>(text);
  PassManager pm(graph.getContext());
  mlir::qc::buildGenericKernelPipeline(pm);
  if (failed(mlir::qc::addGenericKernel(*generic, source, symbol)) ||
      failed(pm.run(*generic)))
    return failure();
  moveInto(*generic, module);
  return success();
}

/// The module of the kernels that a module of level 6 holds.
static OwningOpRef<ModuleOp> heldKernels(ModuleOp module) {
  OwningOpRef<ModuleOp> code = cast<ModuleOp>(module->clone());
  for (Operation &op : llvm::make_early_inc_range(*code->getBody()))
    if (isPartOfGraph(&op))
      op.erase();
  (*code)->setAttrs(DictionaryAttr::get(module.getContext()));
  return code;
}

static bool holdsKernels(ModuleOp module) {
  return module->hasAttr("qc.level");
}

llvm::Expected<OwningOpRef<ModuleOp>>
kernelsOf(LoadedModel &model, const Target &target, const CpuLevel &level) {
  ModuleOp module = *model.module;
  if (holdsKernels(module))
    return heldKernels(module);
  DiagnosticCollector diagnostics(module.getContext());
  OwningOpRef<ModuleOp> code = ModuleOp::create(module.getLoc());
  for (const UsedKernel &kernel : usedKernels(module))
    if (!kernel.isProvided() &&
        failed(addKernel(module, *code, kernel, target, level)))
      return diagnostics.error(model.name);
  return code;
}

/// The level that the code of a kernel on `level` is generated for.
static CpuLevel levelOfCode(const UsedKernel &kernel, const Target &target,
                            const CpuLevel &level) {
  const std::string &name = levelOfCode(kernel.symbol(), level);
  for (const CpuLevel &known : knownLevels(target.arch))
    if (name != level.name && known.name == name)
      return known;
  return level;
}

/// All that the object code of a kernel depends on, as text.
static std::string keyOf(ModuleOp module, const UsedKernel &kernel,
                         const Target &target, const CpuLevel &level,
                         CodeEffort effort) {
  std::string text;
  llvm::raw_string_ostream os(text);
  os << target.triple << " " << target.unsignedActivations << " " << level.name
     << " " << level.cpu << " " << level.features << " " << level.vectorBits
     << " " << level.vectorRegisters << " " << int(level.dot) << level.hasFma
     << level.hasF16 << level.hasBF16 << level.hasTiles << " " << int(effort)
     << "\n"
     << kernel.text << " " << kernel.encoding << "\n";
  llvm::StringRef name = kernel.text;
  if (name.consume_front("@"))
    os << *module.lookupSymbol(name) << "\n";
  return text;
}

namespace {
/// Kernels of one level that the cache did not have.
class MissingKernels {
public:
  MissingKernels(const Target &target, CodeEffort effort)
      : target(target), effort(effort) {}

  void add(std::string key, OwningOpRef<ModuleOp> module,
           const CpuLevel &level) {
    entries.push_back({std::move(key), std::move(module), level, {}, {}});
  }
  /// Compiles all on `threads` threads.
  llvm::Error compile(int64_t threads, KernelCache &cache,
                      const std::function<void(double)> &progress);

private:
  struct Entry {
    std::string key;
    OwningOpRef<ModuleOp> module;
    CpuLevel level;
    std::string object, error;
  };
  void compile(Entry &entry);

  const Target &target;
  CodeEffort effort;
  std::vector<Entry> entries;
};
} // namespace

void MissingKernels::compile(Entry &entry) {
  auto object = emitObject(*entry.module, target, entry.level, effort);
  entry.module = {};
  if (object)
    entry.object = (*object)->getBuffer().str();
  else
    entry.error = llvm::toString(object.takeError());
}

llvm::Error
MissingKernels::compile(int64_t threads, KernelCache &cache,
                        const std::function<void(double)> &progress) {
  std::atomic<size_t> next{0};
  auto run = [&](bool reports) {
    for (size_t i = next++; i < entries.size(); i = next++) {
      if (reports)
        progress(double(i) / double(entries.size()));
      compile(entries[i]);
    }
  };
  llvm::ThreadPoolStrategy strategy;
  strategy.ThreadsRequested = static_cast<unsigned>(threads);
  llvm::DefaultThreadPool pool(strategy);
  for (int64_t thread = 1; thread < threads; ++thread)
    pool.async(run, false);
  run(true);
  pool.wait();
  for (Entry &entry : entries) {
    if (!entry.error.empty())
      return llvm::createStringError(entry.error);
    cache.add(entry.key, std::move(entry.object));
  }
  return llvm::Error::success();
}

llvm::Expected<LevelObjects>
kernelObjects(LoadedModel &model, const Target &target, const CpuLevel &level,
              const CompileOptions &options, KernelCache &cache,
              const std::function<void(double)> &progress) {
  ModuleOp module = *model.module;
  LevelObjects result = {level};
  CodeEffort effort = options.quickCode ? CodeEffort::Quick : CodeEffort::Full;
  if (holdsKernels(module)) {
    auto object = emitObject(*heldKernels(module), target, level, effort);
    if (!object)
      return object.takeError();
    result.objects.push_back((*object)->getBuffer().str());
    return result;
  }
  std::vector<std::string> keys;
  MissingKernels missing(target, effort);
  for (const UsedKernel &kernel : usedKernels(module)) {
    if (kernel.isProvided())
      continue;
    CpuLevel of = levelOfCode(kernel, target, level);
    keys.push_back(keyOf(module, kernel, target, of, effort));
    if (cache.find(keys.back()))
      continue;
    DiagnosticCollector diagnostics(module.getContext());
    OwningOpRef<ModuleOp> code = ModuleOp::create(module.getLoc());
    if (failed(addKernel(module, *code, kernel, target, of)))
      return diagnostics.error(model.name);
    missing.add(keys.back(), std::move(code), of);
  }
  bool threaded = module.getContext()->isMultithreadingEnabled();
  if (llvm::Error error =
          missing.compile(threaded ? options.jobs : 1, cache, progress))
    return std::move(error);
  for (const std::string &key : keys)
    result.objects.push_back(*cache.find(key));
  return result;
}

} // namespace qc
