//===- KernelBuilder.cpp - Writing kernels in C++ -------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Functions, memory and control flow; arithmetic is in KernelArithmetic.cpp.
//
//===----------------------------------------------------------------------===//

#include "qc/Target/Kernels/KernelBuilder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace qc;
using namespace qc::kernels;

unsigned Val::lanes() const {
  auto vector = dyn_cast<VectorType>(type());
  return vector ? vector.getNumElements() : 1;
}

//===----------------------------------------------------------------------===//
// Functions and arguments
//===----------------------------------------------------------------------===//

/// The attributes of every function made here.
static void addFunctionAttributes(LLVM::LLVMFuncOp func, OpBuilder &builder) {
  func.setNoUnwind(true);
  func.setArgAttr(0, "llvm.noundef", builder.getUnitAttr());
}

KernelBuilder::KernelBuilder(ModuleOp module, const Target &target,
                             const CpuLevel &level, StringRef symbol)
    : module(module), theTarget(target), theLevel(level),
      builder(module.getContext()), location(builder.getUnknownLoc()) {
  builder.setInsertionPointToEnd(module.getBody());
  auto type = LLVM::LLVMFunctionType::get(
      LLVM::LLVMVoidType::get(module.getContext()), {ptr(), i32()});
  kernelFunc = Function::create(builder, location, symbol, type);
  addFunctionAttributes(kernelFunc, builder);
  Block *entry = kernelFunc.addEntryBlock(builder);
  builder.setInsertionPointToStart(entry);
  slotsArg = wrap(entry->getArgument(0));
  partArg = convert(wrap(entry->getArgument(1)), i64Type());
}

void KernelBuilder::finish() {
  LLVM::ReturnOp::create(builder, location, ValueRange());
}

Function KernelBuilder::function(StringRef name, ArrayRef<Type> types,
                                 llvm::function_ref<void(ArrayRef<Val>)> body) {
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPoint(kernelFunc);
  auto type = LLVM::LLVMFunctionType::get(
      LLVM::LLVMVoidType::get(module.getContext()), types);
  std::string symbol = (kernelFunc.getSymName() + "_" + name).str();
  auto func = Function::create(builder, location, symbol, type,
                               LLVM::Linkage::Internal);
  addFunctionAttributes(func, builder);
  func.setNoInline(true);
  Block *entry = func.addEntryBlock(builder);
  builder.setInsertionPointToStart(entry);
  Vals arguments;
  for (BlockArgument argument : entry->getArguments())
    arguments.push_back(wrap(argument));
  body(arguments);
  LLVM::ReturnOp::create(builder, location, ValueRange());
  return func;
}

void KernelBuilder::call(Function callee, ArrayRef<Val> arguments) {
  SmallVector<Value> values;
  for (Val argument : arguments)
    values.push_back(argument.value);
  LLVM::CallOp::create(builder, location, callee, values);
}

Val KernelBuilder::slot(unsigned index) {
  return load(i64Type(), slotsArg + 8 * index);
}

Val KernelBuilder::slotPtr(unsigned index) {
  return load(ptr(), slotsArg + 8 * index);
}

// Slots are little-endian 64-bit words on every target.
Val KernelBuilder::slotI32(unsigned index) {
  return load(i32(), slotsArg + 8 * index);
}

Val KernelBuilder::slotF32(unsigned index) {
  return load(f32(), slotsArg + 8 * index);
}

//===----------------------------------------------------------------------===//
// Types and constants
//===----------------------------------------------------------------------===//

Type KernelBuilder::ptr() {
  return LLVM::LLVMPointerType::get(builder.getContext());
}

Type KernelBuilder::vec(Type element, unsigned lanes) {
  return lanes == 1 ? element : VectorType::get({int64_t(lanes)}, element);
}

Val KernelBuilder::number(Type type, Operand value) {
  if (value.val.value)
    return value.val;
  Type element = getElementTypeOrSelf(type);
  TypedAttr attr = isa<FloatType>(element)
                       ? TypedAttr(builder.getFloatAttr(element, value.number))
                       : builder.getIntegerAttr(element, value.integer);
  if (auto vector = dyn_cast<VectorType>(type))
    attr = DenseElementsAttr::get(vector, Attribute(attr));
  return wrap(arith::ConstantOp::create(builder, location, attr));
}

Val KernelBuilder::numbers(Type element, ArrayRef<int64_t> values) {
  SmallVector<Attribute> attrs;
  for (int64_t v : values)
    attrs.push_back(builder.getIntegerAttr(element, v));
  auto type = VectorType::get({int64_t(values.size())}, element);
  return wrap(arith::ConstantOp::create(builder, location,
                                        DenseElementsAttr::get(type, attrs)));
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

Val KernelBuilder::load(Type type, Val pointer) {
  return wrap(LLVM::LoadOp::create(builder, location, type, pointer.value, 1));
}

void KernelBuilder::store(Val value, Val pointer) {
  LLVM::StoreOp::create(builder, location, value.value, pointer.value, 1);
}

Val KernelBuilder::loadMasked(Type type, Val pointer, Val mask) {
  Val rest = zero(type);
  auto op = LLVM::MaskedLoadOp::create(builder, location, type, pointer.value,
                                       mask.value, rest.value, 1u);
  return wrap(op.getResult());
}

void KernelBuilder::storeMasked(Val value, Val pointer, Val mask) {
  LLVM::MaskedStoreOp::create(builder, location, value.value, pointer.value,
                              mask.value, builder.getI32IntegerAttr(1));
}

Val KernelBuilder::tailMask(unsigned lanes, Val count) {
  SmallVector<int64_t> iota;
  for (unsigned i = 0; i < lanes; ++i)
    iota.push_back(i);
  return numbers(i32(), iota) < splat(convert(count, i32()), lanes);
}

Val KernelBuilder::loadStrip(Type element, Val pointer, Strip strip) {
  Type type = vec(element, strip.lanes);
  return strip.mask ? loadMasked(type, pointer, strip.mask)
                    : load(type, pointer);
}

void KernelBuilder::storeStrip(Val value, Val pointer, Strip strip) {
  if (strip.mask)
    return storeMasked(value, pointer, strip.mask);
  store(value, pointer);
}

Val KernelBuilder::stack(int64_t bytes, unsigned align) {
  OpBuilder::InsertionGuard guard(builder);
  auto func = builder.getInsertionBlock()
                  ->getParent()
                  ->getParentOfType<LLVM::LLVMFuncOp>();
  if (auto own = dyn_cast<LLVM::LLVMFuncOp>(
          builder.getInsertionBlock()->getParentOp()))
    func = own;
  builder.setInsertionPointToStart(&func.getBody().front());
  return wrap(LLVM::AllocaOp::create(builder, location, ptr(), i8(),
                                     i64(bytes).value, align));
}

Val KernelBuilder::data(ArrayRef<int32_t> words) {
  auto type = RankedTensorType::get({int64_t(words.size())}, i32());
  auto attr = DenseElementsAttr::get(type, words);
  LLVM::GlobalOp global;
  for (auto other : module.getOps<LLVM::GlobalOp>())
    if (other.getValueOrNull() == attr)
      global = other;
  if (!global) {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(module.getBody());
    unsigned count = llvm::range_size(module.getOps<LLVM::GlobalOp>());
    std::string name = (kernelFunc.getSymName() + "_data" + Twine(count)).str();
    global = LLVM::GlobalOp::create(
        builder, location, LLVM::LLVMArrayType::get(i32(), words.size()),
        /*isConstant=*/true, LLVM::Linkage::Private, name, attr,
        /*alignment=*/64);
  }
  return wrap(LLVM::AddressOfOp::create(builder, location, global));
}

//===----------------------------------------------------------------------===//
// Control
//===----------------------------------------------------------------------===//

void KernelBuilder::yield(ArrayRef<Val> values) {
  SmallVector<Value> operands;
  for (Val v : values)
    operands.push_back(v.value);
  scf::YieldOp::create(builder, location, operands);
}

void KernelBuilder::loop(Val lo, Operand hi, Operand step, Body body) {
  loop(lo, hi, step, {}, [&](Val i, ArrayRef<Val>) {
    body(i);
    return Vals();
  });
}

KernelBuilder::Vals KernelBuilder::loop(Val lo, Operand hi, Operand step,
                                        ArrayRef<Val> init, FoldBody body) {
  SmallVector<Value> values;
  for (Val v : init)
    values.push_back(v.value);
  auto op = scf::ForOp::create(builder, location, lo.value, like(lo, hi).value,
                               like(lo, step).value, values);
  {
    OpBuilder::InsertionGuard guard(builder);
    Block *block = op.getBody();
    if (!block->empty())
      block->back().erase();
    builder.setInsertionPointToEnd(block);
    Vals carried;
    for (BlockArgument v : op.getRegionIterArgs())
      carried.push_back(wrap(v));
    yield(body(wrap(op.getInductionVar()), carried));
  }
  Vals results;
  for (Value v : op.getResults())
    results.push_back(wrap(v));
  return results;
}

void KernelBuilder::ifThen(Val condition, llvm::function_ref<void()> then) {
  auto op = scf::IfOp::create(builder, location, TypeRange(), condition.value,
                              /*addThenBlock=*/true, /*addElseBlock=*/false);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToEnd(op.thenBlock());
  then();
  yield({});
}

KernelBuilder::Vals
KernelBuilder::ifElse(Val condition, llvm::function_ref<Vals()> then,
                      llvm::function_ref<Vals()> otherwise) {
  // The types of the results are known once the first branch is built.
  auto probe = scf::IfOp::create(builder, location, TypeRange(),
                                 condition.value, true, true);
  SmallVector<Type> types;
  {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToEnd(probe.thenBlock());
    Vals values = then();
    for (Val v : values)
      types.push_back(v.type());
    yield(values);
    builder.setInsertionPointToEnd(probe.elseBlock());
    yield(otherwise());
  }
  auto op = scf::IfOp::create(builder, location, types, condition.value);
  op.getThenRegion().takeBody(probe.getThenRegion());
  op.getElseRegion().takeBody(probe.getElseRegion());
  probe.erase();
  Vals results;
  for (Value v : op.getResults())
    results.push_back(wrap(v));
  return results;
}

void KernelBuilder::switchOn(Val index, unsigned cases,
                             llvm::function_ref<void(unsigned)> body) {
  Value key = arith::IndexCastOp::create(builder, location,
                                         builder.getIndexType(), index.value);
  SmallVector<int64_t> keys;
  for (unsigned k = 0; k + 1 < cases; ++k)
    keys.push_back(k);
  auto op = scf::IndexSwitchOp::create(builder, location, TypeRange(), key,
                                       keys, keys.size());
  OpBuilder::InsertionGuard guard(builder);
  for (unsigned k = 0; k < cases; ++k) {
    Region &region =
        k + 1 < cases ? op.getCaseRegions()[k] : op.getDefaultRegion();
    builder.createBlock(&region);
    body(k);
    yield({});
  }
}

void KernelBuilder::strips(Val lo, Operand hi, unsigned lanes,
                           llvm::function_ref<void(Val, Strip)> body) {
  Val end = max(like(lo, hi), lo);
  if (lanes == 1)
    return loop(lo, end, 1, [&](Val i) { body(i, Strip{1, Val()}); });
  Val count = end - lo;
  Val whole = lo + (count - (count & (lanes - 1)));
  if (lanes & (lanes - 1))
    whole = lo + (count - count % lanes);
  loop(lo, whole, lanes, [&](Val i) { body(i, Strip{lanes, Val()}); });
  if (!hasMasks())
    return loop(whole, end, 1, [&](Val i) { body(i, Strip{1, Val()}); });
  ifThen(whole < end,
         [&] { body(whole, Strip{lanes, tailMask(lanes, end - whole)}); });
}
