//===- Fold.cpp - Nodes whose operands are known at import ----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Exporters compute shapes, paddings and scales with little subgraphs of
// Gather, Concat, Slice, Add and so on. Run here on lists of known elements,
// they disappear. Elements that depend on a named dimension are computed as
// index arithmetic. Only exact float arithmetic is folded.
//
//===----------------------------------------------------------------------===//

#include "Importer.h"

#include <cmath>

using namespace mlir;
using namespace qconnx;

namespace {
/// Static sizes and row-major places of a known value.
struct Layout {
  SmallVector<int64_t> shape;
  int64_t count = 1;

  explicit Layout(ArrayRef<int64_t> sizes) : shape(sizes) {
    for (int64_t size : shape)
      count *= size;
  }
  SmallVector<int64_t> getIndex(int64_t place) const {
    SmallVector<int64_t> index(shape.size());
    for (size_t axis = shape.size(); axis-- > 0;) {
      index[axis] = place % shape[axis];
      place /= shape[axis];
    }
    return index;
  }
  int64_t getPlace(ArrayRef<int64_t> index) const {
    int64_t place = 0;
    for (auto [size, i] : llvm::zip_equal(shape, index))
      place = place * size + i;
    return place;
  }
};
} // namespace

/// `source[places]`, in a new shape.
static void outPicked(OnnxOp &op, const Known &source, ArrayRef<int64_t> places,
                      ArrayRef<int64_t> shape) {
  Known known;
  known.isFloat = source.isFloat;
  for (int64_t place : places) {
    if (source.isFloat)
      known.floats.push_back(source.floats[place]);
    else
      known.ints.push_back(source.ints[place]);
  }
  op.outKnown(0, op.in(0).type, op.e.math.get(shape), std::move(known));
}

static Layout layoutOf(OnnxOp &op, size_t input) {
  return Layout(*getNumbers(op.in(input).dims));
}

static bool foldTranspose(OnnxOp &op) {
  Layout from = layoutOf(op, 0);
  int64_t rank = from.shape.size();
  SmallVector<int64_t> permutation = op.intsAttr("perm"), shape, places;
  if (permutation.empty())
    for (int64_t axis = rank; axis-- > 0;)
      permutation.push_back(axis);
  if (int64_t(permutation.size()) != rank ||
      llvm::any_of(permutation,
                   [&](int64_t axis) { return axis < 0 || axis >= rank; }))
    return false;
  for (int64_t axis : permutation)
    shape.push_back(from.shape[axis]);
  Layout to(shape);
  if (to.count != from.count)
    return false;
  for (int64_t place = 0; place < to.count; ++place) {
    SmallVector<int64_t> index = to.getIndex(place), source(rank);
    for (auto [axis, i] : llvm::zip_equal(permutation, index))
      source[axis] = i;
    places.push_back(from.getPlace(source));
  }
  outPicked(op, *op.in(0).known, places, shape);
  return true;
}

static bool foldGather(OnnxOp &op) {
  Layout from = layoutOf(op, 0), at = layoutOf(op, 1);
  int64_t rank = from.shape.size(), axis = op.intAttr("axis", 0);
  axis = axis < 0 ? axis + rank : axis;
  std::optional<SmallVector<int64_t>> wanted = getNumbers(op.in(1).known->ints);
  if (axis < 0 || axis >= rank || !wanted)
    return false;
  SmallVector<int64_t> shape(ArrayRef(from.shape).take_front(axis)), places;
  shape.append(at.shape);
  shape.append(from.shape.begin() + axis + 1, from.shape.end());
  Layout to(shape);
  if (to.count > maxKnown)
    return false;
  for (int64_t place = 0; place < to.count; ++place) {
    SmallVector<int64_t> index = to.getIndex(place);
    ArrayRef<int64_t> all(index);
    int64_t i = (*wanted)[at.getPlace(all.slice(axis, at.shape.size()))];
    i = i < 0 ? i + from.shape[axis] : i;
    if (i < 0 || i >= from.shape[axis])
      return false;
    SmallVector<int64_t> source(all.take_front(axis));
    source.push_back(i);
    llvm::append_range(source, all.drop_front(axis + at.shape.size()));
    places.push_back(from.getPlace(source));
  }
  outPicked(op, *op.in(0).known, places, shape);
  return true;
}

static bool foldSlice(OnnxOp &op) {
  Layout from = layoutOf(op, 0);
  int64_t rank = from.shape.size();
  if (op.opset < 10)
    return false;
  SmallVector<int64_t> lists[4];
  for (size_t i = 1; i < 5; ++i) {
    if (!op.has(i))
      continue;
    std::optional<SmallVector<int64_t>> list = getNumbers(op.in(i).known->ints);
    if (!list || op.in(i).isFloat())
      return false;
    lists[i - 1] = *list;
  }
  auto &[starts, ends, axes, steps] = lists;
  if (axes.empty())
    llvm::append_range(axes, llvm::seq<int64_t>(0, starts.size()));
  if (steps.empty())
    steps.assign(starts.size(), 1);
  if (starts.size() != ends.size() || starts.size() != axes.size() ||
      starts.size() != steps.size())
    return false;
  SmallVector<int64_t> begin(rank, 0), step(rank, 1), shape = from.shape;
  for (auto [i, given] : llvm::enumerate(axes)) {
    int64_t axis = given < 0 ? given + rank : given;
    if (axis < 0 || axis >= rank || steps[i] == 0)
      return false;
    int64_t size = from.shape[axis];
    auto clamp = [&](int64_t place, int64_t low, int64_t high) {
      return std::clamp(place < 0 ? place + size : place, low,
                        std::max(low, high));
    };
    bool up = steps[i] > 0;
    int64_t first = clamp(starts[i], 0, up ? size : size - 1);
    int64_t last =
        clamp(std::max(ends[i], -size - 1), up ? 0 : -1, up ? size : size - 1);
    int64_t span = up ? last - first : first - last;
    int64_t by = std::abs(std::max(steps[i], -maxKnown));
    shape[axis] = span <= 0 ? 0 : 1 + (span - 1) / by;
    begin[axis] = first;
    step[axis] = std::max(steps[i], -maxKnown);
  }
  Layout to(shape);
  SmallVector<int64_t> places;
  for (int64_t place = 0; place < to.count; ++place) {
    SmallVector<int64_t> index = to.getIndex(place);
    for (int64_t axis = 0; axis < rank; ++axis)
      index[axis] = begin[axis] + index[axis] * step[axis];
    places.push_back(from.getPlace(index));
  }
  outPicked(op, *op.in(0).known, places, shape);
  return true;
}

static bool foldConcat(OnnxOp &op) {
  const Entry &first = op.in(0);
  // Vectors only: that is what shapes are.
  if (first.rank() != 1)
    return false;
  Known known;
  known.isFloat = first.known->isFloat;
  for (size_t i = 0; i < op.numInputs(); ++i) {
    if (!op.has(i) || op.in(i).rank() != 1 || op.in(i).type != first.type)
      return false;
    const Known &part = *op.in(i).known;
    llvm::append_range(known.ints, part.ints);
    known.floats.insert(known.floats.end(), part.floats.begin(),
                        part.floats.end());
  }
  int64_t size = known.size();
  if (size > maxKnown)
    return false;
  op.outKnown(0, first.type, {op.e.num(size)}, std::move(known));
  return true;
}

static bool foldCast(OnnxOp &op) {
  DataType to = op.node.opType == "Cast"
                    ? static_cast<DataType>(op.intAttr("to", 0))
                    : op.in(1).type;
  Entry &from = op.in(0);
  Known known;
  if (isFloat(to) == from.isFloat() && from.isFloat()) {
    if (to != DataType::Float && to != DataType::Double)
      return false;
    known = *from.known;
  } else if (from.isFloat() && to == DataType::Bool) {
    for (double number : from.known->floats)
      known.ints.push_back(op.e.num(number != 0));
  } else if (from.isFloat()) {
    if (to != DataType::Int64 && to != DataType::Int32)
      return false;
    for (double number : from.known->floats) {
      if (!(std::abs(number) < 2e9))
        return false;
      known.ints.push_back(op.e.num(int64_t(number)));
    }
  } else if (isFloat(to)) {
    if (!from.known->isConstant() ||
        (to != DataType::Float && to != DataType::Double))
      return false;
    known.isFloat = true;
    for (Dim dim : from.known->ints)
      known.floats.push_back(float(*getNumber(dim)));
  } else {
    bool isSame = to == DataType::Int64 || to == DataType::Int32;
    for (Dim dim : from.known->ints) {
      std::optional<int64_t> number = getNumber(dim);
      if (to == DataType::Bool && number)
        known.ints.push_back(op.e.num(*number != 0));
      else if (isSame && (!number || to == DataType::Int64 ||
                          *number == int32_t(*number)))
        known.ints.push_back(dim);
      else
        return false;
    }
  }
  op.outKnown(0, to, from.dims, std::move(known));
  return true;
}

/// One element of integer arithmetic; nullopt where it is left to the IR.
static std::optional<Dim> foldInteger(OnnxOp &op, Dim x, Dim y) {
  Emit &e = op.e;
  StringRef name = op.node.opType;
  std::optional<int64_t> a = getNumber(x), b = getNumber(y);
  if (name == "Add")
    return e.add(x, y);
  if (name == "Sub")
    return e.sub(x, y);
  if (name == "Mul")
    return e.mul(x, y);
  if (name == "Min")
    return e.math.min(e.loc, x, y);
  if (name == "Max")
    return e.math.max(e.loc, x, y);
  // Integer division truncates, which is the floor of what is not negative.
  bool positive = b && *b > 0 && (!a || *a >= 0);
  if (name == "Div" && positive)
    return e.math.floorDiv(e.loc, x, y);
  if (name == "Mod" && positive)
    return e.math.rem(e.loc, x, y);
  if (isEqual(x, y) &&
      (name == "Equal" || name == "LessOrEqual" || name == "GreaterOrEqual"))
    return e.num(1);
  if (isEqual(x, y) && (name == "Less" || name == "Greater"))
    return e.num(0);
  // Sizes are not negative.
  if (name == "Equal" && ((a && *a < 0) || (b && *b < 0)) && (!a || !b))
    return e.num(0);
  if (!a || !b)
    return std::nullopt;
  if (name == "Equal")
    return e.num(*a == *b);
  if (name == "Less")
    return e.num(*a < *b);
  if (name == "LessOrEqual")
    return e.num(*a <= *b);
  if (name == "Greater")
    return e.num(*a > *b);
  if (name == "GreaterOrEqual")
    return e.num(*a >= *b);
  if (name == "And")
    return e.num(*a && *b);
  if (name == "Or")
    return e.num(*a || *b);
  return std::nullopt;
}

static std::optional<double> foldFloat(StringRef name, float x, float y) {
  if (name == "Add")
    return x + y;
  if (name == "Sub")
    return x - y;
  if (name == "Mul")
    return x * y;
  if (name == "Div")
    return x / y;
  if (name == "Pow" && y == 0.5f)
    return std::sqrt(x);
  if (name == "Pow" && y == 2)
    return x * x;
  return std::nullopt;
}

static bool foldBinary(OnnxOp &op) {
  Entry &x = op.in(0), &y = op.in(1);
  if (op.numInputs() != 2 || x.type != y.type || isUnsigned(x.type))
    if (x.type != DataType::Bool || y.type != DataType::Bool)
      return false;
  std::optional<Dims> dims = broadcastDims(x.dims, y.dims);
  std::optional<SmallVector<int64_t>> sizes =
      dims ? getNumbers(*dims) : std::nullopt;
  if (!sizes)
    return false;
  Layout to(*sizes), left = layoutOf(op, 0), right = layoutOf(op, 1);
  if (to.count > maxKnown || (x.isFloat() && to.count > 64))
    return false;
  auto source = [&](const Layout &from, ArrayRef<int64_t> index) {
    SmallVector<int64_t> own(index.take_back(from.shape.size()));
    for (auto [i, size] : llvm::zip_equal(own, from.shape))
      i = size == 1 ? 0 : i;
    return from.getPlace(own);
  };
  Known known;
  known.isFloat = x.isFloat();
  for (int64_t place = 0; place < to.count; ++place) {
    SmallVector<int64_t> index = to.getIndex(place);
    int64_t a = source(left, index), b = source(right, index);
    if (known.isFloat) {
      std::optional<double> number =
          foldFloat(op.node.opType, x.known->floats[a], y.known->floats[b]);
      if (!number)
        return false;
      known.floats.push_back(*number);
    } else {
      std::optional<Dim> dim =
          foldInteger(op, x.known->ints[a], y.known->ints[b]);
      if (!dim)
        return false;
      known.ints.push_back(*dim);
    }
  }
  StringRef name = op.node.opType;
  bool isTest = name == "Equal" || name.starts_with("Less") ||
                name.starts_with("Greater");
  op.outKnown(0, isTest ? DataType::Bool : x.type, *dims, std::move(known));
  return true;
}

static bool foldUnary(OnnxOp &op) {
  Entry &x = op.in(0);
  StringRef name = op.node.opType;
  if (x.known->size() > 64 || !x.known->isConstant())
    return false;
  Known known;
  known.isFloat = x.isFloat();
  for (float number : x.known->floats) {
    if (name == "Sqrt")
      known.floats.push_back(std::sqrt(number));
    else if (name == "Neg")
      known.floats.push_back(-number);
    else if (name == "Floor")
      known.floats.push_back(std::floor(number));
    else if (name == "Ceil")
      known.floats.push_back(std::ceil(number));
    else if (name == "Reciprocal")
      known.floats.push_back(1.0f / number);
    else
      return false;
  }
  for (Dim dim : x.known->ints) {
    int64_t number = *getNumber(dim);
    if (name == "Not" && x.type == DataType::Bool)
      known.ints.push_back(op.e.num(!number));
    else if (name == "Neg")
      known.ints.push_back(op.e.num(-number));
    else if (name == "Abs" && !isUnsigned(x.type))
      known.ints.push_back(op.e.num(std::abs(number)));
    else
      return false;
  }
  op.outKnown(0, x.type, x.dims, std::move(known));
  return true;
}

static bool foldWhere(OnnxOp &op) {
  // The usual case: one vector length or scalars.
  if (op.in(0).type != DataType::Bool || op.in(1).type != op.in(2).type)
    return false;
  size_t size = 1;
  bool isVector = false;
  for (size_t i = 0; i < 3; ++i) {
    size = std::max(size, op.in(i).known->size());
    isVector |= op.in(i).rank() == 1;
  }
  for (size_t i = 0; i < 3; ++i) {
    size_t own = op.in(i).known->size();
    if (op.in(i).rank() > 1 || (own != 1 && own != size))
      return false;
  }
  auto pick = [&](size_t i, size_t place) {
    return op.in(i).known->size() == 1 ? 0 : place;
  };
  Known known;
  known.isFloat = op.in(1).known->isFloat;
  for (size_t place = 0; place < size; ++place) {
    std::optional<int64_t> condition =
        getNumber(op.in(0).known->ints[pick(0, place)]);
    if (!condition)
      return false;
    size_t from = *condition ? 1 : 2, at = pick(from, place);
    if (known.isFloat)
      known.floats.push_back(op.in(from).known->floats[at]);
    else
      known.ints.push_back(op.in(from).known->ints[at]);
  }
  Dims dims;
  if (isVector)
    dims.push_back(op.e.num(size));
  op.outKnown(0, op.in(1).type, std::move(dims), std::move(known));
  return true;
}

/// ReduceProd, ReduceSum, ReduceMax, ReduceMin over a whole vector.
static bool foldReduce(OnnxOp &op) {
  Entry &x = op.in(0);
  if (x.rank() != 1 || x.isFloat() || x.known->ints.empty() ||
      op.intAttr("noop_with_empty_axes", 0))
    return false;
  StringRef name = op.node.opType;
  Dim result = x.known->ints[0];
  for (Dim dim : ArrayRef<Dim>(x.known->ints).drop_front()) {
    if (name == "ReduceProd")
      result = op.e.mul(result, dim);
    else if (name == "ReduceSum")
      result = op.e.add(result, dim);
    else if (name == "ReduceMax")
      result = op.e.math.max(op.e.loc, result, dim);
    else
      result = op.e.math.min(op.e.loc, result, dim);
  }
  Dims dims;
  if (op.intAttr("keepdims", 1))
    dims.push_back(op.e.num(1));
  Known known;
  known.ints.push_back(result);
  op.outKnown(0, x.type, std::move(dims), std::move(known));
  return true;
}

static bool foldExpand(OnnxOp &op) {
  std::optional<SmallVector<int64_t>> wanted = getNumbers(op.in(1).known->ints);
  if (!wanted || op.in(1).isFloat() || op.in(0).known->size() != 1)
    return false;
  std::optional<Dims> dims =
      broadcastDims(op.in(0).dims, op.e.math.get(*wanted));
  std::optional<SmallVector<int64_t>> sizes =
      dims ? getNumbers(*dims) : std::nullopt;
  if (!sizes || llvm::any_of(*sizes, [](int64_t s) { return s < 0; }))
    return false;
  int64_t count = 1;
  for (int64_t size : *sizes)
    if (__builtin_mul_overflow(count, size, &count) || count > maxKnown)
      return false;
  outPicked(op, *op.in(0).known, SmallVector<int64_t>(count, 0), *sizes);
  return true;
}

bool qconnx::foldKnown(OnnxOp &op) {
  if (!op.node.domain.empty() || op.numInputs() == 0 ||
      op.node.outputs.size() != 1)
    return false;
  for (size_t i = 0; i < op.numInputs(); ++i)
    if (op.has(i) && (!op.in(i).known || !getNumbers(op.in(i).dims)))
      return false;
  using Fold = bool (*)(OnnxOp &);
  static const llvm::StringMap<Fold> folds = {
      {"Abs", foldUnary},           {"Add", foldBinary},
      {"And", foldBinary},          {"Cast", foldCast},
      {"CastLike", foldCast},       {"Ceil", foldUnary},
      {"Concat", foldConcat},       {"Div", foldBinary},
      {"Equal", foldBinary},        {"Expand", foldExpand},
      {"Floor", foldUnary},         {"Gather", foldGather},
      {"Greater", foldBinary},      {"GreaterOrEqual", foldBinary},
      {"Less", foldBinary},         {"LessOrEqual", foldBinary},
      {"Max", foldBinary},          {"Min", foldBinary},
      {"Mod", foldBinary},          {"Mul", foldBinary},
      {"Neg", foldUnary},           {"Not", foldUnary},
      {"Or", foldBinary},           {"Pow", foldBinary},
      {"Reciprocal", foldUnary},    {"ReduceMax", foldReduce},
      {"ReduceMin", foldReduce},    {"ReduceProd", foldReduce},
      {"ReduceSum", foldReduce},    {"Slice", foldSlice},
      {"Sqrt", foldUnary},          {"Sub", foldBinary},
      {"Transpose", foldTranspose}, {"Where", foldWhere}};
  auto found = folds.find(op.node.opType);
  return found != folds.end() && op.has(0) && found->second(op);
}
