//===- KernelsToLLVM.cpp - The graph of level 5 to the LLVM dialect -------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// main becomes qc_graph(struct qc_rt_exec *exec). Its launches share one array
// of slots on the stack: the constants of a launch are copied there from
// read-only data, addresses and sizes are stored over them.
//
//===----------------------------------------------------------------------===//

#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/LLVMCommon/ConversionTarget.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Transforms/DialectConversion.h"
#include "qc/Conversion/Passes.h"
#include "qc/Dialect/QC/IR/QCOps.h"
#include "qc/Runtime/Descriptor.h"
#include "qc/TargetInfo/KernelSlots.h"
#include "llvm/ADT/MapVector.h"

#include <cstddef>

namespace mlir::qc {
#define GEN_PASS_DEF_CONVERTKERNELSTOLLVM
#include "qc/Conversion/Passes.h.inc"
} // namespace mlir::qc

using namespace mlir;
using namespace mlir::qc;

namespace {
/// Writes qc_graph from the launches of one function.
class GraphWriter {
public:
  GraphWriter(func::FuncOp source, OpBuilder &builder)
      : source(source), b(builder), loc(source.getLoc()),
        ptr(LLVM::LLVMPointerType::get(builder.getContext())),
        i64(builder.getI64Type()), i32(builder.getI32Type()) {}

  LLVM::LLVMFuncOp write();
  ArrayAttr kernels();
  /// A dictionary {layer, slots} for each launch of oneDNN.
  ArrayAttr oneDNNLayers() { return b.getArrayAttr(provided); }

private:
  Value constant(Type type, int64_t value) {
    return LLVM::ConstantOp::create(b, loc, type,
                                    b.getIntegerAttr(type, value));
  }
  Value offset(Value base, int64_t bytes) {
    if (bytes == 0)
      return base;
    return LLVM::GEPOp::create(b, loc, ptr, b.getI8Type(), base,
                               ArrayRef<LLVM::GEPArg>{int32_t(bytes)});
  }
  Value field(size_t bytes) {
    return LLVM::LoadOp::create(b, loc, ptr, offset(exec, int64_t(bytes)));
  }
  Value asI64(Value index) {
    return UnrealizedConversionCastOp::create(b, loc, i64, index).getResult(0);
  }
  void writeBuffer(BufferOp op);
  void writeSymbol(SymbolOp op);
  void writeLaunch(LaunchOp op);
  int64_t kernelNumber(LaunchOp op);
  SmallVector<int64_t> constantSlots(LaunchOp op);
  Value constantsOf(ArrayRef<int64_t> values);

  func::FuncOp source;
  OpBuilder &b;
  Location loc;
  Type ptr, i64, i32;
  Value exec, slots, run;
  IRMapping map;
  llvm::MapVector<std::pair<StringAttr, Attribute>, int64_t> numbers;
  llvm::StringMap<int64_t> symbolNumbers;
  SmallVector<Attribute> provided;
  int64_t tables = 0;
};
} // namespace

int64_t GraphWriter::kernelNumber(LaunchOp op) {
  Attribute encoding = op.getEncoding().value_or(Attribute());
  auto next = static_cast<int64_t>(numbers.size());
  return numbers.try_emplace({op.getKeyAttr(), encoding}, next).first->second;
}

ArrayAttr GraphWriter::kernels() {
  SmallVector<Attribute> list;
  for (auto &[key, number] : numbers)
    list.push_back(key.second
                       ? Attribute(b.getArrayAttr({key.first, key.second}))
                       : Attribute(key.first));
  return b.getArrayAttr(list);
}

/// The address of read-only data with these values.
Value GraphWriter::constantsOf(ArrayRef<int64_t> values) {
  auto type = LLVM::LLVMArrayType::get(i64, values.size());
  auto data = DenseElementsAttr::get(
      RankedTensorType::get({int64_t(values.size())}, i64), values);
  LLVM::GlobalOp table;
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPoint(source);
    table =
        LLVM::GlobalOp::create(b, loc, type, true, LLVM::Linkage::Private,
                               "qc_slots_" + std::to_string(tables++), data);
  }
  return LLVM::AddressOfOp::create(b, loc, ptr, table.getSymName());
}

void GraphWriter::writeBuffer(BufferOp op) {
  StringRef space = op.getSpace();
  int64_t number = op.getOffset();
  Value address;
  if (space == "arena" || space == "weights") {
    Value base = field(space == "arena" ? offsetof(qc_rt_exec, arena)
                                        : offsetof(qc_rt_exec, weights));
    Value bytes = constant(i64, number);
    address = LLVM::GEPOp::create(b, loc, ptr, b.getI8Type(), base,
                                  ArrayRef<LLVM::GEPArg>{bytes});
  } else {
    Value table = field(space == "input" ? offsetof(qc_rt_exec, inputs)
                                         : offsetof(qc_rt_exec, outputs));
    address = LLVM::LoadOp::create(b, loc, ptr,
                                   offset(table, number * sizeof(void *)));
  }
  map.map(op.getResult(), address);
}

void GraphWriter::writeSymbol(SymbolOp op) {
  auto number = static_cast<int64_t>(symbolNumbers.size());
  number = symbolNumbers.try_emplace(op.getName(), number).first->second;
  Value table = field(offsetof(qc_rt_exec, dims));
  Value size = LLVM::LoadOp::create(b, loc, i64,
                                    offset(table, number * sizeof(int64_t)));
  map.map(op.getResult(),
          UnrealizedConversionCastOp::create(b, loc, b.getIndexType(), size)
              .getResult(0));
}

/// The constants of a launch. One of oneDNN gets its number here, and is kept
/// with the byte offsets of what it has in the weights (-1: nothing).
SmallVector<int64_t> GraphWriter::constantSlots(LaunchOp op) {
  namespace S = ::qc::slots::onednn;
  SmallVector<int64_t> constants(op.getConstants());
  if (!op.getKey().starts_with("onednn:"))
    return constants;
  constants[S::Layer] = static_cast<int64_t>(provided.size());
  SmallVector<int64_t> described(constants);
  described[S::W] = described[S::Bias] = -1;
  for (auto [buffer, slot] :
       llvm::zip_equal(op.getBuffers(), op.getBufferSlots()))
    if (slot == S::W || slot == S::Bias)
      described[slot] = buffer.getDefiningOp<BufferOp>().getOffset();
  provided.push_back(b.getDictionaryAttr(
      {b.getNamedAttr("layer", b.getStringAttr(op.getLayer().value_or(""))),
       b.getNamedAttr("slots", b.getDenseI64ArrayAttr(described))}));
  return constants;
}

void GraphWriter::writeLaunch(LaunchOp op) {
  Value table = constantsOf(constantSlots(op));
  LLVM::MemcpyOp::create(
      b, loc, slots, table,
      constant(i64, op.getConstants().size() * sizeof(int64_t)), false);
  auto store = [&](Value value, int64_t slot) {
    LLVM::StoreOp::create(b, loc, value,
                          offset(slots, slot * int64_t(sizeof(int64_t))));
  };
  for (auto [buffer, slot] :
       llvm::zip_equal(op.getBuffers(), op.getBufferSlots()))
    store(map.lookup(buffer), slot);
  for (auto [size, slot] : llvm::zip_equal(op.getSizes(), op.getSizeSlots()))
    store(asI64(map.lookup(size)), slot);
  Value parts =
      LLVM::TruncOp::create(b, loc, i32, asI64(map.lookup(op.getParts())));
  auto type = LLVM::LLVMFunctionType::get(
      LLVM::LLVMVoidType::get(b.getContext()), {ptr, i32, ptr, i32});
  LLVM::CallOp::create(
      b, loc, type,
      ValueRange{run, exec, constant(i32, kernelNumber(op)), slots, parts});
}

LLVM::LLVMFuncOp GraphWriter::write() {
  // Symbols are numbered in the order of the module's bounds.
  if (auto bounds =
          source->getParentOp()->getAttrOfType<DictionaryAttr>("qc.bounds"))
    for (NamedAttribute bound : bounds)
      symbolNumbers.try_emplace(bound.getName(), symbolNumbers.size());
  b.setInsertionPoint(source);
  auto type = LLVM::LLVMFunctionType::get(
      LLVM::LLVMVoidType::get(b.getContext()), {ptr});
  auto graph = LLVM::LLVMFuncOp::create(b, loc, QC_RT_GRAPH_SYMBOL, type);
  graph.setVisibility_(LLVM::Visibility::Hidden);
  Block *entry = graph.addEntryBlock(b);
  b.setInsertionPointToStart(entry);
  exec = entry->getArgument(0);
  int64_t most = 1;
  source.walk([&](LaunchOp op) {
    most = std::max<int64_t>(most, op.getConstants().size());
  });
  slots = LLVM::AllocaOp::create(b, loc, ptr, i64, constant(i64, most), 64);
  run = field(offsetof(qc_rt_exec, run));
  for (Operation &op : source.getBody().front().without_terminator()) {
    loc = op.getLoc();
    if (auto buffer = dyn_cast<BufferOp>(op))
      writeBuffer(buffer);
    else if (auto symbol = dyn_cast<SymbolOp>(op))
      writeSymbol(symbol);
    else if (auto launch = dyn_cast<LaunchOp>(op))
      writeLaunch(launch);
    else
      b.clone(op, map);
  }
  LLVM::ReturnOp::create(b, loc, ValueRange());
  return graph;
}

namespace {
struct ConvertKernelsToLLVM
    : mlir::qc::impl::ConvertKernelsToLLVMBase<ConvertKernelsToLLVM> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    OpBuilder builder(&getContext());
    SmallVector<func::FuncOp> graphs;
    for (auto function : module.getOps<func::FuncOp>())
      if (!function.isPrivate() && !function.isExternal())
        graphs.push_back(function);
    for (func::FuncOp function : graphs) {
      GraphWriter writer(function, builder);
      LLVM::LLVMFuncOp graph = writer.write();
      // What the last levels need of the function stays on the module.
      module->setAttr("qc.kernels", writer.kernels());
      module->setAttr("qc.onednn", writer.oneDNNLayers());
      for (StringRef name : {"qc.type", "qc.inputs", "qc.outputs"})
        if (Attribute value = function->getAttr(name))
          module->setAttr(name, value);
      function.erase();
      if (failed(lowerArithmetic(graph)))
        return signalPassFailure();
    }
  }

  /// Index arithmetic between the launches.
  LogicalResult lowerArithmetic(LLVM::LLVMFuncOp graph) {
    LLVMTypeConverter converter(&getContext());
    RewritePatternSet patterns(&getContext());
    arith::populateArithToLLVMConversionPatterns(converter, patterns);
    LLVMConversionTarget target(getContext());
    target.addLegalOp<UnrealizedConversionCastOp>();
    target.addIllegalDialect<arith::ArithDialect>();
    if (failed(applyPartialConversion(graph, target, std::move(patterns))))
      return failure();
    SmallVector<UnrealizedConversionCastOp> casts;
    graph.walk([&](UnrealizedConversionCastOp op) { casts.push_back(op); });
    reconcileUnrealizedCasts(casts);
    return success();
  }
};
} // namespace
