//===- LayerRows.h - What a layer sums over, row by row ---------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Private to Execution.
//
//===----------------------------------------------------------------------===//

#ifndef QC_LIB_EXECUTION_LAYERROWS_H
#define QC_LIB_EXECUTION_LAYERROWS_H

#include "qc/Support/HostTensor.h"

#include "mlir/IR/Operation.h"
#include "llvm/Support/Error.h"

#include <Eigen/Core>

#include <optional>
#include <vector>

namespace qc {

/// A layer with its weight as a matrix of all inputs of a sum, in the order of
/// the weight, by outputs: a convolution of images NHWC that is neither grouped
/// nor depthwise, or a product with a matrix.
class RowLayer {
public:
  /// Nothing for other layers.
  static std::optional<RowLayer> match(mlir::Operation *op);

  int64_t inputs() const { return numInputs; }
  int64_t outputs() const { return numOutputs; }

  /// The sum of (x, 1, t) (x, 1, t)^T over rows x that the layer reads, evenly
  /// spread over `inputs`; t are the elements `kept` of the rows of `targets`
  /// less those of `residuals`. Either may be empty.
  Eigen::MatrixXd moments(llvm::ArrayRef<HostTensor> inputs,
                          llvm::ArrayRef<HostTensor> targets = {},
                          llvm::ArrayRef<HostTensor> residuals = {},
                          llvm::ArrayRef<int64_t> kept = {}) const;

private:
  int64_t rowsOf(const HostTensor &input) const;
  /// Copies row `row` of `input` to `to`.
  void copyRow(const HostTensor &input, int64_t row, float *to) const;

  int64_t numInputs = 0, numOutputs = 0;
  /// Of a convolution: sizes of the filter, strides, dilations; of a product 1.
  int64_t height = 1, width = 1, channels = 0;
  int64_t strides[2] = {1, 1}, dilations[2] = {1, 1};
  bool isConvolution = false;
};

} // namespace qc

#endif // QC_LIB_EXECUTION_LAYERROWS_H
