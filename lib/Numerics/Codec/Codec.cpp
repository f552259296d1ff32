// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the codecs share.

#include "Codec.h"

#include <algorithm>

namespace qc::numerics {

std::vector<int64_t> MatrixShape::tensor() const {
  auto r = static_cast<int64_t>(rows), c = static_cast<int64_t>(columns);
  return transposed ? std::vector{c, r} : std::vector{r, c};
}

static size_t groupsOf(size_t extent, size_t group) {
  return (extent + group - 1) / group;
}

GroupCodec::GroupCodec(const MatrixShape &shape, size_t groupRows,
                       size_t groupColumns)
    : matrix(shape), codes(shape.rows * shape.columns), rowsOfGroup(groupRows),
      columnsOfGroup(groupColumns), numBands(groupsOf(shape.rows, groupRows)),
      numGroups(groupsOf(shape.columns, groupColumns)) {}

void GroupCodec::encodeGroup(size_t band, size_t group,
                             std::span<const float> values) {
  size_t row = band * rowsOfGroup, column = group * columnsOfGroup;
  size_t width = std::min(columnsOfGroup, matrix.columns - column);
  for (size_t i = 0; i < values.size(); ++i)
    encode(row + i / width, column + i % width, values[i]);
}

namespace codec {

static size_t sizeOf(int64_t group, size_t extent) {
  size_t whole = std::max<size_t>(extent, 1);
  return group <= 0 ? whole : std::min(static_cast<size_t>(group), whole);
}

GroupSize::GroupSize(std::span<const int64_t> group, const MatrixShape &shape)
    : rows(std::max<size_t>(shape.rows, 1)),
      columns(std::max<size_t>(shape.columns, 1)) {
  if (group.empty())
    return;
  rows = sizeOf(group[shape.transposed ? 1 : 0], shape.rows);
  columns = sizeOf(group[shape.transposed ? 0 : 1], shape.columns);
}

Range rangeOf(std::span<const float> values) {
  Range range;
  for (float v : values) {
    range.lo = v < range.lo ? v : range.lo;
    range.hi = v > range.hi ? v : range.hi;
  }
  return range;
}

std::vector<float> spreadWeights(std::span<const float> weights, size_t count) {
  std::vector<float> result;
  while (!weights.empty() && result.size() < count)
    result.insert(result.end(), weights.begin(), weights.end());
  return result;
}

} // namespace codec

static std::string verifyGroup(std::span<const int64_t> group) {
  if (group.empty() || group.size() == 2)
    return "";
  return "found groups of " + std::to_string(group.size()) +
         " axes, expected 2";
}

std::string verifyGroupFormat(const GroupFormat &format,
                              const MatrixShape &shape) {
  if (const auto *affine = std::get_if<AffineFormat>(&format))
    return verifyGroup(affine->group);
  if (const auto *codebook = std::get_if<CodebookFormat>(&format))
    return verifyGroup(codebook->group);
  if (const auto *minifloat = std::get_if<MinifloatFormat>(&format))
    return verifyGroup(minifloat->group);
  const BlockFormat &block = *std::get<const BlockFormat *>(format);
  if (shape.columns % block.elements == 0)
    return "";
  return "found rows of " + std::to_string(shape.columns) +
         ", expected whole blocks of " + std::to_string(block.elements) +
         " for " + std::string(block.name);
}

std::unique_ptr<GroupCodec> makeGroupCodec(const GroupFormat &format,
                                           const MatrixShape &shape) {
  if (const auto *affine = std::get_if<AffineFormat>(&format))
    return codec::makeAffine(*affine, shape);
  if (const auto *codebook = std::get_if<CodebookFormat>(&format))
    return codec::makeCodebook(*codebook, shape);
  if (const auto *minifloat = std::get_if<MinifloatFormat>(&format))
    return codec::makeMinifloat(*minifloat, shape);
  return codec::makeBlocks(*std::get<const BlockFormat *>(format), shape);
}

} // namespace qc::numerics
