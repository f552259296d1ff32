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

/// What the elements of a block count for: alike, or as much as the importances
/// of their columns. In formats of up to 3 bits larger weights count for more,
/// by sqrt(mean(w^2) + w^2), as the encoders of llama.cpp (ggml-quants.c) have
/// it; docs/Algorithms.md says what that does.
std::vector<float> elementWeights(const BlockFormat &format,
                                  std::span<const float> block,
                                  std::span<const float> importance);

/// The codes and scales that a search finds, for any format. `weights` has one
/// entry for each value, none negative.
void encodeBySearch(const BlockFormat &format, std::span<const float> values,
                    std::span<const float> weights, BlockParts &parts);

} // namespace qc::numerics::blocks

#endif // QC_LIB_NUMERICS_BLOCKS_ENCODERS_H
