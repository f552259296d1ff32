//===- LargestSize.cpp - The largest value of a size ----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LargestSize.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "qc/Dialect/QC/IR/QCOps.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::qc;

FailureOr<int64_t> mlir::qc::getLargestSize(OpFoldResult size) {
  if (auto known = getConstantIntValue(size))
    return *known;
  Operation *op = cast<Value>(size).getDefiningOp();
  if (auto symbol = dyn_cast_or_null<SymbolOp>(op))
    return static_cast<int64_t>(symbol.getMax());
  if (!op || op->getNumOperands() == 0)
    return failure();
  SmallVector<int64_t> values;
  for (Value operand : op->getOperands()) {
    FailureOr<int64_t> value = getLargestSize(OpFoldResult(operand));
    if (failed(value))
      return failure();
    values.push_back(*value);
  }
  if (auto apply = dyn_cast<affine::AffineApplyOp>(op)) {
    SmallVector<Attribute> operands, results;
    for (int64_t value : values)
      operands.push_back(Builder(op->getContext()).getIndexAttr(value));
    if (failed(apply.getAffineMap().constantFold(operands, results)))
      return failure();
    return cast<IntegerAttr>(results.front()).getInt();
  }
  if (isa<arith::IndexCastOp>(op))
    return values[0];
  if (values.size() != 2)
    return failure();
  int64_t a = values[0], b = values[1];
  return llvm::TypeSwitch<Operation *, FailureOr<int64_t>>(op)
      .Case<arith::AddIOp>([&](auto) { return a + b; })
      .Case<arith::SubIOp>([&](auto) { return a - b; })
      .Case<arith::MulIOp>([&](auto) { return a * b; })
      .Case<arith::DivSIOp, arith::DivUIOp, arith::FloorDivSIOp>(
          [&](auto) -> FailureOr<int64_t> {
            if (b == 0)
              return failure();
            return a / b;
          })
      .Case<arith::CeilDivSIOp, arith::CeilDivUIOp>(
          [&](auto) -> FailureOr<int64_t> {
            if (b == 0)
              return failure();
            return (a + b - 1) / b;
          })
      .Case<arith::MaxSIOp>([&](auto) { return std::max(a, b); })
      .Case<arith::MinSIOp>([&](auto) { return std::min(a, b); })
      .Default([](Operation *) { return failure(); });
}
