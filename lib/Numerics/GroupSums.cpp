// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "qc/Numerics/GroupSums.h"

#include <cassert>
#include <numeric>

namespace qc::numerics {

/// Elements along K that share one; 0 is all of them.
static int64_t alongK(const std::vector<int64_t> &group) {
  return group.empty() ? 0 : group[0];
}

/// Finds how bytes stand for the integers of the codes.
static bool matchCodes(const DecodeSpec &spec, GroupSums &sums) {
  std::vector<int8_t> integers;
  for (int32_t code = 0; code < 1 << spec.codeBits; ++code) {
    const Lane in[] = {Lane::ofInt(code)};
    int32_t integer = spec.codeToInt->evaluate(in).i;
    if (integer < -128 || integer > 127)
      return false;
    integers.push_back(static_cast<int8_t>(integer));
  }
  sums.isSigned = spec.codeBits == 8;
  // As they are, or two's complement as unsigned numbers.
  for (int32_t flip : {0, 1 << (spec.codeBits - 1)}) {
    bool isLinear = true;
    for (int32_t code = 0; code < 1 << spec.codeBits; ++code) {
      int32_t byte = code ^ flip;
      if (sums.isSigned)
        byte = static_cast<int8_t>(byte);
      if (code == 0)
        sums.bias = byte - integers[0];
      isLinear &= integers[code] == byte - sums.bias;
    }
    sums.flip = flip;
    if (isLinear)
      return true;
  }
  sums.bias = sums.flip = 0;
  sums.isSigned = true;
  sums.table = std::move(integers);
  return spec.codeBits <= 4;
}

std::optional<GroupSums> groupSums(const DecodeSpec &spec) {
  GroupSums sums;
  if (!spec.codeToInt || spec.codeBits > 8 || !matchCodes(spec, sums))
    return std::nullopt;
  for (const ScaleComponent &scale : spec.scales)
    sums.segment = std::gcd(sums.segment, alongK(scale.group));
  if (spec.zeroPoint)
    sums.segment = std::gcd(sums.segment, alongK(spec.zeroPoint->group));
  if (sums.segment < 16)
    return std::nullopt;
  return sums;
}

GroupWeights groupWeights(const DecodeSpec &spec, int64_t k, int64_t n,
                          std::span<const ComponentData> data) {
  GroupWeights weights;
  weights.k = k;
  weights.n = n;
  weights.segment = groupSums(spec)->segment;
  const int64_t shape[] = {k, n};
  weights.integers = decodeInt(spec, shape, data);
  decodeScales(spec, shape, data, weights.scales, weights.offsets);
  return weights;
}

void sumGroups(const GroupWeights &w, std::span<const int8_t> q,
               std::span<const float> scales, std::span<float> y) {
  assert(static_cast<int64_t>(q.size()) == w.k);
  for (int64_t column = 0; column < w.n; ++column) {
    float sum = 0;
    for (int64_t begin = 0; begin < w.k; begin += w.segment) {
      int64_t end = std::min(begin + w.segment, w.k);
      int32_t products = 0, values = 0;
      for (int64_t i = begin; i < end; ++i) {
        products += w.integers[i * w.n + column] * q[i];
        values += q[i];
      }
      float scale = scales[begin / activationBlock];
      float factor = w.scales[begin * w.n + column] * scale;
      float term = static_cast<float>(products) * factor;
      sum = sum + term;
      if (w.offsets.empty())
        continue;
      float total = scale * static_cast<float>(values);
      float shift = w.offsets[begin * w.n + column] * total;
      sum = sum + shift;
    }
    y[column] = sum;
  }
}

} // namespace qc::numerics
