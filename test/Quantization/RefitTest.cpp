//===- RefitTest.cpp - Weights for inputs that have moved -----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "qc/Quantization/Refit.h"
#include "Matrices.h"

#include <Eigen/QR>

using namespace qc::quantization;
using namespace qc::test;
using Eigen::Index;
using Eigen::MatrixXd;
using RowsView =
    Eigen::Map<const Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic,
                                   Eigen::RowMajor>>;

namespace {
/// A layer whose inputs u have become x, and what is added to it s has r.
struct Moved : Layer {
  Moved(int64_t rows, int64_t columns, size_t inputRows)
      : Layer(rows, columns, 3, inputRows), before(inputs),
        added(normalValues(inputRows * rows, 12)), addedBefore(added),
        drift(columns, columns), residual(rows, columns) {
    // Other causes than those of the inputs, and a part of these.
    std::vector<float> noise = normalValues(inputs.size(), 11);
    for (size_t i = 0; i < before.size(); ++i)
      before[i] += 0.2f * noise[i] + 0.1f * inputs[i];
    for (size_t i = 0; i < added.size(); ++i)
      addedBefore[i] += 0.3f * inputs[i / rows * columns];
    drift.add(inputs, before, inputs);
    residual.add(added, addedBefore, inputs);
  }

  std::vector<float> before, added, addedBefore;
  Drift drift, residual;
};
} // namespace

static MatrixXd view(const std::vector<float> &values, Index columns) {
  return RowsView(values.data(), Index(values.size()) / columns, columns)
      .cast<double>();
}

TEST(Refit, IsTheLeastSquaresFit) {
  constexpr int64_t rows = 9, columns = 40;
  Moved layer(rows, columns, 600);
  MatrixXd x = view(layer.inputs, columns), u = view(layer.before, columns),
           w = view(layer.weights, columns);
  MatrixXd gap = view(layer.addedBefore, rows) - view(layer.added, rows);
  for (double damping : {0.0, 0.1})
    for (bool isAdded : {false, true}) {
      Refit refit(layer.statistics.hessian(), layer.drift.sum(), damping);
      std::vector<float> found =
          refit.fit(layer.matrix, isAdded ? &layer.residual.sum() : nullptr);
      // Rows that hold the weights near those they were.
      double ridge = damping * (x.transpose() * x).diagonal().mean();
      MatrixXd a(x.rows() + columns, columns), b(x.rows() + columns, rows);
      a << x, std::sqrt(ridge) * MatrixXd::Identity(columns, columns);
      b << u * w.transpose(), std::sqrt(ridge) * w.transpose();
      if (isAdded)
        b.topRows(x.rows()) += gap;
      MatrixXd expected = a.colPivHouseholderQr().solve(b).transpose();
      MatrixXd error = view(found, columns) - expected;
      EXPECT_LT(error.norm(), 1e-4 * expected.norm()) << damping << isAdded;
      // And they differ by more from those they were.
      EXPECT_GT((expected - w).norm(), 1e-2 * w.norm());
    }
}

TEST(Refit, StaysWhereNothingMoved) {
  constexpr int64_t rows = 5, columns = 24;
  Layer layer(rows, columns, 3, 300);
  Drift drift(columns, columns);
  drift.add(layer.inputs, layer.inputs, layer.inputs);
  EXPECT_EQ(drift.sum().norm(), 0.0);
  Refit refit(layer.statistics.hessian(), drift.sum());
  EXPECT_EQ(refit.fit(layer.matrix), layer.weights);
}

TEST(Refit, StaysWhereNoInputCame) {
  constexpr int64_t rows = 4, columns = 8;
  std::vector<float> weights = normalValues(rows * columns, 1);
  WeightMatrix matrix{weights, rows, columns, "w"};
  MatrixXd zero = MatrixXd::Zero(columns, columns);
  EXPECT_EQ(Refit(zero, zero).fit(matrix), weights);
  // Or to one channel alone.
  std::vector<float> x = normalValues(50 * columns, 2), u = x;
  for (size_t i = 0; i < x.size(); i += columns) {
    u[i + 1] += 1.0f;
    x[i] = u[i] = 0;
  }
  InputStatistics statistics(columns);
  statistics.add(x);
  Drift drift(columns, columns);
  drift.add(x, u, x);
  std::vector<float> found =
      Refit(statistics.hessian(), drift.sum()).fit(matrix);
  for (int64_t r = 0; r < rows; ++r)
    EXPECT_EQ(found[r * columns], weights[r * columns]);
  EXPECT_NE(found, weights);
}
