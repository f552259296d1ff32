//===- QCEncodings.td - Encodings of tensors ----------------*- tablegen -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QC_DIALECT_QC_IR_QCENCODINGS_TD
#define QC_DIALECT_QC_IR_QCENCODINGS_TD

include "qc/Dialect/QC/IR/QCDialect.td"
include "qc/Dialect/QC/IR/QCInterfaces.td"

class QC_Encoding<string name, string mnemonic>
    : QC_Attr<name, mnemonic,
              [DeclareAttrInterfaceMethods<EncodingAttrInterface>]>;

/// An encoding with scales for groups: its parameters include `group`. One that
/// declares `static Attribute getFormat(MLIRContext *)` is a format that
/// --precision knows by its mnemonic, with the group size of what that returns.
class QC_GroupedEncoding<string name, string mnemonic>
    : QC_Attr<name, mnemonic,
              [DeclareAttrInterfaceMethods<EncodingAttrInterface,
                                           ["withGroup"]>]>;

def QC_AffineAttr : QC_GroupedEncoding<"Affine", "affine"> {
  let summary = "integer codes with a scale and an optional zero point";
  let description = [{
    value = (code - zero_point) * scale, code a signed integer of 2 to 8 bits.

    A *static* encoding (activations) carries one scale and zero point itself:

        #qc.affine<i8, scale = 0.0235, zero_point = -128>

    Otherwise the scales are components of the tensor, one for each group of
    `group` elements (an entry per axis; -1 is the whole axis), kept as
    `storage` (f32 unless given); `symmetric` codes lie in [-(2^(b-1) - 1),
    2^(b-1) - 1] and have no zero points:

        #qc.affine<i8, group = [-1, -1, -1, 1], symmetric>     per channel
        #qc.affine<i4, group = [128, 1], storage = f16>        g128 along K
        #qc.affine<i8, group = [1, -1], symmetric>             a scale per row
  }];
  let parameters = (ins
    "unsigned":$bits,
    OptionalParameter<"::mlir::FloatAttr">:$scale,
    DefaultValuedParameter<"int64_t", "0">:$zeroPoint,
    OptionalArrayRefParameter<"int64_t">:$group,
    OptionalParameter<"::mlir::Type">:$storage,
    DefaultValuedParameter<"bool", "false">:$symmetric);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// True where the scale and the zero point are part of the encoding.
    bool isStatic() const { return static_cast<bool>(getScale()); }
    float getScaleValue() const;
    int64_t getQMin() const;
    int64_t getQMax() const;
    static AffineAttr getStatic(::mlir::MLIRContext *context, unsigned bits,
                                float scale, int64_t zeroPoint);
    /// Symmetric codes with one f32 scale for each index of `axis`.
    static AffineAttr getPerChannel(::mlir::MLIRContext *context, unsigned bits,
                                    int64_t rank, int64_t axis);
  }];
}

def QC_FloatAttr : QC_Encoding<"FloatEncoding", "float"> {
  let summary = "IEEE half or bfloat16 values of a logical f32 tensor";
  let description = [{
    Each value is rounded to nearest even: `#qc.float<f16>`, `#qc.float<bf16>`.
    The tensor's element type stays f32; only the storage is smaller.
  }];
  let parameters = (ins "::mlir::Type":$type);
  let assemblyFormat = "`<` $type `>`";
  let genVerifyDecl = 1;
}

def QC_NF4Attr : QC_GroupedEncoding<"NF4", "nf4"> {
  let summary = "4-bit NormalFloat in groups";
  let description = [{
    16 quantiles of a normal distribution scaled by the largest magnitude of a
    group (Dettmers et al., QLoRA, 2023, arXiv:2305.14314, appendix E); `group`
    as in #qc.affine: `#qc.nf4<group = [64, 1]>`.
  }];
  let parameters = (ins ArrayRefParameter<"int64_t">:$group);
  let assemblyFormat = "`<` `group` `=` `[` $group `]` `>`";
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    static ::mlir::Attribute getFormat(::mlir::MLIRContext *context);
  }];
}

#endif // QC_DIALECT_QC_IR_QCENCODINGS_TD
