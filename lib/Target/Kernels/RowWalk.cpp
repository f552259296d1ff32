//===- RowWalk.cpp - Rows in the fixed order of reduction -----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RowWalk.h"

using namespace qc;
using namespace qc::kernels;

RowWalk::RowWalk(KernelBuilder &k, Val columns) : k(k), columns(columns) {
  whole = columns & -int64_t(width);
  // Vectors of 128 bits have no masked access: a tail goes through the stack.
  if (k.level().vectorBits < 256)
    buffer = k.stack(width * 4);
}

Tail RowWalk::makeTail() {
  Val count = columns - whole;
  return {count, k.tailMask(width, count)};
}

void RowWalk::each(llvm::function_ref<void(Val, Tail)> body) {
  k.loop(k.i64(0), whole, width, [&](Val i) { body(i, Tail()); });
  k.ifThen(whole < columns, [&] { body(whole, makeTail()); });
}

Val RowWalk::reduce(double identity, Term term, Combine combine) {
  Val start = k.number(k.vec(k.f32(), width), identity);
  using Vals = KernelBuilder::Vals;
  Val partial = k.loop(k.i64(0), whole, width, {start},
                       [&](Val i, llvm::ArrayRef<Val> carried) {
                         return Vals{combine(carried[0], term(i, Tail()))};
                       })[0];
  partial = k.ifElse(
      whole < columns,
      [&] { return Vals{combine(partial, term(whole, makeTail()))}; },
      [&] { return Vals{partial}; })[0];
  for (unsigned lanes = width / 2; lanes; lanes /= 2)
    partial =
        combine(k.slice(partial, 0, lanes), k.slice(partial, lanes, lanes));
  return partial;
}

Val RowWalk::sum(Term term) {
  return reduce(0.0, term, [](Val a, Val b) { return a + b; });
}

void RowWalk::copy(Val from, Val to, Val count) {
  k.loop(k.i64(0), count, 1,
         [&](Val i) { k.store(k.load(k.f32(), from + i * 4), to + i * 4); });
}

Val RowWalk::load(Val pointer, Tail tail) {
  mlir::Type type = k.vec(k.f32(), width);
  if (!tail)
    return k.load(type, pointer);
  if (!buffer)
    return k.loadMasked(type, pointer, tail.mask);
  k.store(k.zero(type), buffer);
  copy(pointer, buffer, tail.count);
  return k.load(type, buffer);
}

void RowWalk::store(Val v, Val pointer, Tail tail) {
  if (!tail)
    return k.store(v, pointer);
  if (!buffer)
    return k.storeMasked(v, pointer, tail.mask);
  k.store(v, buffer);
  copy(buffer, pointer, tail.count);
}

Val RowWalk::keep(Val v, Tail tail, double identity) {
  if (!tail)
    return v;
  return k.select(tail.mask, v, k.number(v.type(), identity));
}
