//===- SparseUnit.cpp - Products of picked activations --------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// vpmaddubsw saturates at 16 bits. Magnitudes of at most 128 times weights in
// [-127, 127] stay below it in pairs (2 * 128 * 127 < 2^15), as one product of
// any byte does.
//
//===----------------------------------------------------------------------===//

#include "SparseUnit.h"

#include "Parts.h"

using namespace qc;
using namespace qc::kernels;

SparseUnit::SparseUnit(KernelBuilder &k, bool signedX)
    : k(k), signedX(signedX) {
  const CpuLevel &level = k.level();
  if (level.dot == DotUnit::VpDpBusd) {
    kind = Kind::Dot;
    width = level.vectorBits / 32;
  } else if (level.dot == DotUnit::Sdot) {
    kind = Kind::Sdot;
  } else if (k.isX86() && level.vectorBits >= 256) {
    // AVX-512 has no vpsignb.
    kind = level.vectorBits == 512 ? Kind::MaddHalves : Kind::MaddSigned;
    width = level.vectorBits / 32;
  }
}

unsigned SparseUnit::maxRows() const {
  return registers() == 1 ? 8 : registers() == 2 ? 3 : k.isX86() ? 1 : 3;
}

int SparseUnit::correction() const {
  bool unsignedUnit = kind == Kind::Dot || kind == Kind::MaddHalves;
  bool signedUnit = kind == Kind::Sdot || kind == Kind::MaddSigned;
  return unsignedUnit && signedX ? -1 : signedUnit && !signedX ? 1 : 0;
}

void SparseUnit::begin() {
  if (kind == Kind::MaddSigned || kind == Kind::MaddHalves)
    ones = k.number(k.vec(k.i16(), 2 * width), 1);
}

Val SparseUnit::table(Val pointer) {
  Val bytes = k.load(k.vec(k.i8(), 16), pointer);
  if (correction())
    bytes = bytes ^ 0x80;
  if (width == 4)
    return bytes;
  llvm::SmallVector<int32_t> lanes;
  for (unsigned i = 0; i < 4 * width; ++i)
    lanes.push_back(i % 16);
  return k.shuffle(bytes, bytes, lanes);
}

Val SparseUnit::pick(Val table, Val positions, llvm::ArrayRef<int64_t> first,
                     int64_t of) {
  mlir::Type type = bytes();
  if (k.isX86() && width == 4) {
    // No instruction picks bytes here.
    Val result = k.zero(type);
    for (int64_t position = 0; position < of; ++position) {
      llvm::SmallVector<int32_t> lanes;
      for (unsigned i = 0; i < 16; ++i)
        lanes.push_back(first[i % 4] + position);
      result = k.select(eq(positions, position), k.shuffle(table, table, lanes),
                        result);
    }
    return result;
  }
  llvm::SmallVector<int64_t> base;
  for (unsigned i = 0; i < 4 * width; ++i)
    base.push_back(first[i % 4]);
  Val index = positions;
  if (llvm::any_of(base, [](int64_t each) { return each != 0; }))
    index = index | k.numbers(k.i8(), base);
  llvm::StringRef name = !k.isX86()    ? "llvm.aarch64.neon.tbl1.v16i8"
                         : width == 16 ? "llvm.x86.avx512.pshuf.b.512"
                                       : "llvm.x86.avx2.pshuf.b";
  return k.intrinsic(name, type, {table, index});
}

Val SparseUnit::maddPairs(Val a, Val b) {
  bool wide = width == 16;
  Val words = k.intrinsic(wide ? "llvm.x86.avx512.pmaddubs.w.512"
                               : "llvm.x86.avx2.pmadd.ub.sw",
                          k.vec(k.i16(), 2 * width), {a, b});
  return k.intrinsic(wide ? "llvm.x86.avx512.pmaddw.d.512"
                          : "llvm.x86.avx2.pmadd.wd",
                     k.vec(k.i32(), width), {words, ones});
}

Val SparseUnit::multiplyAdd(Val sum, Val activations, Val weights) {
  mlir::Type lanes = k.vec(k.i32(), width), words = k.vec(k.i16(), 2 * width);
  switch (kind) {
  case Kind::MaddSigned: {
    Val turned =
        k.intrinsic("llvm.x86.avx2.psign.b", bytes(), {weights, activations});
    return k.pinned(sum + maddPairs(abs(activations), turned));
  }
  case Kind::MaddHalves: {
    Val pairs = k.bitcast(activations, words);
    Val even = k.bitcast(pairs & 0x00ff, bytes());
    Val odd = k.bitcast(pairs & 0xff00, bytes());
    return sum + maddPairs(even, weights) + maddPairs(odd, weights);
  }
  case Kind::Generic: {
    Val products =
        k.convert(activations, k.i16(), signedX) * k.convert(weights, k.i16());
    return sum + sumPairs(k, sumPairs(k, products, k.i32()), k.i32());
  }
  case Kind::Dot:
  case Kind::Sdot:
    break;
  }
  llvm::StringRef name = kind == Kind::Sdot
                             ? "llvm.aarch64.neon.sdot.v4i32.v16i8"
                         : width == 16 ? "llvm.x86.avx512.vpdpbusd.512"
                                       : "llvm.x86.avx512.vpdpbusd.256";
  return k.intrinsic(name, lanes, {sum, activations, weights});
}
