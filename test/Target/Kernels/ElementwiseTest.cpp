//===- ElementwiseTest.cpp - quantize, add, lookup, unary -----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Bit for bit against qc::numerics, on every level, at every tail.
//
//===----------------------------------------------------------------------===//

#include "OnLevels.h"

#include "qc/Numerics/Elementary.h"
#include "qc/Numerics/Rounding.h"
#include "qc/TargetInfo/KernelSlots.h"

#include <limits>

using namespace qc;
using namespace qc::test;

/// Ordinary values, ties, huge ones and everything special.
static std::vector<float> awkwardFloats(size_t n, float scale) {
  Random random(7);
  std::vector<float> values = randomFloats(random, n, -3 * scale, 3 * scale);
  const float inf = std::numeric_limits<float>::infinity();
  const float special[] = {
      0.0f,   -0.0f,  inf,          -inf,         NAN,           1e30f,
      -1e30f, 1e-40f, 0.5f * scale, 1.5f * scale, -2.5f * scale, 3e9f * scale};
  for (size_t i = 0; i < n; ++i)
    if (i % 3 == 1)
      values[i] = special[i / 3 % std::size(special)];
    else if (i % 3 == 2)
      values[i] *= 100;
  return values;
}

template <typename T>
static void checkQuantize(const std::string &type, int qmin, int qmax,
                          int zero) {
  const float scale = 0.037f;
  onLevels("quantize:f32," + type, [&](TestKernel &kernel) {
    for (int64_t size : oddSizes()) {
      std::vector<float> x = awkwardFloats(size, scale);
      std::vector<T> expected;
      for (float v : x)
        expected.push_back(numerics::quantize(v, scale, zero, qmin, qmax));
      auto in = guarded(x);
      auto out = blank<T>(size);
      using namespace slots::quantize;
      Slots slots(Count);
      slots.set(X, in->template as<void>());
      slots.set(Y, out->template as<void>());
      slots.set(Size, size);
      slots.set(Chunk, 64);
      slots.setFloat(Scale, scale);
      slots.set(Zero, zero);
      slots.set(QMin, qmin);
      slots.set(QMax, qmax);
      kernel.run(slots, partsOf(size, 64), {in.get(), out.get()});
      expectSame(*out, expected);
    }
  });
}

TEST(Quantize, EqualsNumerics) {
  checkQuantize<int8_t>("i8", -128, 127, -3);
  checkQuantize<uint8_t>("u8", 0, 255, 131);
  checkQuantize<int8_t>("i8", -127, 127, 0);
  checkQuantize<uint8_t>("u8", 3, 200, 1);
  checkQuantize<int16_t>("i16", -32768, 32767, 100);
  checkQuantize<uint16_t>("u16", 0, 65535, 40000);
}

template <typename T> static void checkDequantize(const std::string &type) {
  const int zero = std::is_signed_v<T> ? -5 : 117;
  onLevels("dequantize:" + type + ",f32", [&](TestKernel &kernel) {
    for (int64_t size : oddSizes()) {
      Random random(size + 1);
      auto x = randomCodes<T>(random, size, std::numeric_limits<T>::min() / 2,
                              std::numeric_limits<T>::max() / 2);
      std::vector<float> expected;
      for (T v : x)
        expected.push_back(numerics::dequantize(v, 0.0123f, zero));
      auto in = guarded(x);
      auto out = blank<float>(size);
      using namespace slots::quantize;
      Slots slots(Count);
      slots.set(X, in->template as<void>());
      slots.set(Y, out->template as<void>());
      slots.set(Size, size);
      slots.set(Chunk, 32);
      slots.setFloat(Scale, 0.0123f);
      slots.set(Zero, zero);
      kernel.run(slots, partsOf(size, 32), {in.get(), out.get()});
      expectSame(*out, expected);
    }
  });
}

TEST(Dequantize, EqualsNumerics) {
  checkDequantize<int8_t>("i8");
  checkDequantize<uint8_t>("u8");
  checkDequantize<int16_t>("i16");
  checkDequantize<uint16_t>("u16");
  checkDequantize<int32_t>("i32");
}

template <typename T> static void checkQuantizeRows(const std::string &type) {
  onLevels("quantize_rows:f32," + type, [&](TestKernel &kernel) {
    for (int64_t columns : oddSizes()) {
      const int64_t rows = 5;
      Random random(columns + 3);
      std::vector<float> x = randomFloats(random, rows * columns, -2, 2);
      for (int64_t c = 0; c < columns; ++c) {
        x[columns + c] = 0;
        x[2 * columns + c] *= 1e-41f;
      }
      if (columns > 4) {
        x[3 * columns + 1] = NAN;
        x[4 * columns + 4] = std::numeric_limits<float>::infinity();
      }
      std::vector<float> scales;
      std::vector<T> expected;
      int zero = std::is_signed_v<T> ? 0 : 128;
      for (int64_t r = 0; r < rows; ++r) {
        float amax = 0;
        for (int64_t c = 0; c < columns; ++c)
          if (std::fabs(x[r * columns + c]) > amax)
            amax = std::fabs(x[r * columns + c]);
        float scale =
            numerics::chooseAffine(-amax, amax, -127, 127, true).scale;
        scales.push_back(scale);
        for (int64_t c = 0; c < columns; ++c)
          expected.push_back(zero + numerics::quantize(x[r * columns + c],
                                                       scale, 0, -127, 127));
      }
      auto in = guarded(x);
      auto out = blank<T>(rows * columns);
      auto outScales = blank<float>(rows);
      using namespace slots::quantize_rows;
      Slots slots(Count);
      slots.set(X, in->template as<void>());
      slots.set(Y, out->template as<void>());
      slots.set(RowScale, outScales->as<void>());
      slots.set(Rows, rows);
      slots.set(Columns, columns);
      slots.set(Chunk, 2);
      kernel.run(slots, 3, {in.get(), out.get(), outScales.get()});
      expectSame(*outScales, scales);
      expectSame(*out, expected);
    }
  });
}

TEST(QuantizeRows, EqualsNumerics) {
  checkQuantizeRows<int8_t>("i8");
  checkQuantizeRows<uint8_t>("u8");
}

template <typename T> static void checkAdd(const std::string &type) {
  const int low = std::numeric_limits<T>::min();
  const int high = std::numeric_limits<T>::max();
  onLevels("add:" + type + "," + type + "," + type, [&](TestKernel &kernel) {
    for (int64_t size : oddSizes()) {
      Random random(size + 9);
      auto a = randomCodes<T>(random, size, low, high);
      auto b = randomCodes<T>(random, size, low, high);
      const float ma = 0.731f, mb = 1.37f;
      const int za = low + 120, zb = low + 13, zy = low + 100;
      std::vector<T> expected;
      for (int64_t i = 0; i < size; ++i) {
        float t = float(a[i] - za) * ma;
        float u = float(b[i] - zb) * mb;
        t = t + u;
        t = std::min(std::max(t, float(low - zy)), 90.25f);
        expected.push_back(int(numerics::roundHalfEven(t)) + zy);
      }
      auto inA = guarded(a), inB = guarded(b);
      auto out = blank<T>(size);
      using namespace slots::add;
      Slots slots(Count);
      slots.set(A, inA->template as<void>());
      slots.set(B, inB->template as<void>());
      slots.set(Y, out->template as<void>());
      slots.set(Size, size);
      slots.set(Chunk, 100);
      slots.set(AZero, za);
      slots.set(BZero, zb);
      slots.set(YZero, zy);
      slots.setFloat(AMultiplier, ma);
      slots.setFloat(BMultiplier, mb);
      slots.setFloat(Low, low - zy);
      slots.setFloat(High, 90.25f);
      kernel.run(slots, partsOf(size, 100), {inA.get(), inB.get(), out.get()});
      expectSame(*out, expected);
    }
  });
}

TEST(Add, EqualsNumerics) {
  checkAdd<int8_t>("i8");
  checkAdd<uint8_t>("u8");
}

TEST(Lookup, EveryByteAndTail) {
  Random random(3);
  auto table = randomCodes<uint8_t>(random, 256, 0, 255);
  for (const char *text : {"lookup:u8", "lookup:i8"})
    onLevels(text, [&](TestKernel &kernel) {
      for (int64_t size : oddSizes()) {
        std::vector<uint8_t> x, expected;
        for (int64_t i = 0; i < size; ++i) {
          x.push_back(uint8_t(i * 37 + size));
          expected.push_back(table[x.back()]);
        }
        auto in = guarded(x), entries = guarded(table);
        auto out = blank<uint8_t>(size);
        using namespace slots::lookup;
        Slots slots(Count);
        slots.set(X, in->template as<void>());
        slots.set(Table, entries->as<void>());
        slots.set(Y, out->template as<void>());
        slots.set(Size, size);
        slots.set(Chunk, 150);
        kernel.run(slots, partsOf(size, 150),
                   {in.get(), entries.get(), out.get()});
        expectSame(*out, expected);
      }
    });
}

TEST(Unary, EqualsNumerics) {
  std::vector<float> x = awkwardFloats(1000, 2.0f);
  for (unsigned f = 0; f < numerics::numUnary; ++f) {
    auto function = numerics::Unary(f);
    std::vector<float> expected(x.size());
    numerics::evalUnary(function, x, expected);
    onLevels("unary:f32,f32:" + std::string(name(function)),
             [&](TestKernel &kernel) {
               for (int64_t size : {int64_t(13), int64_t(x.size())}) {
                 std::vector<float> first(x.begin(), x.begin() + size);
                 auto in = guarded(first);
                 auto out = blank<float>(size);
                 using namespace slots::unary;
                 Slots slots(Count);
                 slots.set(X, in->template as<void>());
                 slots.set(Y, out->template as<void>());
                 slots.set(Size, size);
                 slots.set(Chunk, 300);
                 kernel.run(slots, partsOf(size, 300), {in.get(), out.get()});
                 expectSame<float>(*out,
                                   {expected.begin(), expected.begin() + size});
               }
             });
  }
}
