//===- EpilogueKernel.cpp - What follows sums that are in memory ----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The second half of contract as a kernel of its own, for sums that another
// library computed: the same code, so the same bits.
//
//===----------------------------------------------------------------------===//

#include "Emitters.h"
#include "Epilogue.h"
#include "qc/TargetInfo/KernelSlots.h"

using namespace qc;
using namespace qc::kernels;
namespace S = qc::slots::contract;

llvm::LogicalResult qc::kernels::emitEpilogue(KernelBuilder &k,
                                              const KernelKey &key,
                                              const numerics::DecodeSpec *,
                                              std::string &error) {
  error = Epilogue::verify(key);
  if (!error.empty())
    return llvm::failure();
  Epilogue epilogue(k, key, contractEpilogueSlots);
  Val sums = k.slotPtr(S::X);
  Val n = k.slot(S::Groups) * k.slot(S::N), yRow = k.slot(S::YRow);
  Val m = k.slot(S::Batch) * k.slot(S::Rows) * k.slot(S::Columns);
  Val residualRow;
  if (epilogue.hasResidual())
    residualRow = k.slot(S::ResidualRow);
  Val chunk = k.slot(S::MChunk), first = k.part() * chunk;
  int64_t yBytes = epilogue.yBytes();
  unsigned wide = epilogue.wideLanes();
  Val wideEnd = n / int64_t(wide) * int64_t(wide);
  k.loop(first, min(first + chunk, m), 1, [&](Val row) {
    Val from = sums + row * n * 4;
    auto strip = [&](Val column, Strip strip) {
      EpiloguePlace place;
      place.channel = column;
      place.row = row;
      place.y = epilogue.y() + (row * yRow + column) * yBytes;
      if (epilogue.hasResidual())
        place.residual = epilogue.residualAt(row * residualRow + column);
      mlir::Type element = epilogue.sumType(1);
      epilogue.apply(k.loadStrip(element, from + column * 4, strip), strip,
                     place);
    };
    k.loop(k.i64(0), wideEnd, int64_t(wide),
           [&](Val column) { strip(column, Strip{wide, Val()}); });
    k.strips(wideEnd, n, k.lanes(), strip);
  });
  return llvm::success();
}
