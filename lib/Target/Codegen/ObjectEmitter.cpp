//===- ObjectEmitter.cpp - From kernels to object code --------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One conversion to the LLVM dialect, translation, some of LLVM's passes and
// the code generator. Kernels are vectors already, their loops unrolled where
// that pays: all of O3 takes twice as long and makes nothing faster.
//
//===----------------------------------------------------------------------===//

#include "qc/Target/Codegen/ObjectEmitter.h"

#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/ControlFlowToLLVM/ControlFlowToLLVM.h"
#include "mlir/Conversion/FuncToLLVM/ConvertFuncToLLVM.h"
#include "mlir/Conversion/IndexToLLVM/IndexToLLVM.h"
#include "mlir/Conversion/LLVMCommon/ConversionTarget.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Conversion/MathToLLVM/MathToLLVM.h"
#include "mlir/Conversion/SCFToControlFlow/SCFToControlFlow.h"
#include "mlir/Conversion/VectorToLLVM/ConvertVectorToLLVM.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "mlir/Transforms/DialectConversion.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/SmallVectorMemoryBuffer.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"

using namespace qc;

void qc::loadKernelDialects(mlir::MLIRContext &context) {
  context.loadDialect<mlir::arith::ArithDialect, mlir::cf::ControlFlowDialect,
                      mlir::func::FuncDialect, mlir::LLVM::LLVMDialect,
                      mlir::math::MathDialect, mlir::scf::SCFDialect,
                      mlir::vector::VectorDialect>();
  mlir::registerBuiltinDialectTranslation(context);
  mlir::registerLLVMDialectTranslation(context);
}

static llvm::Error makeError(const llvm::Twine &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
}

llvm::Error qc::lowerToLLVMDialect(mlir::ModuleOp module) {
  mlir::MLIRContext *context = module.getContext();
  mlir::LLVMTypeConverter types(context);
  mlir::RewritePatternSet patterns(context);
  mlir::populateSCFToControlFlowConversionPatterns(patterns);
  mlir::populateVectorToLLVMConversionPatterns(types, patterns);
  mlir::populateMathToLLVMConversionPatterns(types, patterns);
  mlir::arith::populateArithToLLVMConversionPatterns(types, patterns);
  mlir::index::populateIndexToLLVMConversionPatterns(types, patterns);
  mlir::populateFuncToLLVMConversionPatterns(types, patterns);
  mlir::cf::populateControlFlowToLLVMConversionPatterns(types, patterns);
  mlir::LLVMConversionTarget target(*context);
  // Casts that earlier conversions left cancel out with those made here.
  target.addLegalOp<mlir::ModuleOp, mlir::UnrealizedConversionCastOp>();
  bool lowered = mlir::succeeded(
      mlir::applyFullConversion(module, target, std::move(patterns)));
  llvm::SmallVector<mlir::UnrealizedConversionCastOp> casts, remaining;
  module.walk(
      [&](mlir::UnrealizedConversionCastOp op) { casts.push_back(op); });
  mlir::reconcileUnrealizedCasts(casts, &remaining);
  if (!lowered || !remaining.empty())
    return makeError("cannot lower the module to the llvm dialect");
  return llvm::Error::success();
}

/// Registers the code generators, once for all threads.
static void initializeTargets() {
  static const bool done = [] {
    LLVMInitializeX86TargetInfo();
    LLVMInitializeX86Target();
    LLVMInitializeX86TargetMC();
    LLVMInitializeX86AsmPrinter();
    LLVMInitializeAArch64TargetInfo();
    LLVMInitializeAArch64Target();
    LLVMInitializeAArch64TargetMC();
    LLVMInitializeAArch64AsmPrinter();
    return true;
  }();
  (void)done;
}

static llvm::Expected<std::unique_ptr<llvm::TargetMachine>>
makeMachine(const Target &target, const CpuLevel &level,
            CodeEffort effort = CodeEffort::Full) {
  initializeTargets();
  llvm::Triple triple(target.triple);
  std::string error;
  const llvm::Target *found = llvm::TargetRegistry::lookupTarget(triple, error);
  if (!found)
    return makeError(error);
  llvm::TargetOptions options;
  options.AllowFPOpFusion = llvm::FPOpFusion::Strict;
  options.FunctionSections = true;
  std::string features = level.features;
  // Or LLVM makes two instructions of one for less latency, which products of
  // many sums at once do not wait for.
  if (level.dot == DotUnit::VpDpBusd)
    features += ",+fast-dpwssd";
  std::unique_ptr<llvm::TargetMachine> machine(found->createTargetMachine(
      triple, level.cpu, features, options, llvm::Reloc::PIC_, std::nullopt,
      effort == CodeEffort::Full ? llvm::CodeGenOptLevel::Aggressive
                                 : llvm::CodeGenOptLevel::None));
  if (!machine)
    return makeError("no code generator for " + target.triple);
  return machine;
}

/// What becomes of the code of kernels, in words of LLVM's `opt`.
static constexpr llvm::StringLiteral pipeline =
    "inline,function(sroa,early-cse<memssa>,instcombine,simplifycfg,"
    "loop-mssa(loop-rotate,licm),loop(indvars),gvn,instcombine,simplifycfg)";

static void optimize(llvm::Module &module, llvm::TargetMachine &machine) {
  if (machine.getOptLevel() == llvm::CodeGenOptLevel::None)
    return;
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager graph;
  llvm::ModuleAnalysisManager modules;
  llvm::PassBuilder builder(&machine);
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(graph);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, graph, modules);
  llvm::ModulePassManager passes;
  llvm::cantFail(builder.parsePassPipeline(passes, pipeline));
  passes.run(module, modules);
}

/// The optimized LLVM module of a copy of `module`.
static llvm::Expected<std::unique_ptr<llvm::Module>>
translate(mlir::ModuleOp module, llvm::TargetMachine &machine,
          llvm::LLVMContext &context) {
  mlir::OwningOpRef<mlir::ModuleOp> copy(module.clone());
  if (llvm::Error error = lowerToLLVMDialect(*copy))
    return error;
  std::unique_ptr<llvm::Module> result =
      mlir::translateModuleToLLVMIR(*copy, context, "qc");
  if (!result)
    return makeError("cannot translate the module to llvm ir");
  result->setTargetTriple(machine.getTargetTriple());
  result->setDataLayout(machine.createDataLayout());
  optimize(*result, machine);
  return result;
}

static llvm::Expected<llvm::SmallVector<char, 0>>
emitFile(mlir::ModuleOp module, const Target &target, const CpuLevel &level,
         llvm::CodeGenFileType type, CodeEffort effort = CodeEffort::Full) {
  auto machine = makeMachine(target, level, effort);
  if (!machine)
    return machine.takeError();
  llvm::LLVMContext context;
  auto translated = translate(module, **machine, context);
  if (!translated)
    return translated.takeError();
  llvm::SmallVector<char, 0> bytes;
  llvm::raw_svector_ostream stream(bytes);
  llvm::legacy::PassManager passes;
  if ((*machine)->addPassesToEmitFile(passes, stream, nullptr, type))
    return makeError("no object writer for " + target.triple);
  passes.run(**translated);
  return bytes;
}

llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>>
qc::emitObject(mlir::ModuleOp module, const Target &target,
               const CpuLevel &level, CodeEffort effort) {
  auto bytes = emitFile(module, target, level,
                        llvm::CodeGenFileType::ObjectFile, effort);
  if (!bytes)
    return bytes.takeError();
  return std::make_unique<llvm::SmallVectorMemoryBuffer>(
      std::move(*bytes), /*RequiresNullTerminator=*/false);
}

llvm::Expected<std::string> qc::emitAssembly(mlir::ModuleOp module,
                                             const Target &target,
                                             const CpuLevel &level) {
  auto bytes =
      emitFile(module, target, level, llvm::CodeGenFileType::AssemblyFile);
  if (!bytes)
    return bytes.takeError();
  return std::string(bytes->begin(), bytes->end());
}

llvm::Expected<std::string> qc::emitLLVMIR(mlir::ModuleOp module,
                                           const Target &target,
                                           const CpuLevel &level) {
  auto machine = makeMachine(target, level);
  if (!machine)
    return machine.takeError();
  llvm::LLVMContext context;
  auto translated = translate(module, **machine, context);
  if (!translated)
    return translated.takeError();
  std::string text;
  llvm::raw_string_ostream stream(text);
  (*translated)->print(stream, nullptr);
  return text;
}
