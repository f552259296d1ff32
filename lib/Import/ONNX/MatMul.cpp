//===- MatMul.cpp - Matrix products ---------------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// MatMul and Gemm: linalg.matmul where the second operand is a matrix,
// linalg.batch_matmul otherwise.
//
//===----------------------------------------------------------------------===//

#include "Ops.h"

using namespace mlir;
using namespace qconnx;

FailureOr<Val> qconnx::multiplyMatrices(OnnxOp &op, Val x, Val y) {
  Emit &e = op.e;
  if (x.rank() == 0 || y.rank() == 0)
    return op.fail("a scalar", "rank 1 or more");
  bool isRow = x.rank() == 1, isColumn = y.rank() == 1;
  if (isRow)
    x = e.reshape(x, {e.num(1), x.dims[0]});
  if (isColumn)
    y = e.reshape(y, {y.dims[0], e.num(1)});
  Dim inner = x.dims.back(), other = y.dims[y.rank() - 2];
  std::optional<int64_t> a = getNumber(inner), b = getNumber(other);
  if (a && b && *a != *b)
    return op.fail("inner sizes " + Twine(*a) + " and " + Twine(*b),
                   "equal sizes");
  e.math.needEqual(e.loc, inner, other);
  if (b && !a) {
    Dims dims = x.dims;
    dims.back() = other;
    x = e.cast(x, dims);
  } else if (a && !b) {
    Dims dims = y.dims;
    dims[y.rank() - 2] = inner;
    y = e.cast(y, dims);
  }
  // A matrix times a stack is a stack of products.
  if (x.rank() == 2 && y.rank() > 2) {
    Dims dims(y.rank() - 2, e.num(1));
    dims.append(x.dims);
    x = e.reshape(x, dims);
  }
  // A stack of one matrix is that matrix.
  if (y.rank() > 2 && y.rank() <= x.rank() &&
      llvm::all_of(ArrayRef(y.dims).drop_back(2),
                   [](Dim dim) { return getNumber(dim) == 1; }))
    y = e.reshape(y, Dims(y.dims.end() - 2, y.dims.end()));
  Val result = e.matmul(x, y);
  if (!result)
    return op.fail("batch sizes that do not broadcast",
                   "equal sizes or sizes of 1");
  Dims dims = result.dims;
  if (isColumn)
    dims.pop_back();
  if (isRow)
    dims.erase(dims.end() - (isColumn ? 1 : 2));
  return e.reshape(result, dims);
}

static LogicalResult importMatMul(OnnxOp &op) {
  if (op.in(0).type != op.in(1).type)
    return op.fail("types " + getName(op.in(0).type) + " and " +
                       getName(op.in(1).type),
                   "equal types");
  FailureOr<Val> result = multiplyMatrices(op, op.val(0), op.val(1));
  if (failed(result))
    return failure();
  op.out(0, op.in(0).type, *result);
  return success();
}

static LogicalResult importGemm(OnnxOp &op) {
  if (failed(op.expectRank(0, 2)) || failed(op.expectRank(1, 2)))
    return failure();
  Emit &e = op.e;
  Val x = op.val(0), y = op.val(1);
  if (x.elementType() != y.elementType())
    return op.fail("operands of different types", "equal types");
  // The factor of a weight is one of the weight.
  float alpha = op.floatAttr("alpha", 1);
  if (op.in(1).constant && y.isFloat())
    y = e.scale(y, std::exchange(alpha, 1.0f));
  if (op.intAttr("transA", 0))
    x = e.transpose(x, {1, 0});
  if (op.intAttr("transB", 0))
    y = e.transpose(y, {1, 0});
  FailureOr<Val> product = multiplyMatrices(op, x, y);
  if (failed(product))
    return failure();
  Val result = e.scale(*product, alpha);
  if (op.has(2) && op.floatAttr("beta", 1) != 0) {
    std::optional<Dims> dims = broadcastDims(result.dims, op.in(2).dims);
    if (!dims || !isEqual(*dims, result.dims))
      return op.fail("a third operand that does not broadcast",
                     "the size of the product");
    // Scaled before it is broadcast, a bias stays one for each column.
    float beta = op.floatAttr("beta", 1);
    Val sum = beta == 1 ? op.valAs(2, *dims)
                        : e.broadcast(e.scale(op.val(2), beta), *dims);
    result = result.isFloat() ? e.addf(result, sum)
                              : e.apply<arith::AddIOp>(result, sum);
  }
  op.out(0, op.in(0).type, result);
  return success();
}

llvm::ArrayRef<OpInfo> qconnx::getMatMulOps() {
  static const OpInfo rows[] = {{"Gemm", 2, 3, importGemm},
                                {"MatMul", 2, 2, importMatMul}};
  return rows;
}
