//===- Divergence.cpp - How far predictions are apart ---------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Divergence.h"

#include "qc/Execution/Perplexity.h"

#include <cmath>

namespace qc::search {

ReferenceRows::ReferenceRows(HostTensor given) : logits(std::move(given)) {
  int64_t columns = logits.dim(1);
  llvm::ArrayRef<float> values = logits.as<float>();
  probabilities.reserve(values.size());
  for (int64_t row = 0; row < rows(); ++row) {
    llvm::ArrayRef<float> line = values.slice(row * columns, columns);
    sums.push_back(logSumExp(line));
    for (float value : line)
      probabilities.push_back(
          static_cast<float>(std::exp(static_cast<double>(value) - sums[row])));
  }
}

/// KL of one row. The rounding of the probabilities is made up for by their
/// sum, so that equal rows give 0.
static double rowDivergence(llvm::ArrayRef<float> reference,
                            llvm::ArrayRef<float> other, const float *p,
                            double referenceSum) {
  double difference = 0, total = 0;
  for (size_t i = 0; i < reference.size(); ++i) {
    double weight = static_cast<double>(p[i]);
    difference += weight * (static_cast<double>(reference[i]) -
                            static_cast<double>(other[i]));
    total += weight;
  }
  return difference / total + logSumExp(other) - referenceSum;
}

double ReferenceRows::divergenceOf(const HostTensor &other) const {
  int64_t columns = logits.dim(1);
  double sum = 0;
  for (int64_t row = 0; row < rows(); ++row)
    sum += rowDivergence(logits.as<float>().slice(row * columns, columns),
                         other.as<float>().slice(row * columns, columns),
                         &probabilities[row * columns], sums[row]);
  return std::max(0.0, sum);
}

double ReferenceRows::cosinesOf(const HostTensor &other) const {
  int64_t columns = logits.dim(1);
  double sum = 0;
  for (int64_t row = 0; row < rows(); ++row) {
    double product = 0, mine = 0, others = 0;
    for (auto [x, y] :
         llvm::zip_equal(logits.as<float>().slice(row * columns, columns),
                         other.as<float>().slice(row * columns, columns))) {
      double a = static_cast<double>(x), b = static_cast<double>(y);
      product += a * b;
      mine += a * a;
      others += b * b;
    }
    double lengths = std::sqrt(mine * others);
    sum += lengths > 0 ? product / lengths : 1;
  }
  return sum;
}

HostTensor selectRows(const HostTensor &matrix, llvm::ArrayRef<int32_t> rows) {
  int64_t columns = matrix.dim(1);
  HostTensor result = HostTensor::uninitialized(
      DType::F32, {static_cast<int64_t>(rows.size()), columns});
  float *to = result.mutableData<float>().data();
  llvm::ArrayRef<float> from = matrix.as<float>();
  for (int32_t row : rows)
    to = std::copy_n(from.begin() + row * columns, columns, to);
  return result;
}

HostTensor joinRows(llvm::ArrayRef<HostTensor> matrices) {
  int64_t rows = 0;
  for (const HostTensor &matrix : matrices)
    rows += matrix.dim(0);
  HostTensor result =
      HostTensor::uninitialized(DType::F32, {rows, matrices.front().dim(1)});
  float *to = result.mutableData<float>().data();
  for (const HostTensor &matrix : matrices)
    to = llvm::copy(matrix.as<float>(), to);
  return result;
}

} // namespace qc::search
