//===- Attention.cpp - Attention over a key-value cache -------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A part has the tokens of a chunk and one head of keys with all query heads
// that share it, so that its rows stay in the cache. The scores of one query
// are kept; softmax over them follows numerics, the sums of products do not.
//
//===----------------------------------------------------------------------===//

#include "CacheTable.h"
#include "Emitters.h"
#include "RowWalk.h"

#include "qc/Numerics/Elementary.h"
#include "qc/TargetInfo/KernelSlots.h"

using namespace qc;
using namespace qc::kernels;
using namespace qc::slots::attention;
using Vals = KernelBuilder::Vals;

namespace {
class Attention {
public:
  Attention(KernelBuilder &k, ElementType type, bool hasSoftCap)
      : k(k), hasSoftCap(hasSoftCap), size(k.slot(Size)),
        scores(k.slotPtr(Scratch) + k.part() * k.slot(ScratchBytes)),
        cache(k, type, k.slotPtr(Cache), k.slot(SequenceCount), k.slot(Layer),
              k.slot(KeyHeads), size) {}
  void emit();

private:
  void token(Val i, Val keyHead);
  void query(Val q, Val keys, Val values, Val count, Val y);
  Val score(Val q, const CacheTable::Row &key);
  void weigh(Val values, Val count, Val y);
  Val multiplyAdd(Val a, Val b, Val sum) {
    return k.level().hasFma ? k.fma(a, b, sum) : sum + a * b;
  }
  /// The sum of all lanes.
  Val sumOf(Val v) {
    for (unsigned lanes = v.lanes() / 2; lanes; lanes /= 2)
      v = k.slice(v, 0, lanes) + k.slice(v, lanes, lanes);
    return v;
  }

  KernelBuilder &k;
  bool hasSoftCap;
  Val size, scores;
  CacheTable cache;
};
} // namespace

Val Attention::score(Val q, const CacheTable::Row &key) {
  unsigned lanes = k.lanes();
  Strip whole{lanes, Val()}, one;
  Val end = size & -int64_t(lanes);
  Val sum = k.loop(k.i64(0), end, lanes, {k.zero(k.vec(k.f32(), lanes))},
                   [&](Val j, llvm::ArrayRef<Val> carried) {
                     Val a = k.load(k.vec(k.f32(), lanes), q + j * 4);
                     Val b = cache.load(key, j, whole);
                     return Vals{multiplyAdd(a, b, carried[0])};
                   })[0];
  sum = k.loop(end, size, 1, {sumOf(sum)},
               [&](Val j, llvm::ArrayRef<Val> carried) {
                 Val b = cache.load(key, j, one);
                 return Vals{carried[0] + k.load(k.f32(), q + j * 4) * b};
               })[0];
  sum = sum * k.slotF32(Scale);
  if (!hasSoftCap)
    return sum;
  Val cap = k.slotF32(SoftCap);
  return cap *
         k.emit(numerics::unaryProgram(numerics::Unary::Tanh), {sum / cap});
}

/// y = sum of scores[t] * values[t], some vectors of the row at a time.
void Attention::weigh(Val values, Val count, Val y) {
  unsigned lanes = k.lanes(), many = 4;
  auto columns = [&](Val j, Strip strip, unsigned vectors) {
    Vals start(vectors, k.zero(k.vec(k.f32(), strip.lanes)));
    int64_t apart = int64_t(strip.lanes);
    Vals sums =
        k.loop(k.i64(0), count, 1, start, [&](Val t, llvm::ArrayRef<Val> s) {
          Val p = k.splat(k.load(k.f32(), scores + t * 4), strip.lanes);
          CacheTable::Row row = cache.row(values + t * cache.rowBytes());
          Vals next;
          for (unsigned v = 0; v < vectors; ++v)
            next.push_back(
                multiplyAdd(p, cache.load(row, j + v * apart, strip), s[v]));
          return next;
        });
    for (unsigned v = 0; v < vectors; ++v)
      k.storeStrip(sums[v], y + (j + v * apart) * 4, strip);
  };
  Val whole = size & -int64_t(lanes * many);
  k.loop(k.i64(0), whole, lanes * many,
         [&](Val j) { columns(j, Strip{lanes, Val()}, many); });
  k.strips(whole, size, lanes,
           [&](Val j, Strip strip) { columns(j, strip, 1); });
}

void Attention::query(Val q, Val keys, Val values, Val count, Val y) {
  k.loop(k.i64(0), count, 1, [&](Val t) {
    k.store(score(q, cache.row(keys + t * cache.rowBytes())), scores + t * 4);
  });
  RowWalk walk(k, count);
  softmaxRow(
      k, walk,
      [&](Val i, Tail tail) { return walk.load(scores + i * 4, tail); },
      scores);
  weigh(values, count, y);
}

void Attention::token(Val i, Val keyHead) {
  auto index = [&](unsigned slot) {
    return k.convert(k.load(k.i32(), k.slotPtr(slot) + i * 4), k.i64Type());
  };
  Val position = index(Positions), sequence = index(Sequences);
  Val heads = k.slot(Heads), shared = heads / k.slot(KeyHeads);
  Val firstHead = i * heads + keyHead * shared;
  Val y = k.slotPtr(Y) + firstHead * size * 4;
  // What has no place in a cache gives zeros.
  k.strips(k.i64(0), shared * size, k.lanes(), [&](Val j, Strip strip) {
    k.storeStrip(k.zero(k.vec(k.f32(), strip.lanes)), y + j * 4, strip);
  });
  cache.ifInside(sequence, position, [&] {
    Val window = k.slot(Window);
    Val first = max(position - window + 1, 0);
    first = k.select(eq(window, 0), k.i64(0), first);
    Val keys = cache.rows(sequence, 0, keyHead) + first * cache.rowBytes();
    Val values = cache.rows(sequence, 1, keyHead) + first * cache.rowBytes();
    k.loop(k.i64(0), shared, 1, [&](Val h) {
      query(k.slotPtr(Queries) + (firstHead + h) * size * 4, keys, values,
            position + 1 - first, y + h * size * 4);
    });
  });
}

void Attention::emit() {
  Val keyHeads = k.slot(KeyHeads);
  Val lo = (k.part() / keyHeads) * k.slot(Chunk);
  Val hi = min(lo + k.slot(Chunk), k.slot(Tokens));
  k.loop(lo, hi, 1, [&](Val i) { token(i, k.part() % keyHeads); });
}

llvm::LogicalResult kernels::emitAttention(KernelBuilder &k,
                                           const KernelKey &key,
                                           const numerics::DecodeSpec *,
                                           std::string &error) {
  std::optional<ElementType> type = parseCacheType(key, error);
  if (!type || !checkFlags(key, {"soft_cap"}, error))
    return llvm::failure();
  Attention(k, *type, key.has("soft_cap")).emit();
  return llvm::success();
}
