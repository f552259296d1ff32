//===- GroupUnit.cpp - Integer products of packed codes -------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// vpmaddubsw saturates at 16 bits; it is used where that cannot happen: codes
// below 128 times activations in [-127, 127], or magnitudes of bytes times
// activations with their signs: 2 * 128 * 127 < 2^15. Signed bytes that meet
// many rows are words already, which vpmaddwd multiplies with fewer steps.
//
//===----------------------------------------------------------------------===//

#include "GroupUnit.h"

#include "Parts.h"

using namespace qc;
using namespace qc::kernels;

GroupUnit::GroupUnit(KernelBuilder &k, const numerics::GroupSums &sums,
                     unsigned bits)
    : k(k), sums(sums), bits(bits) {
  const CpuLevel &level = k.level();
  if (level.dot == DotUnit::VpDpBusd) {
    kind = Kind::Dot;
    width = level.vectorBits / 32;
  } else if (level.dot == DotUnit::Sdot) {
    kind = Kind::Sdot;
  } else if (k.isX86() && level.vectorBits >= 256) {
    width = 8;
    kind = sums.isSigned ? Kind::MaddSigned : Kind::Madd;
    if (!sums.isSigned)
      narrowSteps = 32767 / (((1 << bits) - 1) * 127 * 2);
  }
}

unsigned GroupUnit::maxRows() const {
  // Sums in integers and in floats, and some for weights and scales.
  unsigned each = 2 * registers();
  unsigned most = (k.level().vectorRegisters - 4) / each;
  return std::min(std::max(most, k.isX86() ? 4u : 3u), 8u);
}

unsigned GroupUnit::slabRows() const {
  // Beside the sums, the weights of a step and two temporaries.
  unsigned most = (k.level().vectorRegisters - registers() - 2) / registers();
  return std::clamp(most, 3u, 8u);
}

unsigned GroupUnit::slabPanels() const {
  // Sums of two panels, their weights and an activation.
  unsigned needed = slabRows() * registers() * 2 + 2 * registers() + 1;
  return chains() && registers() == 1 && needed <= k.level().vectorRegisters
             ? 2
             : 1;
}

int32_t GroupUnit::correction() const {
  return sums.bias + (kind == Kind::Dot && sums.isSigned ? 128 : 0);
}

void GroupUnit::begin() {
  if (kind == Kind::Madd || kind == Kind::MaddSigned)
    ones = k.number(k.vec(k.i16(), 16), 1);
  if (joinsSums(1) && width == 16) {
    llvm::SmallVector<int64_t> places;
    for (int64_t i = 0; i < 64; ++i)
      places.push_back(i % 4 < 2 ? i % 16 : i % 16 - 2);
    // Pinned, or LLVM makes a shift and a blend of it.
    lowWords = k.pinned(k.numbers(k.i8(), places));
  }
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

void GroupUnit::widen(Sum &sum) {
  if (!sum.narrow)
    return;
  Val factor = sum.factor ? k.bitcast(sum.factor, ones.type()) : ones;
  Val pairs = k.intrinsic("llvm.x86.avx2.pmadd.wd", k.vec(k.i32(), width),
                          {sum.narrow, factor});
  sum.wide = sum.wide ? k.pinned(sum.wide + pairs) : pairs;
  sum.narrow = Val();
  sum.steps = 0;
}

/// Adds products of bytes summed in pairs; `a` counts as unsigned. In the order
/// that is written here: LLVM's own needs more registers.
void GroupUnit::addWords(Sum &sum, Val a, Val b) {
  Val words = k.intrinsic("llvm.x86.avx2.pmadd.ub.sw",
                          k.vec(k.i16(), 2 * width), {a, b});
  sum.narrow = sum.narrow ? k.pinned(sum.narrow + words) : words;
  if (++sum.steps == narrowSteps)
    widen(sum);
}

void GroupUnit::multiplyAdd(Sum &sum, Val weights, Val activation) {
  mlir::Type lanes = k.vec(k.i32(), width);
  if (kind == Kind::Madd)
    return addWords(sum, weights, activation);
  if (kind == Kind::MaddSigned) {
    Val turned =
        k.intrinsic("llvm.x86.avx2.psign.b", bytes(), {activation, weights});
    return addWords(sum, abs(weights), turned);
  }
  if (!sum.wide)
    sum.wide = k.zero(lanes);
  if (kind == Kind::Generic) {
    Val products = k.convert(weights, k.i16()) * k.convert(activation, k.i16());
    sum.wide = sum.wide + sumPairs(k, sumPairs(k, products, k.i32()), k.i32());
    return;
  }
  llvm::StringRef name = kind == Kind::Sdot
                             ? "llvm.aarch64.neon.sdot.v4i32.v16i8"
                         : width == 16 ? "llvm.x86.avx512.vpdpbusd.512"
                                       : "llvm.x86.avx512.vpdpbusd.256";
  sum.wide = k.intrinsic(name, lanes, {sum.wide, weights, activation});
}

Val GroupUnit::half(Val bytes, unsigned index) {
  if (halves() == 1)
    return bytes;
  Val words = k.bitcast(bytes, k.vec(k.i16(), bytes.lanes() / 2));
  return k.bitcast(shrS(index ? words : words << 8, 8), bytes.type());
}

void GroupUnit::multiplyAddHalf(Sum &sum, Val weights, Val activation) {
  if (halves() == 1)
    return multiplyAdd(sum, weights, activation);
  mlir::Type words = k.vec(k.i16(), 2 * width);
  Val pairs =
      k.intrinsic("llvm.x86.avx2.pmadd.wd", k.vec(k.i32(), width),
                  {k.bitcast(weights, words), k.bitcast(activation, words)});
  sum.wide = sum.wide ? k.pinned(sum.wide + pairs) : pairs;
}

bool GroupUnit::folds(int32_t least, int32_t largest) const {
  if (halves() == 2)
    return true;
  // Bytes that Dot takes as unsigned, Sdot as signed.
  int32_t limit = kind == Kind::Dot ? 255 : kind == Kind::Sdot ? 127 : 0;
  return !sums.isSigned && least >= 0 && ((1 << bits) - 1) * largest <= limit;
}

Val GroupUnit::scaleHalf(Val codes, Val factor) {
  mlir::Type type = k.vec(k.i16(), 2 * width);
  Val words = k.bitcast(codes, type);
  if (halves() == 2)
    return k.bitcast(words * k.bitcast(factor, type), codes.type());
  Val factors = k.bitcast(pairWords(factor, factor), type);
  Val low = (words & 0xff) * factors, high = shrU(words, 8) * factors;
  return k.bitcast(low | high << 8, codes.type());
}

Val GroupUnit::finish(Sum sum) {
  widen(sum);
  bool isScaled = kind == Kind::Madd || kind == Kind::MaddSigned;
  return sum.factor && !isScaled ? sum.wide * sum.factor : sum.wide;
}

Val GroupUnit::factor(Val integers) {
  bool pairs = kind == Kind::Madd || kind == Kind::MaddSigned;
  return pairs ? pairWords(integers, integers) : integers;
}

unsigned GroupUnit::longestSteps() const {
  return kind == Kind::Madd ? std::clamp(narrowSteps, 8u, 16u) : 16;
}

Val GroupUnit::pairWords(Val first, Val second) {
  return (first & 0xffff) | second << 16;
}

bool GroupUnit::joinsSums(unsigned steps) const {
  int64_t largest = ((1 << bits) - 1) * 127 * 4 * int64_t(steps);
  return kind == Kind::Dot && !sums.isSigned && largest <= 32767;
}

Val GroupUnit::joinSums(Val first, Val second) {
  if (width != 16)
    return pairWords(first, second);
  Val high = k.intrinsic("llvm.x86.avx512.pshuf.b.512", bytes(),
                         {k.bitcast(second, bytes()), lowWords});
  llvm::SmallVector<int64_t> isHigh;
  for (int64_t i = 0; i < 64; ++i)
    isHigh.push_back(i % 4 >= 2);
  return k.bitcast(
      k.select(k.numbers(k.i1(), isHigh), high, k.bitcast(first, bytes())),
      first.type());
}

Val GroupUnit::addPairs(Val sum, Val a, Val b) {
  mlir::Type words = k.vec(k.i16(), 2 * a.lanes());
  if (kind == Kind::Dot) {
    llvm::StringRef name = a.lanes() == 16 ? "llvm.x86.avx512.vpdpwssd.512"
                                           : "llvm.x86.avx512.vpdpwssd.256";
    if (!sum)
      sum = k.zero(a.type());
    return k.intrinsic(name, a.type(),
                       {sum, k.bitcast(a, words), k.bitcast(b, words)});
  }
  Val products;
  if (k.isX86()) {
    llvm::StringRef name =
        a.lanes() == 8 ? "llvm.x86.avx2.pmadd.wd" : "llvm.x86.sse2.pmadd.wd";
    products =
        k.intrinsic(name, a.type(), {k.bitcast(a, words), k.bitcast(b, words)});
  } else {
    auto low = [](Val v) { return shrS(v << 16, 16); };
    products = low(a) * low(b) + shrS(a, 16) * shrS(b, 16);
  }
  return sum ? sum + products : products;
}
