//===- BatchMatMul.cpp - Products of two run-time tensors -----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Lowering.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "qc/TargetInfo/KernelSlots.h"

using namespace mlir;
using namespace mlir::qc;
namespace s = ::qc::slots::batch_matmul;

/// Strides of the axes (batch0, batch1, row, column) of a tensor of `sizes`
/// whose axes are taken in the order `perm`.
static Sizes stridesOf(SizeMath math, ArrayRef<OpFoldResult> sizes,
                       ArrayRef<int64_t> perm) {
  Sizes byAxis(sizes.size()), result;
  OpFoldResult step = math.constant(1);
  for (int64_t axis = sizes.size() - 1; axis >= 0; --axis) {
    byAxis[axis] = step;
    step = math.mul(step, sizes[axis]);
  }
  for (int64_t axis : perm)
    result.push_back(byAxis[axis]);
  while (result.size() < 4)
    result.insert(result.begin(), math.constant(0));
  return result;
}

/// The same of a result of `sizes` that is written in the order of
/// `transpose`, which may be null. The kernel wants contiguous rows.
static Sizes resultStrides(SizeMath math, const Sizes &sizes,
                           linalg::TransposeOp &transpose) {
  int64_t rank = sizes.size();
  auto identity = llvm::to_vector(llvm::seq<int64_t>(rank));
  if (!transpose || transpose.getPermutation().back() != rank - 1) {
    transpose = {};
    return stridesOf(math, sizes, identity);
  }
  Sizes moved;
  for (int64_t axis : transpose.getPermutation())
    moved.push_back(sizes[axis]);
  return stridesOf(math, moved,
                   invertPermutationVector(transpose.getPermutation()));
}

/// The codes of the left operand with rows in order and contiguous: moved
/// where `perm` has another axis last.
static Value orderRows(Lowering &lowering, Value codes, Sizes &sizes,
                       SmallVector<int64_t> &perm, Location loc) {
  int64_t rank = perm.size();
  if (perm.back() == rank - 1)
    return codes;
  auto type = cast<RankedTensorType>(codes.getType());
  Sizes moved;
  SmallVector<int64_t> shape;
  for (int64_t axis : perm) {
    moved.push_back(sizes[axis]);
    shape.push_back(type.getDimSize(axis));
  }
  SmallVector<Value> dynamic;
  for (auto [size, extent] : llvm::zip_equal(moved, shape))
    if (ShapedType::isDynamic(extent))
      dynamic.push_back(lowering.math(loc).asValue(size));
  Value empty = tensor::EmptyOp::create(lowering.builder, loc, shape,
                                        type.getElementType(), dynamic);
  Value result =
      linalg::TransposeOp::create(lowering.builder, loc, codes, empty, perm)
          ->getResult(0);
  lowering.setShapes({empty, result}, moved);
  sizes = moved;
  perm = llvm::to_vector(llvm::seq<int64_t>(rank));
  return result;
}

/// What a part needs beside its operands: see KernelSlots.h.
static OpFoldResult scratchBytes(SizeMath math, bool isInteger, OpFoldResult n,
                                 OpFoldResult k) {
  if (!isInteger)
    return math.mul(k, math.constant(128));
  OpFoldResult panel = math.add(math.mul(math.ceilDiv(k, 4), math.constant(64)),
                                math.constant(128));
  return math.mul(math.ceilDiv(n, 16), panel);
}

/// The transpose that alone reads `result`, of codes their bytes as they are
/// stored.
static linalg::TransposeOp findTranspose(Lowering &lowering, Value result) {
  if (!result.hasOneUse())
    return {};
  Operation *user = *result.user_begin();
  if (auto component = dyn_cast<ComponentOp>(user))
    return lowering.codes.contains(component.getResult())
               ? findTranspose(lowering, component.getResult())
               : linalg::TransposeOp();
  auto transpose = dyn_cast<linalg::TransposeOp>(user);
  bool isInput = transpose && transpose.getInput() == result;
  return isInput ? transpose : linalg::TransposeOp();
}

/// The product `op` writes its result as the transpose that reads it would.
static void finishTransposed(Lowering &lowering, Launch &launch,
                             BatchMatMulOp op, linalg::TransposeOp transpose,
                             OpFoldResult parts, OpFoldResult scratch) {
  Value result = transpose->getResult(0);
  Sizes sizes;
  for (int64_t axis : transpose.getPermutation())
    sizes.push_back(lowering.shapeOf(op.getResult())[axis]);
  launch.result(s::Y, cast<RankedTensorType>(result.getType()), sizes);
  lowering.addScratch(launch, s::Scratch, scratch);
  KernelOp kernel = launch.build(parts, nameOf(op.getLoc()));
  ++lowering.numKernels;
  if (Operation *component =
          transpose.getInput().getDefiningOp<ComponentOp>()) {
    lowering.codes.insert(kernel.getResult(0));
    lowering.markDone(component);
  }
  lowering.setResult(result, kernel.getResult(0), sizes);
  lowering.markDone(transpose);
}

LogicalResult Lowering::lowerBatchMatMul(BatchMatMulOp op) {
  Location loc = op.getLoc();
  SizeMath m = math(loc);
  bool isInteger = static_cast<bool>(getEncoding(op.getLhs()));
  Sizes lhsSizes = shapeOf(op.getLhs());
  SmallVector<int64_t> lhsPerm(op.getLhsPerm());
  OpFoldResult k = lhsSizes[lhsPerm.back()];
  Value lhs = storedOf(op.getLhs());
  if (isInteger)
    lhs = orderRows(*this, lhs, lhsSizes, lhsPerm, loc);
  Sizes out = shapeOf(op.getResult());
  Sizes a = stridesOf(m, lhsSizes, lhsPerm);
  Sizes b = stridesOf(m, shapeOf(op.getRhs()), op.getRhsPerm());
  linalg::TransposeOp transpose = findTranspose(*this, op.getResult());
  Sizes y = resultStrides(m, out, transpose);
  while (out.size() < 4)
    out.insert(out.begin(), m.constant(1));
  Launch launch(builder, loc,
                {"batch_matmul",
                 {storedType(op.getLhs()), storedType(op.getRhs()),
                  storedType(op.getResult())},
                 {}},
                s::Count);
  launch.tensor(s::A, lhs);
  launch.tensor(s::B, storedOf(op.getRhs()));
  // Each part packs the right side: few rows for parts in float, whose panels
  // are packed one by one, many where all are at once.
  int64_t mChunk = isInteger ? 384 : 48;
  OpFoldResult mParts = m.ceilDiv(out[2], mChunk);
  const std::pair<int64_t, OpFoldResult> sizes[] = {
      {s::Batch0, out[0]}, {s::Batch1, out[1]}, {s::M, out[2]},
      {s::N, out[3]},      {s::K, k},           {s::ABatch0, a[0]},
      {s::ABatch1, a[1]},  {s::ARow, a[2]},     {s::AColumn, a[3]},
      {s::BBatch0, b[0]},  {s::BBatch1, b[1]},  {s::BRow, b[2]},
      {s::BColumn, b[3]},  {s::YBatch0, y[0]},  {s::YBatch1, y[1]},
      {s::YRow, y[2]},     {s::MParts, mParts}};
  for (auto [slot, value] : sizes)
    launch.size(slot, value);
  launch.size(s::MChunk, mChunk);
  float alpha = op.getAlpha().convertToFloat();
  if (isInteger) {
    AffineAttr x = getStaticAffine(op.getLhs());
    Epilogue e = epilogueOf(op.getResult(), std::nullopt, std::nullopt);
    float scale =
        x.getScaleValue() * getStaticAffine(op.getRhs()).getScaleValue();
    alpha = scale * alpha;
    if (e.type != "f32")
      alpha = alpha / e.scale;
    launch.size(s::AZero, x.getZeroPoint() + storedOffset());
    launch.number(s::Low, e.low);
    launch.number(s::High, e.high);
    launch.size(s::YZero, e.zero);
  }
  launch.number(s::Alpha, alpha);
  OpFoldResult parts = m.product({out[0], out[1], mParts});
  OpFoldResult perPart = scratchBytes(m, isInteger, out[3], k);
  launch.size(s::ScratchBytes, perPart);
  OpFoldResult scratch = m.mul(parts, perPart);
  if (transpose)
    finishTransposed(*this, launch, op, transpose, parts, scratch);
  else
    finish(launch, op.getResult(), s::Y, parts, op, s::Scratch, scratch);
  return success();
}
