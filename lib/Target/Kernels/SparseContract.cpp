//===- SparseContract.cpp - Integer products with sparse weights ----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Blocks of rows and columns of a part: the sums by what is written for the
// form of the weights, then the epilogue of contract.
//
//===----------------------------------------------------------------------===//

#include "Emitters.h"
#include "Epilogue.h"
#include "SparsePanels.h"

#include "qc/TargetInfo/KernelSlots.h"

using namespace qc;
using namespace qc::kernels;
namespace S = qc::slots::contract;

static std::unique_ptr<SparsePanels>
makePanels(KernelBuilder &k, const KernelKey &key, std::string &error) {
  numerics::SparseFormat format;
  if (!SparseWeights::parse(key.types[1], format)) {
    error = "found weights " + key.types[1] + ", expected a sparse form of i8";
    return nullptr;
  }
  if (key.types[0] == "f32" && SparseWeights{format}.meetsFloats())
    return makeFloatNofM(k, format);
  if (key.types[0] != "u8" && key.types[0] != "i8") {
    error = "found activations " + key.types[0] + " for weights " +
            key.types[1] + ", expected u8 or i8";
    return nullptr;
  }
  if (format.kind == numerics::SparseFormat::Kind::NofM)
    return makeNofM(k, format, key.types[0] == "i8");
  return format.kind == numerics::SparseFormat::Kind::Mask
             ? makeMask(k, key.types[0], error)
             : makeBlocks(k, key.types[0], error);
}

/// The epilogue of a panel of a block.
static void finishPanel(KernelBuilder &k, Epilogue &epilogue, Val sums,
                        Val first, Val rows, Val column, Val columns) {
  Val yRow = k.slot(S::YRow);
  epilogue.applyTile(sums, 16, rows, columns, [&](Val r, Val c) {
    EpiloguePlace to;
    to.channel = column + c;
    to.row = first + r;
    to.y = epilogue.y() +
           (to.row * yRow + to.channel) * int64_t(epilogue.yBytes());
    if (epilogue.hasResidual())
      to.residual =
          epilogue.residualAt(to.row * k.slot(S::ResidualRow) + to.channel);
    return to;
  });
}

llvm::LogicalResult kernels::emitSparseContract(KernelBuilder &k,
                                                const KernelKey &key,
                                                const numerics::DecodeSpec *,
                                                std::string &error) {
  error = Epilogue::verify(key);
  if (!error.empty())
    return llvm::failure();
  std::unique_ptr<SparsePanels> panels = makePanels(k, key, error);
  if (!panels)
    return llvm::failure();
  Epilogue epilogue(k, key, contractEpilogueSlots);
  Val mParts = k.slot(S::MParts), n = k.slot(S::N);
  Val rowBegin = k.part() % mParts * k.slot(S::MChunk);
  Val rowEnd = min(rowBegin + k.slot(S::MChunk), k.slot(S::Columns));
  Val columnBegin = k.part() / mParts * k.slot(S::NChunk);
  Val columnEnd = min(columnBegin + k.slot(S::NChunk), n);
  panels->begin({k.slotPtr(S::X), k.slot(S::XColumn), k.slotPtr(S::W),
                 k.slot(S::Run), n});
  int64_t rows = panels->rows, columns = 16 * panels->panels;
  Val sums = k.stack(rows * columns * 4);
  k.loop(rowBegin, rowEnd, rows, [&](Val first) {
    Val count = min(rowEnd - first, rows);
    k.loop(columnBegin, columnEnd, columns, [&](Val column) {
      Val end = min(column + columns, columnEnd);
      panels->sum(first, count, column / 16, (end - column + 15) / 16, sums);
      k.loop(column, end, 16, [&](Val at) {
        finishPanel(k, epilogue, sums + (at - column) * (rows * 4), first,
                    count, at, min(end - at, 16));
      });
    });
  });
  return llvm::success();
}
