//===- RowwiseTest.cpp - softmax, layer_norm, rms_norm --------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Bit for bit against the row functions of numerics/Reduce.h.
//
//===----------------------------------------------------------------------===//

#include "OnLevels.h"

#include "qc/Numerics/Reduce.h"
#include "qc/Numerics/Rounding.h"
#include "qc/TargetInfo/KernelSlots.h"

using namespace qc;
using namespace qc::test;

namespace rowwise_test {

using namespace qc::slots::rowwise;

static constexpr int64_t rows = 5;

using RowFunction =
    std::function<void(std::span<const float>, std::span<float>)>;

/// Runs the kernel out of place and in place and compares each row.
static void checkRows(TestKernel &kernel, Slots slots,
                      const std::vector<float> &x, int64_t columns,
                      std::vector<GuardedBytes *> parameters,
                      const RowFunction &function) {
  std::vector<float> expected(x.size());
  for (int64_t r = 0; r < rows; ++r)
    function({x.data() + r * columns, size_t(columns)},
             {expected.data() + r * columns, size_t(columns)});
  auto in = guarded(x), same = guarded(x);
  auto out = blank<float>(x.size());
  slots.set(Rows, rows);
  slots.set(Columns, columns);
  slots.set(Chunk, 2);
  slots.set(X, in->as<void>());
  slots.set(Y, out->as<void>());
  auto buffers = parameters;
  buffers.insert(buffers.end(), {in.get(), out.get()});
  kernel.run(slots, 3, buffers);
  expectSame(*out, expected);
  slots.set(X, same->as<void>());
  slots.set(Y, same->as<void>());
  parameters.push_back(same.get());
  kernel.run(slots, 3, parameters);
  expectSame(*same, expected);
}

TEST(Softmax, EqualsNumerics) {
  for (const char *text : {"softmax:f32,f32", "softmax:f32,f32:log"})
    onLevels(text, [&](TestKernel &kernel) {
      for (int64_t columns : oddSizes()) {
        Random random(columns + 1);
        auto x = randomFloats(random, rows * columns, -20, 20);
        if (columns > 3) {
          x[1] = -std::numeric_limits<float>::infinity();
          x[columns + 2] = NAN;
          x[2 * columns + 2] = 3e38f;
        }
        bool isLog = std::string(text).ends_with("log");
        checkRows(kernel, Slots(Count), x, columns, {},
                  isLog ? numerics::logSoftmaxRow : numerics::softmaxRow);
      }
    });
}

TEST(Softmax, Mask) {
  onLevels("softmax:f32,f32:mask", [&](TestKernel &kernel) {
    for (int64_t columns : {1, 7, 16, 37}) {
      Random random(columns + 1);
      auto x = randomFloats(random, rows * columns, -20, 20);
      // Row (r0, r1, r2) of 3 x 2; the middle axis is broadcast.
      auto mask = randomFloats(random, 2 * 2 * columns, -5, 5);
      auto sum = x;
      for (int64_t r = 0; r < rows; ++r) {
        int64_t r0 = r / 2 / 2, r2 = r % 2;
        for (int64_t c = 0; c < columns; ++c)
          sum[r * columns + c] += mask[(r0 * 2 + r2) * columns + c];
      }
      auto in = guarded(mask);
      Slots slots(Count);
      slots.set(Mask, in->as<void>());
      slots.set(MaskSize1, 2);
      slots.set(MaskSize2, 2);
      slots.set(MaskStride0, 2 * columns);
      slots.set(MaskStride1, int64_t(0));
      slots.set(MaskStride2, columns);
      Slots outOfPlace = slots;
      std::vector<float> expected(x.size());
      for (int64_t r = 0; r < rows; ++r)
        numerics::softmaxRow({sum.data() + r * columns, size_t(columns)},
                             {expected.data() + r * columns, size_t(columns)});
      auto from = guarded(x);
      auto out = blank<float>(x.size());
      outOfPlace.set(X, from->as<void>());
      outOfPlace.set(Y, out->as<void>());
      outOfPlace.set(Rows, rows);
      outOfPlace.set(Columns, columns);
      outOfPlace.set(Chunk, 1);
      kernel.run(outOfPlace, rows, {from.get(), in.get(), out.get()});
      expectSame(*out, expected);
    }
  });
}

TEST(Norms, EqualNumerics) {
  for (bool isLayer : {true, false})
    onLevels(isLayer ? "layer_norm:f32,f32" : "rms_norm:f32,f32",
             [&](TestKernel &kernel) {
               for (int64_t columns : oddSizes())
                 for (bool hasParameters : {true, false}) {
                   Random random(columns + 1);
                   auto x = randomFloats(random, rows * columns, -3, 5);
                   auto gamma = randomFloats(random, columns, -2, 2);
                   auto beta = randomFloats(random, columns, -2, 2);
                   if (!hasParameters)
                     gamma = beta = {};
                   auto g = guarded(gamma), b = guarded(beta);
                   Slots slots(Count);
                   slots.setFloat(Epsilon, 1e-5f);
                   if (hasParameters) {
                     slots.set(Gamma, g->as<void>());
                     slots.set(Beta, b->as<void>());
                   }
                   checkRows(
                       kernel, slots, x, columns, {g.get(), b.get()},
                       [&](std::span<const float> in, std::span<float> out) {
                         if (isLayer)
                           numerics::layerNormRow(in, gamma, beta, 1e-5f, out);
                         else
                           numerics::rmsNormRow(in, gamma, 1e-5f, out);
                       });
                 }
             });
}

/// The rows of `expected` as codes of the scale 1/50 and zero point 40 above
/// the least code.
template <typename T>
static std::vector<T> codesOf(const std::vector<float> &expected, int qmin) {
  std::vector<T> codes;
  for (float v : expected)
    codes.push_back(
        T(numerics::quantize(v, 0.02f, qmin + 40, qmin, qmin + 255)));
  return codes;
}

/// With and without the values beside the codes.
TEST(Rows, AlsoAsCodes) {
  for (const char *text :
       {"softmax:f32,u8", "softmax:f32,f32,i8", "layer_norm:f32,f32,u8",
        "layer_norm:f32,i8", "rms_norm:f32,u8"})
    onLevels(text, [&](TestKernel &kernel) {
      KernelKey key = *KernelKey::parse(text);
      bool hasValues = key.types.size() == 3;
      bool isSigned = key.types.back() == "i8";
      int qmin = isSigned ? -128 : 0;
      for (int64_t columns : oddSizes()) {
        Random random(columns + 1);
        auto x = randomFloats(random, rows * columns, -3, 5);
        std::vector<float> expected(x.size());
        for (int64_t r = 0; r < rows; ++r) {
          std::span<const float> in(x.data() + r * columns, size_t(columns));
          std::span<float> out(expected.data() + r * columns, size_t(columns));
          if (key.op == "softmax")
            numerics::softmaxRow(in, out);
          else if (key.op == "layer_norm")
            numerics::layerNormRow(in, {}, {}, 1e-5f, out);
          else
            numerics::rmsNormRow(in, {}, 1e-5f, out);
        }
        auto in = guarded(x);
        auto values = blank<float>(x.size()),
             scratch = blank<float>(columns * 3);
        auto codes = blank<int8_t>(x.size());
        Slots slots(Count);
        slots.set(X, in->as<void>());
        if (hasValues)
          slots.set(Y, values->as<void>());
        else
          slots.set(Scratch, scratch->as<void>());
        slots.set(Codes, codes->as<void>());
        slots.set(Rows, rows);
        slots.set(Columns, columns);
        slots.set(Chunk, 2);
        slots.setFloat(Epsilon, 1e-5f);
        slots.setFloat(Scale, 0.02f);
        slots.set(Zero, qmin + 40);
        slots.set(QMin, qmin);
        slots.set(QMax, qmin + 255);
        kernel.run(slots, 3,
                   {in.get(), values.get(), scratch.get(), codes.get()});
        if (hasValues)
          expectSame(*values, expected);
        if (isSigned)
          expectSame(*codes, codesOf<int8_t>(expected, qmin));
        else
          expectSame(*codes, codesOf<uint8_t>(expected, qmin));
      }
    });
}

} // namespace rowwise_test
