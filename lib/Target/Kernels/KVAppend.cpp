//===- KVAppend.cpp - New rows of a key-value cache -----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CacheTable.h"
#include "Emitters.h"

#include "qc/TargetInfo/KernelSlots.h"

using namespace qc;
using namespace qc::kernels;
using namespace qc::slots::kv_append;

std::optional<ElementType> kernels::parseCacheType(const KernelKey &key,
                                                   std::string &error) {
  llvm::SmallVector<ElementType> types;
  if (!parseTypes(key, 2, types, error))
    return std::nullopt;
  bool isFloat = types[1].isFloat && types[1].bits <= 32;
  if (key.types[0] == "f32" && (isFloat || key.types[1] == "i8"))
    return types[1];
  error = "expected the types f32 and f32, f16, bf16 or i8";
  return std::nullopt;
}

llvm::LogicalResult kernels::emitKVAppend(KernelBuilder &k,
                                          const KernelKey &key,
                                          const numerics::DecodeSpec *,
                                          std::string &error) {
  std::optional<ElementType> type = parseCacheType(key, error);
  if (!type || !checkFlags(key, {}, error))
    return llvm::failure();
  Val heads = k.slot(Heads), size = k.slot(Size);
  CacheTable cache(k, *type, k.slotPtr(Cache), k.slot(SequenceCount),
                   k.slot(Layer), heads, size);
  Range range = rangeOfPart(k, k.slot(Tokens), k.slot(Chunk));
  auto index = [&](unsigned slot, Val i) {
    return k.convert(k.load(k.i32(), k.slotPtr(slot) + i * 4), k.i64Type());
  };
  k.loop(range.lo, range.hi, 1, [&](Val i) {
    Val position = index(Positions, i), sequence = index(Sequences, i);
    cache.ifInside(sequence, position, [&] {
      k.loop(k.i64(0), heads, 1, [&](Val head) {
        for (unsigned part : {0, 1}) {
          Val from =
              k.slotPtr(part ? Values : Keys) + (i * heads + head) * size * 4;
          cache.store(from, cache.rows(sequence, part, head) +
                                position * cache.rowBytes());
        }
      });
    });
  });
  return llvm::success();
}
