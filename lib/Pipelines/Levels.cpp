//===- Levels.cpp - Where a module stands, and what it looks like ---------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What is written here is whole: parameters name their files from the root, the
// names of ops are in locations, the weights of levels 5 and 6 are a resource
// of the module. So qc-run runs it and qc-opt goes on from it.
//
//===----------------------------------------------------------------------===//

#include "Diagnostics.h"
#include "Stages.h"
#include "mlir/Bytecode/BytecodeWriter.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "qc/Conversion/Passes.h"
#include "qc/Dialect/QC/IR/QCOps.h"
#include "qc/Target/Codegen/ObjectEmitter.h"

using namespace mlir;

namespace qc {

llvm::StringRef reachedLevel(ModuleOp module) {
  if (module.lookupSymbol<LLVM::LLVMFuncOp>(QC_RT_GRAPH_SYMBOL))
    return "llvm";
  auto has = [&](auto test) {
    return module
        .walk([&](Operation *op) {
          return test(op) ? WalkResult::interrupt() : WalkResult::advance();
        })
        .wasInterrupted();
  };
  if (has(llvm::IsaPred<mlir::qc::BufferOp, mlir::qc::LaunchOp>))
    return "kernels";
  if (module->hasAttr("qc.target") || has(llvm::IsaPred<mlir::qc::KernelOp>))
    return "packed";
  return "";
}

std::vector<Stage> remainingStages(ModuleOp module,
                                   const mlir::qc::KernelOptions &options) {
  std::vector<Stage> stages = {
      {"integer",
       [](OpPassManager &pm) { mlir::qc::buildIntegerPipeline(pm); }},
      {"packed",
       [&](OpPassManager &pm) { mlir::qc::buildPackedPipeline(pm, options); }},
      {"kernels",
       [&](OpPassManager &pm) { mlir::qc::buildKernelsPipeline(pm, options); }},
      {"llvm", [](OpPassManager &pm) {
         pm.addPass(mlir::qc::createConvertKernelsToLLVM());
       }}};
  llvm::StringRef reached = reachedLevel(module);
  auto at = llvm::find_if(
      stages, [&](const Stage &stage) { return stage.level == reached; });
  if (at != stages.end())
    stages.erase(stages.begin(), at + 1);
  return stages;
}

llvm::Error runStage(LoadedModel &model, const Stage &stage,
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

void setOptions(mlir::qc::KernelOptions &kernels, const LoadedModel &model,
                const CompileOptions &options, const Target &target) {
  kernels.target = target.text;
  kernels.base = model.baseFolder;
  kernels.oneDNN = options.oneDNNLayers;
  kernels.jobs = options.jobs;
  kernels.memoryBudget = options.memoryBudget.value_or(0);
}

llvm::Expected<Target> targetOf(LoadedModel &model, const Target &fallback) {
  ModuleOp module = *model.module;
  Target target = fallback;
  if (auto text = module->getAttrOfType<StringAttr>("qc.target")) {
    std::string problem;
    std::optional<Target> parsed = parseTarget(text.getValue().str(), problem);
    if (!parsed)
      return inputError("bad-target", model.name, "qc.target", problem, "");
    target = *parsed;
  }
  if (auto name = module->getAttrOfType<StringAttr>("qc.level")) {
    llvm::erase_if(target.levels, [&](const CpuLevel &level) {
      return level.name != name.getValue();
    });
    if (target.levels.empty())
      return inputError("bad-target", model.name, "qc.level",
                        printable(name.getValue()),
                        "a level of the target " + target.text);
  }
  return target;
}

bool isPartOfGraph(Operation *op) {
  auto symbol = dyn_cast<SymbolOpInterface>(op);
  return symbol && (symbol.getName() == QC_RT_GRAPH_SYMBOL ||
                    symbol.getName().starts_with("qc_slots_"));
}

OwningOpRef<ModuleOp> graphOnly(ModuleOp module) {
  OwningOpRef<ModuleOp> graph = cast<ModuleOp>(module->clone());
  for (Operation &op : llvm::make_early_inc_range(*graph->getBody()))
    if (!isPartOfGraph(&op))
      op.erase();
  for (NamedAttribute attribute : llvm::to_vector((*graph)->getAttrs()))
    (*graph)->removeAttr(attribute.getName());
  return graph;
}

/// Texts have the locations, which keep the names of the model's ops.
static std::string textOf(ModuleOp module) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  OpPrintingFlags flags;
  module.print(stream, flags.enableDebugInfo());
  stream << "\n";
  return text;
}

std::string bytecodeOf(ModuleOp module) {
  std::string bytes;
  llvm::raw_string_ostream stream(bytes);
  // Fails only for versions of the format that are asked for.
  (void)writeBytecodeToFile(module, stream);
  return bytes;
}

/// Level 6 with the kernels of the target's best CPU level; the functions that
/// generic kernels came from are left out.
static llvm::Expected<OwningOpRef<ModuleOp>> withKernels(LoadedModel &model,
                                                         const Target &target) {
  const CpuLevel &best = target.levels.back();
  auto kernels = kernelsOf(model, target, best);
  if (!kernels)
    return kernels.takeError();
  OwningOpRef<ModuleOp> code = graphOnly(*model.module);
  (*code)->setAttrs((*model.module)->getAttrDictionary());
  (*code)->setAttr("qc.level",
                   StringAttr::get(model.module->getContext(), best.name));
  moveInto(**kernels, *code);
  if (llvm::Error error = lowerToLLVMDialect(*code))
    return std::move(error);
  return code;
}

llvm::Expected<std::string> emitLevel(LoadedModel &model,
                                      const CompileOptions &options,
                                      llvm::StringRef level, EmitForm form) {
  auto written = [&](ModuleOp module) {
    return form == EmitForm::Text ? textOf(module) : bytecodeOf(module);
  };
  ModuleOp module = *model.module;
  if (level == "model" || level == "observed" || level == "qdq" ||
      level == reachedLevel(module))
    return written(module);
  auto target = targetOf(model, options.target);
  if (!target)
    return target.takeError();
  mlir::qc::KernelOptions kernels;
  setOptions(kernels, model, options, *target);
  std::vector<std::string> remarks;
  for (const Stage &stage : remainingStages(module, kernels)) {
    if (auto error = runStage(model, stage, remarks))
      return std::move(error);
    if (stage.level == level && level != "llvm")
      return written(module);
  }
  if (level != "llvm" && level != "asm")
    return inputError("bad-option", model.name, "--emit",
                      "a model that is past the level " + level,
                      "a later level");
  auto code = withKernels(model, *target);
  if (!code)
    return code.takeError();
  if (level == "llvm")
    return written(**code);
  return emitAssembly(**code, *target, target->levels.back());
}

} // namespace qc
