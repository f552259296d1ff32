//===- Movement.cpp - Copies and fills as launches ------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Movement.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "qc/TargetInfo/KernelSlots.h"

using namespace mlir;
using namespace mlir::qc;
namespace slots = ::qc::slots::copy;

static constexpr size_t maxAxes = 6;

OpFoldResult Movement::mul(Location loc, OpFoldResult a, OpFoldResult b) {
  auto x = getConstantIntValue(a), y = getConstantIntValue(b);
  if (x && y)
    return constant(*x * *y);
  if (x && *x == 1)
    return b;
  if (y && *y == 1)
    return a;
  return arith::MulIOp::create(builder, loc,
                               getValueOrCreateConstantIndexOp(builder, loc, a),
                               getValueOrCreateConstantIndexOp(builder, loc, b))
      .getResult();
}

OpFoldResult Movement::add(Location loc, OpFoldResult a, OpFoldResult b) {
  auto x = getConstantIntValue(a), y = getConstantIntValue(b);
  if (x && y)
    return constant(*x + *y);
  return arith::AddIOp::create(builder, loc,
                               getValueOrCreateConstantIndexOp(builder, loc, a),
                               getValueOrCreateConstantIndexOp(builder, loc, b))
      .getResult();
}

Sizes Movement::strides(Location loc, ArrayRef<OpFoldResult> sizes) {
  Sizes result(sizes.size());
  OpFoldResult step = constant(1);
  for (size_t axis = sizes.size(); axis-- > 0;) {
    result[axis] = step;
    step = mul(loc, step, sizes[axis]);
  }
  return result;
}

Value Movement::offset(Location loc, Value pointer, OpFoldResult elements,
                       int64_t bytes) {
  OpFoldResult total = mul(loc, elements, constant(bytes));
  if (getConstantIntValue(total) == 0)
    return pointer;
  Value index = arith::IndexCastOp::create(
      builder, loc, builder.getI64Type(),
      getValueOrCreateConstantIndexOp(builder, loc, total));
  return LLVM::GEPOp::create(builder, loc, pointer.getType(),
                             builder.getI8Type(), pointer,
                             ArrayRef<LLVM::GEPArg>{index});
}

/// Joins axes that are one run on both sides, so that few are left.
static void joinAxes(Sizes &sizes, Sizes &from, Sizes &to) {
  auto product = [](OpFoldResult a, OpFoldResult b) -> std::optional<int64_t> {
    auto x = getConstantIntValue(a), y = getConstantIntValue(b);
    return x && y ? std::optional<int64_t>(*x * *y) : std::nullopt;
  };
  for (size_t axis = sizes.size(); axis-- > 1;) {
    if (getConstantIntValue(sizes[axis]) == 1 && sizes.size() > 1) {
      sizes.erase(sizes.begin() + axis);
      from.erase(from.begin() + axis);
      to.erase(to.begin() + axis);
      if (axis == sizes.size())
        continue;
    }
    if (axis == sizes.size())
      continue;
    auto run = product(sizes[axis], from[axis]);
    auto runTo = product(sizes[axis], to[axis]);
    auto joined = product(sizes[axis - 1], sizes[axis]);
    if (!run || !runTo || !joined ||
        getConstantIntValue(from[axis - 1]) != run ||
        getConstantIntValue(to[axis - 1]) != runTo)
      continue;
    sizes[axis - 1] =
        IntegerAttr::get(IndexType::get(sizes[axis].getContext()), *joined);
    from[axis - 1] = from[axis];
    to[axis - 1] = to[axis];
    sizes.erase(sizes.begin() + axis);
    from.erase(from.begin() + axis);
    to.erase(to.begin() + axis);
  }
}

void Movement::launch(Location loc, StringRef kind, Value from,
                      ArrayRef<OpFoldResult> fromStrides, Value to,
                      ArrayRef<OpFoldResult> toStrides,
                      ArrayRef<OpFoldResult> allSizes, int64_t bytes,
                      int64_t value) {
  Sizes sizes(allSizes), x(fromStrides), y(toStrides);
  joinAxes(sizes, x, y);
  // More axes than the kernel has: one launch for each index of the first.
  if (sizes.size() > maxAxes) {
    auto count = getConstantIntValue(sizes.front());
    for (int64_t i = 0, e = count.value_or(0); i < e; ++i) {
      Value fromRow =
          from ? offset(loc, from, mul(loc, constant(i), x.front()), bytes)
               : from;
      Value toRow = offset(loc, to, mul(loc, constant(i), y.front()), bytes);
      launch(loc, kind, fromRow, ArrayRef<OpFoldResult>(x).drop_front(), toRow,
             ArrayRef<OpFoldResult>(y).drop_front(),
             ArrayRef<OpFoldResult>(sizes).drop_front(), bytes, value);
    }
    return;
  }
  auto lead = [&](Sizes &list, int64_t filler) {
    while (list.size() < maxAxes)
      list.insert(list.begin(), constant(filler));
  };
  lead(sizes, 1);
  lead(x, 0);
  lead(y, 0);
  SmallVector<int64_t> constants(slots::Count, 0), sizeSlots, bufferSlots;
  SmallVector<Value> sizeValues, buffers;
  auto set = [&](int64_t slot, OpFoldResult size) {
    if (auto known = getConstantIntValue(size)) {
      constants[slot] = *known;
      return;
    }
    sizeValues.push_back(cast<Value>(size));
    sizeSlots.push_back(slot);
  };
  for (size_t axis = 0; axis < maxAxes; ++axis) {
    set(slots::Size0 + axis, sizes[axis]);
    set(slots::XStride0 + axis, x[axis]);
    set(slots::YStride0 + axis, y[axis]);
  }
  set(slots::Chunk, sizes.front());
  constants[slots::Value] = value;
  if (from) {
    buffers.push_back(from);
    bufferSlots.push_back(slots::X);
  }
  buffers.push_back(to);
  bufferSlots.push_back(slots::Y);
  std::string key = (kind + ":b" + Twine(8 * bytes)).str();
  Value one = arith::ConstantIndexOp::create(builder, loc, 1);
  LaunchOp::create(builder, loc, builder.getStringAttr(key), one, buffers,
                   sizeValues, builder.getDenseI64ArrayAttr(constants),
                   builder.getDenseI64ArrayAttr(bufferSlots),
                   builder.getDenseI64ArrayAttr(sizeSlots), Attribute(),
                   StringAttr());
}

void Movement::copy(Location loc, Value from,
                    ArrayRef<OpFoldResult> fromStrides, Value to,
                    ArrayRef<OpFoldResult> toStrides,
                    ArrayRef<OpFoldResult> sizes, int64_t bytes) {
  launch(loc, "copy", from, fromStrides, to, toStrides, sizes, bytes, 0);
}

void Movement::fill(Location loc, Value to, ArrayRef<OpFoldResult> strides,
                    ArrayRef<OpFoldResult> sizes, int64_t bytes,
                    int64_t value) {
  launch(loc, "fill", Value(), strides, to, strides, sizes, bytes, value);
}
