//===- GroupMatMul.cpp - Grouped integer products to kernels --------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Activations quantized in blocks when the model runs, and their products with
// weights in groups (numerics/GroupSums.h, numerics/WideSums.h).
//
//===----------------------------------------------------------------------===//

#include "Contraction.h"
#include "qc/Dialect/QC/IR/QCBlocks.h"
#include "qc/TargetInfo/GroupPacking.h"
#include "qc/TargetInfo/KernelSlots.h"

using namespace mlir;
using namespace mlir::qc;
namespace slots = ::qc::slots;

/// Bytes of a row of codes in blocks of `block`.
static int64_t paddedColumns(Value value, int64_t block) {
  int64_t columns = cast<RankedTensorType>(value.getType()).getShape().back();
  return llvm::alignTo(columns, block);
}

LogicalResult Lowering::lowerQuantizeGroups(QuantizeOp op) {
  namespace s = slots::quantize_groups;
  Location loc = op.getLoc();
  Value input = op.getInput();
  auto type = cast<RankedTensorType>(input.getType());
  if (type.getRank() == 0 || type.isDynamicDim(type.getRank() - 1))
    return op.emitOpError("needs rows of a static size");
  int64_t block = getBlockSize(getEncoding(op.getResult()));
  int64_t padded = paddedColumns(input, block);
  Launch launch(builder, loc, {"quantize_groups", {"f32", "i8"}, {}}, s::Count);
  launch.tensor(s::X, input);
  OpFoldResult parts =
      rowParts(launch, input, s::Rows, s::Columns, s::Chunk, loc);
  launch.size(s::Padded, padded);
  launch.size(s::Block, block);
  Sizes sizes = shapeOf(input);
  auto add = [&](int64_t slot, int64_t columns, Type element) {
    SmallVector<int64_t> shape(type.getShape());
    shape.back() = columns;
    sizes.back() = builder.getIndexAttr(columns);
    launch.result(slot, RankedTensorType::get(shape, element), sizes);
  };
  add(s::Y, padded, builder.getI8Type());
  add(s::Scales, padded / block, builder.getF32Type());
  add(s::Sums, padded / 16, builder.getI32Type());
  KernelOp kernel = launch.build(parts, nameOf(loc));
  ++numKernels;
  stored[op.getResult()] = kernel.getResult(0);
  rowScales[op.getResult()] = kernel.getResult(1);
  blockSums[op.getResult()] = kernel.getResult(2);
  return success();
}

LogicalResult Lowering::lowerGroupMatMul(MatMulOp op) {
  namespace s = slots::contract;
  Location loc = op.getLoc();
  Value input = op.getInput(), weight = op.getWeight();
  Value sums = blockSums.lookup(input);
  if (!sums)
    return op.emitOpError("needs an input that is quantized where it stands");
  auto matrix = cast<RankedTensorType>(weight.getType());
  int64_t k = matrix.getDimSize(0), n = matrix.getDimSize(1);
  auto encoding = getMatrixEncoding(matrix.getShape(), getEncoding(weight));
  Contraction c = Contraction::of(op);
  Launch launch(builder, loc,
                {"group_contract",
                 {"f32", weightType({}, weight), storedType(op.getResult())},
                 {}},
                s::Count);
  int64_t block = getBlockSize(getEncoding(input));
  if (isWideBlock(block))
    launch.flag("wide");
  launch.tensor(s::X, storedOf(input));
  launch.tensor(s::RowScale, rowScales.lookup(input));
  launch.tensor(s::Scratch, sums);
  int64_t bytes =
      ::qc::groupPackedBytes(encoding.getDecodeSpec(matrix.getShape()), k, n);
  launch.tensor(
      s::W, PackOp::create(builder, loc,
                           RankedTensorType::get({bytes}, builder.getI8Type()),
                           builder.getStringAttr("groups"), weight,
                           builder.getI64IntegerAttr(1),
                           builder.getI64IntegerAttr(0)));
  launch.encoding(encoding);
  if (c.bias) {
    launch.tensor(s::Bias, c.bias);
    launch.flag("bias");
  }
  Sizes size = shapeOf(input);
  OpFoldResult rows =
      math(loc).product(ArrayRef<OpFoldResult>(size).drop_back());
  launch.size(s::Batch, 1);
  launch.size(s::Rows, 1);
  launch.size(s::Columns, rows);
  launch.size(s::XColumn, paddedColumns(input, block));
  launch.size(s::Run, k);
  launch.size(s::N, n);
  launch.size(s::Groups, 1);
  launch.size(s::YRow, n);
  addContractEpilogue(*this, launch, c, n);
  OpFoldResult parts =
      addParts(*this, launch, loc, rows, k, n, 1, ::qc::slabRowStep);
  finish(launch, op.getResult(), s::Y, parts, op);
  return success();
}
