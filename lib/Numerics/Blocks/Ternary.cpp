// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Blocks of 256 values -1, 0 and 1 times one f16: five to a byte or four.

#include "Families.h"

namespace qc::numerics::blocks {

static constexpr BlockScale ternaryScale[] = {{.name = "scale", .group = 256}};

static constexpr BlockField tq1_0[] = {
    {.byte = 0, .inner = 32, .planes = 5, .ternary = true},
    {.byte = 32, .inner = 16, .planes = 5, .first = 160, .ternary = true},
    {.byte = 48, .inner = 4, .planes = 4, .first = 240, .ternary = true},
    {.component = 1, .byte = 52, .bits = 16},
};
static constexpr BlockField tq2_0[] = {
    {.byte = 0, .bits = 2, .inner = 32, .planes = 4, .outer = 2},
    {.component = 1, .byte = 64, .bits = 16},
};

static constexpr BlockFormat ternaryBlocks[] = {
    {.name = "tq1_0",
     .typeId = 34,
     .elements = 256,
     .bytes = 54,
     .codeBits = 2,
     .bias = 1,
     .scales = ternaryScale,
     .fields = tq1_0},
    {.name = "tq2_0",
     .typeId = 35,
     .elements = 256,
     .bytes = 66,
     .codeBits = 2,
     .bias = 1,
     .scales = ternaryScale,
     .fields = tq2_0},
};

std::span<const BlockFormat> ternaryFormats() { return ternaryBlocks; }

} // namespace qc::numerics::blocks
