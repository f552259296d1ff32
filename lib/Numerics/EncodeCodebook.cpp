// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Codes that pick values from a table, scaled by group; scales may be codes
// themselves.

#include "CodebookChoice.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>

namespace qc::numerics {

static constexpr float nf4Values[16] = {-1.0f,
                                        -0.6961928009986877f,
                                        -0.5250730514526367f,
                                        -0.39491748809814453f,
                                        -0.28444138169288635f,
                                        -0.18477343022823334f,
                                        -0.09105003625154495f,
                                        0.0f,
                                        0.07958029955625534f,
                                        0.16093020141124725f,
                                        0.24611230194568634f,
                                        0.33791524171829224f,
                                        0.44070982933044434f,
                                        0.5626170039176941f,
                                        0.7229568362236023f,
                                        1.0f};
static constexpr float fp4Values[16] = {
    0.0f / 12,  0.0625f / 12,  8.0f / 12,  12.0f / 12,
    4.0f / 12,  6.0f / 12,     2.0f / 12,  3.0f / 12,
    -0.0f / 12, -0.0625f / 12, -8.0f / 12, -12.0f / 12,
    -4.0f / 12, -6.0f / 12,    -2.0f / 12, -3.0f / 12};
static constexpr float ternaryValues[3] = {-1.0f, 0.0f, 1.0f};
static constexpr float binaryValues[2] = {-1.0f, 1.0f};

std::span<const NamedCodebook> namedCodebooks() {
  static constexpr NamedCodebook named[] = {{"nf4", nf4Values},
                                            {"fp4", fp4Values},
                                            {"ternary", ternaryValues},
                                            {"binary", binaryValues}};
  return named;
}

/// The values of the package, bit for bit: its steps are those of f32 numbers
/// that torch.linspace counts up to the middle and down from the end, each with
/// one rounding.
std::vector<float> dynamicCodebook() {
  std::vector<float> values{0.0f, 1.0f};
  constexpr int powers = 7;
  constexpr float first = 0.1f, last = 1.0f;
  for (int k = 0; k < powers; ++k) {
    // 2^k steps of [0.1, 1], each with its middle.
    int steps = 1 << k;
    double step = (last - first) / static_cast<float>(steps);
    auto bound = [&](int i) {
      return static_cast<float>(
          i < (steps + 1) / 2 ? first + step * i : last - step * (steps - i));
    };
    float power = static_cast<float>(std::pow(10.0, k - powers + 1));
    for (int i = 0; i < steps; ++i) {
      float middle = (bound(i) + bound(i + 1)) / 2;
      values.push_back(power * middle);
      values.push_back(-power * middle);
    }
  }
  std::sort(values.begin(), values.end());
  return values;
}

static bool areBytes(std::span<const float> codebook) {
  return std::all_of(codebook.begin(), codebook.end(), [](float v) {
    return v >= -128.0f && v <= 127.0f && v == std::floor(v) &&
           !(v == 0.0f && std::signbit(v));
  });
}

static void setCodebook(DecodeSpec &spec, const std::vector<float> &codebook) {
  Program p;
  Value code = p.input(Kind::I32);
  if (areBytes(codebook)) {
    p.output(
        p.table(std::vector<int32_t>(codebook.begin(), codebook.end()), code));
    spec.codeToInt = std::move(p);
  } else {
    p.output(p.table(codebook, code));
    spec.codeToFloat = std::move(p);
  }
}

/// The groups of the scales of scales: `nested` times as many elements along
/// the innermost axis that is cut.
static std::vector<int64_t> nestedGroup(const CodebookFormat &format) {
  std::vector<int64_t> group = format.group;
  auto cut = std::find_if(group.rbegin(), group.rend(),
                          [](int64_t size) { return size > 1; });
  if (cut != group.rend() && __builtin_mul_overflow(*cut, format.nested, &*cut))
    *cut = 0;
  return group;
}

DecodeSpec codebookSpec(const CodebookFormat &format) {
  assert(format.bits >= 1 && format.bits <= 8 && !format.codebook.empty() &&
         format.codebook.size() <= size_t(1) << format.bits);
  DecodeSpec spec;
  spec.codeBits = format.bits;
  setCodebook(spec, format.codebook);
  ScaleComponent scale;
  scale.name = scalesName;
  scale.kind = format.scaleKind;
  scale.group = format.group;
  if (format.nested) {
    spec.scales.push_back({.name = "scale_mean"});
    spec.scales.push_back(
        {.name = "scale_scale", .group = nestedGroup(format)});
    scale.kind = ElementKind::U8;
    scale.addend = 0;
    scale.parent = 1;
    Program p;
    p.output(p.table(dynamicCodebook(), p.input(Kind::I32)));
    scale.toFloat = std::move(p);
  }
  spec.scales.push_back(std::move(scale));
  spec.scale = static_cast<unsigned>(spec.scales.size() - 1);
  return spec;
}

/// Index of the entry nearest to `v`; the lowest of equally near ones.
static uint8_t nearestEntry(std::span<const float> codebook, float v) {
  v = std::isnan(v) ? 0.0f : v;
  size_t best = 0;
  for (size_t k = 1; k < codebook.size(); ++k)
    if (std::fabs(codebook[k] - v) < std::fabs(codebook[best] - v))
      best = k;
  return static_cast<uint8_t>(best);
}

static float reachOf(std::span<const float> codebook) {
  float reach = 0.0f;
  for (float entry : codebook)
    reach = std::max(reach, std::fabs(entry));
  assert(reach > 0.0f && reach <= std::numeric_limits<float>::max() &&
         "codebook without a scale");
  return reach;
}

CodebookChoice::CodebookChoice(const CodebookFormat &format)
    : codebook(format.codebook), levels(codebook), reach(reachOf(codebook)) {}

float CodebookChoice::meet(Range range) const {
  constexpr float largest = std::numeric_limits<float>::max();
  float bound = std::min(std::max(-range.lo, range.hi), largest);
  return bound > 0.0f ? bound / reach : 1.0f;
}

float CodebookChoice::search(std::span<const float> values,
                             std::span<const float> weights,
                             Range range) const {
  float largest = meet(range);
  std::vector<float> members, counts(weights.begin(), weights.end());
  for (float value : values) {
    float v = std::clamp(value / (largest * reach), -1.0f, 1.0f);
    members.push_back(std::isnan(v) ? 0.0f : v);
  }
  if (counts.empty())
    counts.assign(members.size(), 1.0f);
  blocks::Part part(levels, members, counts);
  float scale = part.fit(/*hasOffset=*/false, /*positive=*/true).scale;
  return scale > 0.0f ? largest * (scale * reach) : largest;
}

uint8_t CodebookChoice::encode(float value, float scale) const {
  float v = scale != 0.0f ? value / scale : 0.0f;
  return nearestEntry(codebook, std::clamp(v, -reach, reach));
}

/// Stores the scales and gives them the values that they decode to.
static void storeNested(const CodebookFormat &format,
                        std::span<const int64_t> shape,
                        std::vector<float> &scales,
                        std::vector<ComponentData> &data) {
  double sum = 0;
  for (float scale : scales)
    sum += scale;
  float mean =
      scales.empty()
          ? 0.0f
          : static_cast<float>(sum / static_cast<double>(scales.size()));
  // The scales as a tensor of their own, whose groups are `nested` of them.
  std::vector<int64_t> groups = groupShape(shape, format.group);
  std::vector<int64_t> nested = nestedGroup(format);
  for (size_t k = 0; k < nested.size(); ++k)
    if (nested[k] > 0 && format.group[k] > 0)
      nested[k] /= format.group[k];
  Rows rows(groups);
  GroupMap map(groups, nested);
  for (float &scale : scales)
    scale -= mean;
  CodebookChoice unit({.codebook = {-1.0f, 1.0f}});
  std::vector<float> outer;
  for (Range range : groupRanges(scales, rows, map))
    outer.push_back(unit.meet(range));
  std::vector<float> table = dynamicCodebook();
  std::vector<uint8_t> codes(scales.size());
  forEachElement(rows, map, [&](size_t i, size_t g) {
    codes[i] = nearestEntry(table, scales[i] / outer[g]);
    scales[i] = table[codes[i]] * outer[g] + mean;
  });
  storeScales({&mean, 1}, data[1]);
  storeScales(outer, data[2]);
  storeCodes(codes, data[3]);
}

void storeCodebookScales(const CodebookFormat &format,
                         std::span<const int64_t> shape,
                         std::vector<float> &scales,
                         std::vector<ComponentData> &data) {
  if (format.nested)
    return storeNested(format, shape, scales, data);
  for (float &scale : scales)
    scale = roundScale(scale, format.scaleKind);
  storeScales(scales, data.back());
}

Encoded encodeCodebook(std::span<const float> values,
                       std::span<const int64_t> shape,
                       const CodebookFormat &format, ClipMode clip) {
  Encoded result{codebookSpec(format), {}};
  result.data = allocate(result.spec, shape);
  Rows rows(shape);
  GroupMap map(shape, format.group);
  assert(values.size() == rows.count * rows.columns);
  CodebookChoice choose(format);
  std::vector<Range> ranges = groupRanges(values, rows, map);
  std::vector<float> scales;
  if (clip == ClipMode::Mse) {
    std::vector<std::vector<float>> members = groupMembers(values, rows, map);
    for (size_t g = 0; g < ranges.size(); ++g)
      scales.push_back(choose.search(members[g], {}, ranges[g]));
  } else {
    for (Range range : ranges)
      scales.push_back(choose.meet(range));
  }
  storeCodebookScales(format, shape, scales, result.data);
  std::vector<uint8_t> codes(values.size());
  forEachElement(rows, map, [&](size_t i, size_t g) {
    codes[i] = choose.encode(values[i], scales[g]);
  });
  storeCodes(codes, result.data.front());
  return result;
}

} // namespace qc::numerics
