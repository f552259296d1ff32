//===- Parts.h - What kernels have in common --------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Names of element types, the range of a part, strips of several widths, and
// codes of 8 and 16 bits in memory as i32 lanes.
//
//===----------------------------------------------------------------------===//

#ifndef QC_LIB_TARGET_KERNELS_PARTS_H
#define QC_LIB_TARGET_KERNELS_PARTS_H

#include "qc/Target/Kernels/KernelBuilder.h"
#include "qc/TargetInfo/KernelKey.h"

namespace qc::kernels {

/// Panels of 16 columns that one row meets abreast where registers hold their
/// sums: memory gives several streams sooner than one.
inline constexpr int64_t panelsAbreast = 4;

/// An element type as a key names it: i1, i8, u8 (or ui8), ..., f64.
struct ElementType {
  unsigned bits = 0;
  bool isFloat = false, isSigned = true, isBrain = false;

  bool isCode() const { return !isFloat && bits >= 8 && bits <= 16; }
  /// Bytes in memory; an i1 takes one.
  unsigned bytes() const { return bits < 8 ? 1 : bits / 8; }
  bool isHalf() const { return isFloat && bits == 16; }
  /// As it lies in memory; an i1 is an i8.
  mlir::Type type(KernelBuilder &k) const;
  /// The same, but for floats of 16 bits, which are integers.
  mlir::Type memoryType(KernelBuilder &k) const {
    return isHalf() ? k.i16() : type(k);
  }
  static std::optional<ElementType> parse(llvm::StringRef name);
};

/// Parses `count` types of the key into `types`; false and an error if there
/// are others.
bool parseTypes(const KernelKey &key, unsigned count,
                llvm::SmallVectorImpl<ElementType> &types, std::string &error);

/// False and an error where the key has a flag besides `known`.
bool checkFlags(const KernelKey &key, llvm::ArrayRef<llvm::StringRef> known,
                std::string &error);

/// What part() covers of [0, size), cut at multiples of `chunk`.
struct Range {
  Val lo, hi;
};
Range rangeOfPart(KernelBuilder &k, Val size, Val chunk);

/// Walks [lo, hi) by strips of the first width as long as it goes, then of the
/// next; after the last width the rest exactly.
void stripsOf(KernelBuilder &k, Val lo, Val hi, llvm::ArrayRef<unsigned> widths,
              llvm::function_ref<void(Val, Strip)> body);

/// Codes as i32 lanes, and back (the values must fit).
Val loadCodes(KernelBuilder &k, ElementType type, Val pointer, Strip strip);
void storeCodes(KernelBuilder &k, ElementType type, Val codes, Val pointer,
                Strip strip);

/// Values to codes: sat(rne(x / scale) + zero), NaN to zero.
struct Quantizer {
  /// Reads scale, zero, qmin, qmax from these slots.
  Quantizer(KernelBuilder &k, ElementType type, unsigned scale, unsigned zero,
            unsigned qmin, unsigned qmax);
  void store(Val x, Val pointer, Strip strip) const;

  KernelBuilder &k;
  ElementType type;
  Val scale, zero, low, high;
};

/// The columns of a square block as vectors, from its rows. An element is
/// `unit` lanes.
KernelBuilder::Vals transposed(KernelBuilder &k, KernelBuilder::Vals rows,
                               unsigned unit = 1);

/// The sums of neighbouring lanes of `v`, as lanes of `element`.
Val sumPairs(KernelBuilder &k, Val v, mlir::Type element);

/// rne(clamp(t, low, high)) + zero as i32 lanes.
Val roundClamped(KernelBuilder &k, Val t, Val low, Val high, Val zero);

} // namespace qc::kernels

#endif // QC_LIB_TARGET_KERNELS_PARTS_H
