//===- Matrix.cpp - Quantizing the weights of one layer -------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "qc/Quantization/Matrix.h"
#include "MatrixParts.h"
#include "Product.h"
#include "PruningMask.h"
#include "qc/Numerics/Sparse.h"
#include "qc/Support/Error.h"

#include <cmath>

using namespace qc;
using namespace qc::quantization;
using Eigen::Index;
using llvm::Twine;

static llvm::Error fail(const WeightMatrix &weights, const Twine &found,
                        const Twine &expected) {
  return inputError("bad-weights", "",
                    weights.name.empty() ? "weights" : weights.name, found,
                    expected);
}

static llvm::Error checkImportance(const WeightMatrix &weights,
                                   std::span<const float> importance) {
  auto columns = static_cast<size_t>(weights.columns);
  if (!importance.empty() && importance.size() != columns)
    return fail(weights,
                "importance of " + Twine(importance.size()) + " inputs",
                Twine(columns));
  for (float v : importance)
    if (!(v >= 0 && std::isfinite(v)))
      return fail(weights, "importance " + std::to_string(v),
                  "a finite number from 0");
  return llvm::Error::success();
}

/// Whether the loop of GPTQ runs.
static bool runsGptq(const MatrixOptions &options) {
  return options.gptq.enabled ||
         (options.pruning.pattern &&
          options.pruning.rule == PruningRule::SparseGpt);
}

/// What the algorithms want of the inputs.
static llvm::Error checkInput(const WeightMatrix &weights,
                              const LayerInput &input,
                              const MatrixOptions &options) {
  const InputStatistics *statistics = input.statistics;
  if (statistics && statistics->channels() != weights.columns)
    return fail(weights,
                "statistics of " + Twine(statistics->channels()) + " inputs",
                Twine(weights.columns));
  bool needsHessian = runsGptq(options) || options.descends ||
                      options.scales == ScaleRule::Output;
  if (needsHessian && (!statistics || !statistics->hasHessian()))
    return fail(weights, "no Hessian of the inputs",
                "calibration data for this algorithm");
  bool needsImportance =
      options.scales == ScaleRule::Importance ||
      (options.pruning.pattern && options.pruning.rule == PruningRule::Wanda);
  if (needsImportance && !statistics && input.importance.empty())
    return fail(weights, "neither importance nor statistics of the inputs",
                "calibration data for this algorithm");
  if (options.pruning.pattern && options.gptq.actOrder)
    return fail(weights, "a matrix to prune with the order of activations",
                "columns in their own order");
  return checkImportance(weights, input.importance);
}

static llvm::Error checkWeights(const WeightMatrix &weights) {
  if (weights.rows < 1 || weights.columns < 1 ||
      weights.values.size() !=
          static_cast<size_t>(weights.rows * weights.columns))
    return fail(weights,
                Twine(weights.values.size()) + " values for shape " +
                    Twine(weights.rows) + "x" + Twine(weights.columns),
                "as many values as the shape has, and some");
  for (float v : weights.values)
    if (!std::isfinite(v))
      return fail(weights, std::to_string(v), "finite weights");
  return llvm::Error::success();
}

static llvm::Error checkFormat(const WeightMatrix &weights,
                               const numerics::GroupFormat &format,
                               const numerics::MatrixShape &shape) {
  std::string reason = verifyGroupFormat(format, shape);
  if (reason.empty())
    return llvm::Error::success();
  auto [found, expected] = llvm::StringRef(reason).split(", expected ");
  found.consume_front("found ");
  return fail(weights, found, expected);
}

namespace {
/// A matrix and its inputs, checked.
struct Prepared {
  RowMatrix matrix;
  Eigen::MatrixXd hessian;
  std::vector<float> importance;
  PruningMask mask;
};
} // namespace

static llvm::Expected<Prepared> prepare(const WeightMatrix &weights,
                                        const LayerInput &input,
                                        const MatrixOptions &options) {
  if (llvm::Error error = checkWeights(weights))
    return std::move(error);
  if (llvm::Error error = checkInput(weights, input, options))
    return std::move(error);
  Prepared result;
  result.matrix =
      MatrixView(weights.values.data(), weights.rows, weights.columns);
  result.importance.assign(input.importance.begin(), input.importance.end());
  if (input.statistics) {
    result.hessian = input.statistics->hessian();
    if (!result.hessian.allFinite())
      return fail(weights, "a Hessian that is not finite",
                  "finite inputs of the layer");
    if (result.importance.empty())
      result.importance = input.statistics->meanSquares();
  }
  result.mask = PruningMask(options.pruning, result.matrix, result.importance);
  return result;
}

double quantization::outputError(std::span<const float> weights,
                                 std::span<const float> decoded,
                                 int64_t columns,
                                 const Eigen::MatrixXd &hessian) {
  auto rows = static_cast<Index>(weights.size()) / columns;
  // Transposed, as the product wants it; row by row in f32, summed in f64.
  Eigen::MatrixXf difference = MatrixView(weights.data(), rows, columns) -
                               MatrixView(decoded.data(), rows, columns);
  RowMatrix inner = hessian.cast<float>();
  RowMatrix product = RowMatrix::Zero(rows, columns);
  addTransposedProduct(rows, columns, columns, {difference.data(), rows},
                       {inner.data(), columns}, product.data(), columns);
  return difference.cwiseProduct(product).cast<double>().sum();
}

/// The error of the outputs for each row of the inputs.
static double meanOutputError(const WeightMatrix &weights,
                              std::span<const float> decoded,
                              const Eigen::MatrixXd &hessian,
                              const LayerInput &input) {
  if (hessian.size() == 0 || input.statistics->rows() == 0)
    return 0;
  return outputError(weights.values, decoded, weights.columns, hessian) /
         static_cast<double>(input.statistics->rows());
}

/// Rounds each group as the reference encoders do it.
static void roundGroups(const GroupScales &scales, const RowMatrix &values) {
  numerics::GroupCodec &codec = scales.codec;
  for (size_t band = 0; band < codec.bands(); ++band)
    for (size_t group = 0; group < codec.groups(); ++group)
      codec.encodeGroup(band, group, scales.gather(values, band, group));
}

/// Gives each value the nearest code; what they decode to.
static RowMatrix roundNearest(numerics::GroupCodec &codec,
                              const RowMatrix &values) {
  RowMatrix decoded(values.rows(), values.cols());
  for (Index r = 0; r < values.rows(); ++r)
    for (Index c = 0; c < values.cols(); ++c)
      decoded(r, c) = codec.encode(r, c, values(r, c));
  return decoded;
}

llvm::Expected<QuantizedMatrix> quantization::quantizeMatrix(
    const WeightMatrix &weights, const numerics::GroupFormat &format,
    const LayerInput &input, const MatrixOptions &options) {
  llvm::Expected<Prepared> prepared = prepare(weights, input, options);
  if (!prepared)
    return prepared.takeError();
  auto &[matrix, hessian, importance, mask] = *prepared;
  numerics::MatrixShape shape{static_cast<size_t>(weights.rows),
                              static_cast<size_t>(weights.columns),
                              options.transposed};
  if (llvm::Error error = checkFormat(weights, format, shape))
    return std::move(error);
  std::unique_ptr<numerics::GroupCodec> codec =
      numerics::makeGroupCodec(format, shape);
  GroupScales scales(*codec, options.scales, importance);
  QuantizedMatrix result;
  RowMatrix rounded;
  if (runsGptq(options)) {
    GptqResult found = runGptq(matrix, hessian, scales, options.gptq, mask);
    result.damping = found.damping;
    rounded = std::move(found.decoded);
  } else {
    RowMatrix kept = mask.applyTo(matrix);
    scales.chooseAll(kept, hessian);
    roundGroups(scales, kept);
    if (options.descends)
      rounded = roundNearest(*codec, kept);
  }
  if (options.descends)
    descend(matrix, hessian, mask, *codec, std::move(rounded));
  result.encoded = codec->take();
  if (!mask.empty() && !numerics::hasZeroCode(result.encoded.spec))
    return fail(weights, "a format without an exact zero",
                "one that has it, for a matrix that is pruned");
  result.decoded = numerics::decode(result.encoded.spec, shape.tensor(),
                                    result.encoded.data);
  if (options.transposed) {
    RowMatrix turned =
        MatrixView(result.decoded.data(), weights.columns, weights.rows)
            .transpose();
    result.decoded.assign(turned.data(), turned.data() + turned.size());
  }
  result.outputError = meanOutputError(weights, result.decoded, hessian, input);
  return result;
}

llvm::Expected<PrunedMatrix>
quantization::pruneMatrix(const WeightMatrix &weights, const LayerInput &input,
                          const MatrixOptions &options) {
  llvm::Expected<Prepared> prepared = prepare(weights, input, options);
  if (!prepared)
    return prepared.takeError();
  auto &[matrix, hessian, importance, mask] = *prepared;
  PrunedMatrix result;
  RowMatrix values;
  if (runsGptq(options)) {
    GptqResult found = pruneByGptq(matrix, hessian, options.gptq, mask);
    values = std::move(found.decoded);
    result.damping = found.damping;
  } else {
    values = mask.applyTo(matrix);
  }
  result.values.assign(values.data(), values.data() + values.size());
  result.outputError = meanOutputError(weights, result.values, hessian, input);
  return result;
}
