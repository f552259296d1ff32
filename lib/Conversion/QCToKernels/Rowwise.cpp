//===- Rowwise.cpp - softmax and normalizations to kernels ----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A kernel over rows takes up the mask that is added to its input, and the
// static quantization of its result.
//
//===----------------------------------------------------------------------===//

#include "Lowering.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "qc/TargetInfo/KernelSlots.h"

using namespace mlir;
using namespace mlir::qc;
namespace row = ::qc::slots::rowwise;

OpFoldResult Lowering::rowParts(Launch &launch, Value value, int64_t rowsSlot,
                                int64_t columnsSlot, int64_t chunkSlot,
                                Location loc) {
  SizeMath m = math(loc);
  Sizes sizes = shapeOf(value);
  OpFoldResult columns = sizes.empty() ? m.constant(1) : sizes.back();
  if (!sizes.empty())
    sizes.pop_back();
  OpFoldResult rows = m.product(sizes);
  constexpr int64_t rowsPerPart = 64;
  launch.size(rowsSlot, rows);
  launch.size(columnsSlot, columns);
  launch.size(chunkSlot, rowsPerPart);
  return m.ceilDiv(rows, rowsPerPart);
}

/// The first static 8-bit quantization of `value`.
static QuantizeOp findQuantize(Value value) {
  for (Operation *user : value.getUsers())
    if (auto quantize = dyn_cast<QuantizeOp>(user))
      if (AffineAttr affine = getStaticAffine(quantize.getResult()))
        if (affine.getBits() == 8)
          return quantize;
  return {};
}

LogicalResult Lowering::finishRowwise(Operation *op, Launch &launch) {
  Location loc = op->getLoc();
  Value result = op->getResult(0);
  Sizes sizes = shapeOf(result);
  OpFoldResult parts = rowParts(launch, op->getOperand(0), row::Rows,
                                row::Columns, row::Chunk, loc);
  QuantizeOp quantize = findQuantize(result);
  bool hasValues = !quantize || !result.hasOneUse();
  if (hasValues) {
    launch.type("f32");
    launch.result(row::Y, cast<RankedTensorType>(result.getType()), sizes);
  }
  if (quantize) {
    AffineAttr affine = getStaticAffine(quantize.getResult());
    launch.type(storedType(quantize.getResult()));
    launch.result(row::Codes,
                  storedTypeOf(cast<RankedTensorType>(quantize.getType())),
                  sizes);
    launch.number(row::Scale, affine.getScaleValue());
    launch.size(row::Zero, affine.getZeroPoint() + storedOffset());
    launch.size(row::QMin, affine.getQMin() + storedOffset());
    launch.size(row::QMax, affine.getQMax() + storedOffset());
  }
  SizeMath m = math(loc);
  if (!hasValues)
    addScratch(launch, row::Scratch,
               m.product({parts, sizes.empty() ? m.constant(1) : sizes.back(),
                          m.constant(4)}));
  KernelOp kernel = launch.build(parts, nameOf(loc));
  ++numKernels;
  if (quantize) {
    setResult(quantize.getResult(), kernel.getResult(hasValues ? 1 : 0), sizes);
    markDone(quantize);
  }
  if (hasValues)
    setResult(result, kernel.getResult(0), sizes);
  return success();
}

LogicalResult Lowering::lowerRowwise(Operation *op, StringRef kernel,
                                     Value gamma, Value beta, float epsilon) {
  Launch launch(builder, op->getLoc(), {kernel.str(), {"f32"}, {}}, row::Count);
  launch.tensor(row::X, op->getOperand(0));
  if (gamma)
    launch.tensor(row::Gamma, gamma);
  if (beta)
    launch.tensor(row::Beta, beta);
  launch.number(row::Epsilon, epsilon);
  return finishRowwise(op, launch);
}

namespace {
/// x + broadcast(values) as softmax reads it.
struct Mask {
  arith::AddFOp add;
  linalg::BroadcastOp broadcast;
  Value x;

  explicit operator bool() const { return static_cast<bool>(add); }
};
} // namespace

/// The mask of a softmax over `input`: added to nothing else, with a value for
/// each element of the last axis.
static Mask matchMask(Value input) {
  auto type = cast<RankedTensorType>(input.getType());
  auto add = input.getDefiningOp<arith::AddFOp>();
  if (!add || !input.hasOneUse() || type.getRank() > 4)
    return {};
  for (unsigned i : {0u, 1u}) {
    auto broadcast = add->getOperand(i).getDefiningOp<linalg::BroadcastOp>();
    if (broadcast &&
        !llvm::is_contained(broadcast.getDimensions(), type.getRank() - 1))
      return {add, broadcast, add->getOperand(1 - i)};
  }
  return {};
}

LogicalResult Lowering::lowerSoftmax(SoftmaxOp op) {
  Mask mask = matchMask(op.getInput());
  Launch launch(builder, op.getLoc(), {"softmax", {"f32"}, {}}, row::Count);
  launch.tensor(row::X, mask ? mask.x : op.getInput());
  if (!mask)
    return finishRowwise(op, launch);
  launch.flag("mask");
  markDone(mask.add);
  Value values = mask.broadcast.getInput();
  launch.tensor(row::Mask, values);
  SizeMath m = math(op.getLoc());
  // Strides of the axes but the last in `values`, 0 where it is repeated.
  Sizes sizes = shapeOf(values), shape = shapeOf(op.getInput()), strides;
  OpFoldResult stride = m.constant(1);
  auto own = llvm::reverse(sizes).begin();
  for (int64_t axis = shape.size() - 1; axis >= 0; --axis) {
    bool isRepeated = llvm::is_contained(mask.broadcast.getDimensions(), axis);
    strides.insert(strides.begin(), isRepeated ? m.constant(0) : stride);
    if (!isRepeated)
      stride = m.mul(stride, *own++);
  }
  while (shape.size() < 4) {
    shape.insert(shape.begin(), m.constant(1));
    strides.insert(strides.begin(), m.constant(0));
  }
  launch.size(row::MaskSize1, shape[1]);
  launch.size(row::MaskSize2, shape[2]);
  launch.size(row::MaskStride0, strides[0]);
  launch.size(row::MaskStride1, strides[1]);
  launch.size(row::MaskStride2, strides[2]);
  return finishRowwise(op, launch);
}
