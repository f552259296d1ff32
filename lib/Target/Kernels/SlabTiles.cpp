//===- SlabTiles.cpp - Products of rows with slabs of weights -------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SlabTiles.h"

using namespace qc;
using namespace qc::kernels;

SlabTiles::SlabTiles(KernelBuilder &k, std::unique_ptr<ProductUnit> product,
                     llvm::StringRef name)
    : k(k), unit(std::move(product)) {
  // One panel leaves registers for more rows.
  unit->maxRows *= unit->maxPanels == 1 ? 1 : 2;
  unit->maxPanels = 1;
  tiles = std::make_unique<ContractTiles>(k, *unit, /*accumulate=*/true, name);
}

std::unique_ptr<SlabTiles>
SlabTiles::create(KernelBuilder &k, llvm::StringRef x, std::string &error) {
  auto unit = makeProductUnit(k, x, "i8", error);
  if (!unit)
    return nullptr;
  unit->xBytes = 1;
  return std::unique_ptr<SlabTiles>(new SlabTiles(k, std::move(unit), "tile"));
}

std::unique_ptr<SlabTiles>
SlabTiles::createWoven(KernelBuilder &k, llvm::StringRef x, unsigned stepRows) {
  std::string error;
  auto unit = makeWordUnit(k);
  if (!unit)
    unit = makeProductUnit(k, x, "i8", error);
  if (!unit)
    return nullptr;
  unit->xBytes *= stepRows;
  return std::unique_ptr<SlabTiles>(new SlabTiles(k, std::move(unit), "woven"));
}

void SlabTiles::begin(int64_t rows) {
  table = k.stack(8 * rows);
  shape = k.stack(5 * 8);
  const int64_t sizes[] = {1, 0, 1, 0};
  for (unsigned i = 0; i < 4; ++i)
    k.store(k.i64(sizes[i]), shape + 8 * i);
}

void SlabTiles::setRows(Val count, llvm::function_ref<Val(Val)> address) {
  rowCount = count;
  k.loop(k.i64(0), count, 1,
         [&](Val r) { k.store(address(r), table + r * 8); });
}

void SlabTiles::add(Val weights, Val offset, Val inputs, Val sums) {
  k.store(inputs, shape + 8 * 4);
  tiles->forRows(rowCount, [&](Val row, Val rows) {
    ContractTiles::Call call;
    call.rowTable = table + row * 8;
    call.rows = rows;
    call.weights = weights;
    call.panels = k.i64(1);
    call.panelBytes = k.i64(0);
    call.shape = shape;
    call.offset = offset;
    call.sums = sums + row * 64;
    tiles->call(call);
  });
}
