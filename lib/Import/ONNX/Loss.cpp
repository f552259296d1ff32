//===- Loss.cpp - Losses --------------------------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Negative log likelihood and cross entropy, as evaluation graphs have them.
//
//===----------------------------------------------------------------------===//

#include "Ops.h"

using namespace mlir;
using namespace qconnx;

/// For each target its class's weight, zero where it is ignored.
static Val classWeights(OnnxOp &op, const Val &target, Dim classes) {
  Emit &e = op.e;
  Type f32 = e.b.getF32Type();
  bool ignores = op.hasAttr("ignore_index");
  int64_t ignored = op.intAttr("ignore_index", 0);
  Value weights = op.has(2) ? op.val(2).value : Value();
  return e.map(
      target, f32,
      [&](OpBuilder &b, Location at, ValueRange arguments) -> Value {
        Value one = bodyConstant(b, at, f32, 1);
        if (weights)
          one = bodyAt(b, at, weights, bodyWrap(b, at, arguments[0], classes));
        if (!ignores)
          return one;
        Value other =
            bodyConstant(b, at, target.elementType(), double(ignored));
        Value isIgnored = arith::CmpIOp::create(b, at, arith::CmpIPredicate::eq,
                                                arguments[0], other);
        return arith::SelectOp::create(b, at, isIgnored,
                                       bodyConstant(b, at, f32, 0), one);
      });
}

/// -log_prob of the target times its weight, reduced as the node says.
static FailureOr<Val> likelihood(OnnxOp &op, const Val &logs) {
  Emit &e = op.e;
  Val target = op.val(1);
  if (logs.rank() < 2 || target.rank() != logs.rank() - 1 || !logs.isFloat() ||
      target.isFloat())
    return op.fail("targets of rank " + Twine(target.rank()),
                   "integers of rank " + Twine(logs.rank() - 1));
  if (op.has(2) && (op.in(2).rank() != 1 || !op.in(2).isFloat() ||
                    !isEqual(op.in(2).dims[0], logs.dims[1])))
    return op.fail("weights of another size", "a float for each class");
  Val weights = classWeights(op, target, logs.dims[1]);
  Val picked = e.generate(
      logs.elementType(), target.dims,
      [&](OpBuilder &b, Location at, ValueRange index) -> Value {
        SmallVector<Value> source(index);
        source.insert(
            source.begin() + 1,
            bodyWrap(b, at, bodyAt(b, at, target.value, index), logs.dims[1]));
        return bodyAt(b, at, logs.value, source);
      });
  // What is ignored counts nothing, even where it is infinite.
  Val isUsed =
      e.compare(arith::CmpFPredicate::UNE, weights, e.splatLike(weights, 0));
  Val losses = e.apply<arith::NegFOp>(e.mulf(picked, weights));
  losses = e.select(isUsed, losses, e.splatLike(losses, 0));
  std::string reduction = op.stringAttr("reduction", "mean");
  if (reduction == "none")
    return losses;
  SmallVector<int64_t> axes =
      llvm::to_vector(llvm::seq<int64_t>(0, losses.rank()));
  Val sum = e.reduce(losses, axes, Reduction::Sum, /*keep=*/false);
  if (reduction == "sum")
    return sum;
  return e.divf(sum, e.reduce(weights, axes, Reduction::Sum, /*keep=*/false));
}

static LogicalResult importLikelihood(OnnxOp &op) {
  FailureOr<Val> loss = likelihood(op, op.val(0));
  if (failed(loss))
    return failure();
  op.out(0, op.in(0).type, *loss);
  return success();
}

static LogicalResult importCrossEntropy(OnnxOp &op) {
  Emit &e = op.e;
  Val x = op.val(0);
  if (x.rank() < 2 || !x.isFloat())
    return op.fail("scores of rank " + Twine(x.rank()),
                   "floats of rank 2 or more");
  Val logs = logSoftmax(e, x, 1);
  FailureOr<Val> loss = likelihood(op, logs);
  if (failed(loss))
    return failure();
  op.out(0, op.in(0).type, *loss);
  op.out(1, op.in(0).type, logs);
  return success();
}

llvm::ArrayRef<OpInfo> qconnx::getLossOps() {
  static const OpInfo rows[] = {
      {"NegativeLogLikelihoodLoss", 2, 3, importLikelihood},
      {"SoftmaxCrossEntropyLoss", 2, 3, importCrossEntropy}};
  return rows;
}
