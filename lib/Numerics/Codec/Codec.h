// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One class for each kind of format; private to Numerics.

#ifndef QC_LIB_NUMERICS_CODEC_CODEC_H
#define QC_LIB_NUMERICS_CODEC_CODEC_H

#include "../EncodeParts.h"

#include "qc/Numerics/GroupCodec.h"

namespace qc::numerics::codec {

/// Rows and columns of the matrix that share a scale, where `group` is that of
/// the encoded tensor; an empty one is the whole tensor.
struct GroupSize {
  GroupSize(std::span<const int64_t> group, const MatrixShape &shape);
  size_t rows, columns;
};

/// Extremes of the values of one group, 0 included; NaN does not count.
Range rangeOf(std::span<const float> values);

/// A weight for each value of a group from those of its columns; empty if they
/// are.
std::vector<float> spreadWeights(std::span<const float> weights, size_t count);

std::unique_ptr<GroupCodec> makeAffine(const AffineFormat &format,
                                       const MatrixShape &shape);
std::unique_ptr<GroupCodec> makeCodebook(const CodebookFormat &format,
                                         const MatrixShape &shape);
std::unique_ptr<GroupCodec> makeMinifloat(const MinifloatFormat &format,
                                          const MatrixShape &shape);
std::unique_ptr<GroupCodec> makeBlocks(const BlockFormat &format,
                                       const MatrixShape &shape);

} // namespace qc::numerics::codec

#endif // QC_LIB_NUMERICS_CODEC_CODEC_H
