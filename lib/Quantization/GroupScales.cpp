//===- GroupScales.cpp - Scales of the groups of a matrix -----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "MatrixParts.h"

#include <algorithm>
#include <limits>

using namespace qc;
using namespace qc::quantization;
using Eigen::Index;

Index GroupScales::begin(size_t group) const {
  return static_cast<Index>(group * codec.groupColumns());
}

Index GroupScales::width(size_t group) const {
  size_t first = group * codec.groupColumns();
  return static_cast<Index>(
      std::min(codec.groupColumns(), codec.shape().columns - first));
}

std::vector<float> GroupScales::gather(const RowMatrix &matrix, size_t band,
                                       size_t group) const {
  auto first = static_cast<Index>(band * codec.groupRows());
  Index last =
      std::min(first + static_cast<Index>(codec.groupRows()), matrix.rows());
  std::vector<float> values;
  for (Index r = first; r < last; ++r) {
    const float *row = &matrix(r, begin(group));
    values.insert(values.end(), row, row + width(group));
  }
  return values;
}

void GroupScales::choose(size_t band, size_t group,
                         std::span<const float> values) const {
  numerics::ScaleChoice choice;
  if (rule != ScaleRule::Range)
    choice.clip = numerics::ClipMode::Mse;
  if (rule > ScaleRule::Mse && !importance.empty())
    choice.weights = importance.subspan(begin(group), width(group));
  codec.chooseScales(band, group, values, choice);
}

bool GroupScales::canTryCandidates() const {
  constexpr size_t maxColumns = 256;
  return codec.candidates() > 1 && codec.groupColumns() <= maxColumns;
}

void GroupScales::chooseForOutput(const RowMatrix &matrix, size_t group,
                                  const Eigen::MatrixXf &hessian) const {
  size_t bands = codec.bands(), bandRows = codec.groupRows();
  std::vector<std::vector<float>> values;
  for (size_t band = 0; band < bands; ++band)
    values.push_back(gather(matrix, band, group));
  std::vector<unsigned> best(bands, 0);
  std::vector<double> least(bands, std::numeric_limits<double>::infinity());
  RowMatrix error(matrix.rows(), width(group));
  auto take = [&](size_t band, unsigned candidate) {
    numerics::ScaleChoice choice;
    choice.candidate = candidate;
    codec.chooseScales(band, group, values[band], choice);
  };
  for (unsigned candidate = 0; candidate < codec.candidates(); ++candidate) {
    for (size_t band = 0; band < bands; ++band)
      take(band, candidate);
    for (Index r = 0; r < error.rows(); ++r)
      for (Index c = 0; c < error.cols(); ++c) {
        float w = matrix(r, begin(group) + c);
        error(r, c) =
            w - codec.encode(static_cast<size_t>(r),
                             static_cast<size_t>(begin(group) + c), w);
      }
    Eigen::VectorXf errors =
        (error * hessian).cwiseProduct(error).rowwise().sum();
    for (size_t band = 0; band < bands; ++band) {
      double sum = 0;
      for (size_t k = 0; k < values[band].size() / error.cols(); ++k)
        sum += errors(static_cast<Index>(band * bandRows + k));
      if (sum < least[band]) {
        least[band] = sum;
        best[band] = candidate;
      }
    }
  }
  for (size_t band = 0; band < bands; ++band)
    take(band, best[band]);
}

void GroupScales::chooseAll(const RowMatrix &matrix,
                            const Eigen::MatrixXd &hessian) const {
  bool forOutput = rule == ScaleRule::Output && canTryCandidates() &&
                   !codec.needsAllScales();
  for (size_t group = 0; group < codec.groups(); ++group) {
    if (forOutput) {
      chooseForOutput(
          matrix, group,
          hessian.block(begin(group), begin(group), width(group), width(group))
              .cast<float>());
      continue;
    }
    for (size_t band = 0; band < codec.bands(); ++band)
      choose(band, group, gather(matrix, band, group));
  }
  codec.finishScales();
}
