//===- Rope.cpp - Rotary position embedding -------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Emitters.h"
#include "Parts.h"

#include "qc/TargetInfo/KernelSlots.h"

using namespace qc;
using namespace qc::kernels;
using namespace qc::slots::rope;

/// Turns the pairs of one head; the second of a pair is `other` bytes after
/// the first.
static void turnHead(KernelBuilder &k, bool interleaved, Val x, Val y, Val cos,
                     Val sin, Val pairs) {
  Val other = interleaved ? k.i64(4) : pairs * 4;
  int64_t step = interleaved ? 8 : 4;
  // Neighbours are turned one pair at a time.
  unsigned lanes = interleaved ? 1 : k.lanes();
  k.strips(k.i64(0), pairs, lanes, [&](Val p, Strip strip) {
    Val a = k.loadStrip(k.f32(), x + p * step, strip);
    Val b = k.loadStrip(k.f32(), x + p * step + other, strip);
    Val c = k.loadStrip(k.f32(), cos + p * 4, strip);
    Val s = k.loadStrip(k.f32(), sin + p * 4, strip);
    k.storeStrip(a * c - b * s, y + p * step, strip);
    k.storeStrip(b * c + a * s, y + p * step + other, strip);
  });
}

llvm::LogicalResult kernels::emitRope(KernelBuilder &k, const KernelKey &key,
                                      const numerics::DecodeSpec *,
                                      std::string &error) {
  if (key.types != std::vector<std::string>{"f32"}) {
    error = "expected the type f32";
    return llvm::failure();
  }
  if (!checkFlags(key, {"interleaved"}, error))
    return llvm::failure();
  Val heads = k.slot(Heads), size = k.slot(Size), pairs = k.slot(Pairs);
  Range range = rangeOfPart(k, k.slot(Tokens), k.slot(Chunk));
  k.loop(range.lo, range.hi, 1, [&](Val token) {
    Val cos = k.slotPtr(Cos) + token * pairs * 4;
    Val sin = k.slotPtr(Sin) + token * pairs * 4;
    k.loop(k.i64(0), heads, 1, [&](Val head) {
      Val at = (token * heads + head) * size * 4;
      Val x = k.slotPtr(X) + at, y = k.slotPtr(Y) + at;
      turnHead(k, key.has("interleaved"), x, y, cos, sin, pairs);
      k.strips(pairs * 2, size, k.lanes(), [&](Val i, Strip strip) {
        k.storeStrip(k.loadStrip(k.f32(), x + i * 4, strip), y + i * 4, strip);
      });
    });
  });
  return llvm::success();
}
