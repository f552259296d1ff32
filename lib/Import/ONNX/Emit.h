//===- Emit.h - Level-0 IR in the words of array programming ----*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the handlers of ONNX ops are written in: broadcast, reshape, reduce and
// so on over tensors whose sizes are known as `Dims`. Each emits the forms
// that docs/Architecture.md allows at level 0 and nothing when there is
// nothing to do.
//
//===----------------------------------------------------------------------===//

#ifndef QC_LIB_IMPORT_ONNX_EMIT_H
#define QC_LIB_IMPORT_ONNX_EMIT_H

#include "Dims.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinTypes.h"

#include <functional>

namespace qc::onnx {

/// A tensor with its sizes. The static sizes of the type are those of `dims`.
struct Val {
  mlir::Value value;
  Dims dims;

  explicit operator bool() const { return bool(value); }
  int64_t rank() const { return dims.size(); }
  mlir::Type elementType() const {
    return llvm::cast<mlir::RankedTensorType>(value.getType()).getElementType();
  }
  bool isFloat() const { return llvm::isa<mlir::FloatType>(elementType()); }
};

/// How linalg.reduce combines.
enum class Reduction { Sum, Product, Max, Min };

class Emit {
public:
  using ScalarFn = llvm::function_ref<mlir::Value(
      mlir::OpBuilder &, mlir::Location, mlir::ValueRange)>;

  Emit(mlir::OpBuilder &b, mlir::Location loc, DimMath &math)
      : b(b), loc(loc), math(math) {}

  mlir::OpBuilder &b;
  mlir::Location loc;
  DimMath &math;

  // Sizes.
  Dim num(int64_t number) { return math.get(number); }
  Dim add(Dim a, Dim c) { return math.add(loc, a, c); }
  Dim sub(Dim a, Dim c) { return math.sub(loc, a, c); }
  Dim mul(Dim a, Dim c) { return math.mul(loc, a, c); }
  Dim product(llvm::ArrayRef<Dim> dims) { return math.product(loc, dims); }
  mlir::RankedTensorType getType(mlir::Type element, llvm::ArrayRef<Dim> dims);
  llvm::SmallVector<mlir::Value> getDynamicSizes(llvm::ArrayRef<Dim> dims);

  // Constants.
  mlir::TypedAttr scalar(mlir::Type type, double number);
  mlir::TypedAttr integer(mlir::Type type, int64_t number);
  Val constant(mlir::DenseElementsAttr elements);
  Val splat(mlir::TypedAttr element, llvm::ArrayRef<Dim> dims);
  Val splatLike(const Val &like, double number) {
    return splat(scalar(like.elementType(), number), like.dims);
  }
  Val empty(mlir::Type element, llvm::ArrayRef<Dim> dims);
  Val fill(mlir::TypedAttr element, llvm::ArrayRef<Dim> dims);
  /// A scalar tensor that holds a size.
  mlir::Value scalarOf(Dim dim, mlir::Type type);

  // Shape.
  /// The type that `dims` says, by tensor.cast.
  Val cast(const Val &x, llvm::ArrayRef<Dim> dims);
  Val broadcast(const Val &x, llvm::ArrayRef<Dim> dims);
  Val reshape(const Val &x, llvm::ArrayRef<Dim> dims);
  Val transpose(const Val &x, llvm::ArrayRef<int64_t> permutation);
  /// Moves axis `from` to place `to`.
  Val moveAxis(const Val &x, int64_t from, int64_t to);
  Val slice(const Val &x, llvm::ArrayRef<Dim> offsets,
            llvm::ArrayRef<Dim> sizes, llvm::ArrayRef<Dim> strides);
  Val concat(llvm::ArrayRef<Val> parts, int64_t axis);
  Val pad(const Val &x, llvm::ArrayRef<Dim> low, llvm::ArrayRef<Dim> high,
          mlir::TypedAttr element);
  /// Axes `begin`..`end` - 1 as one.
  Val flatten(const Val &x, int64_t begin, int64_t end);

  // Computing.
  template <typename Op> Val apply(const Val &x) {
    return {Op::create(b, loc, x.value), x.dims};
  }
  template <typename Op> Val apply(const Val &x, const Val &y) {
    return {Op::create(b, loc, x.value, y.value), x.dims};
  }
  Val addf(const Val &x, const Val &y) {
    return apply<mlir::arith::AddFOp>(x, y);
  }
  Val subf(const Val &x, const Val &y) {
    return apply<mlir::arith::SubFOp>(x, y);
  }
  Val mulf(const Val &x, const Val &y) {
    return apply<mlir::arith::MulFOp>(x, y);
  }
  Val divf(const Val &x, const Val &y) {
    return apply<mlir::arith::DivFOp>(x, y);
  }
  Val scale(const Val &x, double factor);
  Val shift(const Val &x, double summand);
  Val compare(mlir::arith::CmpFPredicate predicate, const Val &x, const Val &y);
  Val compare(mlir::arith::CmpIPredicate predicate, const Val &x, const Val &y);
  Val select(const Val &condition, const Val &x, const Val &y);
  Val notOf(const Val &x);
  /// `qc.unary`.
  Val unary(llvm::StringRef function, const Val &x);
  /// Element conversion by value.
  Val convert(const Val &x, mlir::Type to, bool fromUnsigned = false,
              bool toUnsigned = false);
  /// Reduces `axes`; with `keep` they stay as ones.
  Val reduce(const Val &x, llvm::ArrayRef<int64_t> axes, Reduction kind,
             bool keep, bool isUnsigned = false);
  Val mean(const Val &x, llvm::ArrayRef<int64_t> axes, bool keep);
  /// linalg.generic over operands of equal sizes.
  Val map(llvm::ArrayRef<Val> operands, mlir::Type element, ScalarFn body);
  /// Each element from its indices.
  Val generate(mlir::Type element, llvm::ArrayRef<Dim> dims, ScalarFn body);
  /// Starts each element of `init` there and updates it for every index of
  /// `loops` in order: body(output indices, loop indices, value so far).
  using StepFn = llvm::function_ref<mlir::Value(
      mlir::OpBuilder &, mlir::Location, mlir::ValueRange, mlir::ValueRange,
      mlir::Value)>;
  Val accumulate(const Val &init, llvm::ArrayRef<Dim> loops, StepFn body);
  /// numpy.matmul of tensors of rank 2 or more.
  Val matmul(const Val &x, const Val &y);

private:
  Val matmulByWeight(const Val &x, const Val &y);
  std::optional<llvm::SmallVector<mlir::ReassociationIndices>>
  matchGroups(llvm::ArrayRef<Dim> from, llvm::ArrayRef<Dim> to,
              llvm::SmallVectorImpl<mlir::ReassociationIndices> &toGroups);
  Val collapse(const Val &x, llvm::ArrayRef<mlir::ReassociationIndices> groups);
  Val expand(const Val &x, llvm::ArrayRef<Dim> dims,
             llvm::ArrayRef<mlir::ReassociationIndices> groups);
};

/// The sizes of two operands after broadcasting; nullopt where numbers differ.
std::optional<Dims> broadcastDims(llvm::ArrayRef<Dim> a, llvm::ArrayRef<Dim> b);

/// Constants and arithmetic on scalars of a linalg body.
mlir::Value bodyIndex(mlir::OpBuilder &b, mlir::Location loc, int64_t number);
mlir::Value bodyConstant(mlir::OpBuilder &b, mlir::Location loc,
                         mlir::Type type, double number);

/// The element of `tensor` at `indices`.
mlir::Value bodyAt(mlir::OpBuilder &b, mlir::Location loc, mlir::Value tensor,
                   mlir::ValueRange indices);
/// The size of an axis: a number or the index value.
mlir::Value bodySize(mlir::OpBuilder &b, mlir::Location loc, Dim dim);
/// An index from the end where negative, kept inside 0 ... size - 1.
mlir::Value bodyWrap(mlir::OpBuilder &b, mlir::Location loc,
                     mlir::Value integer, Dim size);

} // namespace qc::onnx

#endif // QC_LIB_IMPORT_ONNX_EMIT_H
