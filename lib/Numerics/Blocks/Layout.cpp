// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Blocks to components and back, as the fields of a format say.

#include "Encoders.h"

#include "qc/Numerics/Packing.h"

#include <algorithm>
#include <cassert>

namespace qc::numerics {

BlockParts makeBlockParts(const BlockFormat &format) {
  BlockParts parts;
  parts.emplace_back(format.elements);
  for (const BlockScale &scale : format.scales)
    parts.emplace_back(format.elements / scale.group);
  return parts;
}

/// Calls fn(element, byte, plane) for what a field covers.
template <typename Fn> static void forEachPart(const BlockField &f, Fn fn) {
  unsigned element = f.first;
  for (unsigned o = 0; o < f.outer; ++o)
    for (unsigned p = 0; p < f.planes; ++p)
      for (unsigned i = 0; i < f.inner; ++i)
        fn(element++, f.byte + o * f.inner + i, p);
}

/// Digit `plane` to the base 3 of the fraction that `byte` is of 256.
static uint16_t ternaryDigit(unsigned byte, unsigned plane) {
  for (; plane > 0; --plane)
    byte = byte * 3 & 255;
  return static_cast<uint16_t>(byte * 3 >> 8);
}

static void splitField(const BlockField &f, const uint8_t *bytes,
                       std::vector<uint16_t> &elements) {
  if (f.bits == 16) {
    elements[f.first] =
        static_cast<uint16_t>(bytes[f.byte] | bytes[f.byte + 1] << 8);
    return;
  }
  unsigned mask = (1u << f.bits) - 1;
  forEachPart(f, [&](unsigned element, unsigned byte, unsigned plane) {
    if (f.ternary)
      elements[element] = ternaryDigit(bytes[byte], plane);
    else
      elements[element] |= (bytes[byte] >> (f.shift + plane * f.bits) & mask)
                           << f.valueShift;
  });
}

static void joinTernary(const BlockField &f,
                        const std::vector<uint16_t> &elements, uint8_t *bytes) {
  // Bytes count units of 3^-5; a block may fill fewer digits.
  unsigned numbers[256] = {};
  unsigned weights[5] = {81, 27, 9, 3, 1};
  forEachPart(f, [&](unsigned element, unsigned byte, unsigned plane) {
    numbers[byte] += elements[element] * weights[plane];
  });
  for (unsigned byte = f.byte; byte < f.byte + f.inner * f.outer; ++byte)
    bytes[byte] = static_cast<uint8_t>((numbers[byte] * 256 + 242) / 243);
}

static void joinField(const BlockField &f,
                      const std::vector<uint16_t> &elements, uint8_t *bytes) {
  if (f.bits == 16) {
    bytes[f.byte] = static_cast<uint8_t>(elements[f.first]);
    bytes[f.byte + 1] = static_cast<uint8_t>(elements[f.first] >> 8);
    return;
  }
  if (f.ternary)
    return joinTernary(f, elements, bytes);
  unsigned mask = (1u << f.bits) - 1;
  forEachPart(f, [&](unsigned element, unsigned byte, unsigned plane) {
    bytes[byte] |=
        static_cast<uint8_t>((elements[element] >> f.valueShift & mask)
                             << (f.shift + plane * f.bits));
  });
}

void splitBlock(const BlockFormat &format, std::span<const uint8_t> bytes,
                BlockParts &parts) {
  assert(bytes.size() == format.bytes);
  for (std::vector<uint16_t> &elements : parts)
    std::fill(elements.begin(), elements.end(), 0);
  for (const BlockField &field : format.fields)
    splitField(field, bytes.data(), parts[field.component]);
}

void joinBlock(const BlockFormat &format, const BlockParts &parts,
               std::span<uint8_t> bytes) {
  assert(bytes.size() == format.bytes);
  std::fill(bytes.begin(), bytes.end(), 0);
  for (const BlockField &field : format.fields)
    joinField(field, parts[field.component], bytes.data());
}

std::optional<size_t> blockByteSize(const BlockFormat &format,
                                    std::span<const int64_t> shape,
                                    size_t axis) {
  size_t bytes = format.bytes;
  for (size_t k = 0; k < shape.size(); ++k) {
    if (shape[k] < 0 || (k == axis && shape[k] % format.elements))
      return std::nullopt;
    size_t extent = static_cast<size_t>(shape[k]);
    if (k == axis)
      extent /= format.elements;
    if (__builtin_mul_overflow(bytes, extent, &bytes))
      return std::nullopt;
  }
  return axis < shape.size() ? std::optional(bytes) : std::nullopt;
}

namespace {
/// A tensor as [outer, blocks, inner] with the blocks of one outer index in
/// memory at a time, their parts spread over one slab for each component.
struct Slabs {
  Slabs(const BlockFormat &format, std::span<const int64_t> shape, size_t axis)
      : format(format), parts(makeBlockParts(format)) {
    for (size_t k = 0; k < shape.size(); ++k)
      (k < axis   ? outer
       : k > axis ? inner
                  : blocks) *= static_cast<size_t>(shape[k]);
    blocks /= format.elements;
    lastAxis = axis + 1 == shape.size();
    columns = static_cast<size_t>(shape.back());
    for (const std::vector<uint16_t> &elements : parts)
      slabs.emplace_back(elements.size() * blocks * inner);
  }

  /// Calls fn(element of the slab, element of the part) of component k.
  template <typename Fn>
  void forEachElement(size_t k, size_t block, size_t line, Fn fn) {
    size_t count = parts[k].size();
    for (size_t e = 0; e < count; ++e)
      fn(slabs[k][(block * count + e) * inner + line], parts[k][e]);
  }
  void scatter(size_t block, size_t line) {
    for (size_t k = 0; k < parts.size(); ++k)
      forEachElement(k, block, line, [](auto &at, auto part) { at = part; });
  }
  void gather(size_t block, size_t line) {
    for (size_t k = 0; k < parts.size(); ++k)
      forEachElement(k, block, line, [](auto at, auto &part) { part = at; });
  }

  /// Elements along the last axis of component k.
  size_t rowElements(size_t k) const {
    return lastAxis ? slabs[k].size() : columns;
  }
  /// Bytes of the slab of component k.
  size_t slabBytes(size_t k, ElementKind kind) const {
    size_t row = rowElements(k);
    if (row == 0)
      return 0;
    return slabs[k].size() / row * byteSize(kind, std::array{int64_t(row)});
  }

  const BlockFormat &format;
  BlockParts parts;
  size_t outer = 1, blocks = 1, inner = 1, columns = 1;
  bool lastAxis = true;
  std::vector<std::vector<uint16_t>> slabs;
};
} // namespace

/// Stores elements of 8 or 16 bits, or packed rows of `row` codes.
static void storeSlab(std::span<const uint16_t> slab, size_t row,
                      ElementKind kind, uint8_t *bytes) {
  unsigned bits = bitWidth(kind);
  if (bits == 16) {
    for (size_t i = 0; i < slab.size(); ++i) {
      bytes[2 * i] = static_cast<uint8_t>(slab[i]);
      bytes[2 * i + 1] = static_cast<uint8_t>(slab[i] >> 8);
    }
    return;
  }
  std::vector<uint8_t> codes(slab.begin(), slab.end());
  size_t rows = row ? slab.size() / row : 0;
  packRows(codes, rows, row, bits, {bytes, rows * packedRowBytes(row, bits)});
}

/// The reverse of storeSlab.
static void loadSlab(const uint8_t *bytes, size_t row, ElementKind kind,
                     std::span<uint16_t> slab) {
  unsigned bits = bitWidth(kind);
  if (bits == 16) {
    for (size_t i = 0; i < slab.size(); ++i)
      slab[i] = static_cast<uint16_t>(bytes[2 * i] | bytes[2 * i + 1] << 8);
    return;
  }
  std::vector<uint8_t> codes(slab.size());
  size_t rows = row ? slab.size() / row : 0;
  unpackRows({bytes, rows * packedRowBytes(row, bits)}, rows, row, bits, codes);
  std::copy(codes.begin(), codes.end(), slab.begin());
}

std::vector<ComponentData> blocks::makeBlocks(const BlockFormat &format,
                                              std::span<const int64_t> shape,
                                              size_t axis,
                                              const BlockMaker &make) {
  std::vector<ComponentData> data;
  for (Component &component :
       components(blockSpec(format, shape.size(), axis), shape)) {
    size_t size = byteSize(component.kind, component.shape);
    data.push_back({std::move(component), std::vector<uint8_t>(size)});
  }
  Slabs slabs(format, shape, axis);
  for (size_t o = 0; o < slabs.outer; ++o) {
    for (size_t line = 0; line < slabs.inner; ++line)
      for (size_t block = 0; block < slabs.blocks; ++block) {
        make((o * slabs.inner + line) * slabs.blocks + block, slabs.parts);
        slabs.scatter(block, line);
      }
    for (size_t k = 0; k < data.size(); ++k) {
      ElementKind kind = data[k].component.kind;
      storeSlab(slabs.slabs[k], slabs.rowElements(k), kind,
                data[k].bytes.data() + o * slabs.slabBytes(k, kind));
    }
  }
  return data;
}

std::vector<ComponentData> unpackBlocks(const BlockFormat &format,
                                        std::span<const int64_t> shape,
                                        size_t axis,
                                        std::span<const uint8_t> bytes) {
  assert(blockByteSize(format, shape, axis) == bytes.size());
  return blocks::makeBlocks(
      format, shape, axis, [&](size_t index, BlockParts &parts) {
        splitBlock(format, bytes.subspan(index * format.bytes, format.bytes),
                   parts);
      });
}

std::vector<uint8_t> packBlocks(const BlockFormat &format,
                                std::span<const int64_t> shape, size_t axis,
                                std::span<const ComponentData> data) {
  assert(verify(blockSpec(format, shape.size(), axis), shape, data).empty());
  std::vector<uint8_t> bytes(blockByteSize(format, shape, axis).value_or(0));
  std::span<uint8_t> rest = bytes;
  Slabs slabs(format, shape, axis);
  for (size_t o = 0; o < slabs.outer; ++o) {
    for (size_t k = 0; k < data.size(); ++k) {
      ElementKind kind = data[k].component.kind;
      loadSlab(data[k].bytes.data() + o * slabs.slabBytes(k, kind),
               slabs.rowElements(k), kind, slabs.slabs[k]);
    }
    for (size_t line = 0; line < slabs.inner; ++line)
      for (size_t block = 0; block < slabs.blocks; ++block) {
        slabs.gather(block, line);
        joinBlock(format, slabs.parts, rest.first(format.bytes));
        rest = rest.subspan(format.bytes);
      }
  }
  return bytes;
}

} // namespace qc::numerics
