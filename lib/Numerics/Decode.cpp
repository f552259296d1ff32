// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The third part of decoding as Programs, and the reference decoder that runs
// them over component tensors.

#include "Groups.h"

#include "qc/Numerics/Packing.h"

#include <cassert>
#include <cstring>

namespace qc::numerics {

//===-- Programs
//-----------------------------------------------------------===//

/// The stored bits of a scale as a float.
static Value scaleToFloat(Program &p, const ScaleComponent &scale, Value raw) {
  if (scale.toFloat)
    return p.append(*scale.toFloat, {&raw, 1})[0];
  switch (scale.kind) {
  case ElementKind::F32:
    return raw;
  case ElementKind::F16:
    return p.f16ToF32(raw);
  case ElementKind::BF16:
    return p.bf16ToF32(raw);
  default:
    return p.toF32(raw);
  }
}

namespace {
/// S and O of a group inside a program.
struct ScaleOffset {
  std::optional<Value> scale, offset;
};
} // namespace

/// Appends an input for each scale, then S and O.
static ScaleOffset appendScales(Program &p, const DecodeSpec &spec) {
  std::vector<Value> raw, effective;
  for (const ScaleComponent &scale : spec.scales)
    raw.push_back(
        p.input(scale.kind == ElementKind::F32 ? Kind::F32 : Kind::I32));
  for (size_t k = 0; k < spec.scales.size(); ++k) {
    const ScaleComponent &scale = spec.scales[k];
    Value own = scaleToFloat(p, scale, raw[k]);
    if (scale.parent)
      own = p.mul(own, effective[*scale.parent]);
    if (scale.addend)
      own = p.add(own, effective[*scale.addend]);
    effective.push_back(own);
  }
  ScaleOffset result;
  if (spec.scale)
    result.scale = effective[*spec.scale];
  if (spec.offset)
    result.offset = effective[*spec.offset];
  return result;
}

Program scaleProgram(const DecodeSpec &spec) {
  Program p;
  ScaleOffset parts = appendScales(p, spec);
  p.output(parts.scale ? *parts.scale : p.constF(1.0f));
  if (parts.offset)
    p.output(*parts.offset);
  return p;
}

/// Appends inputs for the code and the zero point, if any; returns the integer.
static Value appendInteger(Program &p, const DecodeSpec &spec) {
  Value code = p.input(Kind::I32);
  Value integer = p.append(*spec.codeToInt, {&code, 1})[0];
  return spec.zeroPoint ? p.isub(integer, p.input(Kind::I32)) : integer;
}

Program valueProgram(const DecodeSpec &spec) {
  Program p;
  Value v;
  if (spec.codeToInt) {
    v = p.toF32(appendInteger(p, spec));
  } else {
    Value code = p.input(Kind::I32);
    v = p.append(*spec.codeToFloat, {&code, 1})[0];
  }
  ScaleOffset parts = appendScales(p, spec);
  if (parts.scale)
    v = p.mul(v, *parts.scale);
  if (parts.offset)
    v = p.add(v, *parts.offset);
  p.output(v);
  return p;
}

//===-- Reference decoder
//--------------------------------------------------===//

template <typename T> static T loadAs(const uint8_t *bytes, size_t index) {
  T v;
  std::memcpy(&v, bytes + index * sizeof(T), sizeof(T));
  return v;
}

/// One element that is not packed, as the bits that programs take.
static Lane loadLane(ElementKind kind, const uint8_t *bytes, size_t index) {
  switch (kind) {
  case ElementKind::F32:
    return Lane::ofFloat(loadAs<float>(bytes, index));
  case ElementKind::I8:
    return Lane::ofInt(loadAs<int8_t>(bytes, index));
  case ElementKind::U8:
    return Lane::ofInt(bytes[index]);
  case ElementKind::I16:
    return Lane::ofInt(loadAs<int16_t>(bytes, index));
  case ElementKind::F16:
  case ElementKind::BF16:
  case ElementKind::U16:
    return Lane::ofInt(loadAs<uint16_t>(bytes, index));
  default:
    assert(kind == ElementKind::I32 && "not a kind of a lane");
    return Lane::ofInt(loadAs<int32_t>(bytes, index));
  }
}

/// Elements [0, lanes.size()) of row `row` of a component.
static void loadRow(const ComponentData &data, size_t row,
                    std::span<Lane> lanes) {
  ElementKind kind = data.component.kind;
  unsigned bits = bitWidth(kind);
  size_t rowBytes =
      bits < 8 ? packedRowBytes(lanes.size(), bits) : lanes.size() * (bits / 8);
  const uint8_t *bytes = data.bytes.data() + row * rowBytes;
  for (size_t i = 0; i < lanes.size(); ++i)
    lanes[i] = bits < 8 ? Lane::ofInt(unpackOne(bytes, bits, i))
                        : loadLane(kind, bytes, i);
}

static std::vector<Lane> loadAll(const ComponentData &data) {
  Rows rows(data.component.shape);
  std::vector<Lane> lanes(rows.count * rows.columns);
  for (size_t r = 0; r < rows.count; ++r)
    loadRow(data, r, std::span(lanes).subspan(r * rows.columns, rows.columns));
  return lanes;
}

namespace {
/// A component that is constant over groups, spread along rows.
struct Spread {
  GroupMap map;
  std::vector<Lane> groups;
  std::vector<Lane> row;

  void load(size_t index) {
    size_t base = map.rowBase(index);
    for (size_t i = 0; i < row.size(); ++i)
      row[i] = groups[map(base, i)];
  }
};
} // namespace

/// Runs `p`, whose inputs are the code and then the components of `groups` in
/// the order of data[1], data[2], ..., over all elements.
static std::vector<Lane>
decodeWith(const Program &p, std::span<const int64_t> shape,
           std::span<const ComponentData> data,
           std::span<const std::span<const int64_t>> groups) {
  Rows rows(shape);
  std::vector<Lane> codes(rows.columns), values(rows.count * rows.columns);
  std::vector<Spread> spreads;
  for (size_t k = 0; k < groups.size(); ++k)
    spreads.push_back({GroupMap(shape, groups[k]), loadAll(data[k + 1]),
                       std::vector<Lane>(rows.columns)});
  std::vector<std::span<const Lane>> inputs{codes};
  for (Spread &spread : spreads)
    inputs.push_back(spread.row);
  for (size_t r = 0; r < rows.count; ++r) {
    loadRow(data[0], r, codes);
    for (Spread &spread : spreads)
      spread.load(r);
    std::span<Lane> out =
        std::span(values).subspan(r * rows.columns, rows.columns);
    p.evaluate(inputs, {&out, 1}, rows.columns);
  }
  return values;
}

std::vector<float> decode(const DecodeSpec &spec,
                          std::span<const int64_t> shape,
                          std::span<const ComponentData> data) {
  assert(verify(spec, shape, data).empty());
  std::vector<std::span<const int64_t>> groups;
  if (spec.zeroPoint)
    groups.push_back(spec.zeroPoint->group);
  for (const ScaleComponent &scale : spec.scales)
    groups.push_back(scale.group);
  std::vector<float> values;
  for (Lane lane : decodeWith(valueProgram(spec), shape, data, groups))
    values.push_back(lane.f);
  return values;
}

std::vector<int32_t> decodeInt(const DecodeSpec &spec,
                               std::span<const int64_t> shape,
                               std::span<const ComponentData> data) {
  assert(verify(spec, shape, data).empty() && spec.codeToInt);
  Program p;
  p.output(appendInteger(p, spec));
  std::vector<std::span<const int64_t>> groups;
  if (spec.zeroPoint)
    groups.push_back(spec.zeroPoint->group);
  std::vector<int32_t> values;
  for (Lane lane : decodeWith(p, shape, data, groups))
    values.push_back(lane.i);
  return values;
}

void decodeScales(const DecodeSpec &spec, std::span<const int64_t> shape,
                  std::span<const ComponentData> data,
                  std::vector<float> &scales, std::vector<float> &offsets) {
  assert(verify(spec, shape, data).empty());
  std::vector<std::span<const int64_t>> groups;
  if (spec.zeroPoint)
    groups.push_back(spec.zeroPoint->group);
  for (const ScaleComponent &scale : spec.scales)
    groups.push_back(scale.group);
  auto values = [&](bool offset) {
    Program p;
    p.input(Kind::I32);
    if (spec.zeroPoint)
      p.input(Kind::I32);
    ScaleOffset parts = appendScales(p, spec);
    std::optional<Value> value = offset ? parts.offset : parts.scale;
    p.output(value ? *value : p.constF(1.0f));
    std::vector<float> result;
    for (Lane lane : decodeWith(p, shape, data, groups))
      result.push_back(lane.f);
    return result;
  };
  scales = values(false);
  offsets = spec.offset ? values(true) : std::vector<float>();
}

} // namespace qc::numerics
