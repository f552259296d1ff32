//===- QCSparse.td - Sparse tensors of any encoding ---------*- tablegen -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QC_DIALECT_QC_IR_QCSPARSE_TD
#define QC_DIALECT_QC_IR_QCSPARSE_TD

include "qc/Dialect/QC/IR/QCDialect.td"
include "qc/Dialect/QC/IR/QCInterfaces.td"

def QC_SparseAttr
    : AttrDef<QC_Dialect, "Sparse",
              [DeclareAttrInterfaceMethods<EncodingAttrInterface,
                                           ["getGroup", "withGroup",
                                            "getGroupFormat"]>]> {
  let mnemonic = "sparse";
  let summary = "another encoding of which zeros are not kept";
  let description = [{
    Values are those of the encoding inside, but for elements that are not kept,
    which are 0; scales are kept as there. Encoding keeps what is largest. Three
    forms say what is kept:

        #qc.sparse<INNER, keep = 2, of = 4, axis = 0>  2 of each 4 along axis 0
        #qc.sparse<INNER, kept = 2048>                 2048 elements, a bit mask
        #qc.sparse<INNER, block = [1, 16], kept = 128> 128 blocks of a matrix

    The codes that are kept are compacted: along the axis with the `position` of
    each in its group, in row-major order under a `mask`, or block after block,
    down each column of blocks, with the row (`block`) of each and the `start`
    of each column. Places that nothing needs keep zeros.
  }];
  let parameters = (ins
    "::mlir::qc::EncodingAttrInterface":$inner,
    DefaultValuedParameter<"int64_t", "0">:$keep,
    DefaultValuedParameter<"int64_t", "0">:$of,
    DefaultValuedParameter<"int64_t", "0">:$axis,
    DefaultValuedParameter<"int64_t", "0">:$kept,
    OptionalArrayRefParameter<"int64_t">:$block);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    ::qc::numerics::SparseFormat getSparseFormat() const;
    /// The components of a tensor that is `dense` in the encoding inside, and
    /// has these values: what is largest is kept.
    ::llvm::SmallVector<std::vector<char>>
    compact(::llvm::ArrayRef<::qc::numerics::ComponentData> dense,
            ::llvm::ArrayRef<float> values,
            ::llvm::ArrayRef<int64_t> shape) const;
    /// The components of the encoding inside.
    std::vector<::qc::numerics::ComponentData>
    expand(::llvm::ArrayRef<std::vector<uint8_t>> components,
           ::llvm::ArrayRef<int64_t> shape) const;
  }];
}

#endif // QC_DIALECT_QC_IR_QCSPARSE_TD
