// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "qc/Numerics/WideSums.h"

#include <cassert>
#include <cmath>
#include <numeric>

namespace qc::numerics {

static constexpr int64_t widest = 256, narrowest = 64, largestQ = 127;

/// The scale's own numbers, if they are whole and have 8 bits.
static std::optional<WholeNumbers> wholeNumbers(ScaleComponent scale) {
  unsigned bits = bitWidth(scale.kind);
  if (bits > 8)
    return std::nullopt;
  bool isSigned = scale.kind == ElementKind::I8;
  scale.parent.reset();
  scale.addend.reset();
  DecodeSpec spec;
  spec.scales.push_back(scale);
  spec.scale = 0;
  Program program = scaleProgram(spec);
  auto valueOf = [&](int32_t stored) {
    const Lane in[] = {Lane::ofInt(stored)};
    return program.evaluate(in).f;
  };
  float first = valueOf(0), step = valueOf(1) - first;
  WholeNumbers numbers;
  numbers.least = 255;
  numbers.largest = -255;
  int32_t least = isSigned ? -128 : 0;
  for (int32_t stored = least; stored < least + (1 << bits); ++stored) {
    float value = valueOf(stored);
    if (!(std::fabs(value) <= 255.0f) || std::trunc(value) != value ||
        value != first + step * static_cast<float>(stored))
      return std::nullopt;
    numbers.least = std::min(numbers.least, static_cast<int32_t>(value));
    numbers.largest = std::max(numbers.largest, static_cast<int32_t>(value));
  }
  numbers.first = static_cast<int32_t>(first);
  numbers.step = static_cast<int32_t>(step);
  return numbers;
}

/// Cuts the tree at scale `node`: it becomes the root, and `factor` the whole
/// numbers below. Returns the largest magnitude of those, 1 where there are
/// none.
static int32_t cut(const DecodeSpec &spec, std::optional<unsigned> &node,
                   std::optional<unsigned> &factor, WholeNumbers &numbers) {
  factor.reset();
  const ScaleComponent &own = spec.scales[*node];
  if (!own.parent || own.addend)
    return 1;
  std::optional<WholeNumbers> found = wholeNumbers(own);
  if (!found)
    return 1;
  numbers = *found;
  factor = node;
  node = own.parent;
  return std::max(std::abs(numbers.least), std::abs(numbers.largest));
}

/// Elements along K that share a root and all that it is made of.
static int64_t rootGroup(const DecodeSpec &spec, unsigned node) {
  const ScaleComponent &own = spec.scales[node];
  int64_t group = own.group.empty() ? 0 : own.group[0];
  if (own.parent)
    group = std::gcd(group, rootGroup(spec, *own.parent));
  if (own.addend)
    group = std::gcd(group, rootGroup(spec, *own.addend));
  return group;
}

/// The largest magnitude of a code's integer less its zero point.
static int64_t largestInteger(const DecodeSpec &spec) {
  if (spec.zeroPoint)
    return 255;
  int64_t largest = 0;
  for (int32_t code = 0; code < 1 << spec.codeBits; ++code) {
    const Lane in[] = {Lane::ofInt(code)};
    largest =
        std::max<int64_t>(largest, std::abs(spec.codeToInt->evaluate(in).i));
  }
  return largest;
}

std::optional<WideSums> wideSums(const DecodeSpec &spec) {
  std::optional<GroupSums> sums = groupSums(spec);
  if (!sums || !spec.scale)
    return std::nullopt;
  WideSums wide;
  wide.roots = wide.factors = spec;
  int64_t largest =
      cut(spec, wide.roots.scale, wide.factors.scale, wide.scaleNumbers);
  int64_t largestOffset = 1;
  int64_t group = std::gcd(widest, rootGroup(spec, *wide.roots.scale));
  if (spec.offset) {
    largestOffset =
        cut(spec, wide.roots.offset, wide.factors.offset, wide.offsetNumbers);
    group = std::gcd(group, rootGroup(spec, *wide.roots.offset));
  }
  for (std::optional<unsigned> factor :
       {wide.factors.scale, wide.factors.offset})
    if (factor)
      wide.factors.scales[*factor].parent.reset();
  if (spec.zeroPoint && !spec.zeroPoint->group.empty())
    group = std::gcd(group, spec.zeroPoint->group[0]);
  wide.width = group;
  // Kernels also multiply a bias by c in 16 bits (GroupUnit::correction).
  int64_t correction = (std::abs(sums->bias) + 128) * largest;
  constexpr int64_t limit = std::numeric_limits<int32_t>::max();
  if (group < narrowest || correction > std::numeric_limits<int16_t>::max() ||
      group * largestQ * largest * largestInteger(spec) > limit ||
      group * largestQ * largestOffset > limit)
    return std::nullopt;
  return wide;
}

WideWeights wideWeights(const DecodeSpec &spec, int64_t k, int64_t n,
                        std::span<const ComponentData> data) {
  WideSums wide = *wideSums(spec);
  WideWeights weights;
  weights.k = k;
  weights.n = n;
  weights.width = wide.width;
  const int64_t shape[] = {k, n};
  weights.integers = decodeInt(spec, shape, data);
  decodeScales(wide.roots, shape, data, weights.scales, weights.offsets);
  std::vector<float> factors, offsetFactors;
  decodeScales(wide.factors, shape, data, factors, offsetFactors);
  for (size_t i = 0; i < factors.size(); ++i)
    weights.integers[i] *= static_cast<int32_t>(factors[i]);
  if (spec.offset && !wide.factors.offset)
    offsetFactors.assign(factors.size(), 1.0f);
  weights.offsetFactors.assign(offsetFactors.begin(), offsetFactors.end());
  return weights;
}

void sumWide(const WideWeights &w, std::span<const int8_t> q,
             std::span<const float> scales, std::span<float> y) {
  assert(static_cast<int64_t>(q.size()) == w.k);
  for (int64_t column = 0; column < w.n; ++column) {
    float sum = 0;
    for (int64_t begin = 0; begin < w.k; begin += w.width) {
      int64_t end = std::min(begin + w.width, w.k);
      int32_t products = 0, offsets = 0;
      for (int64_t i = begin; i < end; ++i) {
        products += w.integers[i * w.n + column] * q[i];
        if (!w.offsets.empty())
          offsets += w.offsetFactors[i * w.n + column] * q[i];
      }
      float scale = scales[begin / w.width];
      float factor = w.scales[begin * w.n + column] * scale;
      float term = static_cast<float>(products) * factor;
      sum = sum + term;
      if (w.offsets.empty())
        continue;
      float offset = w.offsets[begin * w.n + column] * scale;
      float shift = static_cast<float>(offsets) * offset;
      sum = sum + shift;
    }
    y[column] = sum;
  }
}

} // namespace qc::numerics
