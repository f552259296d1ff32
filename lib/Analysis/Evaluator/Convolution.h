//===- Convolution.h - Sums of 2-D convolutions -----------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One convolution of one image, whatever the op and the layout: the sums in
// double, to which the op adds what comes before (an init) or after (an
// epilogue).
//
//===----------------------------------------------------------------------===//

#ifndef QC_LIB_ANALYSIS_EVALUATOR_CONVOLUTION_H
#define QC_LIB_ANALYSIS_EVALUATOR_CONVOLUTION_H

#include "Interpreter.h"

namespace qc::evaluator {

/// Order of the axes of an image: [C, H, W] or [H, W, C].
enum class Layout { ChannelsFirst, ChannelsLast };

/// Filters are [F, C / groups, KH, KW] channels first, [KH, KW, C / groups, F]
/// channels last; channel f of group g is g * F / groups + f.
struct ConvShape {
  Layout layout = Layout::ChannelsLast;
  int64_t batch = 0, channels = 0, height = 0, width = 0;
  int64_t filters = 0, kernelH = 0, kernelW = 0, groups = 1;
  int64_t outH = 0, outW = 0;
  int64_t strideH = 1, strideW = 1, dilationH = 1, dilationW = 1;
  int64_t padTop = 0, padLeft = 0;

  int64_t pixels() const { return outH * outW; }
  int64_t imageSize() const { return channels * height * width; }
  int64_t outSize() const { return filters * pixels(); }
};

/// Adds the sums of one image to `sums` ([F, OH, OW] or [OH, OW, F]). Pixels
/// outside of the image are 0.
void convolve(const ConvShape &shape, const float *image, const float *filter,
              double *sums);

/// The size of an axis of the result, from that of the padded input; 0 where
/// the window does not fit.
int64_t convOutSize(int64_t padded, int64_t kernel, int64_t stride,
                    int64_t dilation);

} // namespace qc::evaluator

#endif // QC_LIB_ANALYSIS_EVALUATOR_CONVOLUTION_H
