//===- HalfFloats.cpp - Floats of 16 bits as integers ---------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "HalfFloats.h"

using namespace qc;
using namespace qc::kernels;

Val kernels::bitsOf(KernelBuilder &k, Val v) {
  return k.bitcast(v, k.vec(k.i32(), v.lanes()));
}

Val kernels::ofBits(KernelBuilder &k, Val v) {
  return k.bitcast(v, k.vec(k.f32(), v.lanes()));
}

/// f32 to the bits of the nearest bfloat16.
static Val toBrain(KernelBuilder &k, Val v) {
  Val bits = bitsOf(k, v);
  Val rounded = shrU(bits + 0x7fff + (shrU(bits, 16) & 1), 16);
  return k.select(eq(v, v), rounded, shrU(bits, 16) | 0x40);
}

/// f32 to the bits of the nearest half.
static Val toHalf(KernelBuilder &k, Val v) {
  if (k.level().hasF16) {
    Val half = k.convert(v, k.f16());
    return k.convert(k.bitcast(half, k.vec(k.i16(), v.lanes())), k.i32(),
                     false);
  }
  Val bits = bitsOf(k, v), magnitude = bits & 0x7fffffff;
  // 0.5 has the unit of a subnormal half: adding it rounds to such units.
  Val small = bitsOf(k, ofBits(k, magnitude) + 0.5) - 0x3f000000;
  Val normal =
      shrU(magnitude + 0xfff + (shrU(magnitude, 13) & 1) - 0x38000000, 13);
  Val result = k.select(magnitude < 0x38800000, small, normal);
  Val infinite = k.number(bits.type(), 0x7c00);
  result = k.select(magnitude < 0x47800000, result, infinite);
  Val nan = (shrU(magnitude, 13) & 0x3ff) | 0x7e00;
  result = k.select(eq(v, v), result, nan);
  return result | (shrU(bits, 16) & 0x8000);
}

Val kernels::halfBits(KernelBuilder &k, Val v, bool isBrain) {
  return isBrain ? toBrain(k, v) : toHalf(k, v);
}

Val kernels::fromHalfBits(KernelBuilder &k, Val bits, bool isBrain) {
  return isBrain ? ofBits(k, bits << 16) : k.halfToF32(bits);
}

Val kernels::loadFloats(KernelBuilder &k, ElementType type, Val pointer,
                        Strip strip) {
  Val v = k.loadStrip(type.memoryType(k), pointer, strip);
  if (!type.isHalf())
    return v;
  return fromHalfBits(k, k.convert(v, k.i32(), false), type.isBrain);
}

void kernels::storeFloats(KernelBuilder &k, ElementType type, Val v,
                          Val pointer, Strip strip) {
  if (type.isHalf())
    v = k.convert(halfBits(k, v, type.isBrain), k.i16());
  k.storeStrip(v, pointer, strip);
}
