//===- ConvertTest.cpp - Elements of one type to another ------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The reference goes through long double, which holds every element exactly.
//
//===----------------------------------------------------------------------===//

#include "OnLevels.h"

#include "qc/Numerics/Float16.h"
#include "qc/TargetInfo/KernelSlots.h"

#include <cmath>
#include <limits>

using namespace qc;
using namespace qc::test;

namespace convert_test {

using namespace qc::slots::convert;

using Wide = long double;

static const char *const names[] = {"i1",  "i8",   "ui8", "i32", "i64",
                                    "f16", "bf16", "f32", "f64"};

static size_t bytesOf(const std::string &name) {
  if (name == "i64" || name == "f64")
    return 8;
  if (name == "i32" || name == "f32")
    return 4;
  return name == "f16" || name == "bf16" ? 2 : 1;
}

static bool isFloat(const std::string &name) {
  return name.find('f') != std::string::npos;
}

template <typename T> static T read(const void *p) {
  T v;
  std::memcpy(&v, p, sizeof(T));
  return v;
}

static Wide valueOf(const std::string &name, const void *p) {
  if (name == "i1" || name == "ui8")
    return read<uint8_t>(p);
  if (name == "i8")
    return read<int8_t>(p);
  if (name == "i32")
    return read<int32_t>(p);
  if (name == "i64")
    return read<int64_t>(p);
  if (name == "f16")
    return numerics::halfToFloat(read<uint16_t>(p));
  if (name == "bf16")
    return numerics::bfloat16ToFloat(read<uint16_t>(p));
  if (name == "f32")
    return read<float>(p);
  return read<double>(p);
}

/// The bits of the float with `mantissa` stored and `exponent` bits nearest to
/// v, ties to even.
static uint64_t nearestFloat(Wide v, int mantissa, int exponent) {
  uint64_t sign = uint64_t(std::signbit(v)) << (mantissa + exponent);
  uint64_t infinite = ((uint64_t(1) << exponent) - 1) << mantissa;
  if (std::isinf(v))
    return sign | infinite;
  if (v == 0)
    return sign;
  int bias = (1 << (exponent - 1)) - 1;
  int e = std::max(std::ilogb(v), 1 - bias);
  // In units of the last place; a carry moves into the exponent by itself.
  Wide units = std::nearbyint(std::ldexp(std::fabs(v), mantissa - e));
  uint64_t bits = uint64_t(units) + (uint64_t(e + bias - 1) << mantissa);
  return sign | std::min(bits, infinite);
}

static uint64_t integerBits(Wide v, bool fromFloat, int bits, bool isSigned) {
  if (std::isnan(v))
    return 0;
  Wide low = isSigned ? -std::ldexp(Wide(1), bits - 1) : 0;
  Wide high = std::ldexp(Wide(1), isSigned ? bits - 1 : bits) - 1;
  if (fromFloat)
    v = std::min(std::max(std::trunc(v), low), high);
  return uint64_t(int64_t(v));
}

static uint64_t expectedBits(const std::string &from, const std::string &to,
                             Wide v) {
  if (to == "i1")
    return v != 0;
  if (to == "f16")
    return nearestFloat(v, 10, 5);
  if (to == "bf16")
    return nearestFloat(v, 7, 8);
  if (to == "f32")
    return nearestFloat(v, 23, 8);
  if (to == "f64")
    return nearestFloat(v, 52, 11);
  return integerBits(v, isFloat(from), int(bytesOf(to) * 8), to != "ui8");
}

/// Random bits, random numbers of all sizes, and halfway cases of each width.
static std::vector<char> makeInput(const std::string &name, size_t n) {
  Random random(n + name.size());
  size_t size = bytesOf(name);
  std::vector<char> bytes(n * size);
  for (size_t i = 0; i < n; ++i) {
    uint64_t bits = uint64_t(random.integer(0, 0xffffffff)) << 32 |
                    uint64_t(random.integer(0, 0xffffffff));
    if (name == "i1")
      bits &= 1;
    Wide v =
        std::ldexp(Wide(random.integer(-4096, 4096)),
                   int(random.integer(-30, 20))) +
        std::ldexp(Wide(random.integer(-1, 1)), int(random.integer(-45, -20)));
    if (name == "f64" && i % 3)
      bits = nearestFloat(v, 52, 11);
    if (name == "f32" && i % 3)
      bits = nearestFloat(v, 23, 8);
    if (name == "i64" && i % 2)
      bits = (uint64_t(random.integer(0, 1023)) << random.integer(0, 53)) +
             uint64_t(random.integer(-1, 1));
    if (name == "i32" && i % 2)
      bits = (uint64_t(random.integer(0, 1023)) << random.integer(0, 21)) +
             uint64_t(random.integer(-1, 1));
    std::memcpy(bytes.data() + i * size, &bits, size);
  }
  return bytes;
}

static void checkPair(const std::string &from, const std::string &to) {
  const size_t n = 3001;
  std::vector<char> x = makeInput(from, n);
  onLevels("convert:" + from + "," + to, [&](TestKernel &kernel) {
    auto in = guarded(x);
    auto out = blank<char>(n * bytesOf(to));
    Slots slots(Count);
    slots.set(X, in->as<void>());
    slots.set(Y, out->as<void>());
    slots.set(Size, n);
    slots.set(Chunk, 1000);
    kernel.run(slots, 4, {in.get(), out.get()});
    for (size_t i = 0; i < n; ++i) {
      Wide v = valueOf(from, x.data() + i * bytesOf(from));
      const char *found = out->as<char>() + i * bytesOf(to);
      if (std::isnan(v) && isFloat(to)) {
        ASSERT_TRUE(std::isnan(valueOf(to, found))) << i;
        continue;
      }
      uint64_t expected = expectedBits(from, to, v);
      ASSERT_EQ(std::memcmp(found, &expected, bytesOf(to)), 0)
          << "element " << i << ", value " << double(v) << ": found "
          << double(valueOf(to, found)) << ", expected "
          << double(valueOf(to, &expected));
    }
  });
}

TEST(Convert, EveryPair) {
  for (const char *from : names)
    for (const char *to : names) {
      checkPair(from, to);
      if (HasFailure())
        return;
    }
}

} // namespace convert_test
