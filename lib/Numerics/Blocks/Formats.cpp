// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The list of block formats and what their components decode to.

#include "Families.h"

#include <algorithm>
#include <cassert>

namespace qc::numerics {

std::span<const BlockFormat> blockFormats() {
  static const std::vector<BlockFormat> all = [] {
    std::vector<BlockFormat> list;
    for (std::span<const BlockFormat> family :
         {blocks::plainFormats(), blocks::superFormats(),
          blocks::codebookFormats(), blocks::ternaryFormats()})
      list.insert(list.end(), family.begin(), family.end());
    std::sort(list.begin(), list.end(),
              [](const auto &a, const auto &b) { return a.typeId < b.typeId; });
    return list;
  }();
  return all;
}

const BlockFormat *findBlockFormat(std::string_view name) {
  for (const BlockFormat &format : blockFormats())
    if (format.name == name)
      return &format;
  return nullptr;
}

const BlockFormat *findBlockFormat(unsigned typeId) {
  for (const BlockFormat &format : blockFormats())
    if (format.typeId == typeId)
      return &format;
  return nullptr;
}

/// The integer of a code.
static Program codeProgram(const BlockFormat &format) {
  Program p;
  Value code = p.input(Kind::I32);
  if (!format.codebook.empty()) {
    p.output(p.table(
        std::vector<int32_t>(format.codebook.begin(), format.codebook.end()),
        code));
  } else if (format.codeBits == 8) {
    Value sign = p.constI(128);
    p.output(p.isub(p.ixor(code, sign), sign));
  } else {
    p.output(format.bias ? p.isub(code, p.constI(format.bias)) : code);
  }
  return p;
}

/// 2^(e - 128) of an i32 e in [0, 255]; the two lowest are subnormal.
static Value halfE8M0(Program &p, Value e) {
  Value subnormal = p.ishl(p.constI(0x00200000), e);
  Value normal = p.ishl(p.isub(e, p.constI(1)), p.constI(23));
  return p.bitcastToF32(p.select(p.lt(e, p.constI(2)), subnormal, normal));
}

/// Half the float of 4 exponent and 3 mantissa bits; 0x7f, its NaN, is 0.
static Value halfUE4M3(Program &p, Value x) {
  // As the bits of an f32 the exponent is off by 120 and one for the half; a
  // product with that power of two makes subnormals right too.
  Value bits = p.ishl(p.iand(x, p.constI(0x7f)), p.constI(20));
  Value value = p.mul(p.bitcastToF32(bits), p.constF(0x1p119f));
  return p.select(p.eq(x, p.constI(0x7f)), p.constF(0.0f), value);
}

static std::optional<Program> scaleProgram(const BlockScale &scale) {
  if (scale.coding == BlockScaleCoding::Plain)
    return std::nullopt;
  Program p;
  Value stored = p.input(Kind::I32);
  switch (scale.coding) {
  case BlockScaleCoding::Plain:
  case BlockScaleCoding::Negated:
    p.output(p.neg(p.toF32(stored)));
    break;
  case BlockScaleCoding::Minus32:
    p.output(p.toF32(p.isub(stored, p.constI(32))));
    break;
  case BlockScaleCoding::HalfE8M0:
    p.output(halfE8M0(p, stored));
    break;
  case BlockScaleCoding::HalfUE4M3:
    p.output(halfUE4M3(p, stored));
    break;
  }
  return p;
}

DecodeSpec blockSpec(const BlockFormat &format, size_t rank, size_t axis) {
  assert(axis < rank && "no such axis");
  DecodeSpec spec;
  spec.codeBits = format.codeBits;
  spec.codeToInt = codeProgram(format);
  for (const BlockScale &scale : format.scales) {
    ScaleComponent component;
    component.name = scale.name;
    component.kind = scale.kind;
    component.group.assign(rank, 1);
    component.group[axis] = scale.group;
    if (scale.parent >= 0)
      component.parent = scale.parent;
    component.toFloat = scaleProgram(scale);
    spec.scales.push_back(std::move(component));
  }
  spec.scale = format.scale;
  if (format.offset >= 0)
    spec.offset = format.offset;
  return spec;
}

} // namespace qc::numerics
