//===- GenericKernels.cpp - Outlined functions as kernels -----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The outlined function is called between memrefs that are made from the slots
// of the launch; Pipelines has upstream fuse, bufferize and lower it to loops.
//
//===----------------------------------------------------------------------===//

#include "qc/Conversion/GenericKernels.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;

namespace {
/// Makes memrefs and index values from the slots of a launch.
struct SlotReader {
  OpBuilder &b;
  Location loc;
  Value slots;

  Value load(Type type, int64_t slot) {
    auto ptr = LLVM::LLVMPointerType::get(b.getContext());
    Value address = LLVM::GEPOp::create(b, loc, ptr, b.getI64Type(), slots,
                                        ArrayRef<LLVM::GEPArg>{int32_t(slot)});
    return LLVM::LoadOp::create(b, loc, type, address);
  }
  Value constant(int64_t value) {
    return LLVM::ConstantOp::create(b, loc, b.getI64Type(),
                                    b.getI64IntegerAttr(value));
  }

  /// A contiguous memref at the address in `slot`; `dynamic` is the next slot
  /// that holds a dynamic size.
  Value memref(RankedTensorType type, int64_t slot, int64_t &dynamic) {
    MLIRContext *context = b.getContext();
    auto ptr = LLVM::LLVMPointerType::get(context);
    Type i64 = b.getI64Type();
    SmallVector<Type> fields{ptr, ptr, i64};
    int64_t rank = type.getRank();
    if (rank > 0)
      fields.append(2, LLVM::LLVMArrayType::get(i64, rank));
    auto structType = LLVM::LLVMStructType::getLiteral(context, fields);
    Value descriptor = LLVM::UndefOp::create(b, loc, structType);
    auto insert = [&](Value value, ArrayRef<int64_t> position) {
      descriptor =
          LLVM::InsertValueOp::create(b, loc, descriptor, value, position);
    };
    Value address = load(ptr, slot);
    insert(address, {0});
    insert(address, {1});
    insert(constant(0), {2});
    SmallVector<Value> sizes;
    for (int64_t size : type.getShape())
      sizes.push_back(ShapedType::isDynamic(size) ? load(i64, dynamic++)
                                                  : constant(size));
    Value stride = constant(1);
    for (int64_t axis = rank; axis-- > 0;) {
      insert(sizes[axis], {3, axis});
      insert(stride, {4, axis});
      stride = LLVM::MulOp::create(b, loc, stride, sizes[axis]);
    }
    auto memrefType = MemRefType::get(type.getShape(), type.getElementType());
    return UnrealizedConversionCastOp::create(b, loc, memrefType, descriptor)
        .getResult(0);
  }
};
} // namespace

LogicalResult mlir::qc::addGenericKernel(ModuleOp module, func::FuncOp source,
                                         StringRef symbol) {
  OpBuilder b = OpBuilder::atBlockEnd(module.getBody());
  Location loc = source.getLoc();
  auto ptr = LLVM::LLVMPointerType::get(b.getContext());
  auto kernel = func::FuncOp::create(
      b, loc, symbol, b.getFunctionType({ptr, b.getI32Type()}, {}));
  Block *body = kernel.addEntryBlock();
  b.setInsertionPointToStart(body);
  SlotReader reader{b, loc, body->getArgument(0)};
  auto inputs = source.getArgumentTypes();
  auto results = source.getResultTypes();
  int64_t tensors = llvm::count_if(inputs, llvm::IsaPred<RankedTensorType>);
  int64_t slot = 0, dynamic = tensors + results.size();
  IRMapping map;
  for (BlockArgument argument : source.getArguments()) {
    auto type = dyn_cast<RankedTensorType>(argument.getType());
    if (!type)
      continue;
    Value memory = reader.memref(type, slot++, dynamic);
    map.map(argument, bufferization::ToTensorOp::create(b, loc, type, memory,
                                                        /*restrict=*/true));
  }
  SmallVector<Value> outputs;
  for (Type type : results)
    outputs.push_back(
        reader.memref(cast<RankedTensorType>(type), slot++, dynamic));
  for (BlockArgument argument : source.getArguments())
    if (!isa<RankedTensorType>(argument.getType()))
      map.map(argument, UnrealizedConversionCastOp::create(
                            b, loc, b.getIndexType(),
                            reader.load(b.getI64Type(), dynamic++))
                            .getResult(0));
  Block &code = source.getBody().front();
  for (Operation &op : code.without_terminator())
    b.clone(op, map);
  for (auto [value, output] :
       llvm::zip_equal(code.getTerminator()->getOperands(), outputs)) {
    auto store = bufferization::MaterializeInDestinationOp::create(
        b, loc, Type(), map.lookup(value), output);
    store.setRestrict(true);
    store.setWritable(true);
  }
  func::ReturnOp::create(b, loc);
  return success();
}
