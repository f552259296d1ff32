//===- GroupUnit.cpp - Integer products of packed codes -------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// vpmaddubsw saturates at 16 bits; it is used where that cannot happen: codes
// below 128 times activations in [-127, 127], or magnitudes of bytes times
// activations with their signs: 2 * 128 * 127 < 2^15.
//
//===----------------------------------------------------------------------===//

#include "GroupUnit.h"

using namespace qc;
using namespace qc::kernels;

/// Steps of 4 whose sums in pairs fit 16 bits.
static int64_t narrowSteps(unsigned bits) {
  return 32767 / (((int64_t(1) << bits) - 1) * 127 * 2);
}

GroupUnit::GroupUnit(KernelBuilder &k, const numerics::GroupSums &sums,
                     unsigned bits)
    : k(k), sums(sums) {
  const CpuLevel &level = k.level();
  if (level.dot == DotUnit::VpDpBusd) {
    kind = Kind::Dot;
    width = level.vectorBits / 32;
  } else if (level.dot == DotUnit::Sdot) {
    kind = Kind::Sdot;
  } else if (k.isX86() && level.vectorBits >= 256) {
    width = 8;
    bool fits = narrowSteps(bits) >= sums.segment / 4;
    kind = sums.isSigned ? Kind::MaddSigned
           : fits        ? Kind::MaddNarrow
                         : Kind::MaddWide;
  }
}

unsigned GroupUnit::maxRows() const {
  // Sums in integers and in floats, and some for weights and scales.
  unsigned each = 2 * registers();
  unsigned most = (k.level().vectorRegisters - 4) / each;
  return std::min(std::max(most, k.isX86() ? 4u : 3u), 8u);
}

int32_t GroupUnit::correction() const {
  return sums.bias + (kind == Kind::Dot && sums.isSigned ? 128 : 0);
}

void GroupUnit::begin() {
  if (kind == Kind::MaddNarrow || kind == Kind::MaddWide ||
      kind == Kind::MaddSigned)
    ones = k.number(k.vec(k.i16(), 16), 1);
  if (sums.table.empty())
    return;
  llvm::SmallVector<int64_t> entries;
  for (unsigned i = 0; i < 4 * width; ++i)
    entries.push_back(sums.table[i % 16 % sums.table.size()]);
  table = k.numbers(k.i8(), entries);
}

Val GroupUnit::lookup(Val codes) {
  mlir::Type type = bytes();
  if (!k.isX86())
    return k.intrinsic("llvm.aarch64.neon.tbl1.v16i8", type, {table, codes});
  if (width == 16)
    return k.intrinsic("llvm.x86.avx512.pshuf.b.512", type, {table, codes});
  if (width == 8)
    return k.intrinsic("llvm.x86.avx2.pshuf.b", type, {table, codes});
  Val result = k.zero(type);
  for (auto [code, entry] : llvm::enumerate(sums.table))
    result = k.select(eq(codes, int64_t(code)), k.number(type, int64_t(entry)),
                      result);
  return result;
}

Val GroupUnit::prepare(Val codes) {
  if (table)
    codes = lookup(codes);
  if (kind == Kind::Dot && sums.isSigned)
    codes = codes ^ 0x80;
  return codes;
}

Val GroupUnit::activation(Val pointer) {
  return k.bitcast(k.splat(k.load(k.i32(), pointer), width), bytes());
}

Val GroupUnit::zero() {
  return kind == Kind::MaddNarrow ? k.zero(k.vec(k.i16(), 2 * width))
                                  : k.zero(k.vec(k.i32(), width));
}

/// Products of bytes summed in pairs; `a` counts as unsigned.
Val GroupUnit::words(Val a, Val b) {
  return k.intrinsic("llvm.x86.avx2.pmadd.ub.sw", k.vec(k.i16(), 2 * width),
                     {a, b});
}

/// The sums of neighbours of `v`, as lanes of `element`.
static Val sumPairs(KernelBuilder &k, Val v, mlir::Type element) {
  unsigned half = v.lanes() / 2;
  Val low = k.slice(v, 0, half), high = k.slice(v, half, half);
  return k.convert(k.evens(low, high), element) +
         k.convert(k.odds(low, high), element);
}

Val GroupUnit::multiplyAdd(Val sum, Val weights, Val activation) {
  mlir::Type lanes = k.vec(k.i32(), width);
  auto widened = [&](Val pairs) {
    return k.intrinsic("llvm.x86.avx2.pmadd.wd", lanes, {pairs, ones});
  };
  switch (kind) {
  case Kind::Dot:
    return k.intrinsic(width == 16 ? "llvm.x86.avx512.vpdpbusd.512"
                                   : "llvm.x86.avx512.vpdpbusd.256",
                       lanes, {sum, weights, activation});
  case Kind::Sdot:
    return k.intrinsic("llvm.aarch64.neon.sdot.v4i32.v16i8", lanes,
                       {sum, weights, activation});
  case Kind::MaddNarrow:
    return sum + words(weights, activation);
  case Kind::MaddWide:
    return sum + widened(words(weights, activation));
  case Kind::MaddSigned: {
    Val magnitude = abs(weights);
    Val turned =
        k.intrinsic("llvm.x86.avx2.psign.b", bytes(), {activation, weights});
    return sum + widened(words(magnitude, turned));
  }
  case Kind::Generic:
    break;
  }
  Val products = k.convert(weights, k.i16()) * k.convert(activation, k.i16());
  return sum + sumPairs(k, sumPairs(k, products, k.i32()), k.i32());
}

Val GroupUnit::finish(Val sum) {
  if (kind != Kind::MaddNarrow)
    return sum;
  return k.intrinsic("llvm.x86.avx2.pmadd.wd", k.vec(k.i32(), width),
                     {sum, ones});
}
