//===- QuantizeWeights.h - Encodings of weights -----------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QC_LIB_TRANSFORMS_QUANTIZEWEIGHTS_H
#define QC_LIB_TRANSFORMS_QUANTIZEWEIGHTS_H

#include "mlir/IR/BuiltinTypes.h"
#include "qc/Analysis/QuantizationSites.h"
#include "qc/Quantization/Precision.h"
#include "qc/Quantization/Statistics.h"

namespace mlir::qc {

/// The encoding that `precision` means for a weight with its output channels
/// on `channels` and its sums along `inputAxis` (-1: there is none), in a
/// convolution also along the axes before it. Null where the format has none
/// that suits.
Attribute getWeightEncoding(RankedTensorType type,
                            const ::qc::quantization::Precision &precision,
                            ArrayRef<int64_t> channels, int64_t inputAxis,
                            bool isConvolution);

/// The value whose means by channel are those of `input`, which padding with
/// zeros and reshapes of other axes keep.
Value getMeanSource(Value input);

/// Takes the mean of what quantizing the weight adds to each channel, E[x] *
/// (dequantized - original), out of the bias.
void correctBias(const QuantizableLayer &layer,
                 const ::qc::quantization::TensorStatistics &input);

/// Rounds the bias of a layer to multiples of the scale of its integer sum,
/// input_scale * weight scale, as the integer op will.
void roundBias(const QuantizableLayer &layer, FloatAttr inputScale);

} // namespace mlir::qc

#endif // QC_LIB_TRANSFORMS_QUANTIZEWEIGHTS_H
