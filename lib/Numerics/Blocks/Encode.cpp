// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Encoding of tensors in blocks, and the encoders that have to agree with the
// gguf package bit for bit: each operation here is one of its f32 operations.

#include "Encoders.h"

#include "qc/Numerics/Float16.h"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace qc::numerics {

//===-- As gguf ----------------------------------------------------------===//

/// 1 / d, or 0 for 0.
static float inverse(float d) { return d == 0.0f ? 0.0f : 1.0f / d; }

/// The integer part of `v` in `bits` bits of its two's complement; what is no
/// number or out of range is 0, as x86 converts it.
static uint16_t truncated(float v, unsigned bits) {
  if (!(std::fabs(v) < 2147483648.0f))
    return 0;
  return static_cast<uint16_t>(static_cast<int32_t>(v) & ((1 << bits) - 1));
}

static float largestMagnitude(std::span<const float> values) {
  float amax = 0.0f;
  for (float v : values)
    amax = std::max(amax, std::fabs(v));
  return amax;
}

/// The value of largest magnitude gets the lowest code; q4_0, q5_0.
static void encodeSigned(const BlockFormat &format,
                         std::span<const float> values, BlockParts &parts) {
  float extreme = values[0];
  for (float v : values)
    extreme = std::fabs(v) > std::fabs(extreme) ? v : extreme;
  float bias = static_cast<float>(format.bias);
  float d = extreme / -bias;
  float id = inverse(d);
  auto top = static_cast<uint16_t>((1 << format.codeBits) - 1);
  for (size_t i = 0; i < values.size(); ++i)
    parts[0][i] = std::min(truncated(values[i] * id + (bias + 0.5f), 8), top);
  parts[1][0] = floatToHalf(d);
}

/// From the smallest value to the largest; q4_1, q5_1.
static void encodeRange(const BlockFormat &format,
                        std::span<const float> values, BlockParts &parts) {
  float lo = values[0], hi = values[0];
  for (float v : values) {
    lo = std::min(lo, v);
    hi = std::max(hi, v);
  }
  auto top = static_cast<uint16_t>((1 << format.codeBits) - 1);
  float d = (hi - lo) / static_cast<float>(top);
  float id = inverse(d);
  for (size_t i = 0; i < values.size(); ++i)
    parts[0][i] = std::min(truncated((values[i] - lo) * id + 0.5f, 8), top);
  parts[1][0] = floatToHalf(d);
  parts[2][0] = floatToHalf(lo);
}

/// The largest magnitude gets the code `top`, halves go away from 0; q8_0 and
/// the ternary formats.
static void encodeMagnitude(const BlockFormat &format,
                            std::span<const float> values, BlockParts &parts) {
  float d = largestMagnitude(values);
  if (format.codeBits == 8)
    d /= 127.0f;
  float id = inverse(d);
  for (size_t i = 0; i < values.size(); ++i) {
    float v = values[i] * id;
    float a = std::fabs(v);
    float whole = std::floor(a);
    float rounded = whole + std::floor(2.0f * (a - whole));
    uint16_t code = truncated(v < 0.0f ? -rounded : rounded, 8);
    parts[0][i] = static_cast<uint16_t>((code + format.bias) & 0xff);
  }
  parts[1][0] = floatToHalf(d);
}

/// The exponent of the largest magnitude less that of the largest entry, then
/// the nearest entry, the first of equally near ones; mxfp4.
static void encodeExponent(const BlockFormat &format,
                           std::span<const float> values, BlockParts &parts) {
  float amax = largestMagnitude(values);
  uint16_t e = 0;
  if (amax > 0.0f) {
    // The logarithm as an f32: just below a power of two it is that power's.
    float log = static_cast<float>(std::log2(static_cast<double>(amax)));
    e = truncated(std::floor(log) - 2.0f + 127.0f, 8);
  }
  float d = std::ldexp(1.0f, static_cast<int>(e) - 128);
  for (size_t i = 0; i < values.size(); ++i) {
    size_t best = 0;
    float least =
        std::fabs(d * static_cast<float>(format.codebook[0]) - values[i]);
    for (size_t k = 1; k < format.codebook.size(); ++k) {
      float error =
          std::fabs(d * static_cast<float>(format.codebook[k]) - values[i]);
      if (error < least) {
        least = error;
        best = k;
      }
    }
    parts[0][i] = static_cast<uint16_t>(best);
  }
  parts[1][0] = e;
}

bool blocks::encodeAsGguf(const BlockFormat &format,
                          std::span<const float> values, BlockParts &parts) {
  const BlockScale &first = format.scales[0];
  if (format.scales.size() == 1 && first.coding == BlockScaleCoding::HalfE8M0)
    encodeExponent(format, values, parts);
  else if (!format.codebook.empty() || format.scale != 0)
    return false;
  else if (format.offset >= 0)
    encodeRange(format, values, parts);
  else if (format.codeBits == 8 || format.bias == 1)
    encodeMagnitude(format, values, parts);
  else
    encodeSigned(format, values, parts);
  return true;
}

//===-- Tensors ----------------------------------------------------------===//

std::vector<float> blocks::elementWeights(const BlockFormat &format,
                                          std::span<const float> block,
                                          std::span<const float> importance) {
  constexpr unsigned fewBits = 3;
  if (importance.empty())
    return std::vector<float>(block.size(), 1.0f);
  std::vector<float> weights(importance.begin(), importance.end());
  if (format.codeBits > fewBits)
    return weights;
  double squares = 0.0;
  for (float v : block)
    squares += double(v) * v;
  double mean = squares / static_cast<double>(block.size());
  for (size_t i = 0; i < block.size(); ++i)
    weights[i] = static_cast<float>(
        weights[i] * std::sqrt(mean + double(block[i]) * block[i]));
  return weights;
}

std::vector<ComponentData> encodeBlocks(const BlockFormat &format,
                                        std::span<const float> values,
                                        std::span<const int64_t> shape,
                                        size_t axis,
                                        std::span<const float> importance) {
  assert(blockByteSize(format, shape, axis) && "expected whole blocks");
  size_t extent = static_cast<size_t>(shape[axis]);
  assert(importance.empty() || importance.size() == extent);
  size_t inner = 1;
  for (int64_t size : shape.subspan(axis + 1))
    inner *= static_cast<size_t>(size);
  size_t blocks = extent / format.elements;
  std::vector<float> block(format.elements);
  return blocks::makeBlocks(
      format, shape, axis, [&](size_t index, BlockParts &parts) {
        size_t line = index / blocks, first = index % blocks * format.elements;
        size_t from = line / inner * extent * inner + line % inner;
        for (size_t i = 0; i < format.elements; ++i) {
          float v = values[from + (first + i) * inner];
          block[i] = std::isnan(v) ? 0.0f : v;
        }
        if (blocks::encodeAsGguf(format, block, parts))
          return;
        std::span<const float> counts;
        if (!importance.empty())
          counts = importance.subspan(first, format.elements);
        blocks::encodeBySearch(format, block,
                               blocks::elementWeights(format, block, counts),
                               parts);
      });
}

} // namespace qc::numerics
