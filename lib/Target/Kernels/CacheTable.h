//===- CacheTable.h - Rows of a key-value cache -----------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Where the keys and values of a token lie (KernelSlots.h says how a cache is
// given).
//
//===----------------------------------------------------------------------===//

#ifndef QC_LIB_TARGET_KERNELS_CACHETABLE_H
#define QC_LIB_TARGET_KERNELS_CACHETABLE_H

#include "HalfFloats.h"

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
  Val rowBytes() { return size * int64_t(type.bytes()); }
  Val load(Val pointer, Strip strip) {
    return loadFloats(k, type, pointer, strip);
  }
  void store(Val v, Val pointer, Strip strip) {
    storeFloats(k, type, v, pointer, strip);
  }
  int64_t elementBytes() const { return type.bytes(); }

private:
  KernelBuilder &k;
  ElementType type;
  Val table, sequences, layer, heads, size;
};

/// The type of a key's cache, or an error.
std::optional<ElementType> parseCacheType(const KernelKey &key,
                                          std::string &error);

} // namespace qc::kernels

#endif // QC_LIB_TARGET_KERNELS_CACHETABLE_H
