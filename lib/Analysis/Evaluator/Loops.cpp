//===- Loops.cpp - A body over an iteration space -------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One parallel axis becomes the lanes; the others are walked in their order.
// A map whose results are sums of multiples of the axes is a start and a stride
// for each axis; any other map is computed lane by lane.
//
//===----------------------------------------------------------------------===//

#include "Loops.h"
#include "mlir/IR/AffineExpr.h"

using namespace mlir;
using namespace ::qc;
using namespace ::qc::evaluator;

namespace {
/// How an operand is found at a point.
struct Access {
  bool isLinear = true;
  int64_t start = 0;
  SmallVector<int64_t> strides;
};

/// The running state of the loops.
struct Walk {
  Operation *op;
  const LoopSpace &space;
  MutableArrayRef<LoopOperand> operands;
  LaneProgram &program;
  SmallVector<Access> accesses;
  SmallVector<char *> bytes;
  SmallVector<int64_t> at;
  /// The axis of the lanes, or -1: one lane.
  int64_t laneAxis = -1;

  llvm::Error runLanes(int64_t first, int64_t n);
  llvm::Error move(unsigned operand, Lanes &lanes, int64_t first, int64_t n,
                   bool isStore);
};
} // namespace

/// A constant plus multiples of the axes; false for anything else.
static bool addLinear(AffineExpr expr, int64_t factor, int64_t &start,
                      MutableArrayRef<int64_t> coefficients) {
  if (auto dim = dyn_cast<AffineDimExpr>(expr)) {
    coefficients[dim.getPosition()] += factor;
    return true;
  }
  if (auto constant = dyn_cast<AffineConstantExpr>(expr)) {
    start += factor * constant.getValue();
    return true;
  }
  auto binary = dyn_cast<AffineBinaryOpExpr>(expr);
  if (!binary)
    return false;
  if (expr.getKind() == AffineExprKind::Add)
    return addLinear(binary.getLHS(), factor, start, coefficients) &&
           addLinear(binary.getRHS(), factor, start, coefficients);
  if (expr.getKind() != AffineExprKind::Mul)
    return false;
  auto constant = dyn_cast<AffineConstantExpr>(binary.getRHS());
  constexpr int64_t limit = int64_t(1) << 31;
  if (!constant || std::abs(constant.getValue()) >= limit)
    return false;
  return addLinear(binary.getLHS(), factor * constant.getValue(), start,
                   coefficients);
}

/// Computes the access of an operand and checks that it stays inside.
static llvm::Expected<Access> accessOf(Operation *op, const LoopSpace &space,
                                       const LoopOperand &operand) {
  Access access;
  access.strides.assign(space.sizes.size(), 0);
  SmallVector<int64_t> steps(operand.tensor.rank(), 1);
  for (int64_t axis = operand.tensor.rank() - 2; axis >= 0; --axis)
    steps[axis] = steps[axis + 1] * operand.tensor.dim(axis + 1);
  for (auto [axis, expr] : llvm::enumerate(operand.map.getResults())) {
    int64_t start = 0;
    SmallVector<int64_t> coefficients(space.sizes.size(), 0);
    if (!addLinear(expr, 1, start, coefficients)) {
      access.isLinear = false;
      return access;
    }
    // 128 bits: sizes have up to 48, coefficients 31.
    __int128 low = start, high = start;
    for (auto [size, coefficient] : llvm::zip(space.sizes, coefficients))
      (coefficient < 0 ? low : high) += __int128(coefficient) * (size - 1);
    if (low < 0 || high >= operand.tensor.dim(axis))
      return opError(
          op,
          "indices up to " + llvm::Twine(static_cast<int64_t>(high)) +
              " on axis " + llvm::Twine(axis),
          "a tensor of that size, not " + shapeText(operand.tensor.shape()));
    access.start += start * steps[axis];
    for (auto [stride, coefficient] : llvm::zip(access.strides, coefficients))
      stride += coefficient * steps[axis];
  }
  return access;
}

/// The value of an affine expression at a point; nullopt for a division by
/// zero or a symbol.
static std::optional<int64_t> evaluate(AffineExpr expr, ArrayRef<int64_t> at) {
  if (auto dim = dyn_cast<AffineDimExpr>(expr))
    return at[dim.getPosition()];
  if (auto constant = dyn_cast<AffineConstantExpr>(expr))
    return constant.getValue();
  auto binary = dyn_cast<AffineBinaryOpExpr>(expr);
  if (!binary)
    return std::nullopt;
  auto a = evaluate(binary.getLHS(), at), b = evaluate(binary.getRHS(), at);
  int64_t result = 0;
  if (!a || !b)
    return std::nullopt;
  switch (expr.getKind()) {
  case AffineExprKind::Add:
    return llvm::AddOverflow(*a, *b, result) ? std::nullopt
                                             : std::optional(result);
  case AffineExprKind::Mul:
    return llvm::MulOverflow(*a, *b, result) ? std::nullopt
                                             : std::optional(result);
  default:
    break;
  }
  if (*b <= 0)
    return std::nullopt;
  int64_t rest = *a % *b;
  int64_t mod = rest < 0 ? rest + *b : rest;
  int64_t floor = (*a - mod) / *b;
  if (expr.getKind() == AffineExprKind::Mod)
    return mod;
  return expr.getKind() == AffineExprKind::FloorDiv ? floor
                                                    : floor + (mod != 0);
}

/// Moves the lanes of one operand from or to its tensor.
llvm::Error Walk::move(unsigned number, Lanes &lanes, int64_t first, int64_t n,
                       bool isStore) {
  const LoopOperand &operand = operands[number];
  const Access &access = accesses[number];
  DType type = operand.tensor.dtype();
  if (access.isLinear) {
    int64_t index = access.start;
    for (auto [position, stride] : llvm::zip(at, access.strides))
      index += position * stride;
    int64_t stride = laneAxis < 0 ? 0 : access.strides[laneAxis];
    if (isStore)
      storeLanes(bytes[number], type, index, stride, lanes, n);
    else
      loadLanes(operand.tensor, index, stride, lanes, n);
    return llvm::Error::success();
  }
  Lanes one;
  bool isFloatLane = isFloat(type) && type != DType::F64;
  for (int64_t lane = 0; lane < n; ++lane) {
    if (laneAxis >= 0)
      at[laneAxis] = first + lane;
    int64_t index = 0;
    for (auto [axis, expr] : llvm::enumerate(operand.map.getResults())) {
      int64_t size = operand.tensor.dim(axis);
      auto position = evaluate(expr, at);
      if (!position || *position < 0 || *position >= size)
        return opError(op, "an index outside of axis " + llvm::Twine(axis),
                       "one inside " + shapeText(operand.tensor.shape()));
      index = index * size + *position;
    }
    if (isStore) {
      isFloatLane ? void(one.f[0] = lanes.f[lane])
                  : void(one.i[0] = lanes.i[lane]);
      storeLanes(bytes[number], type, index, 1, one, 1);
    } else {
      loadLanes(operand.tensor, index, 1, one, 1);
      isFloatLane ? void(lanes.f[lane] = one.f[0])
                  : void(lanes.i[lane] = one.i[0]);
    }
  }
  if (laneAxis >= 0)
    at[laneAxis] = first;
  return llvm::Error::success();
}

llvm::Error Walk::runLanes(int64_t first, int64_t n) {
  if (laneAxis >= 0)
    at[laneAxis] = first;
  for (unsigned i = 0; i < operands.size(); ++i)
    if (operands[i].isRead)
      QC_RETURN_IF_ERROR(
          move(i, program.slot(program.arguments[i]), first, n, false));
  for (auto [slot, axis] : program.indices) {
    Lanes &lanes = program.slot(slot);
    for (int64_t lane = 0; lane < n; ++lane)
      lanes.i[lane] = at[axis] + (axis == laneAxis ? lane : 0);
  }
  if (Fault fault = program.run(n); fault != Fault::None)
    return program.faultError(op, fault);
  unsigned result = 0;
  for (unsigned i = 0; i < operands.size(); ++i)
    if (operands[i].isOutput)
      QC_RETURN_IF_ERROR(
          move(i, program.slot(program.results[result++]), first, n, true));
  return llvm::Error::success();
}

/// The parallel axis for the lanes: one along which an output lies dense, if
/// it is long enough, else the longest.
static int64_t chooseLaneAxis(const Walk &walk) {
  int64_t best = -1;
  for (unsigned axis = 0; axis < walk.space.sizes.size(); ++axis) {
    int64_t size = walk.space.sizes[axis];
    if (!walk.space.parallel[axis] || size < 2)
      continue;
    for (auto [operand, access] : llvm::zip(walk.operands, walk.accesses))
      if (operand.isOutput && access.isLinear && access.strides[axis] == 1 &&
          size >= 16)
        return axis;
    if (best < 0 || size > walk.space.sizes[best])
      best = axis;
  }
  return best;
}

llvm::Error evaluator::runLoops(Operation *op, const LoopSpace &space,
                                MutableArrayRef<LoopOperand> operands,
                                LaneProgram &program) {
  if (llvm::is_contained(space.sizes, 0))
    return llvm::Error::success();
  Walk walk{op, space, operands, program, {}, {}, {}, -1};
  for (LoopOperand &operand : operands) {
    QC_ASSIGN_OR_RETURN(access, accessOf(op, space, operand));
    walk.accesses.push_back(std::move(access));
    walk.bytes.push_back(operand.isOutput ? operand.tensor.mutableBytes()
                                          : nullptr);
  }
  walk.at.assign(space.sizes.size(), 0);
  walk.laneAxis = chooseLaneAxis(walk);
  int64_t lanes = walk.laneAxis < 0 ? 1 : space.sizes[walk.laneAxis];
  while (true) {
    for (int64_t first = 0; first < lanes; first += laneCount)
      QC_RETURN_IF_ERROR(
          walk.runLanes(first, std::min(laneCount, lanes - first)));
    if (walk.laneAxis >= 0)
      walk.at[walk.laneAxis] = 0;
    int64_t axis = static_cast<int64_t>(space.sizes.size()) - 1;
    for (; axis >= 0; --axis) {
      if (axis == walk.laneAxis)
        continue;
      if (++walk.at[axis] < space.sizes[axis])
        break;
      walk.at[axis] = 0;
    }
    if (axis < 0)
      return llvm::Error::success();
  }
}
