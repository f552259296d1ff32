// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Super-blocks of 256 elements: an f16 times integer scales of 16 or 32
// elements each, and in q2_K, q4_K and q5_K another f16 times integer minima,
// which are subtracted.

#include "Families.h"

namespace qc::numerics::blocks {

using Coding = BlockScaleCoding;

//===-- Scales ---------------------------------------------------------------//

static constexpr BlockScale scalesOf16[] = {
    {.name = "scale", .group = 256},
    {.name = "min", .group = 256},
    {.name = "sub_scale", .kind = ElementKind::U4, .group = 16, .parent = 0},
    {.name = "sub_min",
     .kind = ElementKind::U4,
     .group = 16,
     .parent = 1,
     .coding = Coding::Negated}};
static constexpr BlockScale scalesOf32[] = {
    {.name = "scale", .group = 256},
    {.name = "min", .group = 256},
    {.name = "sub_scale", .kind = ElementKind::U6, .group = 32, .parent = 0},
    {.name = "sub_min",
     .kind = ElementKind::U6,
     .group = 32,
     .parent = 1,
     .coding = Coding::Negated}};
static constexpr BlockScale scalesOfQ3[] = {{.name = "scale", .group = 256},
                                            {.name = "sub_scale",
                                             .kind = ElementKind::U6,
                                             .group = 16,
                                             .parent = 0,
                                             .coding = Coding::Minus32}};
static constexpr BlockScale scalesOfQ6[] = {
    {.name = "scale", .group = 256},
    {.name = "sub_scale", .kind = ElementKind::I8, .group = 16, .parent = 0}};

//===-- Layouts --------------------------------------------------------------//

static constexpr BlockField q2_K[] = {
    {.component = 3, .byte = 0, .bits = 4, .inner = 16},
    {.component = 4, .byte = 0, .bits = 4, .inner = 16, .shift = 4},
    {.byte = 16, .bits = 2, .inner = 32, .planes = 4, .outer = 2},
    {.component = 1, .byte = 80, .bits = 16},
    {.component = 2, .byte = 82, .bits = 16},
};
static constexpr BlockField q3_K[] = {
    {.byte = 0, .bits = 1, .inner = 32, .planes = 8, .valueShift = 2},
    {.byte = 32, .bits = 2, .inner = 32, .planes = 4, .outer = 2},
    {.component = 2, .byte = 96, .bits = 4, .inner = 8, .planes = 2},
    {.component = 2,
     .byte = 104,
     .bits = 2,
     .inner = 4,
     .planes = 4,
     .valueShift = 4},
    {.component = 1, .byte = 108, .bits = 16},
};

// The 8 scales and minima of q4_K and q5_K in 12 bytes: those of the first four
// parts have a byte each; the others have their low halves in the last four
// bytes and their high bits on top of the first eight.
static constexpr BlockField firstFour(unsigned component, unsigned byte) {
  return {.component = component, .byte = byte, .bits = 6, .inner = 4};
}
static constexpr BlockField lastFourLow(unsigned component, unsigned shift) {
  return {.component = component,
          .byte = 12,
          .bits = 4,
          .inner = 4,
          .first = 4,
          .shift = shift};
}
static constexpr BlockField lastFourHigh(unsigned component, unsigned byte) {
  return {.component = component,
          .byte = byte,
          .bits = 2,
          .inner = 4,
          .first = 4,
          .shift = 6,
          .valueShift = 4};
}
static constexpr BlockField q4_K[] = {
    {.component = 1, .byte = 0, .bits = 16},
    {.component = 2, .byte = 2, .bits = 16},
    firstFour(3, 4),
    firstFour(4, 8),
    lastFourLow(3, 0),
    lastFourLow(4, 4),
    lastFourHigh(3, 4),
    lastFourHigh(4, 8),
    {.byte = 16, .bits = 4, .inner = 32, .planes = 2, .outer = 4},
};
static constexpr BlockField q5_K[] = {
    {.component = 1, .byte = 0, .bits = 16},
    {.component = 2, .byte = 2, .bits = 16},
    firstFour(3, 4),
    firstFour(4, 8),
    lastFourLow(3, 0),
    lastFourLow(4, 4),
    lastFourHigh(3, 4),
    lastFourHigh(4, 8),
    {.byte = 16, .bits = 1, .inner = 32, .planes = 8, .valueShift = 4},
    {.byte = 48, .bits = 4, .inner = 32, .planes = 2, .outer = 4},
};
static constexpr BlockField q6_K[] = {
    {.byte = 0, .bits = 4, .inner = 64, .planes = 2, .outer = 2},
    {.byte = 128,
     .bits = 2,
     .inner = 32,
     .planes = 4,
     .outer = 2,
     .valueShift = 4},
    {.component = 2, .byte = 192, .inner = 16},
    {.component = 1, .byte = 208, .bits = 16},
};

//===-- Formats --------------------------------------------------------------//

static constexpr BlockFormat superBlocks[] = {
    {.name = "q2_K",
     .typeId = 10,
     .elements = 256,
     .bytes = 84,
     .codeBits = 2,
     .scales = scalesOf16,
     .scale = 2,
     .offset = 3,
     .fields = q2_K},
    {.name = "q3_K",
     .typeId = 11,
     .elements = 256,
     .bytes = 110,
     .codeBits = 3,
     .bias = 4,
     .scales = scalesOfQ3,
     .scale = 1,
     .fields = q3_K},
    {.name = "q4_K",
     .typeId = 12,
     .elements = 256,
     .bytes = 144,
     .codeBits = 4,
     .scales = scalesOf32,
     .scale = 2,
     .offset = 3,
     .fields = q4_K},
    {.name = "q5_K",
     .typeId = 13,
     .elements = 256,
     .bytes = 176,
     .codeBits = 5,
     .scales = scalesOf32,
     .scale = 2,
     .offset = 3,
     .fields = q5_K},
    {.name = "q6_K",
     .typeId = 14,
     .elements = 256,
     .bytes = 210,
     .codeBits = 6,
     .bias = 32,
     .scales = scalesOfQ6,
     .scale = 1,
     .fields = q6_K},
};

std::span<const BlockFormat> superFormats() { return superBlocks; }

} // namespace qc::numerics::blocks
