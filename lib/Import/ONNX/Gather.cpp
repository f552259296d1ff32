//===- Gather.cpp - Ops that pick or place elements by index --------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A gather is a linalg.generic whose body extracts the element; an index from
// outside the axis is brought to its nearer end, so that no input reads past a
// tensor. Of a matrix of weights it is a qc.embedding. A scatter updates each
// output element by the updates in their order.
//
//===----------------------------------------------------------------------===//

#include "Ops.h"

#include "qc/Dialect/QC/IR/QCOps.h"

using namespace mlir;
using namespace qconnx;

Val qconnx::gather(Emit &e, const Val &data, const Val &indices, int64_t axis) {
  Dims dims(ArrayRef<Dim>(data.dims).take_front(axis));
  dims.append(indices.dims);
  dims.append(data.dims.begin() + axis + 1, data.dims.end());
  return e.generate(
      data.elementType(), dims,
      [&](OpBuilder &b, Location at, ValueRange index) -> Value {
        Value place =
            bodyAt(b, at, indices.value, index.slice(axis, indices.rank()));
        SmallVector<Value> source(index.take_front(axis));
        source.push_back(bodyWrap(b, at, place, data.dims[axis]));
        llvm::append_range(source, index.drop_front(axis + indices.rank()));
        return bodyAt(b, at, data.value, source);
      });
}

/// Whether qc.embedding can look rows of `table` up: a matrix of weights.
static bool isTable(const Val &table) {
  using namespace mlir::qc;
  Value values = table.value;
  if (auto dequantize = values.getDefiningOp<DequantizeOp>())
    if (auto codes = dequantize.getInput().getDefiningOp<AssembleOp>())
      values = codes.getComponents().front();
  return table.rank() == 2 && table.elementType().isF32() &&
         values.getDefiningOp<ParameterOp>();
}

/// Rows of a matrix of weights by qc.embedding, whose table may be encoded.
static Val lookUp(Emit &e, const Val &table, const Val &indices) {
  Val places = e.reshape(indices, {e.product(indices.dims)});
  Val tokens = e.generate(
      e.b.getI32Type(), places.dims,
      [&](OpBuilder &b, Location at, ValueRange index) -> Value {
        Value place = bodyAt(b, at, places.value, index);
        return arith::IndexCastOp::create(
            b, at, b.getI32Type(), bodyWrap(b, at, place, table.dims[0]));
      });
  Dims rows = {tokens.dims[0], table.dims[1]}, dims(indices.dims);
  dims.push_back(table.dims[1]);
  Value found = mlir::qc::EmbeddingOp::create(
      e.b, e.loc, e.getType(table.elementType(), rows), tokens.value,
      e.transpose(table, {1, 0}).value);
  return e.reshape({found, rows}, dims);
}

static LogicalResult expectIndices(OnnxOp &op, size_t input) {
  DataType type = op.in(input).type;
  if (type == DataType::Int64 || type == DataType::Int32)
    return success();
  return op.fail("indices of type " + getName(type), "INT32 or INT64");
}

static LogicalResult importGather(OnnxOp &op) {
  Emit &e = op.e;
  Entry &data = op.in(0), &indices = op.in(1);
  FailureOr<int64_t> axis = op.axis(op.intAttr("axis", 0), data.rank());
  if (failed(axis) || failed(expectIndices(op, 1)))
    return failure();
  std::optional<int64_t> size = getNumber(data.dims[*axis]);
  bool isScalar = indices.known && indices.known->size() == 1 &&
                  indices.known->isConstant();
  if (indices.known && size)
    for (Dim dim : indices.known->ints)
      if (getNumber(dim) &&
          (*getNumber(dim) < -*size || *getNumber(dim) >= *size))
        return op.fail("index " + Twine(*getNumber(dim)),
                       "one of " + Twine(*size));
  if (!isScalar) {
    Val x = op.val(0);
    bool isLookUp = *axis == 0 && !indices.known && isTable(x);
    op.out(0, data.type,
           isLookUp ? lookUp(e, x, op.val(1)) : gather(e, x, op.val(1), *axis));
    return success();
  }
  // One index is a slice without its axis.
  Val x = op.val(0);
  Dim place = indices.known->ints[0];
  if (*getNumber(place) < 0)
    place = e.add(x.dims[*axis], place);
  SmallVector<Dim> offsets(x.rank(), e.num(0)), strides(x.rank(), e.num(1));
  SmallVector<Dim> sizes(x.dims.begin(), x.dims.end());
  offsets[*axis] = place;
  sizes[*axis] = e.num(1);
  Dims dims(ArrayRef<Dim>(x.dims).take_front(*axis));
  dims.append(indices.dims);
  dims.append(x.dims.begin() + *axis + 1, x.dims.end());
  op.out(0, data.type, e.reshape(e.slice(x, offsets, sizes, strides), dims));
  return success();
}

static LogicalResult importGatherElements(OnnxOp &op) {
  Val data = op.val(0), indices = op.val(1);
  FailureOr<int64_t> axis = op.axis(op.intAttr("axis", 0), data.rank());
  if (failed(axis) || failed(expectIndices(op, 1)) ||
      failed(op.expectRank(1, data.rank())))
    return failure();
  Val result =
      op.e.generate(data.elementType(), indices.dims,
                    [&](OpBuilder &b, Location at, ValueRange index) -> Value {
                      SmallVector<Value> source(index);
                      Value place = bodyAt(b, at, indices.value, index);
                      source[*axis] = bodyWrap(b, at, place, data.dims[*axis]);
                      return bodyAt(b, at, data.value, source);
                    });
  op.out(0, op.in(0).type, result);
  return success();
}

static LogicalResult importGatherND(OnnxOp &op) {
  Val data = op.val(0), indices = op.val(1);
  int64_t batch = op.intAttr("batch_dims", 0);
  std::optional<int64_t> depth =
      indices.rank() ? getNumber(indices.dims.back()) : std::nullopt;
  if (failed(expectIndices(op, 1)))
    return failure();
  if (!depth || batch < 0 || batch >= indices.rank() ||
      batch + *depth > data.rank())
    return op.fail("indices of rank " + Twine(indices.rank()),
                   "tuples of places in rank " + Twine(data.rank()));
  int64_t outer = indices.rank() - 1;
  Dims dims(ArrayRef<Dim>(indices.dims).take_front(outer));
  dims.append(data.dims.begin() + batch + *depth, data.dims.end());
  Val result = op.e.generate(
      data.elementType(), dims,
      [&](OpBuilder &b, Location at, ValueRange index) -> Value {
        SmallVector<Value> source(index.take_front(batch));
        for (int64_t i = 0; i < *depth; ++i) {
          SmallVector<Value> tuple(index.take_front(outer));
          tuple.push_back(bodyIndex(b, at, i));
          Value place = bodyAt(b, at, indices.value, tuple);
          source.push_back(bodyWrap(b, at, place, data.dims[batch + i]));
        }
        llvm::append_range(source, index.drop_front(outer));
        return bodyAt(b, at, data.value, source);
      });
  op.out(0, op.in(0).type, result);
  return success();
}

/// What an update does to the value at its place.
static Value applyUpdate(OpBuilder &b, Location at, StringRef reduction,
                         bool isUnsigned, Value old, Value update) {
  bool isFloat = isa<FloatType>(old.getType());
  if (reduction == "add" && isFloat)
    return arith::AddFOp::create(b, at, old, update);
  if (reduction == "add")
    return arith::AddIOp::create(b, at, old, update);
  if (reduction == "mul" && isFloat)
    return arith::MulFOp::create(b, at, old, update);
  if (reduction == "mul")
    return arith::MulIOp::create(b, at, old, update);
  if (reduction == "max" && isFloat)
    return arith::MaximumFOp::create(b, at, old, update);
  if (reduction == "max" && isUnsigned)
    return arith::MaxUIOp::create(b, at, old, update);
  if (reduction == "max")
    return arith::MaxSIOp::create(b, at, old, update);
  if (reduction == "min" && isFloat)
    return arith::MinimumFOp::create(b, at, old, update);
  if (reduction == "min" && isUnsigned)
    return arith::MinUIOp::create(b, at, old, update);
  if (reduction == "min")
    return arith::MinSIOp::create(b, at, old, update);
  return update;
}

static LogicalResult importScatterElements(OnnxOp &op) {
  Val data = op.val(0), indices = op.val(1), updates = op.val(2);
  FailureOr<int64_t> axis = op.axis(op.intAttr("axis", 0), data.rank());
  if (failed(axis) || failed(expectIndices(op, 1)) ||
      failed(op.expectRank(1, data.rank())) ||
      failed(op.expectRank(2, data.rank())))
    return failure();
  std::string reduction = op.stringAttr("reduction", "none");
  bool isUns = isUnsigned(op.in(0).type);
  // Updates that reach an element lie on its line along the axis; elsewhere
  // the indices may be smaller than the data.
  Val result = op.e.accumulate(
      data, {indices.dims[*axis]},
      [&](OpBuilder &b, Location at, ValueRange index, ValueRange step,
          Value value) -> Value {
        SmallVector<Value> source(index);
        source[*axis] = step[0];
        Value inside;
        for (int64_t i = 0; i < data.rank(); ++i) {
          if (i == *axis || isEqual(indices.dims[i], data.dims[i]))
            continue;
          Value end = bodySize(b, at, indices.dims[i]);
          Value fits = arith::CmpIOp::create(b, at, arith::CmpIPredicate::slt,
                                             source[i], end);
          inside = inside ? arith::AndIOp::create(b, at, inside, fits) : fits;
          Value last = arith::SubIOp::create(b, at, end, bodyIndex(b, at, 1));
          source[i] = arith::MinSIOp::create(b, at, source[i], last);
        }
        Value place = bodyWrap(b, at, bodyAt(b, at, indices.value, source),
                               data.dims[*axis]);
        Value hits = arith::CmpIOp::create(b, at, arith::CmpIPredicate::eq,
                                           place, index[*axis]);
        if (inside)
          hits = arith::AndIOp::create(b, at, hits, inside);
        Value update = bodyAt(b, at, updates.value, source);
        return arith::SelectOp::create(
            b, at, hits, applyUpdate(b, at, reduction, isUns, value, update),
            value);
      });
  op.out(0, op.in(0).type, result);
  return success();
}

static LogicalResult importScatterND(OnnxOp &op) {
  Val data = op.val(0), indices = op.val(1), updates = op.val(2);
  std::optional<int64_t> depth =
      indices.rank() ? getNumber(indices.dims.back()) : std::nullopt;
  if (failed(expectIndices(op, 1)))
    return failure();
  if (!depth || *depth > data.rank() ||
      updates.rank() != indices.rank() - 1 + data.rank() - *depth)
    return op.fail("indices of rank " + Twine(indices.rank()),
                   "tuples of places in rank " + Twine(data.rank()));
  std::string reduction = op.stringAttr("reduction", "none");
  bool isUns = isUnsigned(op.in(0).type);
  int64_t outer = indices.rank() - 1;
  Dims loops(ArrayRef<Dim>(indices.dims).take_front(outer));
  Val result = op.e.accumulate(
      data, loops,
      [&](OpBuilder &b, Location at, ValueRange index, ValueRange step,
          Value value) -> Value {
        Value hits;
        for (int64_t i = 0; i < *depth; ++i) {
          SmallVector<Value> tuple(step);
          tuple.push_back(bodyIndex(b, at, i));
          Value place = bodyWrap(b, at, bodyAt(b, at, indices.value, tuple),
                                 data.dims[i]);
          Value same = arith::CmpIOp::create(b, at, arith::CmpIPredicate::eq,
                                             place, index[i]);
          hits = hits ? arith::AndIOp::create(b, at, hits, same) : same;
        }
        SmallVector<Value> source(step);
        llvm::append_range(source, index.drop_front(*depth));
        Value update = bodyAt(b, at, updates.value, source);
        Value next = applyUpdate(b, at, reduction, isUns, value, update);
        return hits ? arith::SelectOp::create(b, at, hits, next, value) : next;
      });
  op.out(0, op.in(0).type, result);
  return success();
}

static LogicalResult importOneHot(OnnxOp &op) {
  Emit &e = op.e;
  Val indices = op.val(0), values = op.val(2);
  FailureOr<std::vector<double>> depth = op.floatsInput(1);
  if (failed(depth))
    return failure();
  if (depth->size() != 1 || (*depth)[0] < 0 || (*depth)[0] > 1e9 ||
      values.rank() != 1)
    return op.fail("a depth or values of other sizes", "a number and 2 values");
  FailureOr<int64_t> axis = op.axis(op.intAttr("axis", -1), indices.rank() + 1);
  if (failed(axis))
    return failure();
  Type i64 = e.b.getI64Type();
  if (indices.isFloat() || indices.elementType() != i64)
    indices = e.convert(indices, i64, isUnsigned(op.in(0).type));
  int64_t size = int64_t((*depth)[0]);
  Dims dims = indices.dims;
  dims.insert(dims.begin() + *axis, e.num(size));
  Val result = e.generate(
      values.elementType(), dims,
      [&](OpBuilder &b, Location at, ValueRange index) -> Value {
        SmallVector<Value> source(index);
        source.erase(source.begin() + *axis);
        Value hot = arith::IndexCastOp::create(
            b, at, b.getIndexType(), bodyAt(b, at, indices.value, source));
        Value zero = bodyIndex(b, at, 0), one = bodyIndex(b, at, 1);
        Value isNegative =
            arith::CmpIOp::create(b, at, arith::CmpIPredicate::slt, hot, zero);
        Value moved = arith::AddIOp::create(b, at, hot, bodyIndex(b, at, size));
        hot = arith::SelectOp::create(b, at, isNegative, moved, hot);
        Value isHot = arith::CmpIOp::create(b, at, arith::CmpIPredicate::eq,
                                            hot, index[*axis]);
        Value place = arith::SelectOp::create(b, at, isHot, one, zero);
        return bodyAt(b, at, values.value, place);
      });
  op.out(0, op.in(2).type, result);
  return success();
}

/// Elements or slices where a known condition holds.
static LogicalResult importCompress(OnnxOp &op) {
  Emit &e = op.e;
  FailureOr<SmallVector<int64_t>> condition = op.intsInput(1);
  if (failed(condition))
    return failure();
  Val x = op.val(0);
  int64_t axis = 0;
  if (op.hasAttr("axis")) {
    FailureOr<int64_t> given = op.axis(op.intAttr("axis", 0), x.rank());
    if (failed(given))
      return failure();
    axis = *given;
  } else {
    x = e.reshape(x, {e.product(x.dims)});
  }
  SmallVector<int64_t> places;
  for (auto [i, keeps] : llvm::enumerate(*condition))
    if (keeps)
      places.push_back(i);
  auto type = RankedTensorType::get(int64_t(places.size()), e.b.getI64Type());
  Val indices =
      e.constant(DenseElementsAttr::get(type, ArrayRef<int64_t>(places)));
  op.out(0, op.in(0).type, gather(e, x, indices, axis));
  return success();
}

/// Reverses the first `lens[b]` elements of each sequence.
static LogicalResult importReverseSequence(OnnxOp &op) {
  Val x = op.val(0), lengths = op.val(1);
  int64_t time = op.intAttr("time_axis", 0),
          batch = op.intAttr("batch_axis", 1);
  if (x.rank() < 2 || lengths.rank() != 1 || time == batch || time < 0 ||
      batch < 0 || time > 1 || batch > 1)
    return op.fail("axes " + Twine(time) + " and " + Twine(batch), "0 and 1");
  Val result = op.e.generate(
      x.elementType(), x.dims,
      [&](OpBuilder &b, Location at, ValueRange index) -> Value {
        Value length = arith::IndexCastOp::create(
            b, at, b.getIndexType(),
            bodyAt(b, at, lengths.value, index[batch]));
        Value last = arith::SubIOp::create(b, at, length, bodyIndex(b, at, 1));
        Value back = arith::SubIOp::create(b, at, last, index[time]);
        Value isInside = arith::CmpIOp::create(b, at, arith::CmpIPredicate::slt,
                                               index[time], length);
        SmallVector<Value> source(index);
        Value place =
            arith::SelectOp::create(b, at, isInside, back, index[time]);
        source[time] = bodyWrap(b, at, place, x.dims[time]);
        return bodyAt(b, at, x.value, source);
      });
  op.out(0, op.in(0).type, result);
  return success();
}

llvm::ArrayRef<OpInfo> qconnx::getGatherOps() {
  static const OpInfo rows[] = {
      {"Compress", 2, 2, importCompress},
      {"Gather", 2, 2, importGather},
      {"GatherElements", 2, 2, importGatherElements},
      {"GatherND", 2, 2, importGatherND},
      {"OneHot", 3, 3, importOneHot},
      {"ReverseSequence", 2, 2, importReverseSequence},
      {"Scatter", 3, 3, importScatterElements},
      {"ScatterElements", 3, 3, importScatterElements},
      {"ScatterND", 3, 3, importScatterND}};
  return rows;
}
