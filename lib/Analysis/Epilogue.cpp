//===- Epilogue.cpp - What follows a convolution or a product -------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "qc/Analysis/Epilogue.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "qc/Analysis/LinalgViews.h"
#include "qc/Dialect/QC/IR/QCOps.h"

using namespace mlir;
using namespace mlir::qc;

/// The operand of a two-operand op that is not `value`.
static OpOperand &getOther(Operation *op, Value value) {
  return op->getOpOperand(op->getOperand(0) == value ? 1 : 0);
}

bool mlir::qc::addClamp(Operation *op, Value input, Clamp &clamp) {
  if (!isa<arith::MaximumFOp, arith::MinimumFOp>(op))
    return false;
  std::optional<float> bound = getSplatFloat(getOther(op, input).get());
  if (!bound || *bound != *bound)
    return false;
  if (isa<arith::MaximumFOp>(op)) {
    // A lower bound after a smaller upper one would win over it.
    if (clamp.high && *bound > *clamp.high)
      return false;
    clamp.low = clamp.low ? std::max(*clamp.low, *bound) : *bound;
    return true;
  }
  if (clamp.low && *bound < *clamp.low)
    return false;
  clamp.high = clamp.high ? std::min(*clamp.high, *bound) : *bound;
  return true;
}

Value mlir::qc::getClampInput(Operation *op, Clamp &clamp) {
  if (isa<arith::MaximumFOp, arith::MinimumFOp>(op))
    for (Value input : op->getOperands())
      if (!getSplatFloat(input) && addClamp(op, input, clamp))
        return input;
  return {};
}

Clamp mlir::qc::matchClamps(Value value, Value &result,
                            SmallVector<Operation *> &ops) {
  Clamp clamp;
  result = value;
  while (result.hasOneUse()) {
    Operation *user = *result.user_begin();
    if (!addClamp(user, result, clamp))
      break;
    ops.push_back(user);
    result = user->getResult(0);
  }
  return clamp;
}

Epilogue
mlir::qc::matchEpilogue(Value sum, int64_t axis, Value bias,
                        function_ref<bool(OpOperand &)> takesResidual) {
  Epilogue found;
  found.bias = bias;
  found.result = sum;
  auto take = [&](Operation *op) {
    found.ops.push_back(op);
    found.result = op->getResult(0);
  };
  while (found.result.hasOneUse()) {
    Operation *user = *found.result.user_begin();
    bool plainSum = !found.residual && found.activation.empty() && !found.clamp;
    if (isa<arith::AddFOp>(user) && found.activation.empty() && !found.clamp) {
      OpOperand &other = getOther(user, found.result);
      Value vector = getChannelVector(other.get(), {axis});
      if (plainSum && vector && !found.bias) {
        found.bias = vector;
      } else if (!found.residual && !vector && !getSplatFloat(other.get()) &&
                 takesResidual(other)) {
        found.residual = other.get();
        found.residualUse = &other;
      } else {
        break;
      }
      take(user);
      continue;
    }
    if (auto unary = dyn_cast<UnaryOp>(user)) {
      if (!found.activation.empty() || found.clamp)
        break;
      found.activation = unary.getFunction().str();
      take(user);
      continue;
    }
    if (!addClamp(user, found.result, found.clamp))
      break;
    take(user);
  }
  return found;
}
