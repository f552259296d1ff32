// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The tables of block formats, one for each family; private to Blocks.

#ifndef QC_LIB_NUMERICS_BLOCKS_FAMILIES_H
#define QC_LIB_NUMERICS_BLOCKS_FAMILIES_H

#include "qc/Numerics/Blocks.h"

namespace qc::numerics::blocks {

/// Blocks of 32 with a scale: q4_0 to q8_0.
std::span<const BlockFormat> plainFormats();
/// Super-blocks of 256 with scales of their parts: q2_K to q6_K.
std::span<const BlockFormat> superFormats();
/// Codes that pick from a table: iq4_nl, iq4_xs, mxfp4, nvfp4.
std::span<const BlockFormat> codebookFormats();
/// -1, 0 and 1: tq1_0, tq2_0.
std::span<const BlockFormat> ternaryFormats();

} // namespace qc::numerics::blocks

#endif // QC_LIB_NUMERICS_BLOCKS_FAMILIES_H
