//===- EmitShape.cpp - Moving data at level 0 -----------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Broadcast, reshape, transpose, slice, concatenate, pad. A reshape is a
// collapse and an expansion of the smallest groups of axes with equal
// products, so that later levels see which axes stay.
//
//===----------------------------------------------------------------------===//

#include "Emit.h"

using namespace mlir;
using namespace qconnx;

Val Emit::cast(const Val &x, ArrayRef<Dim> dims) {
  for (auto [own, asked] : llvm::zip_equal(x.dims, dims))
    math.needEqual(loc, own, asked);
  RankedTensorType type = getType(x.elementType(), dims);
  if (x.value.getType() == type)
    return {x.value, Dims(dims)};
  return {tensor::CastOp::create(b, loc, type, x.value), Dims(dims)};
}

Val Emit::collapse(const Val &x, ArrayRef<ReassociationIndices> groups) {
  Dims dims;
  for (const ReassociationIndices &group : groups) {
    Dim size = num(1);
    for (int64_t axis : group)
      size = mul(size, x.dims[axis]);
    dims.push_back(size);
  }
  if (dims.size() == x.dims.size())
    return x;
  Value value = tensor::CollapseShapeOp::create(
      b, loc, getType(x.elementType(), dims), x.value, groups);
  // The op has a dynamic result where any of the axes is dynamic.
  return {value, dims};
}

Val Emit::expand(const Val &x, ArrayRef<Dim> dims,
                 ArrayRef<ReassociationIndices> groups) {
  if (dims.size() == x.dims.size())
    return cast(x, dims);
  // A static size cannot be expanded to dynamic ones: forget it first.
  Dims source = x.dims;
  SmallVector<int64_t> shape;
  for (auto [group, dim] : llvm::zip_equal(groups, source)) {
    bool isDynamic = false;
    for (int64_t axis : group)
      isDynamic |= !getNumber(dims[axis]);
    shape.push_back(isDynamic ? ShapedType::kDynamic : getStaticSize(dim));
  }
  Value value = x.value;
  auto type = RankedTensorType::get(shape, x.elementType());
  if (value.getType() != type)
    value = tensor::CastOp::create(b, loc, type, value);
  value = tensor::ExpandShapeOp::create(b, loc, getType(x.elementType(), dims),
                                        value, groups, dims);
  return {value, Dims(dims)};
}

std::optional<SmallVector<ReassociationIndices>>
Emit::matchGroups(ArrayRef<Dim> from, ArrayRef<Dim> to,
                  SmallVectorImpl<ReassociationIndices> &toGroups) {
  SmallVector<ReassociationIndices> fromGroups;
  size_t i = 0, j = 0;
  while (i < from.size() && j < to.size()) {
    ReassociationIndices left = {int64_t(i)}, right = {int64_t(j)};
    Dim a = from[i++], c = to[j++];
    while (!isEqual(a, c)) {
      // The smaller product takes the next axis; a divisor is smaller.
      bool growLeft;
      std::optional<int64_t> x = getNumber(a), y = getNumber(c);
      if (x && y)
        growLeft = *x < *y;
      else if (math.divideExactly(loc, c, a))
        growLeft = true;
      else if (math.divideExactly(loc, a, c))
        growLeft = false;
      else
        growLeft = x.has_value();
      if (growLeft ? i == from.size() : j == to.size())
        return std::nullopt;
      if (growLeft) {
        left.push_back(i);
        a = mul(a, from[i++]);
      } else {
        right.push_back(j);
        c = mul(c, to[j++]);
      }
    }
    fromGroups.push_back(left);
    toGroups.push_back(right);
  }
  if (fromGroups.empty())
    return std::nullopt;
  for (; i < from.size(); ++i) {
    if (!isNumber(from[i], 1))
      return std::nullopt;
    fromGroups.back().push_back(i);
  }
  for (; j < to.size(); ++j) {
    if (!isNumber(to[j], 1))
      return std::nullopt;
    toGroups.back().push_back(j);
  }
  return fromGroups;
}

Val Emit::reshape(const Val &x, ArrayRef<Dim> dims) {
  if (isEqual(x.dims, dims))
    return x;
  math.needEqual(loc, product(x.dims), product(dims));
  SmallVector<ReassociationIndices> fromGroups, toGroups;
  if (auto groups = matchGroups(x.dims, dims, toGroups)) {
    fromGroups = std::move(*groups);
  } else {
    // Through one axis, or through none where either side is a scalar.
    fromGroups.clear();
    toGroups.clear();
    if (x.rank() > 0 && !dims.empty()) {
      fromGroups.resize(1);
      toGroups.resize(1);
      llvm::append_range(fromGroups[0], llvm::seq<int64_t>(0, x.rank()));
      llvm::append_range(toGroups[0], llvm::seq<int64_t>(0, dims.size()));
    }
  }
  Val collapsed = x;
  if (size_t(x.rank()) != fromGroups.size()) {
    // A scalar needs sizes of one: names that mean one are made numbers.
    if (fromGroups.empty())
      collapsed = cast(x, Dims(x.rank(), num(1)));
    collapsed = collapse(collapsed, fromGroups);
  }
  if (dims.size() == toGroups.size())
    return cast(collapsed, dims);
  if (toGroups.empty() && !getNumbers(dims)) {
    Dims ones(dims.size(), num(1));
    return cast(expand(collapsed, ones, toGroups), dims);
  }
  return expand(collapsed, dims, toGroups);
}

Val Emit::flatten(const Val &x, int64_t begin, int64_t end) {
  Dims dims;
  Dim size = num(1);
  for (auto [axis, dim] : llvm::enumerate(x.dims)) {
    bool inside = int64_t(axis) >= begin && int64_t(axis) < end;
    if (inside)
      size = mul(size, dim);
    else
      dims.push_back(dim);
  }
  dims.insert(dims.begin() + begin, size);
  return reshape(x, dims);
}

Val Emit::broadcast(const Val &x, ArrayRef<Dim> dims) {
  if (isEqual(x.dims, dims))
    return cast(x, dims);
  int64_t lead = int64_t(dims.size()) - x.rank();
  Dims kept, keptTarget;
  SmallVector<int64_t> added;
  for (int64_t axis = 0; axis < int64_t(dims.size()); ++axis) {
    // Unit axes go even where the target has one too: a bias stays a vector.
    bool isNew = axis < lead || isNumber(x.dims[axis - lead], 1);
    if (isNew) {
      added.push_back(axis);
    } else {
      kept.push_back(x.dims[axis - lead]);
      keptTarget.push_back(dims[axis]);
    }
  }
  Val source = cast(reshape(x, kept), keptTarget);
  if (added.empty())
    return source;
  Val init = empty(x.elementType(), dims);
  auto op =
      linalg::BroadcastOp::create(b, loc, source.value, init.value, added);
  return {op->getResult(0), Dims(dims)};
}

Val Emit::transpose(const Val &x, ArrayRef<int64_t> permutation) {
  Dims dims;
  bool isIdentity = true;
  for (auto [to, from] : llvm::enumerate(permutation)) {
    dims.push_back(x.dims[from]);
    isIdentity &= int64_t(to) == from;
  }
  if (isIdentity)
    return x;
  Val init = empty(x.elementType(), dims);
  auto op =
      linalg::TransposeOp::create(b, loc, x.value, init.value, permutation);
  return {op->getResult(0), dims};
}

Val Emit::moveAxis(const Val &x, int64_t from, int64_t to) {
  SmallVector<int64_t> permutation;
  for (int64_t axis = 0; axis < x.rank(); ++axis)
    if (axis != from)
      permutation.push_back(axis);
  permutation.insert(permutation.begin() + to, from);
  return transpose(x, permutation);
}

Val Emit::slice(const Val &x, ArrayRef<Dim> offsets, ArrayRef<Dim> sizes,
                ArrayRef<Dim> strides) {
  bool isWhole = isEqual(x.dims, sizes);
  for (auto [offset, stride] : llvm::zip_equal(offsets, strides))
    isWhole &= isNumber(offset, 0) && isNumber(stride, 1);
  if (isWhole)
    return x;
  // An empty slice may begin at the end, where no slice of MLIR begins.
  if (llvm::any_of(sizes, [](Dim size) { return isNumber(size, 0); }))
    return empty(x.elementType(), sizes);
  Value value =
      tensor::ExtractSliceOp::create(b, loc, getType(x.elementType(), sizes),
                                     x.value, offsets, sizes, strides);
  return {value, Dims(sizes)};
}

Val Emit::concat(ArrayRef<Val> parts, int64_t axis) {
  if (parts.size() == 1)
    return parts.front();
  Dims dims = parts.front().dims;
  for (const Val &part : parts.drop_front()) {
    for (auto [i, dim] : llvm::enumerate(part.dims)) {
      if (int64_t(i) == axis)
        dims[i] = add(dims[i], dim);
      else if (!getNumber(dims[i]) && getNumber(dim))
        dims[i] = dim;
    }
  }
  SmallVector<Value> values;
  for (const Val &part : parts) {
    Dims own = dims;
    own[axis] = part.dims[axis];
    values.push_back(cast(part, own).value);
  }
  Value value = tensor::ConcatOp::create(
      b, loc, getType(parts.front().elementType(), dims), axis, values);
  return {value, dims};
}

Val Emit::pad(const Val &x, ArrayRef<Dim> low, ArrayRef<Dim> high,
              TypedAttr element) {
  Dims dims;
  bool isNothing = true;
  for (auto [dim, before, after] : llvm::zip_equal(x.dims, low, high)) {
    dims.push_back(add(add(dim, before), after));
    isNothing &= isNumber(before, 0) && isNumber(after, 0);
  }
  if (isNothing)
    return x;
  Value number = arith::ConstantOp::create(b, loc, element);
  Value value = tensor::PadOp::create(b, loc, getType(x.elementType(), dims),
                                      x.value, low, high, number);
  return {value, dims};
}
