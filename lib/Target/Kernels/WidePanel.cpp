//===- WidePanel.cpp - A panel that meets wide blocks ---------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "WidePanel.h"

using namespace qc;
using namespace qc::kernels;

WidePanel::WidePanel(KernelBuilder &k, GroupPanel &panel,
                     const numerics::WideSums &wide)
    : panel(panel), k(k), wide(wide) {}

bool WidePanel::hasTotal() const {
  return panel.hasZero() || (panel.unit.correction() && !hasFactor()) ||
         (panel.hasOffset() && !hasOffsetFactor());
}

WideFactors WidePanel::factors(llvm::ArrayRef<Val> addresses, Val first,
                               Val depth) {
  auto load = [&](std::optional<unsigned> scale,
                  const numerics::WholeNumbers &numbers) {
    if (!scale)
      return Val();
    // The zero points come before the scales.
    unsigned index = *scale + panel.hasZero();
    Val stored = panel.stored(index, addresses[index], first, depth);
    return stored * numbers.step + numbers.first;
  };
  WideFactors result;
  result.scale = load(wide.factors.scale, wide.scaleNumbers);
  result.offset = load(wide.factors.offset, wide.offsetNumbers);
  return result;
}

Val WidePanel::add(Val sum, Val products, Val shift, const GroupFactors &roots,
                   unsigned part, const Row &row) {
  unsigned lanes = panel.unit.lanes();
  auto spread = [&](Val scalar) { return k.splat(scalar, lanes); };
  auto own = [&](Val all) { return k.slice(all, part * lanes, lanes); };
  Val exact = products;
  if (int64_t bias = panel.unit.correction(); bias && !hasFactor())
    exact = exact - spread(row.total * bias);
  if (panel.hasZero())
    exact = exact - own(roots.zero) * spread(row.total);
  sum =
      sum + k.convert(exact, k.f32()) * (own(roots.scale) * spread(row.scale));
  if (!panel.hasOffset())
    return sum;
  if (!shift)
    shift = spread(row.total);
  return sum +
         k.convert(shift, k.f32()) * (own(roots.offset) * spread(row.scale));
}
