//===- QCSparse.h - Sparse tensors of any encoding --------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QC_DIALECT_QC_IR_QCSPARSE_H
#define QC_DIALECT_QC_IR_QCSPARSE_H

#include "qc/Dialect/QC/IR/QCAttributes.h"
#include "qc/Numerics/Sparse.h"

#define GET_ATTRDEF_CLASSES
#include "qc/Dialect/QC/IR/QCSparse.h.inc"

namespace mlir::qc {

/// The component that a sparse tensor has beside those that it keeps: all codes
/// of the encoding inside, zeros too.
inline constexpr llvm::StringLiteral denseName = "dense";

/// The sparse encoding of a type, or null.
SparseAttr getSparse(Type type);
inline SparseAttr getSparse(Value value) { return getSparse(value.getType()); }

/// `encoding`, or what it wraps if it is sparse. May be null.
EncodingAttrInterface getDenseEncoding(EncodingAttrInterface encoding);

/// Which weights of a layer are zeros, as pruning says it.
struct Sparsity {
  /// `keep` of `of` consecutive inputs; 0: any, `zeros` of all.
  int64_t keep = 0, of = 0;
  /// The part that is zero, of elements or of blocks.
  double zeros = 0;
  int64_t blockOutputs = 1, blockInputs = 1;
};

/// `inner` for a weight of `shape` with its inputs along `inputAxis` that has
/// this sparsity; `inner` itself where no form suits.
Attribute sparseEncoding(Attribute inner, ArrayRef<int64_t> shape,
                         int64_t inputAxis, const Sparsity &sparsity);

} // namespace mlir::qc

#endif // QC_DIALECT_QC_IR_QCSPARSE_H
