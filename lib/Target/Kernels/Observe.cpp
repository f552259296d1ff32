//===- Observe.cpp - Statistics of one tensor -----------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A histogram over the top 16 bits, the range of the finite values, and sums
// per channel in double. Nothing depends on the width of vectors: counts and
// ranges have no order, a sum is added to element by element.
//
//===----------------------------------------------------------------------===//

#include "Emitters.h"
#include "Parts.h"
#include "RowWalk.h"

#include "qc/TargetInfo/KernelSlots.h"

#include <limits>

using namespace qc;
using namespace qc::kernels;
using namespace qc::slots::observe;

static constexpr double infinity = std::numeric_limits<double>::infinity();

static void countBins(KernelBuilder &k, Val x, Val bins, Val size) {
  k.loop(k.i64(0), size, 1, [&](Val i) {
    Val bits = k.convert(k.load(k.i32(), x + i * 4), k.i64Type(), false);
    Val bin = bins + shrU(bits, 16) * 8;
    k.store(k.load(k.i64Type(), bin) + 1, bin);
  });
}

static void updateRange(KernelBuilder &k, Val x, Val stats, Val size) {
  RowWalk walk(k, size);
  // x + 0 makes a zero positive, so that the order of zeros does not show.
  auto extreme = [&](double identity, bool isMin) {
    auto pick = [&](Val a, Val b) { return isMin ? min(a, b) : max(a, b); };
    auto term = [&](Val i, Tail tail) {
      Val v = walk.load(x + i * 4, tail) + 0.0;
      Val worst = k.number(v.type(), identity);
      return walk.keep(k.select(abs(v) < infinity, v, worst), tail, identity);
    };
    Val found = walk.reduce(identity, term, pick);
    Val at = stats + (isMin ? 0 : 4);
    k.store(pick(found, k.load(k.f32(), at)), at);
  };
  extreme(infinity, true);
  extreme(-infinity, false);
  Val special = k.loop(
      k.i64(0), size, 1, {k.i64(0)}, [&](Val i, llvm::ArrayRef<Val> count) {
        Val isFinite = abs(k.load(k.f32(), x + i * 4)) < infinity;
        return KernelBuilder::Vals{count[0] +
                                   k.select(isFinite, k.i64(0), k.i64(1))};
      })[0];
  k.store(k.load(k.i64Type(), stats + 8) + size, stats + 8);
  k.store(k.load(k.i64Type(), stats + 16) + special, stats + 16);
}

static void addSums(KernelBuilder &k, Val x, Val sums, Val size, Val channels) {
  k.loop(k.i64(0), size / channels, 1, [&](Val row) {
    Val from = x + row * channels * 4;
    k.strips(k.i64(0), channels, k.lanes(), [&](Val c, Strip strip) {
      Val v = k.loadStrip(k.f32(), from + c * 4, strip);
      v = k.select(abs(v) < infinity, v, k.zero(v.type()));
      Val to = sums + c * 8;
      k.storeStrip(k.loadStrip(k.f64(), to, strip) + k.convert(v, k.f64()), to,
                   strip);
    });
  });
}

llvm::LogicalResult kernels::emitObserve(KernelBuilder &k, const KernelKey &key,
                                         const numerics::DecodeSpec *,
                                         std::string &error) {
  if (key.types != std::vector<std::string>{"f32"}) {
    error = "expected the type f32";
    return llvm::failure();
  }
  if (!checkFlags(key, {}, error))
    return llvm::failure();
  Val x = k.slotPtr(X), size = k.slot(Size), channels = k.slot(Channels);
  k.ifThen(ne(k.slot(Bins), 0),
           [&] { countBins(k, x, k.slotPtr(Bins), size); });
  k.ifThen(ne(k.slot(Stats), 0),
           [&] { updateRange(k, x, k.slotPtr(Stats), size); });
  k.ifThen(channels > 0,
           [&] { addSums(k, x, k.slotPtr(Sums), size, channels); });
  return llvm::success();
}
