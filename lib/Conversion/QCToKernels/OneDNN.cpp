//===- OneDNN.cpp - Layers that oneDNN computes ---------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A convolution or a product becomes two launches: oneDNN's sums into a tensor
// of its own, then our epilogue, so that the arithmetic after the sum is that
// of the generated kernels.
//
//===----------------------------------------------------------------------===//

#include "Contraction.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "qc/TargetInfo/KernelSlots.h"

#include <cmath>

using namespace mlir;
using namespace mlir::qc;
namespace slots = ::qc::slots;
namespace S = ::qc::slots::onednn;

/// Why oneDNN can't take a layer, or an empty string.
static std::string refusal(Lowering &lowering, Value input, Value weight) {
  if (lowering.target.arch != ::qc::Arch::X86_64)
    return "oneDNN is used on x86-64 only";
  std::string type = weightType(input, weight);
  for (const ::qc::CpuLevel &level : lowering.target.levels)
    if (type == "i8" && level.dot != ::qc::DotUnit::VpDpBusd)
      return "without VNNI (level " + level.name +
             ") sums of bytes saturate in oneDNN";
  if (type != "i8" && type != "f32")
    return "its weights are decoded in the kernel";
  for (OpFoldResult size : lowering.shapeOf(input))
    if (!getConstantIntValue(size))
      return "its sizes are known only at run time";
  return "";
}

bool Lowering::asksOneDNN(Operation *op, Value input, Value weight) {
  StringRef name = nameOf(op->getLoc());
  bool asked = llvm::any_of(
      oneDNN, [&](StringRef layer) { return layer == "*" || layer == name; });
  if (!asked)
    return false;
  std::string reason = refusal(*this, input, weight);
  if (reason.empty())
    return true;
  op->emitRemark() << "layer '" << name
                   << "' keeps the generated kernel: " << reason;
  return false;
}

/// True where nothing is left to do after the sum.
static bool isPlainSum(Lowering &lowering, const Contraction &c) {
  Epilogue e = lowering.epilogueOf(c.result, c.low, c.high);
  return !getEncoding(c.input) && e.type == "f32" && !c.residual &&
         !c.activation && !std::isfinite(e.low) && !std::isfinite(e.high);
}

/// Adds weights and the bias of a float layer to the launch of the sums, gives
/// it its result and lets the epilogue follow.
LogicalResult Lowering::finishOneDNN(const Contraction &c, Launch &sums) {
  Location loc = c.op->getLoc();
  SizeMath m = math(loc);
  bool integer = static_cast<bool>(getEncoding(c.input));
  Launch rest(
      builder, loc,
      {"epilogue",
       {storedType(c.input), integer ? "i8" : "f32", storedType(c.result)},
       {}},
      slots::contract::Count);
  Contraction after = c;
  if (!integer && c.bias) {
    sums.tensor(S::Bias, c.bias);
    after.bias = {};
  }
  if (Value scales = rowScales.lookup(c.input)) {
    rest.tensor(slots::contract::RowScale, scales);
    rest.flag("row_scale");
  }
  Value plain;
  if (failed(addChannels(*this, rest, after, plain)))
    return failure();
  auto weights = cast<RankedTensorType>(plain.getType());
  Type element = integer ? Type(builder.getI8Type()) : builder.getF32Type();
  sums.tensor(S::W, PackOp::create(builder, loc,
                                   RankedTensorType::get(
                                       {weights.getNumElements()}, element),
                                   builder.getStringAttr("plain"), plain));
  sums.size(S::Integer, integer);
  if (isPlainSum(*this, c)) {
    finish(sums, c.result, S::Y, m.constant(1), c.op);
    return success();
  }
  Sizes out = shapeOf(c.result);
  auto shape = cast<RankedTensorType>(c.result.getType()).getShape();
  sums.result(S::Y,
              RankedTensorType::get(shape, integer ? Type(builder.getI32Type())
                                                   : builder.getF32Type()),
              out);
  KernelOp first = sums.build(m.constant(1), nameOf(loc));
  ++numKernels;
  rest.tensor(slots::contract::X, first.getResult(0));
  OpFoldResult rows = m.product(ArrayRef<OpFoldResult>(out).drop_back());
  rest.size(slots::contract::Batch, 1);
  rest.size(slots::contract::Rows, 1);
  rest.size(slots::contract::Columns, rows);
  rest.size(slots::contract::N, c.channels);
  rest.size(slots::contract::Groups, 1);
  rest.size(slots::contract::YRow, c.channels);
  addContractEpilogue(*this, rest, after, c.channels);
  // Some 16 Ki elements a part.
  int64_t chunk = std::max<int64_t>(1, (1 << 14) / c.channels);
  rest.size(slots::contract::MChunk, chunk);
  finish(rest, c.result, slots::contract::Y, m.ceilDiv(rows, chunk), c.op);
  return success();
}

/// The launch of the sums of a layer.
static Launch sumsOf(Lowering &lowering, Location loc, Value input) {
  bool integer = static_cast<bool>(getEncoding(input));
  return Launch(lowering.builder, loc,
                {"onednn",
                 {lowering.storedType(input), integer ? "i8" : "f32",
                  integer ? "i32" : "f32"},
                 {}},
                S::Count);
}

LogicalResult Lowering::lowerConvOneDNN(Conv2DOp op, Value input,
                                        ArrayRef<OpFoldResult> padded) {
  auto w = cast<RankedTensorType>(op.getFilter().getType());
  int64_t groups = op.getGroups();
  Sizes out = shapeOf(op.getResult());
  Launch sums = sumsOf(*this, op.getLoc(), op.getInput());
  sums.tensor(S::X, input);
  const std::pair<int64_t, OpFoldResult> sizes[] = {{S::Batch, out[0]},
                                                    {S::InRows, padded[1]},
                                                    {S::InColumns, padded[2]},
                                                    {S::Rows, out[1]},
                                                    {S::Columns, out[2]}};
  for (auto [slot, size] : sizes)
    sums.size(slot, size);
  sums.size(S::Channels, w.getDimSize(2));
  sums.size(S::Filters, w.getDimSize(3) / groups);
  sums.size(S::Groups, groups);
  sums.size(S::KernelH, w.getDimSize(0));
  sums.size(S::KernelW, w.getDimSize(1));
  sums.size(S::StrideH, op.getStrides()[0]);
  sums.size(S::StrideW, op.getStrides()[1]);
  sums.size(S::DilationH, op.getDilations()[0]);
  sums.size(S::DilationW, op.getDilations()[1]);
  return finishOneDNN(Contraction::of(op), sums);
}

LogicalResult Lowering::lowerMatMulOneDNN(MatMulOp op) {
  SizeMath m = math(op.getLoc());
  auto w = cast<RankedTensorType>(op.getWeight().getType());
  Sizes in = shapeOf(op.getInput());
  OpFoldResult rows = m.product(ArrayRef<OpFoldResult>(in).drop_back());
  Launch sums = sumsOf(*this, op.getLoc(), op.getInput());
  sums.tensor(S::X, storedOf(op.getInput()));
  sums.size(S::InColumns, rows);
  sums.size(S::Columns, rows);
  sums.size(S::Channels, w.getDimSize(0));
  sums.size(S::Filters, w.getDimSize(1));
  for (int64_t one :
       {S::Batch, S::InRows, S::Rows, S::Groups, S::KernelH, S::KernelW,
        S::StrideH, S::StrideW, S::DilationH, S::DilationW})
    sums.size(one, 1);
  return finishOneDNN(Contraction::of(op), sums);
}
