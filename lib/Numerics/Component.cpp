// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Component tensors of an encoding: kinds, shapes, sizes, groups, and the check
// that data are what a spec says.

#include "Groups.h"

#include "qc/Numerics/Packing.h"

#include <algorithm>
#include <cassert>
#include <iterator>
#include <limits>
#include <set>

namespace qc::numerics {

namespace {
struct KindInfo {
  std::string_view name;
  unsigned bits;
};
} // namespace

static constexpr KindInfo kinds[] = {
    {"f32", 32}, {"f16", 16}, {"bf16", 16}, {"i8", 8}, {"u8", 8}, {"i16", 16},
    {"u16", 16}, {"i32", 32}, {"i64", 64},  {"u1", 1}, {"u2", 2}, {"u3", 3},
    {"u4", 4},   {"u5", 5},   {"u6", 6},    {"u7", 7}};
static_assert(std::size(kinds) == static_cast<size_t>(ElementKind::U7) + 1);

unsigned bitWidth(ElementKind kind) {
  return kinds[static_cast<size_t>(kind)].bits;
}

std::string_view name(ElementKind kind) {
  return kinds[static_cast<size_t>(kind)].name;
}

std::optional<ElementKind> parseElementKind(std::string_view name) {
  for (size_t k = 0; k < std::size(kinds); ++k)
    if (kinds[k].name == name)
      return static_cast<ElementKind>(k);
  return std::nullopt;
}

ElementKind codeKind(unsigned bits) {
  if (bits == 8)
    return ElementKind::U8;
  if (bits == 16)
    return ElementKind::U16;
  if (bits == 32)
    return ElementKind::I32;
  assert(bits >= 1 && bits <= 7 && "no such code width");
  return static_cast<ElementKind>(static_cast<unsigned>(ElementKind::U1) +
                                  bits - 1);
}

/// byteSize, or nothing if an extent is negative or the size is not a size_t.
static std::optional<size_t> checkedByteSize(ElementKind kind,
                                             std::span<const int64_t> shape) {
  Rows rows{{}};
  for (size_t k = 0; k < shape.size(); ++k) {
    if (shape[k] < 0)
      return std::nullopt;
    size_t extent = static_cast<size_t>(shape[k]);
    if (k + 1 == shape.size())
      rows.columns = extent;
    else if (__builtin_mul_overflow(rows.count, extent, &rows.count))
      return std::nullopt;
  }
  unsigned bits = bitWidth(kind);
  if (rows.columns > std::numeric_limits<size_t>::max() / 64)
    return std::nullopt;
  size_t rowBytes =
      bits < 8 ? packedRowBytes(rows.columns, bits) : rows.columns * (bits / 8);
  size_t bytes;
  if (__builtin_mul_overflow(rows.count, rowBytes, &bytes))
    return std::nullopt;
  return bytes;
}

size_t byteSize(ElementKind kind, std::span<const int64_t> shape) {
  std::optional<size_t> bytes = checkedByteSize(kind, shape);
  assert(bytes && "shape is not one of a tensor in memory");
  return bytes.value_or(0);
}

std::vector<int64_t> groupShape(std::span<const int64_t> shape,
                                std::span<const int64_t> group) {
  std::vector<int64_t> result(shape.size(), 1);
  for (size_t k = 0; k < group.size() && k < shape.size(); ++k)
    if (group[k] > 0)
      result[k] = shape[k] / group[k] + (shape[k] % group[k] != 0);
  return result;
}

GroupMap::GroupMap(std::span<const int64_t> shape,
                   std::span<const int64_t> group) {
  if (shape.empty())
    return;
  std::vector<int64_t> groups = groupShape(shape, group);
  auto sizeOf = [&](size_t k) -> size_t {
    int64_t size = k < group.size() ? group[k] : 0;
    return static_cast<size_t>(std::max<int64_t>(size ? size : shape[k], 1));
  };
  lastGroup = sizeOf(shape.size() - 1);
  total = static_cast<size_t>(groups.back());
  for (size_t k = shape.size() - 1; k-- > 0;) {
    outer.push_back({static_cast<size_t>(shape[k]), sizeOf(k), total});
    total *= static_cast<size_t>(groups[k]);
  }
}

size_t GroupMap::rowBase(size_t row) const {
  size_t base = 0;
  for (const Axis &axis : outer) {
    base += row % axis.extent / axis.group * axis.stride;
    row /= axis.extent;
  }
  return base;
}

std::vector<Component> components(const DecodeSpec &spec,
                                  std::span<const int64_t> shape) {
  std::vector<Component> result;
  result.push_back({std::string(codesName),
                    codeKind(spec.codeBits),
                    {shape.begin(), shape.end()}});
  if (const auto &zero = spec.zeroPoint)
    result.push_back({zero->name, zero->kind, groupShape(shape, zero->group)});
  for (const ScaleComponent &scale : spec.scales)
    result.push_back({scale.name, scale.kind, groupShape(shape, scale.group)});
  return result;
}

double bitsPerWeight(const DecodeSpec &spec, std::span<const int64_t> shape) {
  double bytes = 0, elements = 1;
  for (const Component &component : components(spec, shape))
    bytes += static_cast<double>(byteSize(component.kind, component.shape));
  for (int64_t extent : shape)
    elements *= static_cast<double>(extent);
  return elements == 0 ? 0 : 8 * bytes / elements;
}

static std::string verifyCodes(const DecodeSpec &spec) {
  unsigned bits = spec.codeBits;
  if (!((bits >= 1 && bits <= 8) || bits == 16 || bits == 32))
    return "codes have " + std::to_string(bits) +
           " bits, expected 1 to 8, 16 or 32";
  if (spec.codeToInt.has_value() == spec.codeToFloat.has_value())
    return "expected either an integer or a float decode of codes";
  if (spec.zeroPoint && !spec.codeToInt)
    return "zero points need integer codes";
  return "";
}

/// Checks that `p` maps one value of kind `from` to one of kind `to`.
static bool maps(const Program &p, Kind from, Kind to) {
  return p.inputs().size() == 1 && p.outputs().size() == 1 &&
         p.kind(p.inputs()[0]) == from && p.kind(p.outputs()[0]) == to;
}

static std::string verifyGroup(const std::string &name,
                               std::span<const int64_t> group, size_t rank) {
  if (!group.empty() && group.size() != rank)
    return "group of '" + name + "' has " + std::to_string(group.size()) +
           " axes, expected " + std::to_string(rank);
  for (int64_t size : group)
    if (size < 0)
      return "group of '" + name + "' has the negative size " +
             std::to_string(size);
  return "";
}

static std::string verifyScale(const DecodeSpec &spec, unsigned index) {
  const ScaleComponent &scale = spec.scales[index];
  if (scale.kind == ElementKind::I64)
    return "scale '" + scale.name + "' is i64";
  if (scale.parent && *scale.parent >= index)
    return "parent of scale '" + scale.name + "' is not an earlier scale";
  if (scale.addend && *scale.addend >= index)
    return "addend of scale '" + scale.name + "' is not an earlier scale";
  Kind stored = scale.kind == ElementKind::F32 ? Kind::F32 : Kind::I32;
  if (scale.toFloat && !maps(*scale.toFloat, stored, Kind::F32))
    return "decode of scale '" + scale.name + "' has the wrong type";
  return "";
}

std::string verify(const DecodeSpec &spec, size_t rank) {
  if (std::string error = verifyCodes(spec); !error.empty())
    return error;
  if (spec.codeToInt && !maps(*spec.codeToInt, Kind::I32, Kind::I32))
    return "integer decode of codes has the wrong type";
  if (spec.codeToFloat && !maps(*spec.codeToFloat, Kind::I32, Kind::F32))
    return "float decode of codes has the wrong type";
  std::set<std::string_view> names{codesName};
  if (const auto &zero = spec.zeroPoint) {
    names.insert(zero->name);
    if (zero->kind == ElementKind::I64 || zero->kind == ElementKind::F32 ||
        zero->kind == ElementKind::F16 || zero->kind == ElementKind::BF16)
      return "zero points are " + std::string(name(zero->kind));
    if (std::string e = verifyGroup(zero->name, zero->group, rank); !e.empty())
      return e;
  }
  for (unsigned k = 0; k < spec.scales.size(); ++k) {
    const ScaleComponent &scale = spec.scales[k];
    names.insert(scale.name);
    if (std::string e = verifyScale(spec, k); !e.empty())
      return e;
    if (std::string e = verifyGroup(scale.name, scale.group, rank); !e.empty())
      return e;
  }
  if (names.size() != 1 + spec.zeroPoint.has_value() + spec.scales.size() ||
      names.count(""))
    return "components need different names";
  for (std::optional<unsigned> leaf : {spec.scale, spec.offset})
    if (leaf && *leaf >= spec.scales.size())
      return "there is no scale " + std::to_string(*leaf);
  return "";
}

std::string verify(const DecodeSpec &spec, std::span<const int64_t> shape,
                   std::span<const ComponentData> data) {
  if (std::string error = verify(spec, shape.size()); !error.empty())
    return error;
  for (int64_t extent : shape)
    if (extent < 0)
      return "negative extent " + std::to_string(extent);
  std::vector<Component> expected = components(spec, shape);
  if (data.size() != expected.size())
    return "found " + std::to_string(data.size()) + " components, expected " +
           std::to_string(expected.size());
  for (size_t k = 0; k < data.size(); ++k) {
    const Component &found = data[k].component;
    if (!(found == expected[k]))
      return "component '" + found.name +
             "' differs from what the encoding says of '" + expected[k].name +
             "'";
    std::optional<size_t> bytes = checkedByteSize(found.kind, found.shape);
    if (!bytes)
      return "component '" + found.name + "' is too large";
    if (data[k].bytes.size() != *bytes)
      return "component '" + found.name + "' has " +
             std::to_string(data[k].bytes.size()) + " bytes, expected " +
             std::to_string(*bytes);
  }
  return "";
}

} // namespace qc::numerics
