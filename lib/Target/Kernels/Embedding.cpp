//===- Embedding.cpp - Columns of packed weights --------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reads the layout of contract, so that an embedding and a head that share
// their weights share their bytes. Of encoded weights the panel with a token's
// column is decoded, slab after slab.
//
//===----------------------------------------------------------------------===//

#include "Emitters.h"
#include "HalfFloats.h"
#include "PanelDecoder.h"

#include "qc/TargetInfo/KernelSlots.h"

using namespace qc;
using namespace qc::kernels;
using namespace qc::slots::embedding;

static constexpr int64_t panelColumns = 16;

/// One column of plain weights [N / 16][K][16].
static void copyColumn(KernelBuilder &k, ElementType type, Val token, Val y) {
  Val hidden = k.slot(Hidden);
  Val at =
      (token / panelColumns) * hidden * panelColumns + token % panelColumns;
  Val from = k.slotPtr(W) + at * int64_t(type.bytes());
  k.loop(k.i64(0), hidden, 1, [&](Val i) {
    Val element =
        loadFloats(k, type, from + i * (panelColumns * type.bytes()), Strip());
    k.store(element, y + i * 4);
  });
}

static void decodeColumn(KernelBuilder &k, PanelDecoder &decoder, Val slab,
                         Val token, Val y) {
  Val hidden = k.slot(Hidden), column = token % panelColumns;
  k.loop(k.i64(0), hidden, decoder.slab(), [&](Val begin) {
    Val end = min(begin + decoder.slab(), hidden);
    decoder.decode(token / panelColumns, begin, end, slab);
    Val from = slab + column * 4;
    k.loop(begin, end, 1, [&](Val i) {
      Val row = (i - begin) * (panelColumns * 4);
      k.store(k.load(k.f32(), from + row), y + i * 4);
    });
  });
}

llvm::LogicalResult kernels::emitEmbedding(KernelBuilder &k,
                                           const KernelKey &key,
                                           const numerics::DecodeSpec *weights,
                                           std::string &error) {
  llvm::SmallVector<ElementType> types(1);
  if (!checkFlags(key, {}, error) ||
      (!weights && !parseTypes(key, 1, (types.clear(), types), error)))
    return llvm::failure();
  if (weights)
    error = numerics::verify(*weights, 2);
  if (!error.empty())
    return llvm::failure();
  std::optional<PanelDecoder> decoder;
  Val hidden = k.slot(Hidden), vocabulary = k.slot(Vocabulary), slab;
  if (weights) {
    decoder.emplace(k, *weights);
    slab = k.stack(decoder->slab() * panelColumns * 4);
    decoder->setWeights(k.slotPtr(W), hidden,
                        (vocabulary + (panelColumns - 1)) / panelColumns);
  }
  Range range = rangeOfPart(k, k.slot(Count), k.slot(Chunk));
  k.loop(range.lo, range.hi, 1, [&](Val i) {
    Val token =
        k.convert(k.load(k.i32(), k.slotPtr(Tokens) + i * 4), k.i64Type());
    Val y = k.slotPtr(Y) + i * hidden * 4;
    k.ifElse(
        ult(token, vocabulary),
        [&] {
          decoder ? decodeColumn(k, *decoder, slab, token, y)
                  : copyColumn(k, types[0], token, y);
          return KernelBuilder::Vals();
        },
        [&] {
          k.loop(k.i64(0), hidden, 1,
                 [&](Val j) { k.store(k.f32(0.0), y + j * 4); });
          return KernelBuilder::Vals();
        });
  });
  return llvm::success();
}
