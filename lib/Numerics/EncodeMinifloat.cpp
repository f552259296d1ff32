// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Tensors of small floats with scales for groups.

#include "MinifloatChoice.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <iterator>

namespace qc::numerics {

static constexpr std::string_view scaleNames[] = {"f32", "f16", "bf16", "e8m0",
                                                  "e4m3"};

std::string_view name(GroupScale scale) {
  return scaleNames[static_cast<size_t>(scale)];
}

std::optional<GroupScale> parseGroupScale(std::string_view name) {
  for (size_t k = 0; k < std::size(scaleNames); ++k)
    if (scaleNames[k] == name)
      return static_cast<GroupScale>(k);
  return std::nullopt;
}

static const Minifloat &scaleFloat() { return *findMinifloat("e4m3"); }

static ElementKind kindOf(GroupScale scale) {
  switch (scale) {
  case GroupScale::F32:
    return ElementKind::F32;
  case GroupScale::F16:
    return ElementKind::F16;
  case GroupScale::BF16:
    return ElementKind::BF16;
  case GroupScale::E8M0:
  case GroupScale::E4M3:
    return ElementKind::U8;
  }
  return ElementKind::F32;
}

/// 2^(e - 127), of which the lowest is subnormal.
static Value emitE8M0(Program &p, Value e) {
  Value bits = p.ishl(e, p.constI(23));
  bits = p.select(p.eq(e, p.constI(0)), p.constI(0x00400000), bits);
  bits = p.select(p.eq(e, p.constI(255)), p.constI(0x7fc00000), bits);
  return p.bitcastToF32(bits);
}

DecodeSpec minifloatSpec(const MinifloatFormat &format) {
  DecodeSpec spec;
  spec.codeBits = format.element.bits();
  Program code;
  Value bits = code.input(Kind::I32);
  code.output(emitMinifloat(code, format.element, bits));
  spec.codeToFloat = std::move(code);
  ScaleComponent scale;
  scale.name = scalesName;
  scale.kind = kindOf(format.scale);
  scale.group = format.group;
  if (scale.kind == ElementKind::U8) {
    Program p;
    Value stored = p.input(Kind::I32);
    p.output(format.scale == GroupScale::E8M0
                 ? emitE8M0(p, stored)
                 : emitMinifloat(p, scaleFloat(), stored));
    scale.toFloat = std::move(p);
  }
  if (format.scale == GroupScale::E4M3) {
    ScaleComponent tensor;
    tensor.name = "tensor_scale";
    spec.scales.push_back(std::move(tensor));
    scale.parent = 0;
  }
  spec.scales.push_back(std::move(scale));
  spec.scale = static_cast<unsigned>(spec.scales.size() - 1);
  return spec;
}

/// The power of two for a group of which `amax` is the largest magnitude.
static int chooseExponent(const MinifloatFormat &format, float amax) {
  int exponent = amax > 0.0f ? std::ilogb(amax) : -1000;
  return std::clamp(exponent - format.element.largestExponent(), -127, 127);
}

float largestMagnitude(Range range) {
  return std::min(std::max(-range.lo, range.hi), 0x1p127f);
}

MinifloatScales chooseMinifloatScales(const MinifloatFormat &format,
                                      std::span<const float> amaxes) {
  MinifloatScales scales;
  float largest = format.element.largest();
  if (format.scale == GroupScale::E4M3 && !amaxes.empty()) {
    float amax = *std::max_element(amaxes.begin(), amaxes.end());
    float scale = amax / (largest * scaleFloat().largest());
    scales.tensor = scale > 0.0f ? scale : 1.0f;
  }
  for (float amax : amaxes) {
    if (format.scale == GroupScale::E8M0) {
      int exponent = chooseExponent(format, amax);
      scales.codes.push_back(static_cast<uint8_t>(exponent + 127));
      scales.values.push_back(std::ldexp(1.0f, exponent));
    } else if (format.scale == GroupScale::E4M3) {
      uint8_t code =
          floatToMinifloat(scaleFloat(), amax / largest / scales.tensor);
      scales.codes.push_back(code);
      scales.values.push_back(minifloatToFloat(scaleFloat(), code) *
                              scales.tensor);
    } else {
      float scale = amax > 0.0f ? amax / largest : 1.0f;
      scales.values.push_back(roundScale(scale, kindOf(format.scale)));
    }
  }
  return scales;
}

void storeMinifloatScales(const MinifloatFormat &format,
                          const MinifloatScales &scales,
                          std::vector<ComponentData> &data) {
  if (scales.codes.empty())
    storeScales(scales.values, data.back());
  else
    storeCodes(scales.codes, data.back());
  if (format.scale == GroupScale::E4M3)
    storeScales({&scales.tensor, 1}, data[1]);
}

uint8_t encodeMinifloat(const MinifloatFormat &format, float value,
                        float scale) {
  float v = scale > 0.0f ? value / scale : 0.0f;
  return floatToMinifloat(format.element, std::isnan(v) ? 0.0f : v);
}

Encoded encodeMinifloat(std::span<const float> values,
                        std::span<const int64_t> shape,
                        const MinifloatFormat &format) {
  Encoded result{minifloatSpec(format), {}};
  result.data = allocate(result.spec, shape);
  Rows rows(shape);
  GroupMap map(shape, format.group);
  assert(values.size() == rows.count * rows.columns);
  std::vector<float> amaxes;
  for (Range range : groupRanges(values, rows, map))
    amaxes.push_back(largestMagnitude(range));
  MinifloatScales scales = chooseMinifloatScales(format, amaxes);
  std::vector<uint8_t> codes(values.size());
  forEachElement(rows, map, [&](size_t i, size_t g) {
    codes[i] = encodeMinifloat(format, values[i], scales.values[g]);
  });
  storeCodes(codes, result.data.front());
  storeMinifloatScales(format, scales, result.data);
  return result;
}

} // namespace qc::numerics
