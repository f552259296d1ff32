//===- LayerRows.cpp - What a layer sums over, row by row -----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LayerRows.h"

#include "qc/Analysis/LinalgViews.h"
#include "qc/Quantization/InputStatistics.h"

#include <algorithm>

using namespace mlir;
using mlir::qc::ConvView;

namespace qc {

/// Rows that are enough: their products take most of the time.
static constexpr int64_t mostRows = 32768;

std::optional<RowLayer> RowLayer::match(Operation *op) {
  RowLayer layer;
  auto weight = dyn_cast<RankedTensorType>(op->getOperand(1).getType());
  if (std::optional<ConvView> conv = ConvView::match(op)) {
    if (conv->kind != ConvView::Kind::Full ||
        conv->layout != mlir::qc::ImageLayout::ChannelsLast)
      return std::nullopt;
    layer.isConvolution = true;
    layer.height = weight.getDimSize(0), layer.width = weight.getDimSize(1);
    std::copy_n(conv->strides.begin(), 2, layer.strides);
    std::copy_n(conv->dilations.begin(), 2, layer.dilations);
  } else if (!mlir::qc::MatMulView::match(op) || weight.getRank() != 2 ||
             !weight.hasStaticShape()) {
    return std::nullopt;
  }
  layer.numOutputs = weight.getShape().back();
  layer.channels = weight.getDimSize(weight.getRank() - 2);
  layer.numInputs = layer.height * layer.width * layer.channels;
  return layer;
}

/// Places of a filter along an axis.
static int64_t placesOf(int64_t size, int64_t filter, int64_t stride,
                        int64_t dilation) {
  return (size - dilation * (filter - 1) - 1) / stride + 1;
}

int64_t RowLayer::rowsOf(const HostTensor &input) const {
  if (!isConvolution)
    return input.size() / std::max<int64_t>(numInputs, 1);
  return input.dim(0) *
         placesOf(input.dim(1), height, strides[0], dilations[0]) *
         placesOf(input.dim(2), width, strides[1], dilations[1]);
}

void RowLayer::copyRow(const HostTensor &input, int64_t row, float *to) const {
  const float *from = input.as<float>().data();
  if (!isConvolution) {
    std::copy_n(from + row * numInputs, numInputs, to);
    return;
  }
  int64_t across = placesOf(input.dim(2), width, strides[1], dilations[1]);
  int64_t down = placesOf(input.dim(1), height, strides[0], dilations[0]);
  int64_t x = row % across * strides[1];
  int64_t y = row / across % down * strides[0];
  int64_t image = row / across / down;
  for (int64_t i = 0; i < height; ++i)
    for (int64_t j = 0; j < width; ++j) {
      int64_t at =
          (image * input.dim(1) + y + i * dilations[0]) * input.dim(2) + x +
          j * dilations[1];
      to = std::copy_n(from + at * channels, channels, to);
    }
}

Eigen::MatrixXd RowLayer::moments(llvm::ArrayRef<HostTensor> inputs,
                                  llvm::ArrayRef<HostTensor> targets,
                                  llvm::ArrayRef<HostTensor> residuals,
                                  llvm::ArrayRef<int64_t> kept) const {
  int64_t total = 0, number = 0;
  for (const HostTensor &input : inputs)
    total += rowsOf(input);
  // An odd step meets all columns of an image whose width is even.
  int64_t step = (total + mostRows - 1) / mostRows | 1;
  int64_t width = numInputs + 1 + static_cast<int64_t>(kept.size());
  quantization::InputStatistics sums(width);
  std::vector<float> row(width);
  for (size_t sample = 0; sample < inputs.size(); ++sample) {
    int64_t rows = rowsOf(inputs[sample]);
    for (int64_t r = 0; r < rows; ++r) {
      if (number++ % step)
        continue;
      copyRow(inputs[sample], r, row.data());
      row[numInputs] = 1;
      for (size_t n = 0; n < kept.size(); ++n) {
        llvm::ArrayRef<float> target = targets[sample].as<float>();
        auto outputs = static_cast<int64_t>(target.size()) / rows;
        float value = target[r * outputs + kept[n]];
        if (!residuals.empty())
          value -= residuals[sample].as<float>()[r * numOutputs + n];
        row[numInputs + 1 + n] = value;
      }
      sums.add(row);
    }
  }
  return sums.hessian();
}

} // namespace qc
