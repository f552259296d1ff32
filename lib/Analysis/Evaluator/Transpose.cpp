//===- Transpose.cpp - Axes in another order ------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Strided copies. Runs that are dense on both sides are copied at once; where
// only different axes are dense, the two are walked in tiles that fit a cache.
//
//===----------------------------------------------------------------------===//

#include "Transpose.h"

#include <algorithm>
#include <cstring>

using namespace qc;

llvm::SmallVector<int64_t>
evaluator::rowMajorStrides(llvm::ArrayRef<int64_t> shape) {
  llvm::SmallVector<int64_t> strides(shape.size(), 1);
  for (int64_t axis = static_cast<int64_t>(shape.size()) - 2; axis >= 0; --axis)
    strides[axis] = strides[axis + 1] * shape[axis + 1];
  return strides;
}

namespace {
/// One axis of a copy.
struct Axis {
  int64_t size, from, to;
};
} // namespace

/// Drops axes of one element, joins axes that are one on both sides.
static llvm::SmallVector<Axis> simplify(llvm::ArrayRef<int64_t> shape,
                                        llvm::ArrayRef<int64_t> from,
                                        llvm::ArrayRef<int64_t> to) {
  llvm::SmallVector<Axis> axes;
  for (size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] == 1)
      continue;
    if (!axes.empty() && axes.back().from == from[i] * shape[i] &&
        axes.back().to == to[i] * shape[i])
      axes.back() = {axes.back().size * shape[i], from[i], to[i]};
    else
      axes.push_back({shape[i], from[i], to[i]});
  }
  return axes;
}

/// The two innermost axes, in tiles of 32 by 32.
template <typename T>
static void copyPlane(Axis outer, Axis inner, const T *from, T *to) {
  if (inner.from == 1 && inner.to == 1) {
    for (int64_t i = 0; i < outer.size; ++i)
      std::memcpy(to + i * outer.to, from + i * outer.from,
                  inner.size * sizeof(T));
    return;
  }
  constexpr int64_t tile = 32;
  for (int64_t i0 = 0; i0 < outer.size; i0 += tile)
    for (int64_t j0 = 0; j0 < inner.size; j0 += tile) {
      int64_t iEnd = std::min(outer.size, i0 + tile);
      int64_t jEnd = std::min(inner.size, j0 + tile);
      for (int64_t i = i0; i < iEnd; ++i)
        for (int64_t j = j0; j < jEnd; ++j)
          to[i * outer.to + j * inner.to] =
              from[i * outer.from + j * inner.from];
    }
}

template <typename T>
static void copyAll(llvm::SmallVector<Axis> axes, const T *from, T *to) {
  while (axes.size() < 2)
    axes.insert(axes.begin(), {1, 0, 0});
  // The axis that is dense on the reading side comes next to the innermost.
  size_t last = axes.size() - 1;
  for (size_t i = 0; i < last; ++i)
    if (axes[i].from == 1 && axes[last].from != 1)
      std::rotate(axes.begin() + i, axes.begin() + i + 1, axes.begin() + last);
  llvm::SmallVector<int64_t> at(axes.size() - 2, 0);
  while (true) {
    copyPlane(axes[last - 1], axes[last], from, to);
    size_t axis = at.size();
    while (axis-- > 0) {
      from += axes[axis].from;
      to += axes[axis].to;
      if (++at[axis] < axes[axis].size)
        break;
      from -= axes[axis].from * axes[axis].size;
      to -= axes[axis].to * axes[axis].size;
      at[axis] = 0;
    }
    if (axis == size_t(-1))
      return;
  }
}

void evaluator::copyStrided(unsigned elementBytes,
                            llvm::ArrayRef<int64_t> shape, const char *from,
                            llvm::ArrayRef<int64_t> fromStrides, char *to,
                            llvm::ArrayRef<int64_t> toStrides) {
  if (std::find(shape.begin(), shape.end(), 0) != shape.end())
    return;
  llvm::SmallVector<Axis> axes = simplify(shape, fromStrides, toStrides);
  auto copy = [&](auto zero) {
    using T = decltype(zero);
    copyAll<T>(axes, reinterpret_cast<const T *>(from),
               reinterpret_cast<T *>(to));
  };
  switch (elementBytes) {
  case 1:
    return copy(uint8_t());
  case 2:
    return copy(uint16_t());
  case 4:
    return copy(uint32_t());
  default:
    return copy(uint64_t());
  }
}

HostTensor evaluator::transposed(const HostTensor &tensor,
                                 llvm::ArrayRef<int64_t> permutation) {
  llvm::SmallVector<int64_t> strides = rowMajorStrides(tensor.shape());
  llvm::SmallVector<int64_t> shape, from;
  bool isIdentity = true;
  for (auto [to, axis] : llvm::enumerate(permutation)) {
    shape.push_back(tensor.dim(axis));
    from.push_back(strides[axis]);
    isIdentity &= static_cast<int64_t>(to) == axis;
  }
  if (isIdentity)
    return tensor;
  HostTensor result = HostTensor::uninitialized(tensor.dtype(), shape);
  copyStrided(byteSize(tensor.dtype()), shape, tensor.bytes(), from,
              result.mutableBytes(), rowMajorStrides(shape));
  return result;
}
