//===- Quantization.cpp - QDQ, QOperator and integer ops ------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// All quantized forms of ONNX become one: qc.quantize and qc.dequantize around
// float ops. Codes of unsigned types are kept as signed ones, 128 less. What
// has no static encoding is arithmetic on plain tensors.
//
//===----------------------------------------------------------------------===//

#include "Ops.h"

#include "qc/Dialect/QC/IR/QCOps.h"

#include <cmath>

using namespace mlir;
using namespace qconnx;

namespace {
/// Scale and zero point of one quantized operand, as indices of inputs.
struct Places {
  size_t scale;
  std::optional<size_t> zero;
};
/// A scale and zero point of a whole tensor, known at import.
struct Static {
  float scale;
  int64_t zero;
};
} // namespace

static bool isByte(DataType type) {
  return type == DataType::Int8 || type == DataType::UInt8;
}

static Places placesAt(OnnxOp &op, size_t scale) {
  Places places = {scale, std::nullopt};
  if (op.has(scale + 1))
    places.zero = scale + 1;
  return places;
}

/// The known scale and zero point of a tensor of 8-bit codes, shifted to
/// signed codes.
static std::optional<Static> getStatic(OnnxOp &op, Places places,
                                       DataType type) {
  Entry &scale = op.in(places.scale);
  if (!isByte(type) || !scale.known || scale.known->size() != 1 ||
      !scale.known->isFloat)
    return std::nullopt;
  Static result = {float(scale.known->floats[0]), 0};
  if (!(result.scale > 0) || !std::isfinite(result.scale))
    return std::nullopt;
  if (places.zero) {
    const auto &known = op.in(*places.zero).known;
    if (!known || known->size() != 1 || !known->isConstant() ||
        op.in(*places.zero).type != type)
      return std::nullopt;
    result.zero = *getNumber(known->ints[0]);
  }
  if (type == DataType::UInt8)
    result.zero -= 128;
  return result;
}

/// A scale or zero point broadcast over `dims`: one value, one for each index
/// of `axis`, or one for each block of `block` elements along it.
static FailureOr<Val> spread(OnnxOp &op, size_t input, ArrayRef<Dim> dims,
                             int64_t axis, int64_t block) {
  Emit &e = op.e;
  Entry &entry = op.in(input);
  int64_t rank = dims.size();
  bool isOne = llvm::all_of(entry.dims, [](Dim d) { return isNumber(d, 1); });
  if (isOne && block == 0) {
    Val scalar = e.reshape(op.val(entry), {});
    if (entry.known && entry.known->isConstant())
      return op.entryAs(entry, dims);
    return e.broadcast(scalar, dims);
  }
  if (axis < -rank || axis >= rank)
    return op.fail("axis " + Twine(axis), "an axis of rank " + Twine(rank));
  axis = axis < 0 ? axis + rank : axis;
  Val value = op.val(entry);
  if (entry.rank() == 1 && block == 0) {
    if (!isEqual(entry.dims[0], dims[axis]))
      return op.fail("input " + Twine(input) + " of another size",
                     "one value an index of axis " + Twine(axis));
    Dims along(rank, e.num(1));
    along[axis] = dims[axis];
    return e.broadcast(e.reshape(value, along), dims);
  }
  if (entry.rank() != rank || block < 1)
    return op.fail("input " + Twine(input) + " of rank " + Twine(entry.rank()),
                   "rank " + Twine(rank) + " with block_size");
  // Each value is repeated over its block; the last block may be shorter.
  Dims split = value.dims, repeated = value.dims, whole = value.dims;
  split.insert(split.begin() + axis + 1, e.num(1));
  repeated.insert(repeated.begin() + axis + 1, e.num(block));
  whole[axis] = e.mul(value.dims[axis], e.num(block));
  Val full = e.reshape(e.broadcast(e.reshape(value, split), repeated), whole);
  for (int64_t i = 0; i < rank; ++i) {
    std::optional<int64_t> has = getNumber(full.dims[i]),
                           wants = getNumber(dims[i]);
    if (has && wants && (i == axis ? *has < *wants : *has != *wants))
      return op.fail("input " + Twine(input) + " of another size",
                     "a value a block of " + Twine(block));
  }
  SmallVector<Dim> zeros(rank, e.num(0)), ones(rank, e.num(1));
  return e.slice(full, zeros, SmallVector<Dim>(dims), ones);
}

/// round(x / scale) + zero, kept in the range of `type`.
static FailureOr<Val> quantizePlain(OnnxOp &op, const Val &x, Places places,
                                    DataType type, int64_t axis,
                                    int64_t block) {
  Emit &e = op.e;
  unsigned bits = getBitWidth(type);
  bool isUns = isUnsigned(type);
  if (!isInteger(type) || bits > 16)
    return op.fail("codes of type " + getName(type), "4 to 16 bit integers");
  FailureOr<Val> scale = spread(op, places.scale, x.dims, axis, block);
  if (failed(scale))
    return failure();
  Val y = e.apply<math::RoundEvenOp>(e.divf(x, *scale));
  if (places.zero) {
    FailureOr<Val> zero = spread(op, *places.zero, x.dims, axis, block);
    if (failed(zero))
      return failure();
    y = e.addf(y, e.convert(*zero, x.elementType(), isUns));
  }
  double low = isUns ? 0 : -double(1 << (bits - 1));
  double high = isUns ? double(1 << bits) - 1 : double(1 << (bits - 1)) - 1;
  y = e.apply<arith::MaximumFOp>(y, e.splatLike(y, low));
  y = e.apply<arith::MinimumFOp>(y, e.splatLike(y, high));
  y = e.convert(y, e.b.getI32Type());
  return e.convert(y, getComputeType(op.context(), type));
}

/// The codes of a quantized tensor, encoded where the scale is static.
static FailureOr<Entry> quantize(OnnxOp &op, const Val &x, Places places,
                                 DataType type, int64_t axis = 1,
                                 int64_t block = 0) {
  if (std::optional<Static> known = getStatic(op, places, type);
      known && block == 0) {
    Emit &e = op.e;
    auto encoding = mlir::qc::AffineAttr::getStatic(op.context(), 8,
                                                    known->scale, known->zero);
    auto encoded = mlir::qc::withEncoding(
        cast<RankedTensorType>(x.value.getType()), encoding);
    Entry entry;
    entry.type = type;
    entry.dims = x.dims;
    entry.encoded = mlir::qc::QuantizeOp::create(e.b, e.loc, encoded, x.value);
    return entry;
  }
  FailureOr<Val> codes = quantizePlain(op, x, places, type, axis, block);
  if (failed(codes))
    return failure();
  return Entry(type, *codes);
}

/// (code - zero) * scale on plain tensors.
static FailureOr<Val> dequantizePlain(OnnxOp &op, const Val &codes,
                                      DataType type, Places places,
                                      int64_t axis, int64_t block) {
  Emit &e = op.e;
  Type i32 = e.b.getI32Type();
  bool isUns = isUnsigned(type);
  Val x = e.convert(codes, i32, isUns);
  if (places.zero) {
    FailureOr<Val> zero = spread(op, *places.zero, x.dims, axis, block);
    if (failed(zero))
      return failure();
    x = e.apply<arith::SubIOp>(x, e.convert(*zero, i32, isUns));
  }
  FailureOr<Val> scale = spread(op, places.scale, x.dims, axis, block);
  if (failed(scale))
    return failure();
  return e.mulf(e.convert(x, e.b.getF32Type()), *scale);
}

/// Signed codes of an 8-bit tensor.
static Val signedCodes(Emit &e, const Val &codes, DataType type) {
  if (type != DataType::UInt8)
    return codes;
  return e.apply<arith::XOrIOp>(codes, e.splatLike(codes, -128));
}

/// True if no code of a constant is below -127, as symmetric encodings want.
static bool isSymmetric(OnnxOp &op, const Tensor &tensor) {
  llvm::Expected<ArrayRef<char>> bytes = op.importer.model.getBytes(tensor);
  if (!bytes) {
    llvm::consumeError(bytes.takeError());
    return false;
  }
  char least = tensor.type == DataType::UInt8 ? 0 : char(-128);
  return !llvm::is_contained(*bytes, least);
}

/// Weights with a scale, or a scale and zero point, for each index of `axis`.
static FailureOr<Val> dequantizeWeights(OnnxOp &op, Entry &weights,
                                        Places places, int64_t axis) {
  Emit &e = op.e;
  Val codes = signedCodes(e, op.val(weights), weights.type);
  Dim size = codes.dims[axis];
  bool hasZeros = false;
  if (places.zero) {
    const auto &known = op.in(*places.zero).known;
    int64_t middle = weights.type == DataType::UInt8 ? 128 : 0;
    hasZeros = !known || !known->isConstant();
    for (Dim dim : known ? known->ints : SmallVector<Dim>())
      hasZeros |= !isNumber(dim, middle);
  } else {
    hasZeros = weights.type == DataType::UInt8;
  }
  bool symmetric = !hasZeros && isSymmetric(op, *weights.constant);
  SmallVector<int64_t> group(codes.rank(), -1);
  group[axis] = 1;
  auto encoding = mlir::qc::AffineAttr::get(op.context(), 8, FloatAttr(), 0,
                                            group, Type(), symmetric);
  FailureOr<Val> scale = spread(op, places.scale, {size}, 0, 0);
  if (failed(scale))
    return failure();
  Val zero;
  if (places.zero) {
    FailureOr<Val> given = spread(op, *places.zero, {size}, 0, 0);
    if (failed(given))
      return failure();
    zero = signedCodes(e, *given, weights.type);
  } else {
    int64_t none = weights.type == DataType::UInt8 ? -128 : 0;
    zero = e.splat(e.integer(e.b.getI8Type(), none), {size});
  }
  auto plain = e.getType(e.b.getF32Type(), codes.dims);
  SmallVector<Value> parts;
  for (const auto &component : encoding.getComponents(plain.getShape()))
    parts.push_back(component.name == "data"   ? codes.value
                    : component.name == "zero" ? zero.value
                                               : scale->value);
  Value encoded = mlir::qc::AssembleOp::create(
      e.b, e.loc, mlir::qc::withEncoding(plain, encoding), parts);
  Value y = mlir::qc::DequantizeOp::create(e.b, e.loc, plain, encoded);
  return Val{y, codes.dims};
}

/// Real values of a quantized operand. `channelAxis` is where the filters of a
/// weight lie, -1 where nobody knows.
static FailureOr<Val> dequantize(OnnxOp &op, Entry &x, Places places,
                                 int64_t axis = 1, int64_t block = 0,
                                 int64_t channelAxis = -1) {
  Emit &e = op.e;
  RankedTensorType plain = e.getType(e.b.getF32Type(), x.dims);
  Entry &scale = op.in(places.scale);
  bool perTensor =
      llvm::all_of(scale.dims, [](Dim d) { return isNumber(d, 1); });
  int64_t rank = x.dims.size();
  axis = axis < 0 ? axis + rank : axis;
  bool isWeight = x.constant && isByte(x.type) && rank > 1 && block == 0;
  if (isWeight && (!perTensor || channelAxis >= 0) && scale.rank() <= 1) {
    int64_t along = perTensor ? channelAxis : axis;
    if (along >= 0 && along < rank)
      return dequantizeWeights(op, x, places, along);
  }
  if (std::optional<Static> known = getStatic(op, places, x.type);
      known && block == 0) {
    auto encoding = mlir::qc::AffineAttr::getStatic(op.context(), 8,
                                                    known->scale, known->zero);
    auto type = mlir::qc::withEncoding(plain, encoding);
    Value encoded = x.encoded;
    if (!encoded || encoded.getType() != type) {
      Val codes = signedCodes(e, op.val(x), x.type);
      encoded = mlir::qc::AssembleOp::create(e.b, e.loc, type, codes.value);
    }
    Value y = mlir::qc::DequantizeOp::create(e.b, e.loc, plain, encoded);
    return Val{y, x.dims};
  }
  return dequantizePlain(op, op.val(x), x.type, places, axis, block);
}

static LogicalResult importQuantizeLinear(OnnxOp &op) {
  DataType type = op.has(2) ? op.in(2).type : DataType::UInt8;
  if (int64_t wanted = op.intAttr("output_dtype", 0))
    type = static_cast<DataType>(wanted);
  Val x = op.val(0);
  if (!x.isFloat())
    x = op.e.convert(x, op.builder().getF32Type());
  FailureOr<Entry> y =
      quantize(op, x, placesAt(op, 1), type, op.intAttr("axis", 1),
               op.intAttr("block_size", 0));
  if (failed(y))
    return failure();
  op.out(0, *y);
  return success();
}

static LogicalResult importDequantizeLinear(OnnxOp &op) {
  Entry &x = op.in(0);
  if (!isInteger(x.type))
    return op.fail("codes of type " + getName(x.type), "integers");
  FailureOr<Val> y =
      dequantize(op, x, placesAt(op, 1), op.intAttr("axis", 1),
                 op.intAttr("block_size", 0),
                 op.importer.getWeightAxis(op.node.outputs.front()));
  if (failed(y))
    return failure();
  DataType type = static_cast<DataType>(
      op.intAttr("output_dtype", static_cast<int64_t>(op.in(1).type)));
  op.out(0, isFloat(type) ? type : DataType::Float, *y);
  return success();
}

/// Scale and zero point from the range of the data.
static LogicalResult importDynamicQuantizeLinear(OnnxOp &op) {
  Emit &e = op.e;
  Val x = op.val(0);
  SmallVector<int64_t> axes = llvm::to_vector(llvm::seq<int64_t>(0, x.rank()));
  Val low = e.reduce(x, axes, Reduction::Min, /*keep=*/false);
  Val high = e.reduce(x, axes, Reduction::Max, /*keep=*/false);
  low = e.apply<arith::MinimumFOp>(low, e.splatLike(low, 0));
  high = e.apply<arith::MaximumFOp>(high, e.splatLike(high, 0));
  Val scale = e.divf(e.subf(high, low), e.splatLike(low, 255));
  Val zero = e.divf(e.subf(e.splatLike(low, 0), low), scale);
  auto clamp = [&](const Val &value) {
    Val bounded = e.apply<arith::MaximumFOp>(value, e.splatLike(value, 0));
    return e.apply<arith::MinimumFOp>(bounded, e.splatLike(value, 255));
  };
  zero = e.apply<math::RoundEvenOp>(clamp(zero));
  Val y = e.apply<math::RoundEvenOp>(e.divf(x, e.broadcast(scale, x.dims)));
  y = clamp(e.addf(y, e.broadcast(zero, x.dims)));
  auto toByte = [&](const Val &value) {
    return e.convert(e.convert(value, e.b.getI32Type()), e.b.getI8Type());
  };
  op.out(0, DataType::UInt8, toByte(y));
  op.out(1, DataType::Float, scale);
  op.out(2, DataType::UInt8, toByte(zero));
  return success();
}

/// Real values of the operand whose code, scale and zero point start at input
/// `first`.
static FailureOr<Val> operand(OnnxOp &op, size_t first, int64_t axis = 1,
                              int64_t channelAxis = -1) {
  return dequantize(op, op.in(first), placesAt(op, first + 1), axis, 0,
                    channelAxis);
}

/// Quantizes the result with the scale and zero point at input `scale`.
static LogicalResult outQuantized(OnnxOp &op, const Val &y, size_t scale) {
  DataType type = op.has(scale + 1) ? op.in(scale + 1).type : op.in(0).type;
  FailureOr<Entry> codes = quantize(op, y, placesAt(op, scale), type);
  if (failed(codes))
    return failure();
  op.out(0, *codes);
  return success();
}

static LogicalResult importQLinearConv(OnnxOp &op) {
  Emit &e = op.e;
  FailureOr<Val> x = operand(op, 0), filter = operand(op, 3, 0, 0);
  if (failed(x) || failed(filter))
    return failure();
  std::optional<SmallVector<int64_t>> shape = getNumbers(filter->dims);
  if (x->rank() < 3 || filter->rank() != x->rank() || !shape)
    return op.fail("an input of rank " + Twine(x->rank()),
                   "a filter of the same rank, 3 or more");
  Val bias;
  if (op.has(8)) {
    // The codes of the bias count in the product of the two scales.
    Dims along = {filter->dims[0]};
    FailureOr<Val> sx = spread(op, 1, along, 0, 0),
                   sw = spread(op, 4, along, 0, 0);
    if (failed(sx) || failed(sw) || failed(op.expectRank(8, 1)))
      return failure();
    bias = e.mulf(e.convert(op.val(8), e.b.getF32Type()), e.mulf(*sx, *sw));
  }
  FailureOr<Window> window = readWindow(
      op, *x, ArrayRef<int64_t>(*shape).drop_front(2), /*ceilMode=*/false);
  if (failed(window))
    return failure();
  FailureOr<Val> y =
      convolve(op, *x, *filter, bias, *window, op.intAttr("group", 1));
  if (failed(y))
    return failure();
  return outQuantized(op, *y, 6);
}

static LogicalResult importQLinearMatMul(OnnxOp &op) {
  int64_t rank = op.in(3).rank();
  FailureOr<Val> x = operand(op, 0),
                 y = operand(op, 3, rank - 1, rank == 2 ? 1 : -1);
  if (failed(x) || failed(y))
    return failure();
  FailureOr<Val> product = multiplyMatrices(op, *x, *y);
  if (failed(product))
    return failure();
  return outQuantized(op, *product, 6);
}

/// com.microsoft: a, scale, zero, b, scale, zero, scale, zero.
static LogicalResult importQLinearBinary(OnnxOp &op) {
  FailureOr<Val> x = operand(op, 0), y = operand(op, 3);
  if (failed(x) || failed(y))
    return failure();
  std::optional<Dims> dims = broadcastDims(x->dims, y->dims);
  if (!dims)
    return op.fail("operands that do not broadcast",
                   "equal sizes or sizes of 1");
  Val a = op.e.broadcast(*x, *dims), b = op.e.broadcast(*y, *dims);
  return outQuantized(
      op, op.node.opType == "QLinearAdd" ? op.e.addf(a, b) : op.e.mulf(a, b),
      6);
}

/// com.microsoft: x, scale, zero, scale, zero.
static LogicalResult importQLinearUnary(OnnxOp &op) {
  Emit &e = op.e;
  FailureOr<Val> x = operand(op, 0);
  if (failed(x))
    return failure();
  StringRef name = op.node.opType;
  Val y = *x;
  if (name == "QLinearSigmoid") {
    y = e.unary("sigmoid", y);
  } else if (name == "QLinearLeakyRelu") {
    Val below = e.compare(arith::CmpFPredicate::OLT, y, e.splatLike(y, 0));
    y = e.select(below, e.scale(y, op.floatAttr("alpha", 0.01f)), y);
  } else if (name == "QLinearSoftmax") {
    FailureOr<int64_t> axis = op.axis(op.intAttr("axis", -1), y.rank());
    if (failed(axis))
      return failure();
    y = softmax(e, y, *axis);
  } else {
    if (y.rank() < 3 || op.intAttr("channels_last", 0))
      return op.fail("channels_last or rank " + Twine(y.rank()), "[N, C, ...]");
    bool isGlobal = name == "QLinearGlobalAveragePool";
    FailureOr<Val> pooled =
        isGlobal ? FailureOr<Val>(globalAverage(e, y)) : averagePool(op, y);
    if (failed(pooled))
      return failure();
    y = *pooled;
  }
  return outQuantized(op, y, 3);
}

/// com.microsoft: scale, zero, then x, scale, zero for each part.
static LogicalResult importQLinearConcat(OnnxOp &op) {
  SmallVector<Val> parts;
  for (size_t i = 2; i + 1 < op.numInputs(); i += 3) {
    FailureOr<Val> part = operand(op, i);
    if (failed(part))
      return failure();
    if (!parts.empty() && part->rank() != parts[0].rank())
      return op.fail("parts of different ranks", "equal ranks");
    parts.push_back(*part);
  }
  if (parts.empty())
    return op.fail("no parts", "one or more");
  FailureOr<int64_t> axis = op.axis(op.intAttr("axis", 1), parts[0].rank());
  if (failed(axis))
    return failure();
  FailureOr<Entry> y =
      quantize(op, op.e.concat(parts, *axis), placesAt(op, 0), op.in(2).type);
  if (failed(y))
    return failure();
  op.out(0, *y);
  return success();
}

/// com.microsoft.QGemm: a, scale, zero, b, scale, zero, C, scale, zero.
static LogicalResult importQGemm(OnnxOp &op) {
  Emit &e = op.e;
  bool transposed = op.intAttr("transB", 0);
  if (failed(op.expectRank(0, 2)) || failed(op.expectRank(3, 2)))
    return failure();
  int64_t axis = transposed ? 0 : 1;
  FailureOr<Val> x = operand(op, 0), y = operand(op, 3, axis, axis);
  if (failed(x) || failed(y))
    return failure();
  Val a = op.intAttr("transA", 0) ? e.transpose(*x, {1, 0}) : *x;
  Val b = transposed ? e.transpose(*y, {1, 0}) : *y;
  FailureOr<Val> product = multiplyMatrices(op, a, b);
  if (failed(product))
    return failure();
  Val result = e.scale(*product, op.floatAttr("alpha", 1));
  if (op.has(6)) {
    Dims along = {result.dims[1]};
    FailureOr<Val> sx = spread(op, 1, along, 0, 0),
                   sw = spread(op, 4, along, 0, 0);
    if (failed(sx) || failed(sw))
      return failure();
    Val codes = e.convert(op.val(6), e.b.getF32Type());
    if (codes.rank() == 2)
      codes = e.reshape(codes, along);
    Val scale = e.scale(e.mulf(*sx, *sw), op.floatAttr("alpha", 1));
    Val bias = e.mulf(e.broadcast(codes, along), scale);
    result = e.addf(result, e.broadcast(bias, result.dims));
  }
  if (op.has(7))
    return outQuantized(op, result, 7);
  op.out(0, DataType::Float, result);
  return success();
}

/// Codes minus their zero point, as i32.
static FailureOr<Val> centered(OnnxOp &op, size_t input, size_t zero,
                               int64_t axis) {
  Emit &e = op.e;
  Entry &entry = op.in(input);
  if (!isByte(entry.type))
    return op.fail("codes of type " + getName(entry.type), "INT8 or UINT8");
  Type i32 = e.b.getI32Type();
  bool isUns = isUnsigned(entry.type);
  Val x = e.convert(op.val(entry), i32, isUns);
  if (!op.has(zero))
    return x;
  FailureOr<Val> zeros = spread(op, zero, x.dims, axis, 0);
  if (failed(zeros))
    return failure();
  return e.apply<arith::SubIOp>(x, e.convert(*zeros, i32, isUns));
}

static LogicalResult importMatMulInteger(OnnxOp &op) {
  int64_t rows = std::max<int64_t>(op.in(0).rank() - 2, 0);
  FailureOr<Val> x = centered(op, 0, 2, rows),
                 y = centered(op, 1, 3, op.in(1).rank() - 1);
  if (failed(x) || failed(y))
    return failure();
  FailureOr<Val> product = multiplyMatrices(op, *x, *y);
  if (failed(product))
    return failure();
  op.out(0, DataType::Int32, *product);
  return success();
}

static LogicalResult importConvInteger(OnnxOp &op) {
  FailureOr<Val> x = centered(op, 0, 2, 0), filter = centered(op, 1, 3, 0);
  if (failed(x) || failed(filter))
    return failure();
  std::optional<SmallVector<int64_t>> shape = getNumbers(filter->dims);
  if (x->rank() < 3 || filter->rank() != x->rank() || !shape)
    return op.fail("an input of rank " + Twine(x->rank()),
                   "a filter of the same rank, 3 or more");
  FailureOr<Window> window = readWindow(
      op, *x, ArrayRef<int64_t>(*shape).drop_front(2), /*ceilMode=*/false);
  if (failed(window))
    return failure();
  FailureOr<Val> y =
      convolve(op, *x, *filter, {}, *window, op.intAttr("group", 1));
  if (failed(y))
    return failure();
  op.out(0, DataType::Int32, *y);
  return success();
}

llvm::ArrayRef<OpInfo> qconnx::getQuantizationOps() {
  static const OpInfo rows[] = {
      {"ConvInteger", 2, 4, importConvInteger},
      {"DequantizeLinear", 2, 3, importDequantizeLinear},
      {"DynamicQuantizeLinear", 1, 1, importDynamicQuantizeLinear},
      {"MatMulInteger", 2, 4, importMatMulInteger},
      {"QLinearConv", 8, 9, importQLinearConv},
      {"QLinearMatMul", 8, 8, importQLinearMatMul},
      {"QuantizeLinear", 2, 3, importQuantizeLinear},
      {"com.microsoft.DequantizeLinear", 2, 3, importDequantizeLinear},
      {"com.microsoft.QGemm", 6, 9, importQGemm},
      {"com.microsoft.QLinearAdd", 7, 8, importQLinearBinary},
      {"com.microsoft.QLinearAveragePool", 4, 5, importQLinearUnary},
      {"com.microsoft.QLinearConcat", 5, anyInputs, importQLinearConcat},
      {"com.microsoft.QLinearGlobalAveragePool", 4, 5, importQLinearUnary},
      {"com.microsoft.QLinearLeakyRelu", 4, 5, importQLinearUnary},
      {"com.microsoft.QLinearMul", 7, 8, importQLinearBinary},
      {"com.microsoft.QLinearSigmoid", 4, 5, importQLinearUnary},
      {"com.microsoft.QLinearSoftmax", 4, 5, importQLinearUnary},
      {"com.microsoft.QuantizeLinear", 2, 3, importQuantizeLinear}};
  return rows;
}
