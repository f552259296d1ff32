// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Blocks whose 4-bit codes pick an integer from a table.

#include "Families.h"

namespace qc::numerics::blocks {

/// Denser around 0, as weights are.
static constexpr int32_t nonLinear[16] = {
    -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};
/// Twice the values of a float of 2 exponent bits and one of the mantissa; the
/// scales are half as large in turn. Code 8, its -0, is 0 here.
static constexpr int32_t twiceE2M1[16] = {0, 1,  2,  3,  4,  6,  8,  12,
                                          0, -1, -2, -3, -4, -6, -8, -12};

static constexpr BlockScale codebookScale[] = {{.name = "scale"}};
static constexpr BlockScale scalesOfXS[] = {
    {.name = "scale", .group = 256},
    {.name = "sub_scale",
     .kind = ElementKind::U6,
     .group = 32,
     .parent = 0,
     .coding = BlockScaleCoding::Minus32}};
static constexpr BlockScale exponent[] = {
    {.name = "scale",
     .kind = ElementKind::U8,
     .coding = BlockScaleCoding::HalfE8M0}};
static constexpr BlockScale smallFloat[] = {
    {.name = "scale",
     .kind = ElementKind::U8,
     .group = 16,
     .coding = BlockScaleCoding::HalfUE4M3}};

static constexpr BlockField iq4_nl[] = {
    {.component = 1, .byte = 0, .bits = 16},
    {.byte = 2, .bits = 4, .inner = 16, .planes = 2},
};
static constexpr BlockField iq4_xs[] = {
    {.component = 1, .byte = 0, .bits = 16},
    {.component = 2,
     .byte = 2,
     .bits = 2,
     .planes = 4,
     .outer = 2,
     .valueShift = 4},
    {.component = 2, .byte = 4, .bits = 4, .planes = 2, .outer = 4},
    {.byte = 8, .bits = 4, .inner = 16, .planes = 2, .outer = 8},
};
static constexpr BlockField mxfp4[] = {
    {.component = 1, .byte = 0},
    {.byte = 1, .bits = 4, .inner = 16, .planes = 2},
};
static constexpr BlockField nvfp4[] = {
    {.component = 1, .byte = 0, .inner = 4},
    {.byte = 4, .bits = 4, .inner = 8, .planes = 2, .outer = 4},
};

static constexpr BlockFormat codebookBlocks[] = {
    {.name = "iq4_nl",
     .typeId = 20,
     .bytes = 18,
     .codebook = nonLinear,
     .scales = codebookScale,
     .fields = iq4_nl},
    {.name = "iq4_xs",
     .typeId = 23,
     .elements = 256,
     .bytes = 136,
     .codebook = nonLinear,
     .scales = scalesOfXS,
     .scale = 1,
     .fields = iq4_xs},
    {.name = "mxfp4",
     .typeId = 39,
     .bytes = 17,
     .codebook = twiceE2M1,
     .scales = exponent,
     .fields = mxfp4},
    {.name = "nvfp4",
     .typeId = 40,
     .elements = 64,
     .bytes = 36,
     .codebook = twiceE2M1,
     .scales = smallFloat,
     .fields = nvfp4},
};

std::span<const BlockFormat> codebookFormats() { return codebookBlocks; }

} // namespace qc::numerics::blocks
