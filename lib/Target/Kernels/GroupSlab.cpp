//===- GroupSlab.cpp - Weights in groups for many rows --------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Codes of a chunk: the bytes of its 8 steps, 64 of each half (GroupUnit.h). A
// tile begins with the bytes of each row, chunk after chunk and half after half
// in it.
//
//===----------------------------------------------------------------------===//

#include "GroupSlab.h"

using namespace qc;
using namespace qc::kernels;
using Vals = KernelBuilder::Vals;

GroupSlab::GroupSlab(KernelBuilder &k, GroupPanel &panel)
    : k(k), panel(panel), rows(panel.unit.slabRows()),
      segments(groupChunk / panel.sums().segment), halves(panel.unit.halves()),
      codeBytes(chunkSteps * 64 * halves),
      rowBytes(chunks * groupChunk * halves),
      multiplyFunctions(panel.unit.slabPanels()) {}

void GroupSlab::emit() {
  mlir::Type p = k.ptr(), i = k.i64Type();
  llvm::SmallVector<mlir::Type> types{p, p, i, i, i};
  types.append(panel.factorRegions().size(), p);
  unpackFunction = k.function("unpack", types, [&](auto a) { unpackBody(a); });
  packFunction = k.function("pack", {p, p, p, p, i, i, i}, [&](auto a) {
    k.loop(k.i64(0), rows, 1, [&](Val r) {
      // Rows beyond the last are the last again.
      packRow(a, r, min(a[PackValid] - 1, r) * a[PackStride]);
    });
  });
  for (auto [index, function] : llvm::enumerate(multiplyFunctions))
    function =
        k.function("multiply" + std::to_string(index + 1), {p, p, p, i, i},
                   [&](auto a) { multiplyBody(a, index + 1); });
}

void GroupSlab::unpack(Val codes, llvm::ArrayRef<Val> regions, Val first,
                       Val last, Val depth, Val to) {
  Vals arguments{codes, to, first, last, depth};
  arguments.append(regions.begin(), regions.end());
  k.call(unpackFunction, arguments);
}

void GroupSlab::packRows(const Rows &rows, Val valid, Val count, Val to) {
  k.call(packFunction,
         {rows.x, rows.scales, rows.sums, to, rows.stride, valid, count});
}

void GroupSlab::multiply(Val slabs, Val panels, Val packedRows, Val count,
                         Val sums, Val stride) {
  k.switchOn(panels - 1, multiplyFunctions.size(), [&](unsigned i) {
    k.call(multiplyFunctions[i], {slabs, packedRows, sums, stride, count});
  });
}

void GroupSlab::unpackSteps(Val codes, unsigned first, unsigned last,
                            Val factor, Val to) {
  GroupUnit &unit = panel.unit;
  unsigned registers = unit.registers();
  int64_t registerBytes = 64 / registers;
  for (unsigned step = first; step < last; ++step)
    for (unsigned i = 0; i < registers; ++i) {
      Val bytes = panel.codes(codes, step, i);
      for (int64_t h = 0; h < halves; ++h) {
        Val half = unit.half(bytes, h);
        if (factor)
          half = unit.scaleHalf(
              half, k.slice(factor, i * unit.lanes(), unit.lanes()));
        k.store(half, to + ((step * halves + h) * 64 + i * registerBytes));
      }
    }
}

void GroupSlab::packBytes(Val x, Val count, Val to) {
  k.loop(k.i64(0), count, 1, [&](Val chunk) {
    Val bytes = k.load(k.vec(k.i8(), groupChunk), x + chunk * groupChunk);
    for (int64_t h = 0; h < halves; ++h)
      k.store(panel.unit.half(bytes, h),
              to + (chunk * (groupChunk * halves) + h * groupChunk));
  });
}

void GroupSlab::products(Val codes, unsigned panels, Val bytes, unsigned first,
                         unsigned last,
                         llvm::MutableArrayRef<GroupUnit::Sum> sums) {
  GroupUnit &unit = panel.unit;
  unsigned registers = unit.registers();
  int64_t registerBytes = 64 / registers;
  for (unsigned each = first * halves; each < last * halves; ++each) {
    unsigned step = each / halves, half = each % halves;
    Vals weights;
    for (unsigned p = 0; p < panels; ++p)
      for (unsigned i = 0; i < registers; ++i)
        weights.push_back(
            k.load(unit.bytes(),
                   codes + (p * slabBytes + each * 64 + i * registerBytes)));
    for (int64_t r = 0; r < int64_t(sums.size() / weights.size()); ++r) {
      Val x = unit.activation(bytes +
                              (r * rowBytes + half * groupChunk + 4 * step));
      for (auto [i, weight] : llvm::enumerate(weights))
        unit.multiplyAddHalf(sums[r * weights.size() + i], weight, x);
    }
  }
}
