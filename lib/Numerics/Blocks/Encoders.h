// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Encoding of one block, and the walk over the blocks of a tensor; private to
// Blocks.

#ifndef QC_LIB_NUMERICS_BLOCKS_ENCODERS_H
#define QC_LIB_NUMERICS_BLOCKS_ENCODERS_H

#include "qc/Numerics/Blocks.h"

#include <functional>

namespace qc::numerics::blocks {

/// Fills the parts of the block of that number.
using BlockMaker = std::function<void(size_t index, BlockParts &parts)>;

/// The components of a tensor whose blocks `make` gives; they are numbered in
/// the order of unpackBlocks.
std::vector<ComponentData> makeBlocks(const BlockFormat &format,
                                      std::span<const int64_t> shape,
                                      size_t axis, const BlockMaker &make);

/// The codes that the gguf package gives; false if it does not encode `format`.
bool encodeAsGguf(const BlockFormat &format, std::span<const float> values,
                  BlockParts &parts);

/// What the elements of a block count for: alike, or where their columns'
/// importances are given by these times sqrt(mean(w^2) + w^2), as in the
/// encoders of llama.cpp (ggml-quants.c), so that larger weights count for
/// more.
std::vector<float> elementWeights(std::span<const float> block,
                                  std::span<const float> importance);

/// The codes and scales that a search finds, for any format. `weights` has one
/// entry for each value, none negative.
void encodeBySearch(const BlockFormat &format, std::span<const float> values,
                    std::span<const float> weights, BlockParts &parts);

} // namespace qc::numerics::blocks

#endif // QC_LIB_NUMERICS_BLOCKS_ENCODERS_H
