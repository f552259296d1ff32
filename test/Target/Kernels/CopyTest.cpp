//===- CopyTest.cpp - copy and fill ---------------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "OnLevels.h"

#include "qc/TargetInfo/KernelSlots.h"

#include <array>

using namespace qc;
using namespace qc::test;

namespace copy_test {

using namespace qc::slots::copy;

namespace {
using Axes = std::array<int64_t, 6>;

struct Shape {
  Axes sizes, x, y;
};
} // namespace

/// 1 + the largest offset that a tensor reaches.
static int64_t extent(const Axes &sizes, const Axes &strides) {
  int64_t last = 0;
  for (int i = 0; i < 6; ++i) {
    if (sizes[i] == 0)
      return 0;
    last += (sizes[i] - 1) * strides[i];
  }
  return last + 1;
}

static void eachIndex(const Axes &sizes,
                      const std::function<void(const Axes &)> &body) {
  Axes at{};
  int64_t total = 1;
  for (int64_t size : sizes)
    total *= size;
  for (int64_t n = 0; n < total; ++n) {
    int64_t rest = n;
    for (int i = 5; i >= 0; --i) {
      at[i] = rest % sizes[i];
      rest /= sizes[i];
    }
    body(at);
  }
}

static int64_t offset(const Axes &at, const Axes &strides) {
  int64_t sum = 0;
  for (int i = 0; i < 6; ++i)
    sum += at[i] * strides[i];
  return sum;
}

static Slots makeSlots(const Shape &shape, int64_t chunk) {
  Slots slots(Count);
  for (int i = 0; i < 6; ++i) {
    slots.set(Size0 + i, shape.sizes[i]);
    slots.set(XStride0 + i, shape.x[i]);
    slots.set(YStride0 + i, shape.y[i]);
  }
  slots.set(Chunk, chunk);
  return slots;
}

template <typename T>
static void check(const std::string &type, const Shape &shape) {
  int64_t xSize = extent(shape.sizes, shape.x);
  int64_t ySize = extent(shape.sizes, shape.y);
  Random random(xSize + 5);
  auto x = randomCodes<T>(random, xSize, 0, 0x7fffffff);
  auto before = randomCodes<T>(random, ySize, 0, 0x7fffffff);
  const T value = static_cast<T>(0x123456789abcdef1);
  for (bool isFill : {false, true}) {
    std::vector<T> expected = before;
    eachIndex(shape.sizes, [&](const Axes &at) {
      expected[offset(at, shape.y)] = isFill ? value : x[offset(at, shape.x)];
    });
    onLevels((isFill ? "fill:" : "copy:") + type, [&](TestKernel &kernel) {
      for (bool atStart : {false, true}) {
        auto in = guarded(x, atStart), out = guarded(before, atStart);
        Slots slots = makeSlots(shape, 2);
        slots.set(X, isFill ? nullptr : in->template as<void>());
        slots.set(Y, out->template as<void>());
        slots.set(Value, int64_t(value));
        kernel.run(slots, partsOf(shape.sizes[0], 2), {in.get(), out.get()});
        expectSame(*out, expected);
      }
    });
  }
}

static void checkAll(const Shape &shape) {
  check<uint8_t>("b8", shape);
  check<uint16_t>("b16", shape);
  check<uint32_t>("b32", shape);
  check<uint64_t>("b64", shape);
}

TEST(Copy, Rows) {
  for (int64_t n : oddSizes())
    checkAll({{3, 1, 1, 1, 2, n},
              {2 * n + 7, 0, 0, 0, n + 3, 1},
              {2 * n + 5, 0, 0, 0, n + 1, 1}});
}

TEST(Copy, Transpositions) {
  for (int64_t n : {1, 2, 3, 5, 8, 16, 17, 35})
    for (int64_t m : {1, 3, 4, 16, 21, 33})
      checkAll(
          {{2, 1, 1, 1, n, m}, {n * m, 0, 0, 0, 1, n}, {n * m, 0, 0, 0, m, 1}});
}

TEST(Copy, PlanesToPixels) {
  for (int64_t n : oddSizes())
    checkAll({{1, 1, 1, 2, n, 3},
              {0, 0, 0, n, 1, 2 * n + 1},
              {0, 0, 0, 3 * n, 3, 1}});
}

TEST(Copy, AnyStrides) {
  checkAll({{2, 3, 2, 2, 5, 7},
            {3 * 2 * 2 * 70, 2 * 2 * 70, 140, 70, 14, 2},
            {1, 2, 6, 12, 7 * 24, 24}});
  checkAll({{5, 1, 3, 1, 4, 1}, {1, 0, 5, 0, 15, 0}, {12, 0, 4, 0, 1, 0}});
  // One element read many times.
  checkAll({{3, 2, 1, 1, 4, 20}, {0, 0, 0, 0, 1, 0}, {160, 80, 0, 0, 20, 1}});
}

} // namespace copy_test
