//===- Elementwise.cpp - Everything but contractions to kernels -----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Quantization, tables, residual adds, row-wise normalizations, pooling, and
// the observers, whose counts become results of the function.
//
//===----------------------------------------------------------------------===//

#include "Lowering.h"
#include "qc/TargetInfo/KernelSlots.h"

using namespace mlir;
using namespace mlir::qc;
namespace slots = ::qc::slots;

/// Elements of one part of an elementwise kernel.
static constexpr int64_t elementsPerPart = int64_t(1) << 16;

static OpFoldResult elementParts(Lowering &lowering, Launch &launch,
                                 Value value, int64_t sizeSlot,
                                 int64_t chunkSlot, Location loc) {
  SizeMath math = lowering.math(loc);
  OpFoldResult count = math.product(lowering.shapeOf(value));
  launch.size(sizeSlot, count);
  launch.size(chunkSlot, elementsPerPart);
  return math.ceilDiv(count, elementsPerPart);
}

bool mlir::qc::isPerRow(EncodingAttrInterface encoding) {
  auto affine = dyn_cast<AffineAttr>(encoding);
  return affine && !affine.isStatic() && affine.getBits() == 8 &&
         affine.getSymmetric() && !affine.getStorage() &&
         !affine.getGroup().empty() && affine.getGroup().back() == -1 &&
         llvm::all_of(affine.getGroup().drop_back(),
                      [](int64_t size) { return size == 1; });
}

LogicalResult Lowering::lowerQuantize(QuantizeOp op) {
  Location loc = op.getLoc();
  auto type = storedTypeOf(cast<RankedTensorType>(op.getType()));
  if (AffineAttr affine = getStaticAffine(op.getResult())) {
    namespace s = slots::quantize;
    Launch launch(builder, loc,
                  {"quantize", {"f32", storedType(op.getResult())}, {}},
                  s::Count);
    launch.tensor(s::X, op.getInput());
    OpFoldResult parts =
        elementParts(*this, launch, op.getInput(), s::Size, s::Chunk, loc);
    launch.number(s::Scale, affine.getScaleValue());
    launch.size(s::Zero, affine.getZeroPoint() + storedOffset());
    launch.size(s::QMin, affine.getQMin() + storedOffset());
    launch.size(s::QMax, affine.getQMax() + storedOffset());
    finish(launch, op.getResult(), s::Y, parts, op);
    return success();
  }
  if (isBlockEncoding(getEncoding(op.getResult())))
    return lowerQuantizeGroups(op);
  if (!isPerRow(getEncoding(op.getResult())))
    return op.emitOpError("no kernel computes the scales of ")
           << op.getType() << " at run time";
  namespace s = slots::quantize_rows;
  Launch launch(builder, loc,
                {"quantize_rows", {"f32", storedType(op.getResult())}, {}},
                s::Count);
  launch.tensor(s::X, op.getInput());
  OpFoldResult parts =
      rowParts(launch, op.getInput(), s::Rows, s::Columns, s::Chunk, loc);
  Sizes sizes = shapeOf(op.getInput());
  launch.result(s::Y, type, sizes);
  auto scaleType =
      RankedTensorType::get(type.getShape().drop_back(), builder.getF32Type());
  launch.result(s::RowScale, scaleType,
                ArrayRef<OpFoldResult>(sizes).drop_back());
  KernelOp kernel = launch.build(parts, nameOf(loc));
  ++numKernels;
  stored[op.getResult()] = kernel.getResult(0);
  rowScales[op.getResult()] = kernel.getResult(1);
  shapes[kernel.getResult(0)] = sizes;
  sizes.pop_back();
  shapes[kernel.getResult(1)] = sizes;
  return success();
}

LogicalResult Lowering::lowerDequantize(DequantizeOp op) {
  namespace s = slots::quantize;
  AffineAttr affine = getStaticAffine(op.getInput());
  if (!affine)
    return op.emitOpError("no kernel decodes ")
           << op.getInput().getType() << " at run time";
  Launch launch(builder, op.getLoc(),
                {"dequantize", {storedType(op.getInput()), "f32"}, {}},
                s::Count);
  launch.tensor(s::X, storedOf(op.getInput()));
  OpFoldResult parts = elementParts(*this, launch, op.getInput(), s::Size,
                                    s::Chunk, op.getLoc());
  launch.number(s::Scale, affine.getScaleValue());
  launch.size(s::Zero, affine.getZeroPoint() + storedOffset());
  finish(launch, op.getResult(), s::Y, parts, op);
  return success();
}

LogicalResult Lowering::lowerAdd(AddOp op) {
  namespace s = slots::add;
  std::string type = storedType(op.getResult());
  Launch launch(builder, op.getLoc(), {"add", {type, type, type}, {}},
                s::Count);
  launch.tensor(s::A, storedOf(op.getLhs()));
  launch.tensor(s::B, storedOf(op.getRhs()));
  OpFoldResult parts =
      elementParts(*this, launch, op.getLhs(), s::Size, s::Chunk, op.getLoc());
  Epilogue e = epilogueOf(op.getResult(), op.getLow(), op.getHigh());
  AffineAttr a = getStaticAffine(op.getLhs()), b = getStaticAffine(op.getRhs());
  launch.size(s::AZero, a.getZeroPoint() + storedOffset());
  launch.number(s::AMultiplier, a.getScaleValue() / e.scale);
  launch.size(s::BZero, b.getZeroPoint() + storedOffset());
  launch.number(s::BMultiplier, b.getScaleValue() / e.scale);
  launch.number(s::Low, e.low);
  launch.number(s::High, e.high);
  launch.size(s::YZero, e.zero);
  finish(launch, op.getResult(), s::Y, parts, op);
  return success();
}

LogicalResult Lowering::lowerLookup(LookupOp op) {
  namespace s = slots::lookup;
  auto tableType = RankedTensorType::get({256}, builder.getI8Type());
  Value table = TableOp::create(
      builder, op.getLoc(), tableType, op.getFunctionAttr(),
      getStaticAffine(op.getInput()), getStaticAffine(op.getResult()),
      builder.getI64IntegerAttr(storedOffset()), op.getLowAttr(),
      op.getHighAttr());
  Launch launch(builder, op.getLoc(),
                {"lookup", {storedType(op.getResult())}, {}}, s::Count);
  launch.tensor(s::X, storedOf(op.getInput()));
  launch.tensor(s::Table, table);
  OpFoldResult parts = elementParts(*this, launch, op.getInput(), s::Size,
                                    s::Chunk, op.getLoc());
  finish(launch, op.getResult(), s::Y, parts, op);
  return success();
}

LogicalResult Lowering::lowerUnary(UnaryOp op) {
  namespace s = slots::unary;
  Launch launch(builder, op.getLoc(),
                {"unary", {"f32", "f32"}, {op.getFunction().str()}}, s::Count);
  launch.tensor(s::X, op.getInput());
  OpFoldResult parts = elementParts(*this, launch, op.getInput(), s::Size,
                                    s::Chunk, op.getLoc());
  finish(launch, op.getResult(), s::Y, parts, op);
  return success();
}

LogicalResult Lowering::lowerPool(Pool2DOp op) {
  namespace s = slots::pool;
  Location loc = op.getLoc();
  SizeMath m = math(loc);
  Launch launch(builder, loc,
                {"pool",
                 {storedType(op.getInput()), storedType(op.getResult())},
                 {op.getKind().str()}},
                s::Count);
  launch.tensor(s::X, storedOf(op.getInput()));
  Sizes in = shapeOf(op.getInput()), out = shapeOf(op.getResult());
  OpFoldResult row = m.mul(in[2], in[3]);
  const std::pair<int64_t, OpFoldResult> sizes[] = {
      {s::Batch, in[0]},
      {s::InRows, in[1]},
      {s::InColumns, in[2]},
      {s::Channels, in[3]},
      {s::Rows, out[1]},
      {s::Columns, out[2]},
      {s::XBatch, m.mul(in[1], row)},
      {s::XRow, row},
      {s::XColumn, in[3]},
      {s::YRow, in[3]}};
  for (auto [slot, value] : sizes)
    launch.size(slot, value);
  launch.size(s::KernelH, op.getKernel()[0]);
  launch.size(s::KernelW, op.getKernel()[1]);
  launch.size(s::StrideH, op.getStrides()[0]);
  launch.size(s::StrideW, op.getStrides()[1]);
  launch.size(s::DilationH, op.getDilations()[0]);
  launch.size(s::DilationW, op.getDilations()[1]);
  launch.size(s::PadTop, op.getPads()[0]);
  launch.size(s::PadLeft, op.getPads()[1]);
  launch.size(s::IncludePad, op.getIncludePad() ? 1 : 0);
  constexpr int64_t rowsChunk = 16;
  launch.size(s::RowsChunk, rowsChunk);
  Epilogue e = epilogueOf(op.getResult(), std::nullopt, std::nullopt);
  AffineAttr x = getStaticAffine(op.getInput());
  if (x)
    launch.size(s::XZero, x.getZeroPoint() + storedOffset());
  launch.number(
      s::Multiplier,
      x ? (e.type == "f32" ? x.getScaleValue() : x.getScaleValue() / e.scale)
        : 1.0f);
  launch.number(s::Low, e.low);
  launch.number(s::High, e.high);
  launch.size(s::YZero, e.zero);
  OpFoldResult parts = m.ceilDiv(m.mul(out[0], out[1]), rowsChunk);
  finish(launch, op.getResult(), s::Y, parts, op);
  return success();
}

/// An observed tensor becomes one more result of the function, whatever runs
/// the level counts it.
LogicalResult Lowering::lowerObserve(ObserveOp op) {
  observed.push_back(op.getInput());
  observedNames.push_back(("observe:" + op.getName()).str());
  op.getResult().replaceAllUsesWith(op.getInput());
  return success();
}

void Lowering::returnObserved() {
  if (observed.empty())
    return;
  Operation *ret = function.getBody().front().getTerminator();
  unsigned number = ret->getNumOperands();
  ret->insertOperands(number, observed);
  for (auto [value, name] : llvm::zip_equal(observed, observedNames)) {
    auto attributes = builder.getDictionaryAttr(
        builder.getNamedAttr("qc.name", builder.getStringAttr(name)));
    (void)function.insertResult(number++, value.getType(), attributes);
  }
}
