//===- DataMovement.cpp - Ops that move elements --------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Transpose, Concat, Split, Slice, Pad, Tile and rearrangements of blocks.
//
//===----------------------------------------------------------------------===//

#include "Ops.h"

using namespace mlir;
using namespace qconnx;

static LogicalResult importTranspose(OnnxOp &op) {
  Val x = op.val(0);
  SmallVector<int64_t> permutation = op.intsAttr("perm");
  if (permutation.empty())
    for (int64_t axis = x.rank() - 1; axis >= 0; --axis)
      permutation.push_back(axis);
  FailureOr<SmallVector<int64_t>> axes = op.axes(permutation, x.rank());
  if (failed(axes))
    return failure();
  if (int64_t(axes->size()) != x.rank())
    return op.fail("a permutation of " + Twine(axes->size()) + " axes",
                   Twine(x.rank()));
  op.out(0, op.in(0).type, op.e.transpose(x, *axes));
  return success();
}

static LogicalResult importConcat(OnnxOp &op) {
  FailureOr<int64_t> axis = op.axis(op.intAttr("axis", 1), op.in(0).rank());
  if (failed(axis))
    return failure();
  SmallVector<Val> parts;
  for (size_t i = 0; i < op.numInputs(); ++i) {
    Entry &entry = op.in(i);
    if (entry.type != op.in(0).type || entry.rank() != op.in(0).rank())
      return op.fail("input " + Twine(i) + " of type " + getName(entry.type) +
                         " and rank " + Twine(entry.rank()),
                     getName(op.in(0).type) + " and rank " +
                         Twine(op.in(0).rank()));
    for (int64_t a = 0; a < entry.rank(); ++a) {
      std::optional<int64_t> x = getNumber(entry.dims[a]),
                             y = getNumber(op.in(0).dims[a]);
      if (a != *axis && x && y && *x != *y)
        return op.fail("input " + Twine(i) + " of size " + Twine(*x) +
                           " at axis " + Twine(a),
                       Twine(*y));
    }
    parts.push_back(op.val(i));
  }
  op.out(0, op.in(0).type, op.e.concat(parts, *axis));
  return success();
}

/// The part `offset` ... `offset + size` of one axis.
static Val sliceAxis(Emit &e, const Val &x, int64_t axis, Dim offset,
                     Dim size) {
  SmallVector<Dim> offsets(x.rank(), e.num(0)), strides(x.rank(), e.num(1));
  SmallVector<Dim> sizes(x.dims.begin(), x.dims.end());
  offsets[axis] = offset;
  sizes[axis] = size;
  return e.slice(x, offsets, sizes, strides);
}

static LogicalResult importSplit(OnnxOp &op) {
  Val x = op.val(0);
  Emit &e = op.e;
  FailureOr<int64_t> axis = op.axis(op.intAttr("axis", 0), x.rank());
  if (failed(axis))
    return failure();
  size_t count = op.node.outputs.size();
  SmallVector<Dim> sizes;
  if (op.has(1)) {
    FailureOr<SmallVector<Dim>> given = op.dimsInput(1);
    if (failed(given))
      return failure();
    sizes = *given;
  } else if (op.hasAttr("split")) {
    for (int64_t size : op.intsAttr("split"))
      sizes.push_back(e.num(size));
  } else {
    // Equal parts; the last one is smaller where they do not come out even.
    Dim part = e.math.ceilDiv(e.loc, x.dims[*axis], e.num(count));
    sizes.assign(count, part);
    sizes.back() = e.sub(x.dims[*axis], e.mul(part, e.num(count - 1)));
  }
  Dim offset = e.num(0);
  for (Dim size : sizes)
    offset = e.add(offset, size);
  if (sizes.size() != count || (getNumber(offset) && getNumber(x.dims[*axis]) &&
                                !isEqual(offset, x.dims[*axis])))
    return op.fail("parts that do not add up to the axis",
                   Twine(count) + " parts of the whole axis");
  offset = e.num(0);
  for (auto [i, size] : llvm::enumerate(sizes)) {
    if (getNumber(size) && *getNumber(size) < 0)
      return op.fail("a part of size " + Twine(*getNumber(size)), "0 or more");
    op.out(i, op.in(0).type, sliceAxis(e, x, *axis, offset, size));
    offset = e.add(offset, size);
  }
  return success();
}

/// start, or size + start where negative, inside [low, high].
static FailureOr<Dim> clampPlace(OnnxOp &op, Dim place, Dim size, int64_t low,
                                 Dim high) {
  Emit &e = op.e;
  std::optional<int64_t> number = getNumber(place);
  // Numbers near the limits of i32 and i64 stand for the ends.
  constexpr int64_t huge = (int64_t(1) << 31) - 2;
  if (number && *number >= huge)
    return high;
  if (number && *number <= -huge)
    return e.num(low);
  if (number && *number < 0)
    place = e.add(size, place);
  auto [least, most] = op.importer.getRange(place);
  auto [highLeast, highMost] = op.importer.getRange(high);
  if (least < low && !getNumber(place))
    place = e.math.max(e.loc, place, e.num(low));
  else if (getNumber(place))
    place = e.num(std::max(low, *getNumber(place)));
  if (most <= highLeast)
    return place;
  if (!getNumber(place) && getNumber(high)) {
    // A named size that runs into the end of a table: the name is bounded.
    if (failed(op.importer.limitSymbol(place, *getNumber(high))))
      return failure();
    return place;
  }
  return e.math.min(e.loc, place, high);
}

/// A slice with a negative step: elements picked one by one.
static Val reverseSlice(Emit &e, const Val &x, ArrayRef<Dim> offsets,
                        ArrayRef<Dim> sizes, ArrayRef<int64_t> steps) {
  return e.generate(x.elementType(), sizes,
                    [&](OpBuilder &b, Location at, ValueRange index) -> Value {
                      SmallVector<Value> source;
                      for (auto [i, step] : llvm::enumerate(steps)) {
                        Value moved = arith::MulIOp::create(
                            b, at, index[i], bodyIndex(b, at, step));
                        source.push_back(arith::AddIOp::create(
                            b, at, moved, bodySize(b, at, offsets[i])));
                      }
                      return bodyAt(b, at, x.value, source);
                    });
}

namespace {
struct SliceSpec {
  SmallVector<Dim> starts, ends;
  SmallVector<int64_t> axes, steps;
};
} // namespace

static FailureOr<SliceSpec> readSlice(OnnxOp &op, int64_t rank) {
  SliceSpec spec;
  SmallVector<int64_t> axes = op.intsAttr("axes");
  if (op.opset < 10) {
    for (int64_t place : op.intsAttr("starts"))
      spec.starts.push_back(op.e.num(place));
    for (int64_t place : op.intsAttr("ends"))
      spec.ends.push_back(op.e.num(place));
  } else {
    if (!op.has(1) || !op.has(2))
      return op.fail("no starts or ends", "inputs 1 and 2");
    FailureOr<SmallVector<Dim>> starts = op.dimsInput(1),
                                ends = op.dimsInput(2);
    if (failed(starts) || failed(ends))
      return failure();
    spec.starts = *starts;
    spec.ends = *ends;
    if (op.has(3)) {
      FailureOr<SmallVector<int64_t>> given = op.intsInput(3);
      if (failed(given))
        return failure();
      axes = *given;
    }
    if (op.has(4)) {
      FailureOr<SmallVector<int64_t>> given = op.intsInput(4);
      if (failed(given))
        return failure();
      spec.steps = *given;
    }
  }
  if (axes.empty())
    llvm::append_range(axes, llvm::seq<int64_t>(0, spec.starts.size()));
  FailureOr<SmallVector<int64_t>> checked = op.axes(axes, rank);
  if (failed(checked))
    return failure();
  spec.axes = *checked;
  if (spec.steps.empty())
    spec.steps.assign(spec.axes.size(), 1);
  size_t count = spec.axes.size();
  if (spec.starts.size() != count || spec.ends.size() != count ||
      spec.steps.size() != count)
    return op.fail("starts, ends, axes and steps of different lengths",
                   "equal lengths");
  return spec;
}

static LogicalResult importSlice(OnnxOp &op) {
  Emit &e = op.e;
  const Dims &dims = op.in(0).dims;
  int64_t rank = dims.size();
  FailureOr<SliceSpec> spec = readSlice(op, rank);
  if (failed(spec))
    return failure();
  SmallVector<Dim> offsets(rank, e.num(0)), strides(rank, e.num(1));
  SmallVector<Dim> sizes(dims.begin(), dims.end());
  SmallVector<int64_t> steps(rank, 1);
  bool isReverse = false;
  for (auto [i, axis] : llvm::enumerate(spec->axes)) {
    int64_t step = spec->steps[i];
    if (step == 0)
      return op.fail("step 0", "another step");
    Dim size = dims[axis], high = step > 0 ? size : e.sub(size, e.num(1));
    FailureOr<Dim> start = clampPlace(op, spec->starts[i], size, 0, high);
    FailureOr<Dim> end =
        clampPlace(op, spec->ends[i], size, step > 0 ? 0 : -1, high);
    if (failed(start) || failed(end))
      return failure();
    Dim span = step > 0 ? e.sub(*end, *start) : e.sub(*start, *end);
    Dim count = e.math.ceilDiv(e.loc, span, e.num(std::abs(step)));
    if (op.importer.getRange(count).first < 0)
      count = e.math.max(e.loc, count, e.num(0));
    offsets[axis] = *start;
    sizes[axis] = count;
    strides[axis] = e.num(step);
    steps[axis] = step;
    isReverse |= step < 0;
  }
  Val x = op.val(0);
  op.out(0, op.in(0).type,
         isReverse ? reverseSlice(e, x, offsets, sizes, steps)
                   : e.slice(x, offsets, sizes, strides));
  return success();
}

/// The index in the input of an index in the padded output.
static Value unpadIndex(OpBuilder &b, Location at, StringRef mode, Value index,
                        Dim low, Dim size) {
  Value moved = arith::SubIOp::create(b, at, index, bodySize(b, at, low));
  Value zero = bodyIndex(b, at, 0), one = bodyIndex(b, at, 1);
  Value end = bodySize(b, at, size);
  Value last = arith::SubIOp::create(b, at, end, one);
  if (mode == "edge") {
    moved = arith::MinSIOp::create(b, at, moved, last);
    return arith::MaxSIOp::create(b, at, moved, zero);
  }
  // Modulo of the period: the size, or twice the size without its ends.
  Value period = end;
  if (mode == "reflect") {
    Value twice = arith::AddIOp::create(b, at, last, last);
    period = arith::MaxSIOp::create(b, at, twice, one);
  }
  Value rest = arith::RemSIOp::create(b, at, moved, period);
  Value wrapped = arith::AddIOp::create(b, at, rest, period);
  rest = arith::RemSIOp::create(b, at, wrapped, period);
  if (mode == "wrap")
    return rest;
  Value back = arith::SubIOp::create(b, at, period, rest);
  return arith::MinSIOp::create(b, at, rest, back);
}

static LogicalResult padByIndex(OnnxOp &op, StringRef mode, ArrayRef<Dim> low,
                                ArrayRef<Dim> high) {
  Emit &e = op.e;
  Val x = op.val(0);
  if (mode != "edge" && mode != "reflect" && mode != "wrap")
    return op.fail("mode '" + mode + "'", "constant, edge, reflect or wrap");
  Dims dims;
  for (int64_t axis = 0; axis < x.rank(); ++axis)
    dims.push_back(e.add(e.add(x.dims[axis], low[axis]), high[axis]));
  Val result =
      e.generate(x.elementType(), dims,
                 [&](OpBuilder &b, Location at, ValueRange index) -> Value {
                   SmallVector<Value> source;
                   for (int64_t axis = 0; axis < x.rank(); ++axis)
                     source.push_back(unpadIndex(b, at, mode, index[axis],
                                                 low[axis], x.dims[axis]));
                   return bodyAt(b, at, x.value, source);
                 });
  op.out(0, op.in(0).type, result);
  return success();
}

/// Cuts what negative padding removes, and makes that padding zero.
static Val cutNegative(Emit &e, Val x, SmallVector<Dim> &low,
                       SmallVector<Dim> &high) {
  for (int64_t axis = 0; axis < x.rank(); ++axis) {
    int64_t before = std::min<int64_t>(getNumber(low[axis]).value_or(0), 0);
    int64_t after = std::min<int64_t>(getNumber(high[axis]).value_or(0), 0);
    if (before == 0 && after == 0)
      continue;
    Dim size = e.add(x.dims[axis], e.num(before + after));
    x = sliceAxis(e, x, axis, e.num(-before), size);
    low[axis] = before < 0 ? e.num(0) : low[axis];
    high[axis] = after < 0 ? e.num(0) : high[axis];
  }
  return x;
}

static LogicalResult importPad(OnnxOp &op) {
  Emit &e = op.e;
  int64_t rank = op.in(0).rank();
  SmallVector<Dim> pads;
  SmallVector<int64_t> axes;
  if (op.opset < 11) {
    for (int64_t pad : op.intsAttr("pads"))
      pads.push_back(e.num(pad));
  } else {
    if (!op.has(1))
      return op.fail("no pads", "input 1");
    FailureOr<SmallVector<Dim>> given = op.dimsInput(1);
    if (failed(given))
      return failure();
    pads = *given;
  }
  if (op.has(3)) {
    FailureOr<SmallVector<int64_t>> given = op.intsInput(3);
    if (failed(given))
      return failure();
    axes = *given;
  } else {
    llvm::append_range(axes, llvm::seq<int64_t>(0, rank));
  }
  FailureOr<SmallVector<int64_t>> checked = op.axes(axes, rank);
  if (failed(checked))
    return failure();
  if (pads.size() != 2 * checked->size())
    return op.fail(Twine(pads.size()) + " pads",
                   Twine(2 * checked->size()) + ", two an axis");
  SmallVector<Dim> low(rank, e.num(0)), high(rank, e.num(0));
  for (auto [i, axis] : llvm::enumerate(*checked)) {
    low[axis] = pads[i];
    high[axis] = pads[checked->size() + i];
    for (Dim pad : {low[axis], high[axis]})
      if (getNumber(pad) && std::abs(*getNumber(pad)) > int64_t(1) << 31)
        return op.fail("padding " + Twine(*getNumber(pad)), "below 2^31");
  }
  std::string mode = op.stringAttr("mode", "constant");
  if (mode != "constant")
    return padByIndex(op, mode, low, high);
  double number = op.floatAttr("value", 0);
  if (op.has(2)) {
    FailureOr<std::vector<double>> given = op.floatsInput(2);
    if (failed(given))
      return failure();
    number = given->empty() ? 0 : given->front();
  }
  Val x = cutNegative(e, op.val(0), low, high);
  op.out(0, op.in(0).type,
         e.pad(x, low, high, e.scalar(x.elementType(), number)));
  return success();
}

static LogicalResult importTile(OnnxOp &op) {
  Emit &e = op.e;
  Val x = op.val(0);
  FailureOr<SmallVector<Dim>> repeats = op.dimsInput(1);
  if (failed(repeats))
    return failure();
  if (int64_t(repeats->size()) != x.rank())
    return op.fail(Twine(repeats->size()) + " repeats", Twine(x.rank()));
  Dims split, repeated, dims;
  for (auto [dim, count] : llvm::zip_equal(x.dims, *repeats)) {
    split.append({e.num(1), dim});
    repeated.append({count, dim});
    dims.push_back(e.mul(count, dim));
  }
  op.out(0, op.in(0).type,
         e.reshape(e.broadcast(e.reshape(x, split), repeated), dims));
  return success();
}

/// DepthToSpace and SpaceToDepth: axes split, permuted and joined.
static LogicalResult importBlocks(OnnxOp &op) {
  Emit &e = op.e;
  if (failed(op.expectRank(0, 4)))
    return failure();
  Val x = op.val(0);
  int64_t size = op.intAttr("blocksize", 0);
  if (size < 1 || size > 1 << 20)
    return op.fail("blocksize " + Twine(size), "1 or more");
  Dim block = e.num(size);
  Dim n = x.dims[0], c = x.dims[1], h = x.dims[2], w = x.dims[3];
  auto divide = [&](Dim dim, int64_t by) {
    return e.math.floorDiv(e.loc, dim, e.num(by));
  };
  auto isUneven = [](Dim dim, int64_t by) {
    return getNumber(dim) && *getNumber(dim) % by;
  };
  Dims dims;
  Val result;
  if (op.node.opType == "SpaceToDepth") {
    if (isUneven(h, size) || isUneven(w, size))
      return op.fail("an image that blocks do not fill",
                     "multiples of " + Twine(size));
    Val split =
        e.reshape(x, {n, c, divide(h, size), block, divide(w, size), block});
    result = e.transpose(split, {0, 3, 5, 1, 2, 4});
    dims = {n, e.mul(c, e.num(size * size)), divide(h, size), divide(w, size)};
  } else {
    if (isUneven(c, size * size))
      return op.fail("channels that blocks do not fill",
                     "a multiple of " + Twine(size * size));
    Dim deep = divide(c, size * size);
    if (op.stringAttr("mode", "DCR") == "DCR") {
      Val split = e.reshape(x, {n, block, block, deep, h, w});
      result = e.transpose(split, {0, 3, 4, 1, 5, 2});
    } else {
      Val split = e.reshape(x, {n, deep, block, block, h, w});
      result = e.transpose(split, {0, 1, 4, 2, 5, 3});
    }
    dims = {n, deep, e.mul(h, block), e.mul(w, block)};
  }
  op.out(0, op.in(0).type, e.reshape(result, dims));
  return success();
}

static LogicalResult importTrilu(OnnxOp &op) {
  Val x = op.val(0);
  if (x.rank() < 2)
    return op.fail("rank " + Twine(x.rank()), "2 or more");
  int64_t diagonal = 0;
  if (op.has(1)) {
    FailureOr<SmallVector<int64_t>> given = op.intsInput(1);
    if (failed(given))
      return failure();
    diagonal = given->empty() ? 0 : given->front();
  }
  bool isUpper = op.intAttr("upper", 1);
  Val result = op.e.map(
      x, x.elementType(),
      [&](OpBuilder &b, Location at, ValueRange arguments) -> Value {
        Value row = linalg::IndexOp::create(b, at, x.rank() - 2);
        Value column = linalg::IndexOp::create(b, at, x.rank() - 1);
        Value edge =
            arith::AddIOp::create(b, at, row, bodyIndex(b, at, diagonal));
        auto predicate =
            isUpper ? arith::CmpIPredicate::sge : arith::CmpIPredicate::sle;
        Value keeps = arith::CmpIOp::create(b, at, predicate, column, edge);
        return arith::SelectOp::create(b, at, keeps, arguments[0],
                                       bodyConstant(b, at, x.elementType(), 0));
      });
  op.out(0, op.in(0).type, result);
  return success();
}

llvm::ArrayRef<OpInfo> qconnx::getDataMovementOps() {
  static const OpInfo rows[] = {{"Concat", 1, anyInputs, importConcat},
                                {"DepthToSpace", 1, 1, importBlocks},
                                {"Pad", 1, 4, importPad},
                                {"Slice", 1, 5, importSlice},
                                {"SpaceToDepth", 1, 1, importBlocks},
                                {"Split", 1, 2, importSplit},
                                {"Tile", 2, 2, importTile},
                                {"Transpose", 1, 1, importTranspose},
                                {"Trilu", 1, 2, importTrilu}};
  return rows;
}
