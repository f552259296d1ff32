//===- EncodingParts.h - What the encodings share ---------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Private to the encodings' own files.
//
//===----------------------------------------------------------------------===//

#ifndef QC_LIB_DIALECT_QC_IR_ENCODINGPARTS_H
#define QC_LIB_DIALECT_QC_IR_ENCODINGPARTS_H

#include "mlir/IR/Diagnostics.h"
#include "qc/Dialect/QC/IR/QCAttributes.h"
#include "qc/Numerics/Encode.h"

namespace mlir::qc {

/// The components of `spec`, with dynamic sizes kept. Axes that a scale covers
/// whole are left out of its shape: a scale per channel is 1-D. Of packed ones
/// the last axis stays, as that is what is packed along.
SmallVector<::qc::numerics::Component>
componentsOf(const ::qc::numerics::DecodeSpec &spec, ArrayRef<int64_t> shape,
             ArrayRef<int64_t> group);

/// The bytes of the components.
SmallVector<std::vector<char>>
bytesOf(ArrayRef<::qc::numerics::ComponentData> data);
inline SmallVector<std::vector<char>>
bytesOf(const ::qc::numerics::Encoded &encoded) {
  return bytesOf(encoded.data);
}

/// Codes of `bits` bits packed as a component is, row by row.
std::vector<char> packCodes(ArrayRef<uint8_t> codes, ArrayRef<int64_t> shape,
                            unsigned bits);

/// The kind of scales that are kept as `storage`; f32 unless given.
::qc::numerics::ElementKind kindOf(Type storage);

/// Checks the sizes of `group`; `constraint` is what it is called.
LogicalResult verifyGroup(function_ref<InFlightDiagnostic()> emitError,
                          StringRef constraint, ArrayRef<int64_t> group);

/// Checks that a tensor of `shape` has the axes of `group` and static sizes
/// where it is cut in groups; `axes` and `sizes` are the constraints' numbers.
LogicalResult verifyGroupShape(function_ref<InFlightDiagnostic()> emitError,
                               StringRef axes, StringRef sizes,
                               ArrayRef<int64_t> group,
                               ArrayRef<int64_t> shape);

/// The part of a short name that tells groups: _g64; empty for whole axes.
std::string groupSuffix(ArrayRef<int64_t> group);

/// The group sizes in the spelling of Numerics, where 0 is the whole axis.
std::vector<int64_t> groupSizes(ArrayRef<int64_t> group);

} // namespace mlir::qc

#endif // QC_LIB_DIALECT_QC_IR_ENCODINGPARTS_H
