//===- Contraction.h - What convolution and product share -------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Private to QCToKernels: the steps that generated kernels (Contractions.cpp)
// and oneDNN (OneDNN.cpp) take alike.
//
//===----------------------------------------------------------------------===//

#ifndef QC_LIB_CONVERSION_QCTOKERNELS_CONTRACTION_H
#define QC_LIB_CONVERSION_QCTOKERNELS_CONTRACTION_H

#include "Lowering.h"
#include "qc/TargetInfo/ContractParts.h"
#include "qc/TargetInfo/Packing.h"

namespace mlir::qc {

/// A convolution or a product with constant weights.
struct Contraction {
  Operation *op;
  Value input, weight, bias, residual, result;
  std::optional<StringRef> activation;
  std::optional<APFloat> low, high;
  /// Output channels of all groups.
  int64_t channels;

  template <typename OpTy> static Contraction of(OpTy op) {
    // The weight is the operand after the input in either op.
    Value weight = op->getOperand(1);
    return {op,
            op.getInput(),
            weight,
            op.getBias(),
            op.getResidual(),
            op.getResult(),
            op.getActivation(),
            op.getLow(),
            op.getHigh(),
            cast<RankedTensorType>(weight.getType()).getShape().back()};
  }
};

/// How a contract kernel sees the weights: i8 codes for an integer sum, an
/// encoding that it decodes itself, or f32 that are decoded when packed.
std::string weightType(Value input, Value weight);

/// The weights [K, N] of a float sum, packed for it; the encoding that they
/// keep goes to the launch. `shape` says all but the bytes of an element.
Value packMatrix(Lowering &lowering, Launch &launch, Value weight,
                 ::qc::ContractWeights shape, int64_t &groupBytes,
                 Location loc);

/// How the rows and columns are cut, in the slots of contract; gives the number
/// of parts. Rows that are known only at run time are cut as the usual number
/// would be.
OpFoldResult addParts(Lowering &lowering, Launch &launch, Location loc,
                      OpFoldResult rows, int64_t k, int64_t n, int64_t groups,
                      int64_t rowStep = ::qc::tileRowStep);

/// Bias and multipliers, which have one value a channel; `plain` are the
/// weights without their scales. Fails if the encodings have no kernel.
LogicalResult addChannels(Lowering &lowering, Launch &launch,
                          const Contraction &c, Value &plain);

/// Residual, activation and clamp in the slots of `contract`, rows `row` apart.
void addContractEpilogue(Lowering &lowering, Launch &launch,
                         const Contraction &c, int64_t row);

} // namespace mlir::qc

#endif // QC_LIB_CONVERSION_QCTOKERNELS_CONTRACTION_H
