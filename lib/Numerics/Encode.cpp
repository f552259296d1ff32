// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The reference encoders. Each makes whole passes over the tensor and keeps
// what it needs per group in dense arrays, so one loop serves every grouping.

#include "qc/Numerics/Encode.h"

#include "AffineChoice.h"

#include "qc/Numerics/Float16.h"
#include "qc/Numerics/Packing.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstring>
#include <limits>

namespace qc::numerics {

//===-- Specs
//--------------------------------------------------------------===//

/// A program of one i32 input whose output `build` makes.
template <typename Fn> static Program codeProgram(Fn build) {
  Program p;
  Value code = p.input(Kind::I32);
  p.output(build(p, code));
  return p;
}

[[maybe_unused]] static bool isFloatKind(ElementKind kind) {
  return kind == ElementKind::F32 || kind == ElementKind::F16 ||
         kind == ElementKind::BF16;
}

/// The only scale of `spec`.
static void addScale(DecodeSpec &spec, ElementKind kind,
                     const std::vector<int64_t> &group) {
  assert(isFloatKind(kind) && "scales are chosen as floats");
  ScaleComponent scale;
  scale.name = scalesName;
  scale.kind = kind;
  scale.group = group;
  spec.scale = 0;
  spec.scales.push_back(std::move(scale));
}

DecodeSpec affineSpec(const AffineFormat &format) {
  assert(format.bits >= 1 && format.bits <= 8);
  assert((!format.symmetric || format.bits >= 2) && "no symmetric 1-bit code");
  DecodeSpec spec;
  spec.codeBits = format.bits;
  bool isSigned = format.symmetric || format.bits == 8;
  spec.codeToInt = codeProgram([&](Program &p, Value code) {
    if (!isSigned)
      return code;
    Value sign = p.constI(1 << (format.bits - 1));
    return p.isub(p.ixor(code, sign), sign);
  });
  if (!format.symmetric) {
    ZeroPointComponent zero;
    zero.kind = isSigned ? ElementKind::I8 : codeKind(format.bits);
    zero.group = format.group;
    spec.zeroPoint = std::move(zero);
  }
  addScale(spec, format.scaleKind, format.group);
  return spec;
}

DecodeSpec float16Spec() {
  DecodeSpec spec;
  spec.codeBits = 16;
  spec.codeToFloat =
      codeProgram([](Program &p, Value code) { return p.f16ToF32(code); });
  return spec;
}

DecodeSpec bfloat16Spec() {
  DecodeSpec spec;
  spec.codeBits = 16;
  spec.codeToFloat =
      codeProgram([](Program &p, Value code) { return p.bf16ToF32(code); });
  return spec;
}

//===-- Parts ----------------------------------------------------------------//

std::vector<ComponentData> allocate(const DecodeSpec &spec,
                                    std::span<const int64_t> shape) {
  std::vector<ComponentData> data;
  for (Component &component : components(spec, shape)) {
    size_t bytes = byteSize(component.kind, component.shape);
    data.push_back({std::move(component), std::vector<uint8_t>(bytes)});
  }
  return data;
}

void storeCodes(std::span<const uint8_t> codes, ComponentData &data) {
  Rows rows(data.component.shape);
  packRows(codes, rows.count, rows.columns, bitWidth(data.component.kind),
           data.bytes);
}

static void store16(std::span<const uint16_t> values, ComponentData &data) {
  assert(data.bytes.size() == values.size() * 2);
  for (size_t i = 0; i < values.size(); ++i) {
    data.bytes[2 * i] = static_cast<uint8_t>(values[i]);
    data.bytes[2 * i + 1] = static_cast<uint8_t>(values[i] >> 8);
  }
}

void storeScales(std::span<const float> scales, ComponentData &data) {
  if (data.component.kind == ElementKind::F32) {
    if (!scales.empty())
      std::memcpy(data.bytes.data(), scales.data(), scales.size_bytes());
    return;
  }
  bool isHalf = data.component.kind == ElementKind::F16;
  std::vector<uint16_t> stored;
  for (float scale : scales)
    stored.push_back(isHalf ? floatToHalf(scale) : floatToBFloat16(scale));
  store16(stored, data);
}

float roundScale(float scale, ElementKind kind) {
  assert(isFloatKind(kind));
  float smallest = std::numeric_limits<float>::denorm_min();
  float largest = std::numeric_limits<float>::max();
  if (kind == ElementKind::F16) {
    scale = halfToFloat(floatToHalf(scale));
    smallest = 0x1p-24f;
    largest = 65504.0f;
  } else if (kind == ElementKind::BF16) {
    scale = bfloat16ToFloat(floatToBFloat16(scale));
    smallest = 0x1p-133f;
    largest = 0x1.fep127f;
  }
  return std::isnan(scale) ? 1.0f : std::clamp(scale, smallest, largest);
}

std::vector<Range> groupRanges(std::span<const float> values, const Rows &rows,
                               const GroupMap &map) {
  std::vector<Range> ranges(map.size());
  forEachElement(rows, map, [&](size_t i, size_t g) {
    float v = values[i];
    ranges[g].lo = v < ranges[g].lo ? v : ranges[g].lo;
    ranges[g].hi = v > ranges[g].hi ? v : ranges[g].hi;
  });
  return ranges;
}

std::vector<std::vector<float>> groupMembers(std::span<const float> values,
                                             const Rows &rows,
                                             const GroupMap &map) {
  std::vector<std::vector<float>> members(map.size());
  forEachElement(rows, map,
                 [&](size_t i, size_t g) { members[g].push_back(values[i]); });
  return members;
}

//===-- Affine
//-------------------------------------------------------------===//

AffineChoice::AffineChoice(const AffineFormat &format)
    : symmetric(format.symmetric), scaleKind(format.scaleKind) {
  bool isSigned = symmetric || format.bits == 8;
  qmax = (1 << (format.bits - (isSigned ? 1 : 0))) - 1;
  // A scale that covers the range needs no lower code than -qmax; others do.
  // Kernels rely on 8 bits without it.
  bool hasLowest = isSigned && !(symmetric && format.bits == 8);
  qmin = hasLowest ? -qmax - 1 : isSigned ? -qmax : 0;
}

ScaleZero AffineChoice::operator()(Range range) const {
  constexpr float largest = std::numeric_limits<float>::max();
  ScaleZero p = chooseAffine(range.lo, range.hi, qmin, qmax, symmetric);
  p.scale = roundScale(p.scale, scaleKind);
  if (!symmetric && range.lo < range.hi)
    p.zeroPoint =
        chooseZeroPoint(std::max(range.lo, -largest), p.scale, qmin, qmax);
  return p;
}

ScaleZero AffineChoice::search(std::span<const float> values,
                               std::span<const float> weights,
                               Range range) const {
  ScaleZero best = (*this)(range);
  double least = std::numeric_limits<double>::infinity();
  for (unsigned step = 0; step < numSteps; ++step) {
    ScaleZero p = (*this)(shrink(range, step));
    double error = 0;
    for (size_t i = 0; i < values.size(); ++i) {
      double decoded = dequantize(encode(values[i], p), p.scale, p.zeroPoint);
      double difference = decoded - values[i];
      error += difference * difference * (weights.empty() ? 1.0 : weights[i]);
    }
    if (error < least) {
      least = error;
      best = p;
    }
  }
  return best;
}

Encoded encodeAffine(std::span<const float> values,
                     std::span<const int64_t> shape, const AffineFormat &format,
                     ClipMode clip) {
  Encoded result{affineSpec(format), {}};
  result.data = allocate(result.spec, shape);
  Rows rows(shape);
  GroupMap map(shape, format.group);
  assert(values.size() == rows.count * rows.columns);
  AffineChoice choose(format);
  std::vector<Range> ranges = groupRanges(values, rows, map);
  std::vector<ScaleZero> parameters;
  if (clip == ClipMode::Mse) {
    std::vector<std::vector<float>> members = groupMembers(values, rows, map);
    for (size_t g = 0; g < ranges.size(); ++g)
      parameters.push_back(choose.search(members[g], {}, ranges[g]));
  } else {
    for (Range range : ranges)
      parameters.push_back(choose(range));
  }
  std::vector<float> scales;
  std::vector<uint8_t> zeros;
  for (const ScaleZero &p : parameters) {
    scales.push_back(p.scale);
    zeros.push_back(static_cast<uint8_t>(p.zeroPoint));
  }
  std::vector<uint8_t> codes(values.size());
  forEachElement(rows, map, [&](size_t i, size_t g) {
    codes[i] = static_cast<uint8_t>(choose.encode(values[i], parameters[g]));
  });
  storeCodes(codes, result.data.front());
  if (!format.symmetric)
    storeCodes(zeros, result.data[1]);
  storeScales(scales, result.data.back());
  return result;
}

//===-- 16-bit floats --------------------------------------------------------//

static Encoded encode16(std::span<const float> values,
                        std::span<const int64_t> shape, DecodeSpec spec,
                        uint16_t (*convert)(float)) {
  Encoded result{std::move(spec), {}};
  result.data = allocate(result.spec, shape);
  std::vector<uint16_t> codes(values.size());
  std::transform(values.begin(), values.end(), codes.begin(), convert);
  store16(codes, result.data.front());
  return result;
}

Encoded encodeFloat16(std::span<const float> values,
                      std::span<const int64_t> shape) {
  return encode16(values, shape, float16Spec(), floatToHalf);
}

Encoded encodeBFloat16(std::span<const float> values,
                       std::span<const int64_t> shape) {
  return encode16(values, shape, bfloat16Spec(), floatToBFloat16);
}

} // namespace qc::numerics
