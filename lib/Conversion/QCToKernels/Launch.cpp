//===- Launch.cpp - Building qc.kernel ops --------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Launch.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

#include <cstring>

using namespace mlir;
using namespace mlir::qc;

Value SizeMath::asValue(OpFoldResult size) {
  return getValueOrCreateConstantIndexOp(builder, loc, size);
}

OpFoldResult SizeMath::mul(OpFoldResult a, OpFoldResult b) {
  auto x = getConstantIntValue(a), y = getConstantIntValue(b);
  if (x && y)
    return constant(*x * *y);
  if (x && *x == 1)
    return b;
  if (y && *y == 1)
    return a;
  return arith::MulIOp::create(builder, loc, asValue(a), asValue(b))
      .getResult();
}

OpFoldResult SizeMath::add(OpFoldResult a, OpFoldResult b) {
  auto x = getConstantIntValue(a), y = getConstantIntValue(b);
  if (x && y)
    return constant(*x + *y);
  return arith::AddIOp::create(builder, loc, asValue(a), asValue(b))
      .getResult();
}

OpFoldResult SizeMath::ceilDiv(OpFoldResult a, int64_t b) {
  if (auto x = getConstantIntValue(a))
    return constant((*x + b - 1) / b);
  if (b == 1)
    return a;
  OpFoldResult sum = add(a, constant(b - 1));
  return arith::DivSIOp::create(builder, loc, asValue(sum),
                                asValue(constant(b)))
      .getResult();
}

OpFoldResult SizeMath::product(ArrayRef<OpFoldResult> sizes) {
  OpFoldResult result = constant(1);
  for (OpFoldResult size : sizes)
    result = mul(result, size);
  return result;
}

Launch::Launch(OpBuilder &builder, Location loc, ::qc::KernelKey key,
               int64_t slots)
    : builder(builder), loc(loc), key(std::move(key)), constants(slots, 0) {}

void Launch::tensor(int64_t slot, Value value) {
  tensors.push_back(value);
  tensorSlots.push_back(slot);
}

void Launch::size(int64_t slot, OpFoldResult value) {
  if (auto constant = getConstantIntValue(value)) {
    constants[slot] = *constant;
    return;
  }
  sizes.push_back(cast<Value>(value));
  sizeSlots.push_back(slot);
}

void Launch::number(int64_t slot, float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  constants[slot] = static_cast<int64_t>(bits);
}

void Launch::result(int64_t slot, RankedTensorType type,
                    ArrayRef<OpFoldResult> shape) {
  results.push_back(type);
  resultSlots.push_back(slot);
  for (int64_t axis = 0; axis < type.getRank(); ++axis)
    if (type.isDynamicDim(axis))
      dims.push_back(
          getValueOrCreateConstantIndexOp(builder, loc, shape[axis]));
}

KernelOp Launch::build(OpFoldResult parts, StringRef layer) {
  // An outlined function is its own key.
  std::string text = key.op.starts_with("@") ? key.op : key.text();
  return KernelOp::create(
      builder, loc, results, builder.getStringAttr(text),
      getValueOrCreateConstantIndexOp(builder, loc, parts), tensors, sizes,
      dims, builder.getDenseI64ArrayAttr(constants),
      builder.getDenseI64ArrayAttr(tensorSlots),
      builder.getDenseI64ArrayAttr(sizeSlots),
      builder.getDenseI64ArrayAttr(resultSlots), encodingAttr,
      layer.empty() ? StringAttr() : builder.getStringAttr(layer), changed);
}

StringRef mlir::qc::nameOf(Location loc) {
  if (auto name = dyn_cast<NameLoc>(loc))
    return name.getName();
  if (auto fused = dyn_cast<FusedLoc>(loc))
    for (Location part : fused.getLocations())
      if (StringRef name = nameOf(part); !name.empty())
        return name;
  if (auto call = dyn_cast<CallSiteLoc>(loc))
    return nameOf(call.getCallee());
  return {};
}
