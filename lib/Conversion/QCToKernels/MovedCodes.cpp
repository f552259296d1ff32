//===- MovedCodes.cpp - Codes that plain tensors hold ---------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A qc.component takes codes out of an encoded tensor, a qc.assemble puts codes
// into one. Where nothing but data movement lies between them, plain tensors
// hold codes as they are stored, which is 128 more on x86. Everywhere else, as
// in what an application gives or gets, they are the codes themselves.
//
//===----------------------------------------------------------------------===//

#include "Lowering.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "qc/Numerics/Decode.h"

using namespace mlir;
using namespace mlir::qc;

static bool isCodes(ComponentOp op) {
  return op.getName() == StringRef(::qc::numerics::codesName);
}

/// The tensors whose elements `op` moves; empty if it does anything else.
static SmallVector<Value> getMoved(Operation *op) {
  if (isa<tensor::CollapseShapeOp, tensor::ExpandShapeOp,
          tensor::ExtractSliceOp, tensor::PadOp, tensor::CastOp,
          linalg::TransposeOp>(op))
    return {op->getOperand(0)};
  if (isa<tensor::ConcatOp>(op))
    return op->getOperands();
  return {};
}

void Lowering::findMovedCodes() {
  SmallVector<Value> found;
  for (Operation &op : function.getBody().front()) {
    auto component = dyn_cast<ComponentOp>(op);
    SmallVector<Value> moved = getMoved(&op);
    bool isMoved = !moved.empty() && llvm::all_of(moved, [&](Value source) {
      return codes.contains(source);
    });
    if (isMoved || (component && isCodes(component) &&
                    !isConstant(component.getResult()))) {
      codes.insert(op.getResult(0));
      found.push_back(op.getResult(0));
    }
  }
  // What another op reads is no code, nor what comes from it or goes there.
  auto stays = [&](Value value) {
    Operation *op = value.getDefiningOp();
    return llvm::all_of(getMoved(op),
                        [&](Value source) { return codes.contains(source); }) &&
           llvm::all_of(value.getUsers(), [&](Operation *user) {
             return isa<AssembleOp, tensor::DimOp>(user) ||
                    (!getMoved(user).empty() &&
                     codes.contains(user->getResult(0)));
           });
  };
  for (bool changed = true; changed;) {
    changed = false;
    for (Value value : found)
      if (codes.contains(value) && !stays(value))
        changed = codes.erase(value);
  }
}

/// The operand of an exclusive or with -128; null if `value` is none.
static Value getFlipped(Value value) {
  auto flip = value.getDefiningOp<arith::XOrIOp>();
  auto isSign = [](Value mask) {
    if (auto splat = mask.getDefiningOp<tensor::SplatOp>())
      mask = splat.getInput();
    APInt bits;
    return matchPattern(mask, m_ConstantInt(&bits)) && bits.isSignMask();
  };
  if (!flip)
    return {};
  return isSign(flip.getRhs())   ? flip.getLhs()
         : isSign(flip.getLhs()) ? flip.getRhs()
                                 : Value();
}

Value Lowering::flipped(Value value) {
  if (!storedOffset())
    return value;
  if (Value inner = getFlipped(value))
    return inner;
  Location loc = value.getLoc();
  Sizes sizes = shapeOf(value);
  SmallVector<Value> dynamic;
  SizeMath sizeMath = math(loc);
  for (auto [axis, size] : llvm::enumerate(typeOf(value).getShape()))
    if (ShapedType::isDynamic(size))
      dynamic.push_back(sizeMath.asValue(sizes[axis]));
  Value sign =
      arith::ConstantOp::create(builder, loc, builder.getI8IntegerAttr(-128));
  Value mask =
      tensor::SplatOp::create(builder, loc, typeOf(value), sign, dynamic);
  Value result = arith::XOrIOp::create(builder, loc, value, mask);
  setShapes({mask, result}, sizes);
  return result;
}

LogicalResult Lowering::lowerComponent(ComponentOp op) {
  Value data =
      isCodes(op) ? storedOf(op.getInput()) : rowScales.lookup(op.getInput());
  if (!data || data.getType() != op.getType())
    return op.emitOpError("has no stored component '") << op.getName() << "'";
  AffineAttr affine = getStaticAffine(op.getInput());
  if (isCodes(op) && affine && affine.getBits() < 8)
    return op.emitOpError("takes packed codes, found codes stored as bytes");
  if (!isCodes(op)) {
    op.getResult().replaceAllUsesWith(data);
    return success();
  }
  shapes[data] = shapeOf(op.getInput());
  if (codes.contains(op.getResult()))
    codes.insert(data);
  else
    data = flipped(data);
  op.getResult().replaceAllUsesWith(data);
  return success();
}

/// The constants of pads are moved by the same offset as the codes.
void Lowering::moveCodes(Operation *op) {
  auto pad = dyn_cast<tensor::PadOp>(op);
  Value value = pad && codes.contains(pad.getResult())
                    ? pad.getConstantPaddingValue()
                    : Value();
  IntegerAttr code;
  if (!value || !matchPattern(value, m_Constant(&code)))
    return;
  builder.setInsertionPoint(pad);
  Value moved =
      arith::ConstantOp::create(builder, op->getLoc(),
                                builder.getI8IntegerAttr(static_cast<int8_t>(
                                    code.getInt() + storedOffset())));
  pad.getRegion().front().getTerminator()->setOperand(0, moved);
}

LogicalResult Lowering::lowerAssemble(AssembleOp op) {
  Value data = op.getComponents().front();
  if (!getStaticAffine(op.getResult())) {
    if (!isPerRow(getEncoding(op.getResult())))
      return op.emitOpError("no kernel reads ") << op.getType();
    rowScales[op.getResult()] = op.getComponents().back();
  }
  if (isConstant(data) && storedOffset())
    return op.emitOpError("has constant codes: expected data of the graph");
  Sizes sizes = shapeOf(data);
  if (!codes.contains(data))
    data = flipped(data);
  stored[op.getResult()] = data;
  setShapes({op.getResult(), data}, sizes);
  return success();
}
