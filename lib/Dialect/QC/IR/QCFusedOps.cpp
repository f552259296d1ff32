//===- QCFusedOps.cpp - Verifiers of level 3 ------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mlir/IR/TypeUtilities.h"
#include "qc/Dialect/QC/IR/QCOps.h"
#include "qc/Dialect/QC/IR/QCSparse.h"
#include "qc/Numerics/Elementary.h"
#include "qc/Numerics/Rounding.h"

using namespace mlir;
using namespace mlir::qc;
namespace num = ::qc::numerics;

static RankedTensorType typeOf(Value value) {
  return cast<RankedTensorType>(value.getType());
}

static bool isDynamic(int64_t size) { return ShapedType::isDynamic(size); }

static bool sameSize(int64_t a, int64_t b) {
  return isDynamic(a) || isDynamic(b) || a == b;
}

static bool isKnownActivation(std::optional<StringRef> name) {
  return !name || num::parseUnary(*name);
}

/// True where the sum of the op is an integer one with a static input scale.
static bool hasStaticIntegerSum(Value input, Value weight) {
  return getStaticAffine(input) &&
         isa_and_nonnull<AffineAttr>(getDenseEncoding(getEncoding(weight)));
}

/// An 8-bit sum over `k` products fits 32 bits, whatever the operands.
static LogicalResult verifySum(Operation *op, Value input, Value weight,
                               int64_t k, StringRef constraint) {
  auto x = dyn_cast_or_null<AffineAttr>(getEncoding(input));
  auto w = dyn_cast_or_null<AffineAttr>(getDenseEncoding(getEncoding(weight)));
  if (!x || !w || isDynamic(k))
    return success();
  int64_t maxX =
      std::max(x.getQMax() - x.getZeroPoint(), x.getZeroPoint() - x.getQMin());
  if (num::accumulatorFits(k, static_cast<int32_t>(maxX),
                           static_cast<int32_t>(-w.getQMin()), 0))
    return success();
  return op->emitOpError(constraint)
         << ": a sum of " << k << " products can pass 2^31";
}

static LogicalResult verifyBias(Operation *op, Value bias, int64_t channels,
                                bool integer, StringRef constraint) {
  if (!bias)
    return success();
  auto type = typeOf(bias);
  if (type.getRank() != 1 || !sameSize(type.getDimSize(0), channels) ||
      type.getElementType().isInteger(32) != integer)
    return op->emitOpError(constraint)
           << ": expected tensor<" << channels << (integer ? "xi32" : "xf32")
           << ">, found " << type;
  return success();
}

static LogicalResult verifyResidual(Operation *op, Value residual,
                                    RankedTensorType result,
                                    StringRef constraint) {
  if (!residual || succeeded(verifyCompatibleShape(typeOf(residual).getShape(),
                                                   result.getShape())))
    return success();
  return op->emitOpError(constraint) << ": expected the shape of " << result
                                     << ", found " << residual.getType();
}

/// Output size of a window that walks `size` padded elements.
static int64_t windowed(int64_t size, int64_t pad, int64_t kernel,
                        int64_t stride, int64_t dilation) {
  if (isDynamic(size) || isDynamic(kernel))
    return ShapedType::kDynamic;
  return (size + pad - (kernel - 1) * dilation - 1) / stride + 1;
}

LogicalResult Conv2DOp::verify() {
  auto x = typeOf(getInput()), w = typeOf(getFilter()), y = typeOf(getResult());
  if (x.getRank() != 4 || w.getRank() != 4 || y.getRank() != 4 ||
      getStrides().size() != 2 || getDilations().size() != 2 ||
      getPads().size() != 4 || !isKnownActivation(getActivation()))
    return emitOpError("conv2d_c1: expected ranks of 4, 2 strides, 2 "
                       "dilations, 4 pads and a known activation");
  auto positive = [](int64_t v) { return v > 0; };
  if (!llvm::all_of(getStrides(), positive) ||
      !llvm::all_of(getDilations(), positive) ||
      llvm::any_of(getPads(), [](int64_t v) { return v < 0; }))
    return emitOpError("conv2d_c1: strides and dilations are positive, pads "
                       "are not negative");
  int64_t groups = getGroups();
  if (groups < 1 || !sameSize(x.getDimSize(3), w.getDimSize(2) * groups) ||
      w.getDimSize(3) % groups != 0)
    return emitOpError("conv2d_c2: ")
           << x.getDimSize(3) << " channels in " << groups
           << " groups do not suit a filter " << w;
  for (int axis : {0, 1}) {
    int64_t size =
        windowed(x.getDimSize(axis + 1), getPads()[axis] + getPads()[axis + 2],
                 w.getDimSize(axis), getStrides()[axis], getDilations()[axis]);
    if (!sameSize(y.getDimSize(axis + 1), size))
      return emitOpError("conv2d_c3: expected ")
             << size << " along axis " << axis + 1 << ", found " << y;
  }
  if (!sameSize(y.getDimSize(0), x.getDimSize(0)) ||
      !sameSize(y.getDimSize(3), w.getDimSize(3)))
    return emitOpError("conv2d_c3: batch or channels of ")
           << y << " do not suit the operands";
  if (failed(verifyBias(*this, getBias(), w.getDimSize(3),
                        hasStaticIntegerSum(getInput(), getFilter()),
                        "conv2d_c4")) ||
      failed(verifyResidual(*this, getResidual(), y, "conv2d_c5")))
    return failure();
  return verifySum(*this, getInput(), getFilter(),
                   w.getDimSize(0) * w.getDimSize(1) * w.getDimSize(2),
                   "conv2d_c6");
}

LogicalResult MatMulOp::verify() {
  auto x = typeOf(getInput()), w = typeOf(getWeight()), y = typeOf(getResult());
  if (x.getRank() < 2 || w.getRank() != 2 || y.getRank() != x.getRank() ||
      !isKnownActivation(getActivation()))
    return emitOpError("matmul_c1: expected an input and a result of equal "
                       "rank, at least 2, a weight of rank 2 and a known "
                       "activation");
  if (!sameSize(x.getShape().back(), w.getDimSize(0)))
    return emitOpError("matmul_c2: ") << x.getShape().back() << " columns meet "
                                      << w.getDimSize(0) << " rows";
  SmallVector<int64_t> shape(x.getShape());
  shape.back() = w.getDimSize(1);
  if (failed(verifyCompatibleShape(y.getShape(), shape)))
    return emitOpError("matmul_c3: the result ")
           << y << " does not suit the operands";
  if (failed(verifyBias(*this, getBias(), w.getDimSize(1),
                        hasStaticIntegerSum(getInput(), getWeight()),
                        "matmul_c4")) ||
      failed(verifyResidual(*this, getResidual(), y, "matmul_c5")))
    return failure();
  return verifySum(*this, getInput(), getWeight(), w.getDimSize(0),
                   "matmul_c6");
}

static bool isPermutation(ArrayRef<int64_t> perm, int64_t rank) {
  SmallVector<bool> seen(rank, false);
  if (static_cast<int64_t>(perm.size()) != rank)
    return false;
  for (int64_t axis : perm) {
    if (axis < 0 || axis >= rank || seen[axis])
      return false;
    seen[axis] = true;
  }
  return true;
}

static bool isStatic8Bit(Value value) {
  AffineAttr affine = getStaticAffine(value);
  return affine && affine.getBits() == 8;
}

static LogicalResult verifyBatchMatMulEncodings(BatchMatMulOp op,
                                                int64_t terms) {
  auto isPlain = [](Value value) { return !getEncoding(value); };
  if (isPlain(op.getLhs()) && isPlain(op.getRhs()) && isPlain(op.getResult()))
    return success();
  if (!isStatic8Bit(op.getLhs()) || !isStatic8Bit(op.getRhs()) ||
      getStaticAffine(op.getRhs()).getZeroPoint() != 0 ||
      (!isPlain(op.getResult()) && !isStatic8Bit(op.getResult())))
    return op.emitOpError("batch_matmul_c3: expected static 8-bit operands, "
                          "the right one with zero point 0, found ")
           << op.getLhs().getType() << " and " << op.getRhs().getType();
  if (!ShapedType::isDynamic(terms) &&
      !num::accumulatorFits(terms, 255, 128, 0))
    return op.emitOpError("batch_matmul_c4: a sum of ")
           << terms << " products can overflow 32 bits";
  return success();
}

LogicalResult BatchMatMulOp::verify() {
  auto a = typeOf(getLhs()), b = typeOf(getRhs()), y = typeOf(getResult());
  int64_t rank = y.getRank();
  if (rank < 2 || rank > 4 || a.getRank() != rank || b.getRank() != rank ||
      !isPermutation(getLhsPerm(), rank) || !isPermutation(getRhsPerm(), rank))
    return emitOpError("batch_matmul_c1: expected equal ranks of 2 to 4 and "
                       "permutations of the axes");
  auto at = [&](RankedTensorType type, ArrayRef<int64_t> perm, int64_t axis) {
    return type.getDimSize(perm[axis]);
  };
  bool good =
      sameSize(at(a, getLhsPerm(), rank - 1), at(b, getRhsPerm(), rank - 2)) &&
      sameSize(at(a, getLhsPerm(), rank - 2), y.getDimSize(rank - 2)) &&
      sameSize(at(b, getRhsPerm(), rank - 1), y.getDimSize(rank - 1));
  for (int64_t axis = 0; axis < rank - 2; ++axis)
    good &= sameSize(at(a, getLhsPerm(), axis), y.getDimSize(axis)) &&
            sameSize(at(b, getRhsPerm(), axis), y.getDimSize(axis));
  if (!good)
    return emitOpError("batch_matmul_c2: sizes of ")
           << a << " and " << b << " do not give " << y;
  return verifyBatchMatMulEncodings(*this, at(a, getLhsPerm(), rank - 1));
}

LogicalResult Pool2DOp::verify() {
  auto x = typeOf(getInput()), y = typeOf(getResult());
  if (getKind() != "max" && getKind() != "average")
    return emitOpError("pool2d_c1: expected max or average, found '")
           << getKind() << "'";
  if (x.getRank() != 4 || y.getRank() != 4 || getKernel().size() != 2 ||
      getStrides().size() != 2 || getDilations().size() != 2 ||
      getPads().size() != 4 || !sameSize(x.getDimSize(0), y.getDimSize(0)) ||
      !sameSize(x.getDimSize(3), y.getDimSize(3)))
    return emitOpError("pool2d_c2: expected rank 4, a 2-D window, equal batch "
                       "and channels");
  if (getKind() == "max" && x.getEncoding() != y.getEncoding())
    return emitOpError("pool2d_c3: a maximum keeps the encoding, found ")
           << x << " and " << y;
  return success();
}

LogicalResult AddOp::verify() {
  for (Value value : {getLhs(), getRhs()})
    if (failed(verifyCompatibleShape(typeOf(value).getShape(),
                                     typeOf(getResult()).getShape())))
      return emitOpError("add_c1: expected equal shapes, found ")
             << value.getType() << " and " << getType();
  for (Value value : {getLhs(), getRhs(), getResult()})
    if (!isStatic8Bit(value))
      return emitOpError("add_c2: expected a static 8-bit encoding, found ")
             << value.getType();
  return success();
}

LogicalResult LookupOp::verify() {
  if (failed(verifyCompatibleShape(typeOf(getInput()).getShape(),
                                   typeOf(getResult()).getShape())))
    return emitOpError("lookup_c1: expected equal shapes");
  for (Value value : {getInput(), getResult()})
    if (!isStatic8Bit(value))
      return emitOpError("lookup_c2: expected a static 8-bit encoding, found ")
             << value.getType();
  if (getFunction() != "identity" && !num::parseUnary(getFunction()))
    return emitOpError("lookup_c3: unknown function '") << getFunction() << "'";
  return success();
}
