//===- InputStatistics.cpp - What is known of a layer's inputs ------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "qc/Quantization/InputStatistics.h"
#include "Product.h"

#include <algorithm>
#include <cassert>
#include <cmath>

using namespace qc::quantization;

/// Rows that are multiplied at once.
static constexpr size_t chunkRows = 256;

InputStatistics::InputStatistics(int64_t channels, bool withHessian)
    : numChannels(channels), squares(channels), magnitudes(channels),
      maxima(channels) {
  if (withHessian)
    products = Eigen::MatrixXd::Zero(channels, channels);
}

void InputStatistics::addProducts(std::span<const float> rows,
                                  Eigen::MatrixXd &sum) {
  // Panels keep the f32 products of a piece small.
  constexpr int64_t width = 256;
  int64_t columns = sum.cols();
  auto count = static_cast<int64_t>(rows.size()) / columns;
  std::vector<float> panel;
  for (int64_t at = 0; at < columns; at += width) {
    int64_t across = std::min(width, columns - at), down = columns - at;
    panel.assign(down * across, 0.0f);
    addTransposedProduct(across, down, count, {rows.data() + at, columns},
                         {rows.data() + at, columns}, panel.data(), down);
    for (int64_t c = 0; c < across; ++c)
      for (int64_t r = 0; r < down; ++r)
        sum(at + r, at + c) += panel[c * down + r];
  }
}

void InputStatistics::add(std::span<const float> rows) {
  auto width = static_cast<size_t>(numChannels);
  if (width == 0)
    return;
  assert(rows.size() % width == 0 && "expected whole rows");
  for (; !rows.empty(); rows = rows.subspan(width)) {
    for (size_t c = 0; c < width; ++c) {
      double x = rows[c];
      squares[c] += x * x;
      magnitudes[c] += std::fabs(x);
      maxima[c] = std::max(maxima[c], std::fabs(rows[c]));
    }
    ++count;
    if (products.size() == 0)
      continue;
    pending.insert(pending.end(), rows.begin(),
                   rows.begin() + static_cast<ptrdiff_t>(width));
    if (pending.size() < chunkRows * width)
      continue;
    addProducts(pending, products);
    pending.clear();
  }
}

void InputStatistics::merge(const InputStatistics &other) {
  assert(numChannels == other.numChannels);
  if (products.size() != 0)
    products = hessian();
  pending.clear();
  if (products.size() != 0 && other.products.size() != 0)
    products += other.hessian();
  else
    products.resize(0, 0);
  count += other.count;
  for (size_t c = 0; c < squares.size(); ++c) {
    squares[c] += other.squares[c];
    magnitudes[c] += other.magnitudes[c];
    maxima[c] = std::max(maxima[c], other.maxima[c]);
  }
}

InputStatistics
InputStatistics::dividedBy(std::span<const float> scales) const {
  assert(scales.size() == squares.size());
  InputStatistics result = *this;
  for (size_t c = 0; c < scales.size(); ++c) {
    double s = scales[c];
    result.squares[c] /= s * s;
    result.magnitudes[c] /= s;
    result.maxima[c] /= scales[c];
  }
  if (products.size() == 0)
    return result;
  result.products = hessian();
  result.pending.clear();
  Eigen::VectorXd inverse =
      Eigen::Map<const Eigen::VectorXf>(scales.data(), numChannels)
          .cast<double>()
          .cwiseInverse();
  result.products =
      inverse.asDiagonal() * result.products * inverse.asDiagonal();
  return result;
}

Eigen::MatrixXd InputStatistics::hessian() const {
  if (products.size() == 0)
    return products;
  Eigen::MatrixXd sum = products;
  if (!pending.empty())
    addProducts(pending, sum);
  sum.triangularView<Eigen::StrictlyUpper>() =
      sum.transpose().triangularView<Eigen::StrictlyUpper>();
  return sum;
}

static std::vector<float> means(std::span<const double> sums, uint64_t count) {
  std::vector<float> result;
  for (double sum : sums)
    result.push_back(
        count ? static_cast<float>(sum / static_cast<double>(count)) : 0.0f);
  return result;
}

std::vector<float> InputStatistics::meanSquares() const {
  return means(squares, count);
}

std::vector<float> InputStatistics::meanMagnitudes() const {
  return means(magnitudes, count);
}
