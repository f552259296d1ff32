//===- CacheTable.h - Rows of a key-value cache -----------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Where the keys and values of a token lie (KernelSlots.h says how a cache is
// given). A row of codes ends in their scale.
//
//===----------------------------------------------------------------------===//

#ifndef QC_LIB_TARGET_KERNELS_CACHETABLE_H
#define QC_LIB_TARGET_KERNELS_CACHETABLE_H

#include "HalfFloats.h"
#include "RowWalk.h"

namespace qc::kernels {

class CacheTable {
public:
  CacheTable(KernelBuilder &k, ElementType type, Val table, Val sequences,
             Val layer, Val heads, Val size)
      : k(k), type(type), table(table), sequences(sequences), layer(layer),
        heads(heads), size(size) {}

  /// Runs the body if there is the sequence, and the position in it.
  void ifInside(Val sequence, Val position, llvm::function_ref<void()> body) {
    k.ifThen(ult(sequence, sequences), [&] {
      k.ifThen(ult(position, k.load(k.i64Type(), table + sequence * 16 + 8)),
               body);
    });
  }
  /// The first row of a head; part 0: keys, 1: values.
  Val rows(Val sequence, int64_t part, Val head) {
    Val entry = table + sequence * 16;
    Val capacity = k.load(k.i64Type(), entry + 8);
    Val index = (layer * 2 + part) * heads + head;
    return k.load(k.ptr(), entry) + index * capacity * rowBytes();
  }
  Val rowBytes() {
    return isCoded() ? size + scaleBytes : size * int64_t(type.bytes());
  }

  /// A row to read; its scale is there if it has codes.
  struct Row {
    Val at, scale;
  };
  Row row(Val at) {
    return {at, isCoded() ? k.load(k.f32(), at + size) : Val()};
  }
  /// Elements of a row from index j on.
  Val load(const Row &row, Val j, Strip strip) {
    Val at = row.at + j * int64_t(type.bytes());
    if (!isCoded())
      return loadFloats(k, type, at, strip);
    Val values = k.convert(loadCodes(k, type, at, strip), k.f32());
    return values *
           (strip.lanes > 1 ? k.splat(row.scale, strip.lanes) : row.scale);
  }
  /// Writes a row of f32.
  void store(Val from, Val at) {
    if (isCoded())
      return k.store(quantizeRow(k, type, from, at, size), at + size);
    k.strips(k.i64(0), size, k.lanes(), [&](Val j, Strip strip) {
      storeFloats(k, type, k.loadStrip(k.f32(), from + j * 4, strip),
                  at + j * int64_t(type.bytes()), strip);
    });
  }

private:
  static constexpr int64_t scaleBytes = 4;
  bool isCoded() const { return type.isCode(); }

  KernelBuilder &k;
  ElementType type;
  Val table, sequences, layer, heads, size;
};

/// The type of a key's cache, or an error.
std::optional<ElementType> parseCacheType(const KernelKey &key,
                                          std::string &error);

} // namespace qc::kernels

#endif // QC_LIB_TARGET_KERNELS_CACHETABLE_H
