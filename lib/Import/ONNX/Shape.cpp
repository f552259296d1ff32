//===- Shape.cpp - Shapes and constants -----------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Ops that make or change shapes. Sizes are lists of known integers, so that
// most of them leave nothing in the IR.
//
//===----------------------------------------------------------------------===//

#include "Ops.h"

using namespace mlir;
using namespace qconnx;

static LogicalResult importShape(OnnxOp &op) {
  const Dims &dims = op.in(0).dims;
  int64_t rank = dims.size();
  auto clamp = [&](int64_t place) {
    place = place < 0 ? place + rank : place;
    return std::clamp<int64_t>(place, 0, rank);
  };
  int64_t start = clamp(op.intAttr("start", 0));
  int64_t end = std::max(start, clamp(op.intAttr("end", rank)));
  Known known;
  known.ints.append(dims.begin() + start, dims.begin() + end);
  op.outKnown(0, DataType::Int64, {op.e.num(end - start)}, std::move(known));
  return success();
}

static LogicalResult importSize(OnnxOp &op) {
  Known known;
  known.ints.push_back(op.e.product(op.in(0).dims));
  op.outKnown(0, DataType::Int64, {}, std::move(known));
  return success();
}

/// The entry of `dims`: elements that are known stay known.
static void outReshaped(OnnxOp &op, Dims dims) {
  Entry &entry = op.in(0);
  if (entry.known && getNumbers(dims)) {
    op.outKnown(0, entry.type, std::move(dims), *entry.known);
    return;
  }
  op.out(0, entry.type, op.e.reshape(op.val(0), dims));
}

/// The sizes that a reshape asks for, with 0 and -1 resolved.
static FailureOr<Dims> resolveShape(OnnxOp &op, ArrayRef<Dim> wanted) {
  const Dims &from = op.in(0).dims;
  bool allowZero = op.intAttr("allowzero", 0);
  Dims dims;
  std::optional<size_t> rest;
  for (auto [i, dim] : llvm::enumerate(wanted)) {
    if (isNumber(dim, 0) && !allowZero) {
      if (i >= from.size())
        return op.fail("size 0 at axis " + Twine(i), "an axis of the input");
      dims.push_back(from[i]);
    } else if (isNumber(dim, -1)) {
      if (rest)
        return op.fail("-1 twice in the shape", "-1 at most once");
      rest = i;
      dims.push_back(op.e.num(1));
    } else {
      if (std::optional<int64_t> number = getNumber(dim); number && *number < 0)
        return op.fail("size " + Twine(*number), "-1 or more");
      dims.push_back(dim);
    }
  }
  Dim total = op.e.product(from), known = op.e.product(dims);
  if (rest) {
    std::optional<Dim> size = op.e.math.divideExactly(op.e.loc, total, known);
    if (!size && getNumber(total) && getNumber(known))
      return op.fail("a shape for a multiple of " + Twine(*getNumber(known)) +
                         " elements",
                     "one for " + Twine(*getNumber(total)));
    dims[*rest] = size ? *size : op.e.math.floorDiv(op.e.loc, total, known);
  } else if (getNumber(total) && getNumber(known) && !isEqual(total, known)) {
    return op.fail("a shape of " + Twine(*getNumber(known)) + " elements",
                   "one of " + Twine(*getNumber(total)));
  }
  return dims;
}

static LogicalResult importReshape(OnnxOp &op) {
  SmallVector<Dim> wanted;
  if (op.opset < 5) {
    for (int64_t size : op.intsAttr("shape"))
      wanted.push_back(op.e.num(size));
  } else {
    if (!op.has(1))
      return op.fail("no shape", "input 1");
    FailureOr<SmallVector<Dim>> given = op.dimsInput(1);
    if (failed(given))
      return failure();
    wanted = *given;
  }
  FailureOr<Dims> dims = resolveShape(op, wanted);
  if (failed(dims))
    return failure();
  outReshaped(op, *dims);
  return success();
}

static LogicalResult importFlatten(OnnxOp &op) {
  const Dims &dims = op.in(0).dims;
  int64_t rank = dims.size(), axis = op.intAttr("axis", 1);
  if (axis < -rank || axis > rank)
    return op.fail("axis " + Twine(axis), "an axis of rank " + Twine(rank));
  axis = axis < 0 ? axis + rank : axis;
  ArrayRef<Dim> all(dims);
  outReshaped(op, {op.e.product(all.take_front(axis)),
                   op.e.product(all.drop_front(axis))});
  return success();
}

/// The axes of Squeeze and Unsqueeze: an attribute before opset 13.
static FailureOr<SmallVector<int64_t>> readAxes(OnnxOp &op, int64_t rank) {
  if (op.has(1)) {
    FailureOr<SmallVector<int64_t>> given = op.intsInput(1);
    if (failed(given))
      return failure();
    return op.axes(*given, rank);
  }
  return op.axes(op.intsAttr("axes"), rank);
}

static LogicalResult importSqueeze(OnnxOp &op) {
  const Dims &from = op.in(0).dims;
  FailureOr<SmallVector<int64_t>> axes = readAxes(op, from.size());
  if (failed(axes))
    return failure();
  bool all = axes->empty() && !op.has(1) && !op.hasAttr("axes");
  Dims dims;
  for (auto [axis, dim] : llvm::enumerate(from)) {
    bool named = llvm::is_contained(*axes, int64_t(axis));
    if (named && getNumber(dim) && !isNumber(dim, 1))
      return op.fail(
          "size " + Twine(*getNumber(dim)) + " at axis " + Twine(axis), "1");
    if (!named && !(all && isNumber(dim, 1)))
      dims.push_back(dim);
  }
  outReshaped(op, std::move(dims));
  return success();
}

static LogicalResult importUnsqueeze(OnnxOp &op) {
  const Dims &from = op.in(0).dims;
  size_t count = op.intsAttr("axes").size();
  if (op.has(1)) {
    FailureOr<SmallVector<int64_t>> given = op.intsInput(1);
    if (failed(given))
      return failure();
    count = given->size();
  }
  FailureOr<SmallVector<int64_t>> axes = readAxes(op, from.size() + count);
  if (failed(axes))
    return failure();
  Dims dims;
  for (size_t axis = 0, next = 0; axis < from.size() + count; ++axis)
    dims.push_back(llvm::is_contained(*axes, int64_t(axis)) ? op.e.num(1)
                                                            : from[next++]);
  outReshaped(op, std::move(dims));
  return success();
}

static LogicalResult importExpand(OnnxOp &op) {
  FailureOr<SmallVector<Dim>> wanted = op.dimsInput(1);
  if (failed(wanted))
    return failure();
  std::optional<Dims> dims = broadcastDims(op.in(0).dims, *wanted);
  if (!dims)
    return op.fail("a shape that the input does not broadcast to",
                   "equal sizes or sizes of 1");
  op.out(0, op.in(0).type, op.valAs(0, *dims));
  return success();
}

static LogicalResult importConstantOfShape(OnnxOp &op) {
  FailureOr<SmallVector<Dim>> wanted = op.dimsInput(0);
  if (failed(wanted))
    return failure();
  Dims dims(wanted->begin(), wanted->end());
  DataType type = DataType::Float;
  TypedAttr element = op.builder().getF32FloatAttr(0);
  if (const auto *value = op.node.find("value"); value && value->tensor) {
    FailureOr<Entry> entry = op.importer.makeConstant(*value->tensor);
    if (failed(entry))
      return failure();
    if (!entry->known || entry->known->size() != 1)
      return op.fail("a value of other than one element", "one element");
    type = entry->type;
    Type computed = getComputeType(op.context(), type);
    element = entry->known->isFloat
                  ? op.e.scalar(computed, entry->known->floats[0])
                  : op.e.integer(computed, *getNumber(entry->known->ints[0]));
  }
  Dim count = op.e.product(dims);
  std::optional<int64_t> number = getNumber(count);
  for (Dim dim : dims)
    if (getNumber(dim) && *getNumber(dim) < 0)
      return op.fail("size " + Twine(*getNumber(dim)), "0 or more");
  if (number && *number <= maxKnown) {
    Known known;
    if (auto floatAttr = dyn_cast<FloatAttr>(element)) {
      known.isFloat = true;
      known.floats.assign(*number, floatAttr.getValueAsDouble());
    } else {
      APInt value = cast<IntegerAttr>(element).getValue();
      known.ints.assign(*number, op.e.num(isUnsigned(type)
                                              ? int64_t(value.getZExtValue())
                                              : value.getSExtValue()));
    }
    op.outKnown(0, type, std::move(dims), std::move(known));
    return success();
  }
  op.out(0, type, op.e.splat(element, dims));
  return success();
}

static LogicalResult importConstant(OnnxOp &op) {
  using Kind = qconnx::Attribute::Kind;
  if (op.node.attributes.size() != 1)
    return op.fail(Twine(op.node.attributes.size()) + " attributes", "one");
  const auto &value = op.node.attributes.front();
  Known known;
  Dims dims;
  switch (value.kind) {
  case Kind::Tensor: {
    FailureOr<Entry> entry = op.importer.makeConstant(*value.tensor);
    if (failed(entry))
      return failure();
    op.out(0, *entry);
    return success();
  }
  case Kind::Int:
    known.ints = {op.e.num(value.i)};
    break;
  case Kind::Float:
    known.floats = {value.f};
    break;
  case Kind::Ints:
    for (int64_t number : value.ints)
      known.ints.push_back(op.e.num(number));
    dims.push_back(op.e.num(value.ints.size()));
    break;
  case Kind::Floats:
    known.floats.assign(value.floats.begin(), value.floats.end());
    dims.push_back(op.e.num(value.floats.size()));
    break;
  default:
    return op.fail("attribute '" + value.name + "'", "a tensor or numbers");
  }
  known.isFloat = value.kind == Kind::Float || value.kind == Kind::Floats;
  op.outKnown(0, known.isFloat ? DataType::Float : DataType::Int64,
              std::move(dims), std::move(known));
  return success();
}

/// start + i * delta.
static LogicalResult importRange(OnnxOp &op) {
  DataType type = op.in(0).type;
  Type element = getComputeType(op.context(), type);
  Dim count;
  if (op.in(0).isFloat()) {
    std::vector<double> numbers;
    for (size_t i = 0; i < 3; ++i) {
      FailureOr<std::vector<double>> number = op.floatsInput(i);
      if (failed(number))
        return failure();
      numbers.push_back(number->empty() ? 0 : number->front());
    }
    double size = std::ceil((numbers[1] - numbers[0]) / numbers[2]);
    if (!(size < 1e9))
      return op.fail("a range without end", "fewer than 1e9 elements");
    count = op.e.num(std::max<int64_t>(0, int64_t(size)));
  } else {
    SmallVector<Dim> numbers;
    for (size_t i = 0; i < 3; ++i) {
      FailureOr<SmallVector<Dim>> number = op.dimsInput(i);
      if (failed(number))
        return failure();
      if (number->size() != 1)
        return op.fail(Twine(number->size()) + " elements", "a scalar");
      numbers.push_back(number->front());
    }
    std::optional<int64_t> delta = getNumber(numbers[2]);
    if (!delta || *delta == 0)
      return op.fail("a step that is not a number other than 0", "one");
    Dim span = *delta > 0 ? op.e.sub(numbers[1], numbers[0])
                          : op.e.sub(numbers[0], numbers[1]);
    count = op.e.math.ceilDiv(op.e.loc, span, op.e.num(std::abs(*delta)));
    count = op.e.math.max(op.e.loc, count, op.e.num(0));
    std::optional<int64_t> number = getNumber(count),
                           start = getNumber(numbers[0]);
    if (number && start && *number <= maxKnown) {
      Known known;
      for (int64_t i = 0; i < *number; ++i)
        known.ints.push_back(op.e.num(*start + i * *delta));
      op.outKnown(0, type, {count}, std::move(known));
      return success();
    }
  }
  Val start = op.val(0), delta = op.val(2);
  Val result = op.e.generate(
      element, {count},
      [&](OpBuilder &b, Location at, ValueRange index) -> Value {
        Value first = tensor::ExtractOp::create(b, at, start.value);
        Value step = tensor::ExtractOp::create(b, at, delta.value);
        Value i = arith::IndexCastOp::create(b, at, b.getI64Type(), index[0]);
        if (isa<FloatType>(element)) {
          i = arith::SIToFPOp::create(b, at, element, i);
          Value offset = arith::MulFOp::create(b, at, i, step);
          return arith::AddFOp::create(b, at, first, offset);
        }
        if (element.getIntOrFloatBitWidth() < 64)
          i = arith::TruncIOp::create(b, at, element, i);
        Value offset = arith::MulIOp::create(b, at, i, step);
        return arith::AddIOp::create(b, at, first, offset);
      });
  op.out(0, type, result);
  return success();
}

static LogicalResult importEyeLike(OnnxOp &op) {
  if (failed(op.expectRank(0, 2)))
    return failure();
  DataType type = static_cast<DataType>(
      op.intAttr("dtype", static_cast<int64_t>(op.in(0).type)));
  Type element = getComputeType(op.context(), type);
  if (!element)
    return op.fail("type " + getName(type), "a type that can be imported");
  int64_t diagonal = op.intAttr("k", 0);
  Val result = op.e.generate(
      element, op.in(0).dims,
      [&](OpBuilder &b, Location at, ValueRange index) -> Value {
        Value moved =
            arith::AddIOp::create(b, at, index[0], bodyIndex(b, at, diagonal));
        Value isOne = arith::CmpIOp::create(b, at, arith::CmpIPredicate::eq,
                                            moved, index[1]);
        return arith::SelectOp::create(b, at, isOne,
                                       bodyConstant(b, at, element, 1),
                                       bodyConstant(b, at, element, 0));
      });
  op.out(0, type, result);
  return success();
}

llvm::ArrayRef<OpInfo> qconnx::getShapeOps() {
  static const OpInfo rows[] = {
      {"Constant", 0, 0, importConstant},
      {"ConstantOfShape", 1, 1, importConstantOfShape},
      {"Expand", 2, 2, importExpand},
      {"EyeLike", 1, 1, importEyeLike},
      {"Flatten", 1, 1, importFlatten},
      {"Range", 3, 3, importRange},
      {"Reshape", 1, 2, importReshape},
      {"Shape", 1, 1, importShape},
      {"Size", 1, 1, importSize},
      {"Squeeze", 1, 2, importSqueeze},
      {"Unsqueeze", 1, 2, importUnsqueeze}};
  return rows;
}
