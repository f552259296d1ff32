//===- Convert.h - Types and constants of MLIR as host tensors --*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QC_LIB_ANALYSIS_EVALUATOR_CONVERT_H
#define QC_LIB_ANALYSIS_EVALUATOR_CONVERT_H

#include "qc/Analysis/Evaluator.h"

namespace qc::evaluator {

/// A constant's attribute as a tensor; nullopt if its type is not evaluated.
std::optional<HostTensor> tensorOf(mlir::Attribute attribute);

/// The components of encoded values; `op` is for the error of an encoding whose
/// bytes do not suit its components.
llvm::Expected<EncodedTensor> encode(mlir::Operation *op,
                                     mlir::qc::EncodingAttrInterface encoding,
                                     const HostTensor &values,
                                     llvm::StringRef algorithm);

/// The components with their bytes, as Numerics names and shapes them.
std::vector<numerics::ComponentData>
componentData(const EncodedTensor &tensor, const numerics::DecodeSpec &spec);

/// code - zero point of each element of an affine tensor, as f32, which holds
/// it exactly.
HostTensor centeredCodes(const EncodedTensor &tensor);

/// A sparse tensor in the encoding inside, zeros put back; others as they are.
EncodedTensor denseOf(const EncodedTensor &tensor);

} // namespace qc::evaluator

#endif // QC_LIB_ANALYSIS_EVALUATOR_CONVERT_H
