//===- Lookup.cpp - A table of 256 bytes ----------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Levels that shuffle bytes keep the table in 16 rows of 16 bytes, one row per
// high half of the index; the rest looks each byte up in memory.
//
//===----------------------------------------------------------------------===//

#include "Emitters.h"
#include "Parts.h"

#include "qc/TargetInfo/KernelSlots.h"

using namespace qc;
using namespace qc::kernels;

static constexpr unsigned rows = 16;

/// pshufb within each 16 bytes: the row's byte at the low 4 bits of the index,
/// 0 where its top bit is set.
static Val shuffleBytes(KernelBuilder &k, Val row, Val index) {
  bool large = k.level().vectorBits == 512;
  return k.intrinsic(large ? "llvm.x86.avx512.pshuf.b.512"
                           : "llvm.x86.avx2.pshuf.b",
                     index.type(), {row, index});
}

/// 64 bytes by masks: the row of h where the high half of the index is h.
static Val lookupMasked(KernelBuilder &k, llvm::ArrayRef<Val> table, Val x) {
  Val low = x & 15, high = x & 0xf0, result;
  for (unsigned h = 0; h < rows; ++h) {
    Val row = shuffleBytes(k, table[h], low);
    result = h ? k.select(eq(high, int64_t(h * 16)), row, result) : row;
  }
  return result;
}

/// Without masks: (x ^ 16 h) + 0x70 saturates to 0x70 .. 0x7f only for the
/// indices of row h, all others get the top bit and look up a zero.
static Val lookupSaturated(KernelBuilder &k, llvm::ArrayRef<Val> table, Val x) {
  Val result;
  for (unsigned h = 0; h < rows; ++h) {
    Val shifted = h ? x ^ int64_t(h * 16) : x;
    Val bias = k.number(x.type(), 0x70);
    Val index = k.intrinsic("llvm.uadd.sat", x.type(), {shifted, bias});
    Val row = shuffleBytes(k, table[h], index);
    result = h ? result | row : row;
  }
  return result;
}

/// tbl and tbx take 64 bytes of table each; an index outside gives 0 or keeps
/// what is there.
static Val lookupTbx(KernelBuilder &k, llvm::ArrayRef<Val> table, Val x) {
  Val result;
  for (unsigned quarter = 0; quarter < 4; ++quarter) {
    llvm::SmallVector<Val> arguments;
    if (quarter)
      arguments.push_back(result);
    for (unsigned r = 0; r < 4; ++r)
      arguments.push_back(table[quarter * 4 + r]);
    arguments.push_back(x - int64_t(quarter * 64));
    result = k.intrinsic(quarter ? "llvm.aarch64.neon.tbx4.v16i8"
                                 : "llvm.aarch64.neon.tbl4.v16i8",
                         x.type(), arguments);
  }
  return result;
}

/// The 16 rows, each repeated over a whole register.
static KernelBuilder::Vals loadTable(KernelBuilder &k, Val table) {
  KernelBuilder::Vals result;
  for (unsigned r = 0; r < rows; ++r) {
    Val row = k.load(k.vec(k.i8(), 16), table + 16 * r);
    for (unsigned lanes = 16; lanes < k.level().vectorBits / 8; lanes *= 2)
      row = k.concat(row, row);
    result.push_back(row);
  }
  return result;
}

llvm::LogicalResult kernels::emitLookup(KernelBuilder &k, const KernelKey &key,
                                        const numerics::DecodeSpec *,
                                        std::string &error) {
  if (key.types.size() != 1 || (key.types[0] != "u8" && key.types[0] != "i8")) {
    error = "expected the type u8 or i8";
    return llvm::failure();
  }
  if (!checkFlags(key, {}, error))
    return llvm::failure();
  using namespace slots::lookup;
  Val x = k.slotPtr(X), table = k.slotPtr(Table), y = k.slotPtr(Y);
  Range range = rangeOfPart(k, k.slot(Size), k.slot(Chunk));
  auto scalar = [&](Val i) {
    Val index = k.convert(k.load(k.i8(), x + i), k.i64Type(), false);
    k.store(k.load(k.i8(), table + index), y + i);
  };
  if (k.isX86() && k.level().vectorBits < 256) {
    k.loop(range.lo, range.hi, 1, scalar);
    return llvm::success();
  }
  KernelBuilder::Vals packed = loadTable(k, table);
  unsigned lanes = k.level().vectorBits / 8;
  k.strips(range.lo, range.hi, lanes, [&](Val i, Strip strip) {
    if (strip.lanes == 1)
      return scalar(i);
    Val v = k.loadStrip(k.i8(), x + i, strip);
    Val result = !k.isX86()     ? lookupTbx(k, packed, v)
                 : k.hasMasks() ? lookupMasked(k, packed, v)
                                : lookupSaturated(k, packed, v);
    k.storeStrip(result, y + i, strip);
  });
  return llvm::success();
}
