//===- AWQ.cpp - The layout of AutoAWQ's "gemm" ---------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   qweight i32 [inputs, outputs / 8], qzeros i32 [groups, outputs / 8],
//   scales f16 [groups, outputs]
//
// Eight outputs share a word, from its lowest bits: 0 2 4 6 1 3 5 7.
//
//===----------------------------------------------------------------------===//

#include "Layouts.h"

using namespace qc;
using namespace qc::checkpoints;

static constexpr size_t order[8] = {0, 2, 4, 6, 1, 3, 5, 7};

/// Puts the codes of each word in the order of the outputs.
static void sortWords(std::vector<uint8_t> &codes) {
  for (size_t word = 0; word < codes.size(); word += 8) {
    uint8_t sorted[8];
    for (size_t i = 0; i < 8; ++i)
      sorted[order[i]] = codes[word + i];
    std::copy(sorted, sorted + 8, codes.begin() + word);
  }
}

llvm::Expected<Linear> qc::checkpoints::readAWQ(const Config &config,
                                                const LayerTensors &tensors,
                                                Sizes sizes) {
  if (sizes.inputs % sizes.group)
    return tensors.error("qweight", llvm::Twine(sizes.inputs) + " inputs",
                         "whole groups of " + llvm::Twine(sizes.group));
  auto parts = startAffine(tensors, sizes);
  if (!parts)
    return parts.takeError();
  auto zeros = readCodes(tensors, "qzeros", 4, sizes.groups, sizes.outputs);
  if (!zeros)
    return zeros.takeError();
  auto codes = readCodes(tensors, "qweight", 4, sizes.inputs, sizes.outputs);
  if (!codes)
    return codes.takeError();
  sortWords(*zeros);
  sortWords(*codes);
  parts->zeros = std::move(*zeros);
  parts->codes = transpose(llvm::ArrayRef(*codes), sizes.inputs, sizes.outputs);
  return finishAffine(config, sizes, std::move(*parts));
}
