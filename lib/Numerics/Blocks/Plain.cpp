// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Blocks of 32 elements with one f16 scale `d`, and in the _1 formats an f16
// offset `m`: value = code * d + m.

#include "Families.h"

namespace qc::numerics::blocks {

static constexpr BlockScale plainScale[] = {{.name = "scale"}};
static constexpr BlockScale scaleAndMin[] = {{.name = "scale"},
                                             {.name = "min"}};

// Code i is the low half of byte i for i < 16 and the high half of byte i - 16
// beyond; a fifth bit is bit i of a 32-bit word.
static constexpr BlockField q4_0[] = {
    {.component = 1, .byte = 0, .bits = 16},
    {.byte = 2, .bits = 4, .inner = 16, .planes = 2},
};
static constexpr BlockField q4_1[] = {
    {.component = 1, .byte = 0, .bits = 16},
    {.component = 2, .byte = 2, .bits = 16},
    {.byte = 4, .bits = 4, .inner = 16, .planes = 2},
};
static constexpr BlockField q5_0[] = {
    {.component = 1, .byte = 0, .bits = 16},
    {.byte = 2, .bits = 1, .planes = 8, .outer = 4, .valueShift = 4},
    {.byte = 6, .bits = 4, .inner = 16, .planes = 2},
};
static constexpr BlockField q5_1[] = {
    {.component = 1, .byte = 0, .bits = 16},
    {.component = 2, .byte = 2, .bits = 16},
    {.byte = 4, .bits = 1, .planes = 8, .outer = 4, .valueShift = 4},
    {.byte = 8, .bits = 4, .inner = 16, .planes = 2},
};
static constexpr BlockField q8_0[] = {
    {.component = 1, .byte = 0, .bits = 16},
    {.byte = 2, .inner = 32},
};

static constexpr BlockFormat plainBlocks[] = {
    {.name = "q4_0",
     .typeId = 2,
     .bytes = 18,
     .codeBits = 4,
     .bias = 8,
     .scales = plainScale,
     .fields = q4_0},
    {.name = "q4_1",
     .typeId = 3,
     .bytes = 20,
     .codeBits = 4,
     .scales = scaleAndMin,
     .offset = 1,
     .fields = q4_1},
    {.name = "q5_0",
     .typeId = 6,
     .bytes = 22,
     .codeBits = 5,
     .bias = 16,
     .scales = plainScale,
     .fields = q5_0},
    {.name = "q5_1",
     .typeId = 7,
     .bytes = 24,
     .codeBits = 5,
     .scales = scaleAndMin,
     .offset = 1,
     .fields = q5_1},
    {.name = "q8_0",
     .typeId = 8,
     .bytes = 34,
     .codeBits = 8,
     .scales = plainScale,
     .fields = q8_0},
};

std::span<const BlockFormat> plainFormats() { return plainBlocks; }

} // namespace qc::numerics::blocks
