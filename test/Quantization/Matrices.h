//===- Matrices.h - Random layers for tests ---------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QC_TEST_QUANTIZATION_MATRICES_H
#define QC_TEST_QUANTIZATION_MATRICES_H

#include "qc/Quantization/Matrix.h"
#include "gtest/gtest.h"

#include <random>

namespace qc::test {

/// About normally distributed, the same on every machine.
inline std::vector<float> normalValues(size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<float> values(count);
  for (float &v : values) {
    v = -6.0f;
    for (int k = 0; k < 12; ++k)
      v += static_cast<float>(random() % 65536) / 65536.0f;
  }
  return values;
}

/// Rows of inputs whose channels go together: mixtures of some hidden causes
/// that differ in size, and noise.
inline std::vector<float> correlatedRows(size_t rows, size_t columns,
                                         unsigned seed) {
  size_t causes = columns / 4 + 1;
  std::vector<float> mix = normalValues(causes * columns, seed),
                     hidden = normalValues(rows * causes, seed + 1),
                     result = normalValues(rows * columns, seed + 2);
  for (size_t r = 0; r < rows; ++r)
    for (size_t c = 0; c < columns; ++c) {
      float &x = result[r * columns + c];
      x *= 0.3f;
      for (size_t k = 0; k < causes; ++k)
        x += hidden[r * causes + k] * mix[k * columns + c] *
             (2.0f / static_cast<float>(k + 1));
    }
  return result;
}

/// A layer with the statistics of its inputs.
struct Layer {
  Layer(int64_t rows, int64_t columns, unsigned seed, size_t inputRows = 400)
      : weights(normalValues(rows * columns, seed)),
        inputs(correlatedRows(inputRows, columns, seed + 7)),
        statistics(columns), matrix{weights, rows, columns, "w"} {
    statistics.add(inputs);
  }

  quantization::LayerInput input() const { return {&statistics, {}}; }
  quantization::QuantizedMatrix
  run(const numerics::GroupFormat &format,
      const quantization::MatrixOptions &options = {}) const {
    auto result =
        quantization::quantizeMatrix(matrix, format, input(), options);
    if (result)
      return std::move(*result);
    ADD_FAILURE() << llvm::toString(result.takeError());
    return {};
  }

  std::vector<float> weights, inputs;
  quantization::InputStatistics statistics;
  quantization::WeightMatrix matrix;
};

inline numerics::AffineFormat affine(unsigned bits, bool symmetric,
                                     int64_t group) {
  return {bits, symmetric, {1, group}, numerics::ElementKind::F16};
}

inline numerics::CodebookFormat codebook(const char *name, int64_t group) {
  numerics::CodebookFormat format;
  for (const numerics::NamedCodebook &named : numerics::namedCodebooks())
    if (named.name == name)
      format.codebook.assign(named.values.begin(), named.values.end());
  format.group = {1, group};
  format.scaleKind = numerics::ElementKind::F16;
  return format;
}

} // namespace qc::test

#endif // QC_TEST_QUANTIZATION_MATRICES_H
