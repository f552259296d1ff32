//===- Descriptor.cpp - The constant that describes a network -------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Emits struct qc_rt_net of qc/Runtime/Descriptor.h, member by member, as LLVM
// constants, and the wrapper behind NAME_run_f32. Data only: there is nothing
// to run when a library is loaded.
//
//===----------------------------------------------------------------------===//

#include "Internal.h"

#include "qc/Support/Error.h"
#include "qc/TargetInfo/KernelKey.h"

#include "llvm/IR/Constants.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"

using namespace llvm;
using namespace qc;
using namespace qc::artifact;

namespace {

/// Makes constants with the layout that C gives them.
class Emitter {
public:
  explicit Emitter(Module &module)
      : module(module), context(module.getContext()),
        pointer(PointerType::getUnqual(context)) {}

  Constant *i32(int64_t value) {
    return ConstantInt::get(Type::getInt32Ty(context), value, true);
  }
  Constant *i64(uint64_t value) {
    return ConstantInt::get(Type::getInt64Ty(context), value);
  }
  Constant *f32(float value) {
    return ConstantFP::get(Type::getFloatTy(context), value);
  }
  Constant *null() { return ConstantPointerNull::get(pointer); }
  Constant *record(ArrayRef<Constant *> members) {
    return ConstantStruct::getAnon(context, members);
  }

  Constant *text(StringRef value) {
    return hidden(ConstantDataArray::getString(context, value), "text");
  }

  /// A table of equal rows; null where there are none.
  Constant *table(ArrayRef<Constant *> rows, StringRef name) {
    if (rows.empty())
      return null();
    auto *type = ArrayType::get(rows.front()->getType(), rows.size());
    return hidden(ConstantArray::get(type, rows), name);
  }

  Constant *function(StringRef name, ArrayRef<Type *> arguments,
                     Type *result = nullptr) {
    auto *type = FunctionType::get(result ? result : Type::getVoidTy(context),
                                   arguments, false);
    auto *found =
        cast<Function>(module.getOrInsertFunction(name, type).getCallee());
    found->setVisibility(GlobalValue::HiddenVisibility);
    found->setDSOLocal(true);
    return found;
  }

  Constant *hidden(Constant *value, StringRef name) {
    auto *global =
        new GlobalVariable(module, value->getType(), /*isConstant=*/true,
                           GlobalValue::PrivateLinkage, value, name);
    global->setAlignment(Align(16));
    return global;
  }

  Module &module;
  LLVMContext &context;
  PointerType *pointer;
};

} // namespace

static Constant *portRow(Emitter &emit, const NetSpec &net,
                         const PortSpec &port) {
  SmallVector<Constant *> min, max;
  for (size_t axis = 0; axis < QC_RT_MAX_RANK; ++axis) {
    bool used = axis < port.axes.size();
    min.push_back(emit.i64(used ? axisSize(net, port.axes[axis], false) : 0));
    max.push_back(emit.i64(used ? axisSize(net, port.axes[axis], true) : 0));
  }
  auto *sizes = ArrayType::get(Type::getInt64Ty(emit.context), QC_RT_MAX_RANK);
  return emit.record(
      {emit.text(port.name), emit.i32(port.dtype), emit.i32(port.axes.size()),
       ConstantArray::get(sizes, min), ConstantArray::get(sizes, max),
       emit.f32(port.scale), emit.i32(port.zeroPoint)});
}

static Constant *ports(Emitter &emit, const NetSpec &net,
                       ArrayRef<PortSpec> list) {
  SmallVector<Constant *> rows;
  for (const PortSpec &port : list)
    rows.push_back(portRow(emit, net, port));
  return emit.table(rows, "ports");
}

static Constant *inputSymbols(Emitter &emit, const NetSpec &net) {
  SmallVector<Constant *> symbols;
  for (const PortSpec &port : net.inputs)
    for (size_t axis = 0; axis < QC_RT_MAX_RANK; ++axis)
      symbols.push_back(
          emit.i32(axis < port.axes.size() ? port.axes[axis].symbol : -1));
  return emit.table(symbols, "input_symbols");
}

static Constant *outputDims(Emitter &emit, const NetSpec &net) {
  SmallVector<Constant *> rows;
  for (const PortSpec &port : net.outputs)
    for (size_t axis = 0; axis < QC_RT_MAX_RANK; ++axis) {
      AxisSpec a = axis < port.axes.size() ? port.axes[axis] : AxisSpec();
      rows.push_back(emit.record({emit.i32(a.symbol), emit.i32(a.symbol2),
                                  emit.i64(a.scale), emit.i64(a.offset),
                                  emit.i64(a.divisor)}));
    }
  return emit.table(rows, "output_dims");
}

static Constant *levels(Emitter &emit, const ArtifactSpec &spec) {
  Type *part = Type::getInt32Ty(emit.context);
  SmallVector<Constant *> rows;
  for (const LevelObjects &at : spec.levels) {
    SmallVector<Constant *> kernels;
    for (const std::string &kernel : spec.net.kernels)
      kernels.push_back(kernel.empty()
                            ? emit.null()
                            : emit.function(codeSymbol(kernel, at.level),
                                            {emit.pointer, part}));
    rows.push_back(
        emit.record({emit.text(at.level.name),
                     emit.i64(requiredFeatures(spec.target.arch, at.level)),
                     emit.table(kernels, "kernels")}));
  }
  return emit.table(rows, "levels");
}

static Constant *oneDNNLayers(Emitter &emit, const NetSpec &net) {
  SmallVector<Constant *> rows;
  for (const qc_rt_onednn_layer &l : net.oneDNN) {
    SmallVector<Constant *> members;
    for (int64_t value :
         {l.batch, l.in_rows, l.in_columns, l.channels, l.rows, l.columns,
          l.filters, l.groups, l.kernel_h, l.kernel_w, l.stride_h, l.stride_w,
          l.dilation_h, l.dilation_w, l.weights, l.bias, l.integer})
      members.push_back(emit.i64(value));
    static_assert(sizeof l == 17 * sizeof(int64_t));
    rows.push_back(emit.record(members));
  }
  return emit.table(rows, "onednn_layers");
}

static void emitNet(Emitter &emit, const ArtifactSpec &spec,
                    const WeightsPlacement &weights, StringRef manifest) {
  const NetSpec &net = spec.net;
  SmallVector<Constant *> symbols;
  for (const SymbolSpec &symbol : net.symbols)
    symbols.push_back(emit.record(
        {emit.text(symbol.name), emit.i64(symbol.min), emit.i64(symbol.max)}));
  Constant *data = emit.null();
  if (weights.embedded && weights.bytes) {
    auto *global = new GlobalVariable(
        emit.module, Type::getInt8Ty(emit.context), true,
        GlobalValue::ExternalLinkage, nullptr, weightsSymbol);
    global->setVisibility(GlobalValue::HiddenVisibility);
    data = global;
  }
  auto *hash = ConstantDataArray::get(emit.context, ArrayRef(weights.hash));
  Constant *value = emit.record(
      {emit.i32(QC_RT_ABI),
       emit.i32(net.threading),
       emit.text(net.name),
       emit.text(manifest),
       ports(emit, net, net.inputs),
       ports(emit, net, net.outputs),
       inputSymbols(emit, net),
       outputDims(emit, net),
       emit.table(symbols, "symbols"),
       emit.i32(net.inputs.size()),
       emit.i32(net.outputs.size()),
       emit.i32(net.symbols.size()),
       emit.i32(net.kernels.size()),
       emit.i64(net.arenaBytes),
       emit.i64(weights.bytes),
       data,
       weights.embedded ? emit.null() : emit.text(net.name + ".weights"),
       hash,
       levels(emit, spec),
       emit.i64(spec.levels.size()),
       emit.function(QC_RT_GRAPH_SYMBOL, {emit.pointer}),
       oneDNNLayers(emit, net),
       emit.i64(net.oneDNN.size())});
  auto *global = new GlobalVariable(emit.module, value->getType(), true,
                                    GlobalValue::ExternalLinkage, value,
                                    "qc_rt_descriptor");
  global->setVisibility(GlobalValue::HiddenVisibility);
  global->setAlignment(Align(16));
}

/// struct qc_rt_language, member by member.
static void emitLanguage(Emitter &emit, const LanguageSpec &language) {
  const qc_rt_language &l = language.numbers;
  SmallVector<Constant *> members, ends;
  for (int64_t value : {l.layers, l.heads, l.row_bytes, l.vocabulary, l.context,
                        l.step_tokens, l.step_sequences})
    members.push_back(emit.i64(value));
  for (int32_t value :
       {l.tokens_symbol, l.rows_symbol, l.sequences_symbol, l.context_symbol})
    members.push_back(emit.i32(value));
  for (uint64_t value : {l.tokenizer_offset, l.tokenizer_bytes})
    members.push_back(emit.i64(value));
  members.push_back(language.chatTemplate.empty()
                        ? emit.null()
                        : emit.text(language.chatTemplate));
  for (int32_t end : language.ends)
    ends.push_back(emit.i32(end));
  members.push_back(emit.table(ends, "ends"));
  members.push_back(emit.i32(language.ends.size()));
  members.push_back(emit.i32(0));
  static_assert(sizeof l == 112);
  Constant *value = emit.record(members);
  auto *global = new GlobalVariable(emit.module, value->getType(), true,
                                    GlobalValue::ExternalLinkage, value,
                                    "qc_rt_language_descriptor");
  global->setVisibility(GlobalValue::HiddenVisibility);
  global->setAlignment(Align(16));
}

/// status qc_rt_run_f32(context, pointer per input, pointer per output)
static void emitRunF32(Emitter &emit, const NetSpec &net) {
  size_t count = net.inputs.size() + net.outputs.size();
  Type *status = Type::getInt32Ty(emit.context);
  SmallVector<Type *> types(count + 1, emit.pointer);
  auto *function = Function::Create(FunctionType::get(status, types, false),
                                    GlobalValue::ExternalLinkage,
                                    "qc_rt_run_f32", emit.module);
  IRBuilder<> builder(BasicBlock::Create(emit.context, "entry", function));
  Value *pointers = builder.CreateAlloca(ArrayType::get(emit.pointer, count));
  for (size_t i = 0; i < count; ++i)
    builder.CreateStore(function->getArg(i + 1),
                        builder.CreateConstGEP1_64(emit.pointer, pointers, i));
  Value *outputs =
      builder.CreateConstGEP1_64(emit.pointer, pointers, net.inputs.size());
  auto *run = cast<Function>(
      emit.function("qc_rt_run_pointers",
                    {emit.pointer, emit.pointer, emit.pointer}, status));
  builder.CreateRet(
      builder.CreateCall(run, {function->getArg(0), pointers, outputs}));
}

Expected<std::string> qc::artifact::emitObject(Module &module, Arch arch) {
  bool x86 = arch == Arch::X86_64;
  if (x86) {
    LLVMInitializeX86TargetInfo();
    LLVMInitializeX86Target();
    LLVMInitializeX86TargetMC();
    LLVMInitializeX86AsmPrinter();
  } else {
    LLVMInitializeAArch64TargetInfo();
    LLVMInitializeAArch64Target();
    LLVMInitializeAArch64TargetMC();
    LLVMInitializeAArch64AsmPrinter();
  }
  Triple triple(x86 ? "x86_64-unknown-linux-gnu" : "aarch64-unknown-linux-gnu");
  std::string error;
  const llvm::Target *target = TargetRegistry::lookupTarget(triple, error);
  if (!target)
    return inputError("target", "", "", "LLVM without " + triple.getArchName(),
                      "an LLVM with both architectures");
  std::unique_ptr<TargetMachine> machine(target->createTargetMachine(
      triple, x86 ? "x86-64" : "generic", "", TargetOptions(), Reloc::PIC_));
  module.setTargetTriple(triple);
  module.setDataLayout(machine->createDataLayout());
  SmallVector<char, 0> bytes;
  raw_svector_ostream stream(bytes);
  legacy::PassManager passes;
  if (machine->addPassesToEmitFile(passes, stream, nullptr,
                                   CodeGenFileType::ObjectFile))
    return inputError("target", "", "", "no object emitter", "one");
  passes.run(module);
  return std::string(bytes.data(), bytes.size());
}

Expected<std::string>
qc::artifact::descriptorObject(const ArtifactSpec &spec,
                               const WeightsPlacement &weights,
                               StringRef manifest) {
  LLVMContext context;
  Module module("descriptor", context);
  module.setPICLevel(PICLevel::BigPIC);
  Emitter emit(module);
  emitNet(emit, spec, weights, manifest);
  if (spec.net.language)
    emitLanguage(emit, *spec.net.language);
  if (hasRunF32(spec.net))
    emitRunF32(emit, spec.net);
  return emitObject(module, spec.target.arch);
}
