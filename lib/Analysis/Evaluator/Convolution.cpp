//===- Convolution.cpp - Sums of 2-D convolutions -------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A group of several channels becomes one matrix product over the windows; one
// filter per channel (depthwise) has direct loops.
//
//===----------------------------------------------------------------------===//

#include "Convolution.h"
#include "Gemm.h"

#include <algorithm>
#include <cstring>

using namespace qc;
using namespace qc::evaluator;

int64_t evaluator::convOutSize(int64_t padded, int64_t kernel, int64_t stride,
                               int64_t dilation) {
  int64_t window = (kernel - 1) * dilation + 1;
  return padded < window ? 0 : (padded - window) / stride + 1;
}

/// The output columns [first, last) whose tap `kw` lies inside the image.
static std::pair<int64_t, int64_t> columnsInside(const ConvShape &s,
                                                 int64_t kw) {
  int64_t shift = kw * s.dilationW - s.padLeft;
  int64_t first = shift >= 0 ? 0 : (-shift + s.strideW - 1) / s.strideW;
  int64_t room = s.width - 1 - shift;
  int64_t last = room < 0 ? 0 : room / s.strideW + 1;
  first = std::min(first, s.outW);
  return {first, std::clamp(last, first, s.outW)};
}

/// The row of the image that tap `kh` of output row `row` reads; -1 outside.
static int64_t rowInside(const ConvShape &s, int64_t row, int64_t kh) {
  int64_t y = row * s.strideH - s.padTop + kh * s.dilationH;
  return y < 0 || y >= s.height ? -1 : y;
}

//===----------------------------------------------------------------------===//
// Windows as a matrix
//===----------------------------------------------------------------------===//

/// [C / groups * KH * KW][pixels] of the channels of one group.
static void windowsFirst(const ConvShape &s, const float *image,
                         int64_t channels, float *to) {
  for (int64_t c = 0; c < channels; ++c)
    for (int64_t kh = 0; kh < s.kernelH; ++kh)
      for (int64_t kw = 0; kw < s.kernelW; ++kw) {
        auto [first, last] = columnsInside(s, kw);
        for (int64_t row = 0; row < s.outH; ++row, to += s.outW) {
          int64_t y = rowInside(s, row, kh);
          std::fill(to, to + s.outW, 0.0f);
          if (y < 0)
            continue;
          const float *from = image + (c * s.height + y) * s.width - s.padLeft +
                              kw * s.dilationW;
          for (int64_t column = first; column < last; ++column)
            to[column] = from[column * s.strideW];
        }
      }
}

/// [pixels][KH * KW * C / groups]; `image` starts at the group's channels.
static void windowsLast(const ConvShape &s, const float *image,
                        int64_t channels, float *to) {
  for (int64_t row = 0; row < s.outH; ++row)
    for (int64_t column = 0; column < s.outW; ++column)
      for (int64_t kh = 0; kh < s.kernelH; ++kh) {
        int64_t y = rowInside(s, row, kh);
        for (int64_t kw = 0; kw < s.kernelW; ++kw, to += channels) {
          int64_t x = column * s.strideW - s.padLeft + kw * s.dilationW;
          if (y < 0 || x < 0 || x >= s.width)
            std::fill(to, to + channels, 0.0f);
          else
            std::memcpy(to, image + (y * s.width + x) * s.channels,
                        channels * sizeof(float));
        }
      }
}

/// 1x1 with stride 1: the image is its own matrix of windows.
static bool isPointwise(const ConvShape &s) {
  return s.kernelH == 1 && s.kernelW == 1 && s.strideH == 1 && s.strideW == 1 &&
         s.padTop == 0 && s.padLeft == 0 && s.outH == s.height &&
         s.outW == s.width;
}

static void convolveGroupsFirst(const ConvShape &s, const float *image,
                                const float *filter, double *sums) {
  int64_t channels = s.channels / s.groups, filters = s.filters / s.groups;
  int64_t k = channels * s.kernelH * s.kernelW, pixels = s.pixels();
  std::vector<float> windows(isPointwise(s) ? 0 : k * pixels);
  for (int64_t g = 0; g < s.groups; ++g) {
    const float *from = image + g * channels * s.height * s.width;
    if (!windows.empty()) {
      windowsFirst(s, from, channels, windows.data());
      from = windows.data();
    }
    gemm(filters, pixels, k, filter + g * filters * k, k, from, pixels,
         sums + g * filters * pixels);
  }
}

static void convolveGroupsLast(const ConvShape &s, const float *image,
                               const float *filter, double *sums) {
  int64_t channels = s.channels / s.groups, filters = s.filters / s.groups;
  int64_t k = channels * s.kernelH * s.kernelW, pixels = s.pixels();
  bool direct = isPointwise(s) && s.groups == 1;
  std::vector<float> windows(direct ? 0 : k * pixels);
  std::vector<double> part(s.groups == 1 ? 0 : pixels * filters);
  for (int64_t g = 0; g < s.groups; ++g) {
    const float *from = image + g * channels;
    if (!direct) {
      windowsLast(s, from, channels, windows.data());
      from = windows.data();
    }
    if (s.groups == 1) {
      gemm(pixels, filters, k, from, k, filter, s.filters, sums);
      continue;
    }
    for (int64_t p = 0; p < pixels; ++p)
      std::copy_n(sums + p * s.filters + g * filters, filters,
                  part.data() + p * filters);
    gemm(pixels, filters, k, from, k, filter + g * filters, s.filters,
         part.data());
    for (int64_t p = 0; p < pixels; ++p)
      std::copy_n(part.data() + p * filters, filters,
                  sums + p * s.filters + g * filters);
  }
}

//===----------------------------------------------------------------------===//
// One channel a group
//===----------------------------------------------------------------------===//

QC_WIDE_LOOP static void addProducts(double *sums, const float *x,
                                     int64_t stride, double weight,
                                     int64_t count) {
  if (stride == 1)
    for (int64_t i = 0; i < count; ++i)
      sums[i] += static_cast<double>(x[i]) * weight;
  else
    for (int64_t i = 0; i < count; ++i)
      sums[i] += static_cast<double>(x[i * stride]) * weight;
}

static void depthwiseFirst(const ConvShape &s, const float *image,
                           const float *filter, double *sums) {
  int64_t multiplier = s.filters / s.groups;
  for (int64_t f = 0; f < s.filters; ++f, sums += s.pixels()) {
    const float *channel = image + f / multiplier * s.height * s.width;
    for (int64_t kh = 0; kh < s.kernelH; ++kh)
      for (int64_t kw = 0; kw < s.kernelW; ++kw) {
        double weight = *filter++;
        auto [first, last] = columnsInside(s, kw);
        for (int64_t row = 0; row < s.outH; ++row) {
          int64_t y = rowInside(s, row, kh);
          if (y < 0)
            continue;
          const float *x = channel + y * s.width + first * s.strideW -
                           s.padLeft + kw * s.dilationW;
          addProducts(sums + row * s.outW + first, x, s.strideW, weight,
                      last - first);
        }
      }
  }
}

QC_WIDE_LOOP static void addTap(double *sums, const float *x, const float *w,
                                int64_t count) {
  for (int64_t i = 0; i < count; ++i)
    sums[i] += static_cast<double>(x[i]) * w[i];
}

static void depthwiseLast(const ConvShape &s, const float *image,
                          const float *filter, double *sums) {
  int64_t multiplier = s.filters / s.groups;
  for (int64_t row = 0; row < s.outH; ++row)
    for (int64_t column = 0; column < s.outW; ++column, sums += s.filters)
      for (int64_t tap = 0; tap < s.kernelH * s.kernelW; ++tap) {
        int64_t y = rowInside(s, row, tap / s.kernelW);
        int64_t x =
            column * s.strideW - s.padLeft + tap % s.kernelW * s.dilationW;
        if (y < 0 || x < 0 || x >= s.width)
          continue;
        const float *pixel = image + (y * s.width + x) * s.channels;
        const float *weights = filter + tap * s.filters;
        if (multiplier == 1)
          addTap(sums, pixel, weights, s.filters);
        else
          for (int64_t f = 0; f < s.filters; ++f)
            sums[f] += static_cast<double>(pixel[f / multiplier]) * weights[f];
      }
}

void evaluator::convolve(const ConvShape &s, const float *image,
                         const float *filter, double *sums) {
  bool isFirst = s.layout == Layout::ChannelsFirst;
  if (s.groups == s.channels && s.groups > 1)
    return (isFirst ? depthwiseFirst : depthwiseLast)(s, image, filter, sums);
  (isFirst ? convolveGroupsFirst : convolveGroupsLast)(s, image, filter, sums);
}
