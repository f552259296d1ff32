//===- LinalgViews.h - Linalg ops as layers of a network --------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The named linalg ops of level 0 seen as what they are in a network: a
// convolution with strides and groups, a product with a weight, a pooling.
// Passes match on these views and never on op names, so that a new spelling is
// added in one place.
//
//===----------------------------------------------------------------------===//

#ifndef QC_ANALYSIS_LINALGVIEWS_H
#define QC_ANALYSIS_LINALGVIEWS_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include <optional>

namespace mlir::qc {

/// Order of the axes of an image tensor. Grouped images have their channels
/// split in two axes, NGCHW or NHWGC.
enum class ImageLayout { ChannelsFirst, ChannelsLast };

/// A 2-D convolution.
struct ConvView {
  enum class Kind { Full, Depthwise, Grouped };

  linalg::LinalgOp op;
  Kind kind;
  ImageLayout layout;
  Value input, filter, init;
  SmallVector<int64_t, 2> strides, dilations;

  /// The view of `op`; nullopt if it is no 2-D convolution on f32.
  static std::optional<ConvView> match(Operation *op);

  Value getResult() const { return op->getResult(0); }
  /// Number of groups; a depthwise convolution has one for each channel.
  int64_t getGroups() const;
  /// Axes of the result that the output channels lie on.
  SmallVector<int64_t, 2> getResultChannelAxes() const;
  /// Axes of the filter that the output channels lie on.
  SmallVector<int64_t, 2> getFilterChannelAxes() const;
  /// Axis of the filter that the input channels are summed over; -1 for a
  /// depthwise convolution.
  int64_t getFilterInputAxis() const;
  /// Products in one sum.
  int64_t getReductionSize() const;
};

/// A product of the last two axes: linalg.matmul or linalg.batch_matmul in
/// their plain form.
struct MatMulView {
  linalg::LinalgOp op;
  Value lhs, rhs, init;
  bool batched;

  static std::optional<MatMulView> match(Operation *op);
  Value getResult() const { return op->getResult(0); }
  int64_t getReductionSize() const;
};

/// On a product whose left operand is a flattened NHWC image, made of the NCHW
/// one that the source flattens: the rows of its weight moved along.
constexpr StringLiteral movedRowsAttr = "qc.moved_rows";

/// A max or sum pooling over the two image axes.
struct PoolView {
  linalg::LinalgOp op;
  bool isMax;
  ImageLayout layout;
  Value input, window, init;
  SmallVector<int64_t, 2> kernel, strides, dilations;

  static std::optional<PoolView> match(Operation *op);
  Value getResult() const { return op->getResult(0); }
};

/// The value of every element, if `value` is made as a splat: a constant,
/// tensor.splat, linalg.fill, linalg.broadcast of a splat.
std::optional<float> getSplatFloat(Value value);

/// True if `value` is an accumulator of zeros.
bool isZero(Value value);

/// The vector v with value[..., c, ...] = v[c], c on `axes` of the result:
/// `value` is a linalg.broadcast of v. Two axes that one was split in have a
/// vector along both. Null otherwise.
Value getChannelVector(Value value, ArrayRef<int64_t> axes);

/// A tensor.pad with a constant value that is the same for every element.
struct PadView {
  tensor::PadOp op;
  float value;
  SmallVector<int64_t> low, high;

  /// nullopt unless amounts and value are constants.
  static std::optional<PadView> match(Value value);
  /// True if axes other than the two image axes stay as they are.
  bool padsImageOnly(ImageLayout layout) const;
};

/// The two image axes of a 4-D (5-D if `grouped`) tensor.
std::pair<int64_t, int64_t> getImageAxes(ImageLayout layout,
                                         bool grouped = false);

/// True if `value` depends on nothing but parameters and constants: the
/// materializer computes it at compile time.
bool isConstantSubgraph(Value value);

} // namespace mlir::qc

#endif // QC_ANALYSIS_LINALGVIEWS_H
