//===- PoolTest.cpp - max and average over windows ------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "OnLevels.h"

#include "qc/Numerics/Rounding.h"
#include "qc/TargetInfo/KernelSlots.h"

#include <limits>

using namespace qc;
using namespace qc::test;

namespace pool_test {

using namespace qc::slots::pool;

namespace {
struct Shape {
  int64_t batch, height, width, channels, kernelH, kernelW, stride, dilation,
      pad, rows, columns;
  bool includePad = false;
};
} // namespace

static constexpr int xZero = 7;
static constexpr float multiplier = 0.83f, low = -90.0f, high = 100.0f;

/// The elements of one window in row-major order.
template <typename T>
static std::vector<T> window(const Shape &s, const std::vector<T> &x, int64_t b,
                             int64_t r, int64_t c, int64_t channel) {
  std::vector<T> values;
  for (int64_t i = 0; i < s.kernelH; ++i)
    for (int64_t j = 0; j < s.kernelW; ++j) {
      int64_t row = r * s.stride - s.pad + i * s.dilation;
      int64_t column = c * s.stride - s.pad + j * s.dilation;
      if (row >= 0 && row < s.height && column >= 0 && column < s.width)
        values.push_back(
            x[((b * s.height + row) * s.width + column) * s.channels +
              channel]);
    }
  return values;
}

template <typename T, typename R>
static R expectedElement(const Shape &s, const std::vector<T> &values,
                         bool isMax, int yZero) {
  if (isMax) {
    T best = std::is_floating_point_v<T> ? T(-INFINITY)
                                         : std::numeric_limits<T>::min();
    for (T v : values)
      best = best > v ? best : v;
    return R(best);
  }
  float divisor = s.includePad ? s.kernelH * s.kernelW : values.size();
  if constexpr (std::is_floating_point_v<T>) {
    float sum = 0;
    for (T v : values)
      sum += v;
    return sum / divisor;
  } else {
    int32_t sum = 0;
    for (T v : values)
      sum += v;
    float t = float(sum - int32_t(values.size()) * xZero) * multiplier;
    t = t / divisor;
    if (std::is_floating_point_v<R>)
      return R(t);
    t = std::min(std::max(t, low), high);
    return R(int(numerics::roundHalfEven(t)) + yZero);
  }
}

template <typename T>
static std::vector<T> makeInput(Random &random, size_t n) {
  if constexpr (std::is_floating_point_v<T>)
    return randomFloats(random, n, -10, 10);
  else
    return randomCodes<T>(random, n, std::numeric_limits<T>::min(),
                          std::numeric_limits<T>::max());
}

template <typename T, typename R>
static void check(const std::string &text, const Shape &s) {
  bool isMax = text.ends_with("max");
  const int yZero = std::is_signed_v<R> ? -2 : 120;
  Random random(s.channels * 7 + s.kernelH);
  auto x = makeInput<T>(random, s.batch * s.height * s.width * s.channels);
  int64_t yRow = s.channels + 3;
  int64_t pixels = s.batch * s.rows * s.columns;
  std::vector<R> before(pixels * yRow - 3, R(77));
  std::vector<R> expected = before;
  for (int64_t p = 0; p < pixels; ++p)
    for (int64_t ch = 0; ch < s.channels; ++ch)
      expected[p * yRow + ch] = expectedElement<T, R>(
          s,
          window(s, x, p / s.columns / s.rows, p / s.columns % s.rows,
                 p % s.columns, ch),
          isMax, yZero);
  onLevels(text, [&](TestKernel &kernel) {
    auto in = guarded(x);
    auto out = guarded(before);
    Slots slots(Count);
    slots.set(X, in->template as<void>());
    slots.set(Y, out->template as<void>());
    const std::pair<unsigned, int64_t> sizes[] = {
        {Batch, s.batch},
        {InRows, s.height},
        {InColumns, s.width},
        {Channels, s.channels},
        {Rows, s.rows},
        {Columns, s.columns},
        {KernelH, s.kernelH},
        {KernelW, s.kernelW},
        {StrideH, s.stride},
        {StrideW, s.stride},
        {DilationH, s.dilation},
        {DilationW, s.dilation},
        {PadTop, s.pad},
        {PadLeft, s.pad},
        {XColumn, s.channels},
        {XRow, s.width * s.channels},
        {YRow, yRow},
        {XBatch, s.height * s.width * s.channels},
        {RowsChunk, 2},
        {IncludePad, s.includePad},
        {XZero, xZero},
        {YZero, yZero}};
    for (auto [slot, value] : sizes)
      slots.set(slot, value);
    slots.setFloat(Multiplier, multiplier);
    slots.setFloat(Low, low);
    slots.setFloat(High, high);
    kernel.run(slots, partsOf(s.batch * s.rows, 2), {in.get(), out.get()});
    expectSame(*out, expected);
  });
}

static void checkAll(const Shape &shape) {
  check<uint8_t, uint8_t>("pool:u8,u8:max", shape);
  check<int8_t, int8_t>("pool:i8,i8:max", shape);
  check<float, float>("pool:f32,f32:max", shape);
  check<uint8_t, uint8_t>("pool:u8,u8:average", shape);
  check<int8_t, int8_t>("pool:i8,i8:average", shape);
  check<uint8_t, float>("pool:u8,f32:average", shape);
  check<float, float>("pool:f32,f32:average", shape);
}

TEST(Pool, Shapes) {
  for (int64_t channels : {1, 3, 8, 13, 16, 40, 64, 67, 130, 259})
    checkAll({1, 6, 5, channels, 3, 3, 1, 1, 1, 6, 5});
  checkAll({2, 7, 9, 5, 2, 2, 2, 1, 0, 3, 4});
  checkAll({1, 7, 7, 80, 7, 7, 1, 1, 0, 1, 1});
  checkAll({1, 9, 8, 6, 3, 2, 1, 3, 2, 7, 9, true});
  checkAll({2, 5, 5, 20, 3, 3, 2, 1, 1, 3, 3, true});
}

} // namespace pool_test
