//===- QCAttributes.h - Encodings of tensors --------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QC_DIALECT_QC_IR_QCATTRIBUTES_H
#define QC_DIALECT_QC_IR_QCATTRIBUTES_H

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "qc/Dialect/QC/IR/QCInterfaces.h"
#include "qc/Numerics/GroupSums.h"

namespace mlir::qc {
class QCDialect;
} // namespace mlir::qc

#define GET_ATTRDEF_CLASSES
#include "qc/Dialect/QC/IR/QCAttributes.h.inc"

namespace mlir::qc {

/// The encoding of a tensor type, or null where its values are kept as they
/// are.
EncodingAttrInterface getEncoding(Type type);
inline EncodingAttrInterface getEncoding(Value value) {
  return getEncoding(value.getType());
}

/// The static affine encoding of a type (one scale and zero point known at
/// compile time), or null.
AffineAttr getStaticAffine(Type type);
inline AffineAttr getStaticAffine(Value value) {
  return getStaticAffine(value.getType());
}

/// `type` with the same shape and f32 elements, and `encoding` (may be null).
RankedTensorType withEncoding(RankedTensorType type, Attribute encoding);

/// The encoding of a matrix [K, N] that has the codes and scales of a tensor of
/// `shape` and `encoding` in the same order, all axes but the last merged into
/// K; null where that has no uniform groups along K.
EncodingAttrInterface getMatrixEncoding(ArrayRef<int64_t> shape,
                                        EncodingAttrInterface encoding);

/// True for run-time codes with a symmetric 8-bit scale for each block of 32,
/// 64, 128 or 256 along the last axis.
bool isBlockEncoding(Attribute encoding);

/// How a product of block codes with weights [K, N] is summed in integers
/// (qc/Numerics/GroupSums.h); nothing where it is not.
std::optional<::qc::numerics::GroupSums> getGroupSums(Type input, Type weight);

/// The plain type that holds `component`; codes narrower than a byte are bytes
/// of packed rows. Dynamic sizes stay dynamic.
RankedTensorType getComponentType(MLIRContext *context,
                                  const ::qc::numerics::Component &component);

} // namespace mlir::qc

#endif // QC_DIALECT_QC_IR_QCATTRIBUTES_H
