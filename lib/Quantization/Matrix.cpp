//===- Matrix.cpp - Quantizing the weights of one layer -------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "qc/Quantization/Matrix.h"
#include "MatrixParts.h"
#include "Product.h"
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

static llvm::Error check(const WeightMatrix &weights,
                         const numerics::GroupFormat &format,
                         const numerics::MatrixShape &shape,
                         const LayerInput &input,
                         const MatrixOptions &options) {
  size_t count = shape.rows * shape.columns;
  if (weights.rows < 1 || weights.columns < 1 || weights.values.size() != count)
    return fail(weights,
                Twine(weights.values.size()) + " values for shape " +
                    Twine(weights.rows) + "x" + Twine(weights.columns),
                "as many values as the shape has, and some");
  for (float v : weights.values)
    if (!std::isfinite(v))
      return fail(weights, std::to_string(v), "finite weights");
  if (std::string reason = verifyGroupFormat(format, shape); !reason.empty()) {
    auto [found, expected] = llvm::StringRef(reason).split(", expected ");
    found.consume_front("found ");
    return fail(weights, found, expected);
  }
  const InputStatistics *statistics = input.statistics;
  if (statistics && statistics->channels() != weights.columns)
    return fail(weights,
                "statistics of " + Twine(statistics->channels()) + " inputs",
                Twine(weights.columns));
  bool needsHessian =
      options.gptq.enabled || options.scales == ScaleRule::Output;
  if (needsHessian && (!statistics || !statistics->hasHessian()))
    return fail(weights, "no Hessian of the inputs",
                "calibration data for this algorithm");
  if (options.scales == ScaleRule::Importance && !statistics &&
      input.importance.empty())
    return fail(weights, "neither importance nor statistics of the inputs",
                "calibration data for this algorithm");
  return checkImportance(weights, input.importance);
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

llvm::Expected<QuantizedMatrix> quantization::quantizeMatrix(
    const WeightMatrix &weights, const numerics::GroupFormat &format,
    const LayerInput &input, const MatrixOptions &options) {
  numerics::MatrixShape shape{static_cast<size_t>(weights.rows),
                              static_cast<size_t>(weights.columns),
                              options.transposed};
  if (llvm::Error error = check(weights, format, shape, input, options))
    return error;
  std::vector<float> importance(input.importance.begin(),
                                input.importance.end());
  Eigen::MatrixXd hessian;
  if (input.statistics) {
    hessian = input.statistics->hessian();
    if (!hessian.allFinite())
      return fail(weights, "a Hessian that is not finite",
                  "finite inputs of the layer");
    if (importance.empty())
      importance = input.statistics->meanSquares();
  }

  std::unique_ptr<numerics::GroupCodec> codec =
      numerics::makeGroupCodec(format, shape);
  GroupScales scales(*codec, options.scales, importance);
  RowMatrix matrix =
      MatrixView(weights.values.data(), weights.rows, weights.columns);
  QuantizedMatrix result;
  if (options.gptq.enabled) {
    GptqResult rounded = runGptq(matrix, hessian, scales, options.gptq);
    result.damping = rounded.damping;
  } else {
    scales.chooseAll(matrix, hessian);
    for (size_t band = 0; band < codec->bands(); ++band)
      for (size_t group = 0; group < codec->groups(); ++group)
        codec->encodeGroup(band, group, scales.gather(matrix, band, group));
  }
  result.encoded = codec->take();
  result.decoded = numerics::decode(result.encoded.spec, shape.tensor(),
                                    result.encoded.data);
  if (options.transposed) {
    RowMatrix turned =
        MatrixView(result.decoded.data(), weights.columns, weights.rows)
            .transpose();
    result.decoded.assign(turned.data(), turned.data() + turned.size());
  }
  if (hessian.size() != 0 && input.statistics->rows() != 0)
    result.outputError =
        outputError(weights.values, result.decoded, weights.columns, hessian) /
        static_cast<double>(input.statistics->rows());
  return result;
}
