//===- Resize.cpp - Resize and Upsample -----------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every mode works axis by axis: an output element is a weighted sum of a few
// neighbours. Which ones and with which weights is computed at import and kept
// in two small tables, so that one loop serves all modes.
//
//===----------------------------------------------------------------------===//

#include "Ops.h"

#include <cmath>
#include <string>

using namespace mlir;
using namespace qconnx;

namespace {
/// How output coordinates map to input coordinates, and what is done there.
struct Options {
  std::string mode, coordinates, nearest;
  double cubicA = -0.75;
  bool excludeOutside = false, antialias = false;
};
/// One axis: `count` neighbours of each output element.
struct Taps {
  int64_t count = 0;
  std::vector<int64_t> places;
  std::vector<float> weights;
};
} // namespace

/// The input coordinate of output element `x`.
static double getSource(StringRef mode, double x, double scale, int64_t from,
                        int64_t to) {
  double width = scale * double(from);
  if (mode == "align_corners")
    return width == 1 ? 0 : x * double(from - 1) / (width - 1);
  if (mode == "asymmetric")
    return x / scale;
  if (mode == "pytorch_half_pixel" && width == 1)
    return -0.5;
  double source = (x + 0.5) / scale - 0.5;
  if (mode == "half_pixel_symmetric")
    source += double(from) / 2 * (1 - double(to) / width);
  return source;
}

static double cubicWeight(double x, double a) {
  x = std::abs(x);
  if (x <= 1)
    return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0;
}

/// Weights of the neighbours of a coordinate with fraction `ratio`; half of
/// them lie at or below it.
static SmallVector<double> getWeights(const Options &options, double ratio,
                                      double scale) {
  if (options.mode == "nearest") {
    bool low = options.nearest == "floor" ||
               (options.nearest == "round_prefer_floor" && ratio <= 0.5) ||
               (options.nearest == "round_prefer_ceil" && ratio < 0.5);
    if (ratio == 1)
      low = false;
    return low ? SmallVector<double>{1, 0} : SmallVector<double>{0, 1};
  }
  bool isCubic = options.mode == "cubic";
  double shrink = options.antialias ? std::min(scale, 1.0) : 1;
  int64_t radius = isCubic ? 2 : 1;
  int64_t first = int64_t(std::floor(-double(radius) / shrink)) + 1;
  SmallVector<double> weights;
  double sum = 0;
  for (int64_t i = first; i < 2 - first; ++i) {
    double distance = (double(i) - ratio) * shrink;
    double weight = isCubic ? cubicWeight(distance, options.cubicA)
                            : std::max(0.0, 1 - std::abs(distance));
    weights.push_back(weight);
    sum += weight;
  }
  for (double &weight : weights)
    weight /= options.antialias ? sum : 1;
  return weights;
}

static Taps makeTaps(const Options &options, double scale, int64_t from,
                     int64_t to) {
  Taps taps;
  for (int64_t x = 0; x < to; ++x) {
    double source = getSource(options.coordinates, double(x), scale, from, to);
    double whole = std::floor(source);
    // A whole coordinate is the upper neighbour of the one before.
    double ratio = source == whole ? 1 : source - whole;
    SmallVector<double> weights = getWeights(options, ratio, scale);
    taps.count = weights.size();
    int64_t low = source == whole ? int64_t(whole) - 1 : int64_t(whole);
    int64_t first = low - int64_t(weights.size()) / 2 + 1;
    double sum = 0;
    for (auto [i, weight] : llvm::enumerate(weights)) {
      int64_t place = first + int64_t(i);
      bool isOutside = place < 0 || place >= from;
      if (options.excludeOutside && isOutside)
        weight = 0;
      sum += weight;
      taps.places.push_back(std::clamp<int64_t>(place, 0, from - 1));
    }
    for (double weight : weights)
      taps.weights.push_back(
          float(options.excludeOutside ? weight / sum : weight));
  }
  return taps;
}

/// The one neighbour that counts, for `nearest`.
static Val pickNearest(Emit &e, const Val &x, int64_t axis, const Taps &taps) {
  std::vector<int64_t> places;
  for (size_t i = 0; i < taps.places.size(); i += taps.count) {
    size_t chosen = i;
    while (taps.weights[chosen] == 0)
      ++chosen;
    places.push_back(taps.places[chosen]);
  }
  auto type = RankedTensorType::get(int64_t(places.size()), e.b.getI64Type());
  return gather(
      e, x, e.constant(DenseElementsAttr::get(type, ArrayRef(places))), axis);
}

static Val resizeAxis(Emit &e, const Val &x, int64_t axis, int64_t to,
                      const Taps &taps) {
  SmallVector<int64_t> shape = {to, taps.count};
  Val places = e.constant(DenseElementsAttr::get(
      RankedTensorType::get(shape, e.b.getI64Type()), ArrayRef(taps.places)));
  Val weights = e.constant(DenseElementsAttr::get(
      RankedTensorType::get(shape, e.b.getF32Type()), ArrayRef(taps.weights)));
  Dims dims = x.dims;
  dims[axis] = e.num(to);
  return e.accumulate(
      e.fill(e.scalar(x.elementType(), 0), dims), {e.num(taps.count)},
      [&](OpBuilder &b, Location at, ValueRange index, ValueRange step,
          Value value) -> Value {
        SmallVector<Value> tap = {index[axis], step[0]};
        SmallVector<Value> source(index);
        source[axis] = arith::IndexCastOp::create(
            b, at, b.getIndexType(), bodyAt(b, at, places.value, tap));
        Value next = bodyAt(b, at, x.value, source);
        Value weight = bodyAt(b, at, weights.value, tap);
        Value part = arith::MulFOp::create(b, at, next, weight);
        return arith::AddFOp::create(b, at, value, part);
      });
}

/// Scales and output sizes of the axes that are resized.
static LogicalResult readSizes(OnnxOp &op, ArrayRef<int64_t> axes,
                               SmallVectorImpl<double> &scales,
                               SmallVectorImpl<int64_t> &sizes) {
  bool isOld = op.opset < 11;
  size_t scaleInput = isOld ? 1 : 2;
  SmallVector<int64_t> from;
  for (int64_t axis : axes) {
    std::optional<int64_t> size = getNumber(op.in(0).dims[axis]);
    from.push_back(size.value_or(-1));
  }
  bool hasSizes = !isOld && op.has(3);
  std::vector<double> given;
  if (hasSizes || op.has(scaleInput)) {
    FailureOr<std::vector<double>> numbers =
        op.floatsInput(hasSizes ? 3 : scaleInput);
    if (failed(numbers))
      return failure();
    given = *numbers;
  } else if (const auto *attribute = op.node.find("scales")) {
    given.assign(attribute->floats.begin(), attribute->floats.end());
  }
  if (given.size() != axes.size())
    return op.fail(Twine(given.size()) + " scales or sizes",
                   Twine(axes.size()));
  for (auto [i, number] : llvm::enumerate(given)) {
    if (from[i] < 0 && (hasSizes || number != 1))
      return op.fail("a resized axis of free size", "a number");
    if (!(number > 0) || number > 1 << 20)
      return op.fail("a scale or size of " + Twine(std::to_string(number)),
                     "a positive one");
    scales.push_back(hasSizes ? number / double(from[i]) : number);
    sizes.push_back(hasSizes ? int64_t(number)
                             : int64_t(std::floor(number * double(from[i]))));
  }
  std::string policy = op.stringAttr("keep_aspect_ratio_policy", "stretch");
  if (!hasSizes || policy == "stretch" || scales.empty())
    return success();
  double scale = policy == "not_larger" ? *llvm::min_element(scales)
                                        : *llvm::max_element(scales);
  for (auto [i, size] : llvm::enumerate(sizes)) {
    scales[i] = scale;
    size = int64_t(scale * double(from[i]) + 0.5);
  }
  return success();
}

static LogicalResult importResize(OnnxOp &op) {
  Emit &e = op.e;
  Entry &entry = op.in(0);
  SmallVector<int64_t> axes = op.intsAttr("axes");
  if (axes.empty())
    llvm::append_range(axes, llvm::seq<int64_t>(0, entry.rank()));
  FailureOr<SmallVector<int64_t>> checked = op.axes(axes, entry.rank());
  SmallVector<double> scales;
  SmallVector<int64_t> sizes;
  if (failed(checked) || failed(readSizes(op, *checked, scales, sizes)))
    return failure();
  Options options;
  options.mode = op.stringAttr("mode", "nearest");
  bool isOld = op.opset < 11;
  options.coordinates = op.stringAttr("coordinate_transformation_mode",
                                      isOld ? "asymmetric" : "half_pixel");
  options.nearest =
      op.stringAttr("nearest_mode", isOld ? "floor" : "round_prefer_floor");
  options.cubicA = op.floatAttr("cubic_coeff_a", -0.75f);
  options.excludeOutside = op.intAttr("exclude_outside", 0);
  options.antialias = op.intAttr("antialias", 0);
  if (options.coordinates == "tf_crop_and_resize")
    return op.fail("coordinate_transformation_mode tf_crop_and_resize",
                   "another mode");
  if (options.mode != "nearest" && options.mode != "linear" &&
      options.mode != "cubic")
    return op.fail("mode '" + options.mode + "'", "nearest, linear or cubic");
  Val x = op.val(0);
  if (options.mode != "nearest" && !x.isFloat())
    return op.fail("type " + getName(entry.type), "a float type");
  for (auto [axis, scale, to] : llvm::zip_equal(*checked, scales, sizes)) {
    std::optional<int64_t> from = getNumber(x.dims[axis]);
    if (!from || (scale == 1 && to == *from))
      continue;
    if (*from < 1 || to > 1 << 16 || double(*from) / double(to + 1) > 4096)
      return op.fail("an axis resized from " + Twine(*from) + " to " +
                         Twine(to),
                     "at most 2^16, and less than a factor of 4096");
    Taps taps = makeTaps(options, scale, *from, to);
    x = options.mode == "nearest" ? pickNearest(e, x, axis, taps)
                                  : resizeAxis(e, x, axis, to, taps);
  }
  op.out(0, entry.type, x);
  return success();
}

llvm::ArrayRef<OpInfo> qconnx::getResizeOps() {
  static const OpInfo rows[] = {{"Resize", 1, 4, importResize},
                                {"Upsample", 1, 2, importResize}};
  return rows;
}
