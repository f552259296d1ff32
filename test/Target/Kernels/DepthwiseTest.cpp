//===- DepthwiseTest.cpp - One filter per channel -------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "OnLevels.h"

#include "qc/Numerics/Elementary.h"
#include "qc/Numerics/Rounding.h"
#include "qc/TargetInfo/KernelSlots.h"

using namespace qc;
using namespace qc::test;

namespace depthwise_test {

using namespace qc::slots::depthwise;

namespace {
struct Shape {
  int64_t batch, rows, columns, channels, kernelH, kernelW, stride, dilation;
  /// Extra elements between pixels of x and of y.
  int64_t gap = 0;

  int64_t inRows() const {
    return (rows - 1) * stride + (kernelH - 1) * dilation + 1;
  }
  int64_t inColumns() const {
    return (columns - 1) * stride + (kernelW - 1) * dilation + 1;
  }
  int64_t xColumn() const { return channels + gap; }
  int64_t pixels() const { return batch * rows * columns; }
};

/// One problem: X, W and Y are the types in memory.
template <typename XT, typename WT, typename YT> class Problem {
public:
  using Sum = std::conditional_t<std::is_floating_point_v<XT>, float, int32_t>;

  Problem(const KernelKey &key, const Shape &s) : key(key), s(s) {
    Random random(s.channels * 31 + s.kernelH * 7 + s.stride);
    auto fill = [&](auto &values, size_t n, int lo, int hi) {
      using T = typename std::decay_t<decltype(values)>::value_type;
      for (size_t i = 0; i < n; ++i)
        values.push_back(std::is_floating_point_v<T>
                             ? T(random.real(-2, 2))
                             : T(random.integer(lo, hi)));
    };
    constexpr bool isSigned = std::is_signed_v<XT>;
    fill(x, s.batch * s.inRows() * s.inColumns() * s.xColumn() - s.gap,
         isSigned ? -128 : 0, isSigned ? 127 : 255);
    fill(w, s.kernelH * s.kernelW * s.channels, -127, 127);
    fill(bias, s.channels, -100000, 100000);
    size_t ySize = s.pixels() * s.xColumn() - s.gap;
    fill(residual, ySize, std::is_signed_v<YT> ? -128 : 0,
         std::is_signed_v<YT> ? 127 : 255);
    before.assign(ySize, YT(17));
    for (int64_t c = 0; c < s.channels; ++c)
      multiplier.push_back(random.real(0.0001f, 0.002f));
  }

  void check(TestKernel &kernel) {
    auto out = guarded(before);
    run(kernel, *out);
    const YT *found = out->template as<YT>();
    for (size_t i = 0; i < before.size(); ++i) {
      int64_t pixel = i / s.xColumn(), channel = i % s.xColumn();
      if (channel >= s.channels) {
        ASSERT_EQ(found[i], before[i]) << "written between pixels";
        continue;
      }
      YT expected = element(pixel, channel, residual[i]);
      if (std::is_floating_point_v<XT>)
        ASSERT_NEAR(found[i], expected, 1e-4) << pixel << ", " << channel;
      else
        ASSERT_TRUE(sameBits(found[i], expected))
            << "pixel " << pixel << ", channel " << channel << ": found "
            << +found[i] << ", expected " << +expected;
    }
  }

private:
  Sum sumOf(int64_t pixel, int64_t channel) {
    int64_t b = pixel / s.columns / s.rows, r = pixel / s.columns % s.rows;
    int64_t c = pixel % s.columns;
    Sum sum = 0;
    for (int64_t i = 0; i < s.kernelH; ++i)
      for (int64_t j = 0; j < s.kernelW; ++j) {
        int64_t row = r * s.stride + i * s.dilation;
        int64_t column = c * s.stride + j * s.dilation;
        sum += Sum(x[((b * s.inRows() + row) * s.inColumns() + column) *
                         s.xColumn() +
                     channel]) *
               Sum(w[(i * s.kernelW + j) * s.channels + channel]);
      }
    return sum;
  }

  YT element(int64_t pixel, int64_t channel, YT r) {
    Sum sum = sumOf(pixel, channel);
    if (key.has("bias"))
      sum += bias[channel];
    if (key.types[2] == "i32")
      return YT(sum);
    float t = float(sum);
    if (!std::is_floating_point_v<XT>)
      t = t * multiplier[channel];
    constexpr bool integerY = !std::is_floating_point_v<YT>;
    if (key.has("residual")) {
      float addend = integerY ? float(int(r) - 5) * 0.37f : float(r);
      t = t + addend;
    }
    bool hasActivation = false;
    for (const std::string &flag : key.flags)
      if (auto unary = numerics::parseUnary(flag)) {
        t = numerics::evalUnary(*unary, t);
        hasActivation = true;
      }
    if (!integerY)
      return key.has("clamp") ? YT(std::min(std::max(t, low), high)) : YT(t);
    if (hasActivation)
      t = t / yScale;
    t = std::min(std::max(t, low), high);
    return YT(int(numerics::roundHalfEven(t)) + yZero);
  }

  void run(TestKernel &kernel, GuardedBytes &out) {
    auto in = guarded(x), weights = guarded(w), biases = guarded(bias);
    auto multipliers = guarded(multiplier), residuals = guarded(residual);
    Slots slots(Count);
    slots.set(X, in->template as<void>());
    slots.set(W, weights->template as<void>());
    slots.set(Bias, biases->template as<void>());
    slots.set(Multiplier, multipliers->template as<void>());
    slots.set(Residual, residuals->template as<void>());
    slots.set(Y, out.as<void>());
    int64_t row = s.inColumns() * s.xColumn();
    const std::pair<unsigned, int64_t> sizes[] = {
        {Batch, s.batch},
        {Rows, s.rows},
        {Columns, s.columns},
        {Channels, s.channels},
        {XBatch, s.inRows() * row},
        {XRow, s.stride * row},
        {XColumn, s.stride * s.xColumn()},
        {KernelH, s.kernelH},
        {XKernelH, s.dilation * row},
        {KernelW, s.kernelW},
        {XKernelW, s.dilation * s.xColumn()},
        {YRow, s.xColumn()},
        {ResidualRow, s.xColumn()},
        {RowsChunk, 3},
        {YZero, yZero},
        {ResidualZero, 5}};
    for (auto [slot, value] : sizes)
      slots.set(slot, value);
    slots.setFloat(Low, low);
    slots.setFloat(High, high);
    slots.setFloat(ResidualMultiplier, 0.37f);
    slots.setFloat(YScale, yScale);
    kernel.run(slots, partsOf(s.batch * s.rows, 3),
               {in.get(), weights.get(), biases.get(), multipliers.get(),
                residuals.get(), &out});
  }

  static constexpr int yZero = std::is_signed_v<YT> ? -6 : 122;
  static constexpr float low = -100.25f, high = 119.5f, yScale = 0.0625f;
  const KernelKey key;
  const Shape s;
  std::vector<XT> x;
  std::vector<WT> w;
  std::vector<Sum> bias;
  std::vector<float> multiplier;
  std::vector<YT> residual, before;
};
} // namespace

template <typename XT, typename WT, typename YT>
static void check(const std::string &text, const Shape &shape) {
  Problem<XT, WT, YT> problem(*KernelKey::parse(text), shape);
  onLevels(text, [&](TestKernel &kernel) { problem.check(kernel); });
}

static void checkCommon(const Shape &shape) {
  check<uint8_t, int8_t, uint8_t>("depthwise:u8,i8,u8:bias", shape);
  check<int8_t, int8_t, int8_t>("depthwise:i8,i8,i8:bias", shape);
  check<float, float, float>("depthwise:f32,f32,f32:bias", shape);
}

TEST(Depthwise, EveryChannelTail) {
  for (int64_t channels : oddSizes())
    if (channels)
      checkCommon({1, 4, 6, channels, 3, 3, 1, 1});
}

TEST(Depthwise, Shapes) {
  for (int64_t columns = 1; columns <= 9; ++columns)
    for (int64_t rows = 1; rows <= 5; ++rows)
      for (int64_t stride : {1, 2})
        checkCommon({1, rows, columns, 21, 3, 3, stride, 1, columns % 3});
  checkCommon({2, 5, 7, 70, 3, 3, 2, 1, 5});
  checkCommon({1, 4, 5, 33, 5, 5, 1, 1});
  checkCommon({1, 4, 5, 80, 3, 3, 1, 2});
  checkCommon({2, 3, 4, 144, 5, 5, 2, 1, 3});
  checkCommon({1, 3, 9, 19, 1, 3, 1, 1});
  checkCommon({1, 3, 9, 19, 3, 1, 1, 1});
  checkCommon({1, 5, 3, 17, 7, 7, 1, 1});
  checkCommon({3, 2, 3, 96, 2, 2, 3, 1});
}

TEST(Depthwise, Epilogues) {
  for (Shape shape :
       {Shape{1, 3, 5, 83, 3, 3, 1, 1, 3}, Shape{1, 3, 5, 83, 3, 3, 2, 1}}) {
    check<uint8_t, int8_t, uint8_t>("depthwise:u8,i8,u8", shape);
    check<uint8_t, int8_t, uint8_t>("depthwise:u8,i8,u8:bias,residual", shape);
    check<int8_t, int8_t, int8_t>("depthwise:i8,i8,i8:bias,residual", shape);
    check<uint8_t, int8_t, int8_t>("depthwise:u8,i8,i8:bias", shape);
    check<uint8_t, int8_t, uint8_t>("depthwise:u8,i8,u8:bias,silu", shape);
    check<uint8_t, int8_t, int32_t>("depthwise:u8,i8,i32:bias", shape);
    check<uint8_t, int8_t, float>("depthwise:u8,i8,f32:bias,clamp", shape);
    check<float, float, float>("depthwise:f32,f32,f32", shape);
    check<float, float, float>("depthwise:f32,f32,f32:bias,residual,clamp",
                               shape);
    check<float, float, float>("depthwise:f32,f32,f32:bias,gelu", shape);
  }
}

} // namespace depthwise_test
