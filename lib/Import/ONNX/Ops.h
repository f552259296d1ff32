//===- Ops.h - Families of ONNX ops -----------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The rows of each family for the table of ops. Ops of other domains carry
// the domain in their name, "com.microsoft.QLinearAdd".
//
//===----------------------------------------------------------------------===//

#ifndef QC_LIB_IMPORT_ONNX_OPS_H
#define QC_LIB_IMPORT_ONNX_OPS_H

#include "Importer.h"

namespace qc::onnx {

llvm::ArrayRef<OpInfo> getAttentionOps();
llvm::ArrayRef<OpInfo> getControlFlowOps();
llvm::ArrayRef<OpInfo> getConvTransposeOps();
llvm::ArrayRef<OpInfo> getConvolutionOps();
llvm::ArrayRef<OpInfo> getDataMovementOps();
llvm::ArrayRef<OpInfo> getElementwiseOps();
llvm::ArrayRef<OpInfo> getGatherOps();
llvm::ArrayRef<OpInfo> getLossOps();
llvm::ArrayRef<OpInfo> getMatMulOps();
llvm::ArrayRef<OpInfo> getNormalizationOps();
llvm::ArrayRef<OpInfo> getPoolOps();
llvm::ArrayRef<OpInfo> getQuantizationOps();
llvm::ArrayRef<OpInfo> getReduceOps();
llvm::ArrayRef<OpInfo> getResizeOps();
llvm::ArrayRef<OpInfo> getShapeOps();
llvm::ArrayRef<OpInfo> getUnaryOps();

// What families share.

/// Slides a window along the spatial axes: what Conv and the pools say.
struct Window {
  llvm::SmallVector<int64_t> kernel, strides, dilations;
  /// Zeros before and after each spatial axis.
  llvm::SmallVector<Dim> low, high;
};
/// Reads strides, dilations, pads and auto_pad for an input [N, C, ...] and a
/// kernel; `ceilMode` lengthens the padding at the end.
mlir::FailureOr<Window> readWindow(OnnxOp &op, const Val &x,
                                   llvm::ArrayRef<int64_t> kernel,
                                   bool ceilMode);
/// A convolution of checked operands; `bias` may be empty.
mlir::FailureOr<Val> convolve(OnnxOp &op, const Val &x, const Val &filter,
                              const Val &bias, const Window &window,
                              int64_t groups);
/// Softmax along an axis.
Val softmax(Emit &e, const Val &x, int64_t axis);
/// x - max - log(sum(exp(x - max))) along an axis.
Val logSoftmax(Emit &e, const Val &x, int64_t axis);
/// What AveragePool's attributes say.
mlir::FailureOr<Val> averagePool(OnnxOp &op, const Val &x);
/// Mean over the spatial axes of [N, C, ...], which stay as ones.
Val globalAverage(Emit &e, const Val &x);
/// Elements of `data` at `indices` along `axis`.
Val gather(Emit &e, const Val &data, const Val &indices, int64_t axis);
/// numpy.matmul of operands of any rank but 0.
mlir::FailureOr<Val> multiplyMatrices(OnnxOp &op, Val x, Val y);

} // namespace qc::onnx

#endif // QC_LIB_IMPORT_ONNX_OPS_H
