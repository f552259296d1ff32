// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which elements a sparse form keeps, and its components from all codes and
// back. Codes are handled unpacked, in 16 bits.

#include "qc/Numerics/Sparse.h"

#include "qc/Numerics/Packing.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <functional>
#include <numeric>

namespace qc::numerics {

static int64_t ceilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }

static int64_t elementCount(std::span<const int64_t> shape) {
  return std::accumulate(shape.begin(), shape.end(), int64_t(1),
                         std::multiplies<>());
}

unsigned SparseFormat::positionBits() const {
  return std::max(
      1u, static_cast<unsigned>(std::bit_width(static_cast<uint64_t>(of - 1))));
}

//===----------------------------------------------------------------------===//
// Components as elements
//===----------------------------------------------------------------------===//

/// The elements of a component of up to 16 bits.
static std::vector<uint16_t> elementsOf(const ComponentData &data) {
  const std::vector<int64_t> &shape = data.component.shape;
  unsigned bits = bitWidth(data.component.kind);
  size_t count = elementCount(shape);
  std::vector<uint16_t> elements(count);
  if (bits == 16) {
    std::memcpy(elements.data(), data.bytes.data(), 2 * count);
    return elements;
  }
  std::vector<uint8_t> bytes(count);
  size_t columns = shape.empty() ? 1 : shape.back();
  if (bits == 8)
    std::copy_n(data.bytes.begin(), count, bytes.begin());
  else if (count)
    unpackRows(data.bytes, count / columns, columns, bits, bytes);
  std::copy(bytes.begin(), bytes.end(), elements.begin());
  return elements;
}

static ComponentData componentOf(Component component,
                                 const std::vector<uint16_t> &elements) {
  unsigned bits = bitWidth(component.kind);
  std::vector<uint8_t> bytes(byteSize(component.kind, component.shape));
  if (bits == 16) {
    std::memcpy(bytes.data(), elements.data(), bytes.size());
  } else {
    std::vector<uint8_t> codes(elements.begin(), elements.end());
    size_t columns = component.shape.empty() ? 1 : component.shape.back();
    if (bits == 8)
      bytes = std::move(codes);
    else if (!codes.empty())
      packRows(codes, codes.size() / columns, columns, bits, bytes);
  }
  return {std::move(component), std::move(bytes)};
}

std::vector<Component> sparseComponents(const SparseFormat &format,
                                        ElementKind codes,
                                        std::span<const int64_t> shape) {
  std::string data(codesName);
  std::vector<int64_t> all(shape.begin(), shape.end());
  switch (format.kind) {
  case SparseFormat::Kind::NofM: {
    all[format.axis] = ceilDiv(all[format.axis], format.of) * format.keep;
    return {{data, codes, all},
            {std::string(positionName), codeKind(format.positionBits()), all}};
  }
  case SparseFormat::Kind::Mask:
    return {{data, codes, {format.kept}},
            {std::string(maskName), ElementKind::U1, all}};
  case SparseFormat::Kind::Blocks:
    break;
  }
  return {{data, codes, {format.kept * format.blockRows, format.blockColumns}},
          {std::string(blockRowName), ElementKind::U16, {format.kept}},
          {std::string(blockStartName),
           ElementKind::I32,
           {ceilDiv(all[1], format.blockColumns) + 1}}};
}

//===----------------------------------------------------------------------===//
// What is kept
//===----------------------------------------------------------------------===//

/// Calls `body(element of place i)` for the groups of NofM: `at(i)` is the
/// index of neighbour i, or -1 beyond the end of the axis.
template <typename BodyT>
static void forGroups(const SparseFormat &format,
                      std::span<const int64_t> shape, BodyT body) {
  int64_t size = shape[format.axis];
  int64_t inner = elementCount(shape.subspan(format.axis + 1));
  int64_t outer = elementCount(shape.first(format.axis));
  int64_t groups = ceilDiv(size, format.of);
  for (int64_t o = 0; o < outer; ++o)
    for (int64_t g = 0; g < groups; ++g)
      for (int64_t i = 0; i < inner; ++i) {
        auto at = [=, &format](int64_t place) {
          int64_t k = g * format.of + place;
          return k < size ? (o * size + k) * inner + i : -1;
        };
        // The first of the kept elements, and how far they are apart.
        body(at, ((o * groups + g) * format.keep) * inner + i, inner);
      }
}

/// Marks the `count` largest of `sizes`, the first of equals. NaN is large.
static void markLargest(std::span<const float> sizes, int64_t count,
                        const std::function<void(int64_t)> &mark) {
  std::vector<int64_t> order(sizes.size());
  std::iota(order.begin(), order.end(), 0);
  auto before = [&](int64_t a, int64_t b) {
    float x = std::isnan(sizes[a]) ? HUGE_VALF : sizes[a];
    float y = std::isnan(sizes[b]) ? HUGE_VALF : sizes[b];
    return x != y ? x > y : a < b;
  };
  count = std::min<int64_t>(count, order.size());
  std::nth_element(order.begin(), order.begin() + count, order.end(), before);
  for (int64_t i = 0; i < count; ++i)
    mark(order[i]);
}

/// Calls `body(element)` for the elements of block (row, column) that lie in
/// the matrix; -1 for those that do not.
template <typename BodyT>
static void forBlock(const SparseFormat &f, std::span<const int64_t> shape,
                     int64_t row, int64_t column, BodyT body) {
  for (int64_t r = row * f.blockRows; r < (row + 1) * f.blockRows; ++r)
    for (int64_t c = column * f.blockColumns; c < (column + 1) * f.blockColumns;
         ++c)
      body(r < shape[0] && c < shape[1] ? r * shape[1] + c : -1);
}

static void keepBlocks(const SparseFormat &f, std::span<const float> values,
                       std::span<const int64_t> shape,
                       std::vector<uint8_t> &kept) {
  int64_t rows = ceilDiv(shape[0], f.blockRows);
  int64_t columns = ceilDiv(shape[1], f.blockColumns);
  std::vector<float> sums(rows * columns);
  for (int64_t b = 0; b < rows * columns; ++b)
    forBlock(f, shape, b / columns, b % columns, [&](int64_t at) {
      if (at >= 0)
        sums[b] += values[at] * values[at];
    });
  markLargest(sums, f.kept, [&](int64_t b) {
    forBlock(f, shape, b / columns, b % columns, [&](int64_t at) {
      if (at >= 0)
        kept[at] = 1;
    });
  });
}

std::vector<uint8_t> keptElements(const SparseFormat &format,
                                  std::span<const float> values,
                                  std::span<const int64_t> shape) {
  std::vector<uint8_t> kept(values.size());
  if (format.kind == SparseFormat::Kind::Blocks) {
    keepBlocks(format, values, shape, kept);
    return kept;
  }
  if (format.kind == SparseFormat::Kind::Mask) {
    std::vector<float> sizes(values.size());
    std::transform(values.begin(), values.end(), sizes.begin(),
                   [](float v) { return std::fabs(v); });
    markLargest(sizes, format.kept, [&](int64_t i) { kept[i] = 1; });
    return kept;
  }
  std::vector<float> sizes(format.of);
  forGroups(format, shape, [&](auto at, int64_t, int64_t) {
    for (int64_t i = 0; i < format.of; ++i)
      sizes[i] = at(i) < 0 ? -1 : std::fabs(values[at(i)]);
    markLargest(sizes, format.keep, [&](int64_t i) {
      if (at(i) >= 0)
        kept[at(i)] = 1;
    });
  });
  return kept;
}

//===----------------------------------------------------------------------===//
// All codes to components and back
//===----------------------------------------------------------------------===//

static std::vector<ComponentData>
compactGroups(const SparseFormat &format, std::vector<Component> components,
              std::span<const int64_t> shape,
              const std::vector<uint16_t> &codes,
              std::span<const uint8_t> kept) {
  size_t count = elementCount(components[0].shape);
  std::vector<uint16_t> data(count), positions(count);
  forGroups(format, shape, [&](auto at, int64_t first, int64_t apart) {
    // Places that are left take elements that are not kept, in ascending order
    // with the others: every position of a group is another one.
    int64_t wanted = 0;
    for (int64_t i = 0; i < format.of; ++i)
      wanted += at(i) >= 0 && kept[at(i)];
    int64_t spare = format.keep - wanted, to = first;
    for (int64_t i = 0; i < format.of; ++i) {
      bool own = at(i) >= 0 && kept[at(i)];
      if (!own && spare-- <= 0)
        continue;
      data[to] = at(i) >= 0 ? codes[at(i)] : 0;
      positions[to] = static_cast<uint16_t>(i);
      to += apart;
    }
  });
  return {componentOf(components[0], data),
          componentOf(components[1], positions)};
}

static std::vector<ComponentData>
compactMask(std::vector<Component> components,
            const std::vector<uint16_t> &codes, std::span<const uint8_t> kept) {
  std::vector<uint16_t> data, mask(kept.begin(), kept.end());
  size_t count = components[0].shape[0];
  // Zeros fill up what is not needed.
  size_t spare = count - std::count(kept.begin(), kept.end(), 1);
  for (size_t i = 0; i < mask.size(); ++i) {
    if (!mask[i] && spare) {
      --spare;
      mask[i] = 1;
    }
    if (mask[i])
      data.push_back(codes[i]);
  }
  return {componentOf(components[0], data), componentOf(components[1], mask)};
}

static std::vector<ComponentData>
compactBlocks(const SparseFormat &f, std::vector<Component> components,
              std::span<const int64_t> shape,
              const std::vector<uint16_t> &codes,
              std::span<const uint8_t> kept) {
  int64_t rows = ceilDiv(shape[0], f.blockRows);
  int64_t columns = ceilDiv(shape[1], f.blockColumns);
  std::vector<uint8_t> wanted(rows * columns);
  for (int64_t b = 0; b < rows * columns; ++b)
    forBlock(f, shape, b % rows, b / rows,
             [&](int64_t at) { wanted[b] |= at >= 0 && kept[at]; });
  int64_t spare = f.kept - std::count(wanted.begin(), wanted.end(), 1);
  std::vector<uint16_t> data, blockRow;
  std::vector<int32_t> starts;
  for (int64_t b = 0; b < rows * columns; ++b) {
    if (b % rows == 0)
      starts.push_back(static_cast<int32_t>(blockRow.size()));
    if (!wanted[b] && spare-- <= 0)
      continue;
    blockRow.push_back(static_cast<uint16_t>(b % rows));
    forBlock(f, shape, b % rows, b / rows,
             [&](int64_t at) { data.push_back(at >= 0 ? codes[at] : 0); });
  }
  starts.push_back(static_cast<int32_t>(blockRow.size()));
  ComponentData start{components[2], std::vector<uint8_t>(4 * starts.size())};
  std::memcpy(start.bytes.data(), starts.data(), start.bytes.size());
  return {componentOf(components[0], data),
          componentOf(components[1], blockRow), std::move(start)};
}

std::vector<ComponentData> compact(const SparseFormat &format,
                                   const ComponentData &codes,
                                   std::span<const uint8_t> kept) {
  const std::vector<int64_t> &shape = codes.component.shape;
  std::vector<Component> components =
      sparseComponents(format, codes.component.kind, shape);
  std::vector<uint16_t> elements = elementsOf(codes);
  switch (format.kind) {
  case SparseFormat::Kind::NofM:
    return compactGroups(format, components, shape, elements, kept);
  case SparseFormat::Kind::Mask:
    return compactMask(components, elements, kept);
  case SparseFormat::Kind::Blocks:
    break;
  }
  return compactBlocks(format, components, shape, elements, kept);
}

static void expandBlocks(const SparseFormat &f, std::span<const int64_t> shape,
                         std::span<const ComponentData> data,
                         std::vector<uint16_t> &codes) {
  std::vector<uint16_t> kept = elementsOf(data[0]), rows = elementsOf(data[1]);
  int64_t columns = ceilDiv(shape[1], f.blockColumns);
  std::vector<int32_t> starts(columns + 1);
  std::memcpy(starts.data(), data[2].bytes.data(), 4 * starts.size());
  for (int64_t c = 0; c < columns; ++c)
    for (int64_t b = std::max(starts[c], 0);
         b < std::min<int64_t>(starts[c + 1], f.kept); ++b) {
      int64_t from = b * f.blockRows * f.blockColumns;
      forBlock(f, shape, rows[b], c, [&](int64_t at) {
        if (at >= 0)
          codes[at] = kept[from];
        ++from;
      });
    }
}

ComponentData expand(const SparseFormat &format, ElementKind kind,
                     std::span<const int64_t> shape,
                     std::span<const ComponentData> data,
                     std::span<const uint16_t> zeros) {
  std::vector<uint16_t> codes(zeros.begin(), zeros.end());
  if (format.kind == SparseFormat::Kind::Blocks) {
    expandBlocks(format, shape, data, codes);
  } else if (format.kind == SparseFormat::Kind::Mask) {
    std::vector<uint16_t> kept = elementsOf(data[0]),
                          mask = elementsOf(data[1]);
    size_t next = 0;
    for (size_t i = 0; i < mask.size() && next < kept.size(); ++i)
      if (mask[i])
        codes[i] = kept[next++];
  } else {
    std::vector<uint16_t> kept = elementsOf(data[0]),
                          positions = elementsOf(data[1]);
    forGroups(format, shape, [&](auto at, int64_t first, int64_t apart) {
      for (int64_t i = 0; i < format.keep; ++i) {
        int64_t from = first + i * apart, place = positions[from];
        if (place < format.of && at(place) >= 0)
          codes[at(place)] = kept[from];
      }
    });
  }
  std::vector<int64_t> all(shape.begin(), shape.end());
  return componentOf({std::string(codesName), kind, all}, codes);
}

//===----------------------------------------------------------------------===//
// The code of zero
//===----------------------------------------------------------------------===//

/// The first code that `program` takes to `value`.
static std::optional<uint16_t> codeOf(const DecodeSpec &spec, int32_t value) {
  for (uint32_t code = 0; code < 1u << std::min(spec.codeBits, 16u); ++code) {
    const Lane in[] = {Lane::ofInt(static_cast<int32_t>(code))};
    if (spec.codeToInt ? spec.codeToInt->evaluate(in).i == value
                       : spec.codeToFloat->evaluate(in).f == float(value))
      return static_cast<uint16_t>(code);
  }
  return std::nullopt;
}

bool hasZeroCode(const DecodeSpec &spec) {
  return !spec.offset && spec.codeBits <= 16 && codeOf(spec, 0).has_value();
}

std::vector<uint16_t> zeroCodes(const DecodeSpec &spec,
                                std::span<const int64_t> shape,
                                std::span<const ComponentData> data) {
  uint16_t zero = *codeOf(spec, 0);
  std::vector<uint16_t> result(elementCount(shape), zero);
  if (!spec.zeroPoint)
    return result;
  // With the integer 0 everywhere, what decodes is the zero point, negated.
  std::vector<ComponentData> zeros(data.begin(), data.end());
  zeros[0] = componentOf(data[0].component, result);
  std::vector<int32_t> points = decodeInt(spec, shape, zeros);
  std::vector<uint16_t> byPoint(256, zero);
  for (int32_t point = -128; point < 128; ++point)
    byPoint[point + 128] = codeOf(spec, point).value_or(zero);
  for (size_t i = 0; i < points.size(); ++i)
    result[i] = byPoint[128 - points[i]];
  return result;
}

} // namespace qc::numerics
