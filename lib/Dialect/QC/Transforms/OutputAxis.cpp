//===- OutputAxis.cpp - Sizes of results as formulas ----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "OutputAxis.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "qc/Dialect/QC/IR/QCOps.h"

using namespace mlir;
using namespace mlir::qc;

FailureOr<OutputAxis>
mlir::qc::outputAxisOf(OpFoldResult size,
                       const llvm::StringMap<int64_t> &symbols) {
  if (auto known = getConstantIntValue(size))
    return OutputAxis::constant(*known);
  Operation *op = cast<Value>(size).getDefiningOp();
  if (auto symbol = dyn_cast_or_null<SymbolOp>(op)) {
    auto number = symbols.find(symbol.getName());
    if (number == symbols.end())
      return failure();
    return OutputAxis{number->second, -1, 1, 0, 1};
  }
  if (!op || op->getNumOperands() != 2)
    return failure();
  FailureOr<OutputAxis> x = outputAxisOf(op->getOperand(0), symbols);
  FailureOr<OutputAxis> y = outputAxisOf(op->getOperand(1), symbols);
  if (failed(x) || failed(y))
    return failure();
  if (x->isConstant() && isa<arith::MulIOp, arith::AddIOp>(op))
    std::swap(*x, *y);
  if (isa<arith::MulIOp>(op) && x->divisor == 1) {
    if (y->isConstant())
      return OutputAxis{x->symbol, x->symbol2, x->scale * y->offset,
                        x->offset * y->offset, 1};
    if (x->symbol2 < 0 && y->symbol2 < 0 && x->offset == 0 && y->offset == 0 &&
        y->divisor == 1)
      return OutputAxis{x->symbol, y->symbol, x->scale * y->scale, 0, 1};
    return failure();
  }
  // n + n, of two parts that are equally long.
  bool alike = x->symbol == y->symbol && x->symbol2 == y->symbol2 &&
               x->divisor == 1 && y->divisor == 1;
  if (isa<arith::AddIOp>(op) && alike)
    return OutputAxis{x->symbol, x->symbol2, x->scale + y->scale,
                      x->offset + y->offset, 1};
  if (!y->isConstant())
    return failure();
  int64_t c = y->offset;
  if (isa<arith::AddIOp>(op)) {
    x->offset += c * x->divisor;
    return x;
  }
  if (isa<arith::SubIOp>(op)) {
    x->offset -= c * x->divisor;
    return x;
  }
  if (isa<arith::DivSIOp, arith::DivUIOp, arith::FloorDivSIOp>(op) && c > 0) {
    x->divisor *= c;
    return x;
  }
  return failure();
}
