//===- Matrix.h - Quantizing the weights of one layer -----------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// From a matrix of weights and what is known of its inputs to the components
// of an encoding. docs/Algorithms.md says what each algorithm computes.
//
//===----------------------------------------------------------------------===//

#ifndef QC_QUANTIZATION_MATRIX_H
#define QC_QUANTIZATION_MATRIX_H

#include "qc/Numerics/GroupCodec.h"
#include "qc/Quantization/InputStatistics.h"
#include "qc/Quantization/Pruning.h"

#include "llvm/Support/Error.h"

#include <string>

namespace qc::quantization {

/// Weights [rows, columns], row-major, a row for each output: y = W x.
struct WeightMatrix {
  std::span<const float> values;
  int64_t rows = 0, columns = 0;
  /// Names the matrix in messages.
  std::string name = {};
};

/// What is known of the inputs x, any of it absent.
struct LayerInput {
  /// Needed by GPTQ, QuantEase, SparseGPT, AWQ and ScaleRule::Output.
  const InputStatistics *statistics = nullptr;
  /// What each column counts for, as an importance matrix has it; empty: the
  /// mean squares of the statistics.
  std::span<const float> importance = {};
};

/// How the scales of a group are chosen.
enum class ScaleRule {
  Range,      // from its extremes
  Mse,        // least squared error of the weights
  Importance, // the same, each column counting as much as its importance
  Output,     // least squared error of the layer's output
};

struct GptqOptions {
  bool enabled = false;
  /// Columns whose corrections are made one by one before those of all others.
  int64_t blockColumns = 128;
  /// Columns of large inputs first. Scales are chosen when the first column of
  /// a group comes up, so groups stay together, unless they are static.
  bool actOrder = false;
  /// All scales are chosen beforehand, from the weights as they were.
  bool staticGroups = false;
  /// Added to the diagonal of the Hessian, in parts of its mean; raised tenfold
  /// until the matrix can be decomposed.
  double damping = 0.01;
};

struct MatrixOptions {
  ScaleRule scales = ScaleRule::Range;
  GptqOptions gptq = {};
  /// Codes are chosen once more, each beside all others (QuantEase).
  bool descends = false;
  /// Weights that become zero. SparseGPT finds them in the loop of GPTQ, which
  /// it enables; GPTQ knows those that the other rules have found.
  PruningOptions pruning = {};
  /// The encoded tensor is [columns, rows], and so are the format's groups.
  bool transposed = false;
};

struct QuantizedMatrix {
  numerics::Encoded encoded;
  /// What the components decode to, [rows, columns].
  std::vector<float> decoded;
  /// Mean squared error of the outputs on the calibration data, summed over
  /// the rows: tr(D H D^T) / rows of the inputs; 0 without statistics.
  double outputError = 0;
  /// The damping that GPTQ used in the end.
  double damping = 0;
};

/// Encodes a matrix. Values and statistics have to be finite; a matrix that is
/// pruned needs a format with an exact zero.
llvm::Expected<QuantizedMatrix>
quantizeMatrix(const WeightMatrix &weights, const numerics::GroupFormat &format,
               const LayerInput &input, const MatrixOptions &options);

struct PrunedMatrix {
  /// [rows, columns].
  std::vector<float> values;
  /// As in QuantizedMatrix.
  double outputError = 0, damping = 0;
};

/// Prunes a matrix that stays in float; rules for scales do not matter.
llvm::Expected<PrunedMatrix> pruneMatrix(const WeightMatrix &weights,
                                         const LayerInput &input,
                                         const MatrixOptions &options);

/// tr(D H D^T) of D = weights - decoded, in units of H.
double outputError(std::span<const float> weights,
                   std::span<const float> decoded, int64_t columns,
                   const Eigen::MatrixXd &hessian);

} // namespace qc::quantization

#endif // QC_QUANTIZATION_MATRIX_H
