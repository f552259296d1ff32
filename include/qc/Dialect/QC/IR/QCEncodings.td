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
/// --precision knows by its mnemonic, with the group size of what that returns;
/// a family of formats declares `static void addFormats(QCDialect &)` instead.
class QC_GroupedEncoding<string name, string mnemonic>
    : QC_Attr<name, mnemonic,
              [DeclareAttrInterfaceMethods<EncodingAttrInterface,
                                           ["withGroup", "getGroupFormat"]>]>;

def QC_AffineAttr : QC_GroupedEncoding<"Affine", "affine"> {
  let summary = "integer codes with a scale and an optional zero point";
  let description = [{
    value = (code - zero_point) * scale, code a signed integer of 2 to 8 bits.

    A *static* encoding (activations) carries one scale and zero point itself:

        #qc.affine<i8, scale = 0.0235, zero_point = -128>

    Otherwise the scales are components of the tensor, one for each group of
    `group` elements (an entry per axis; -1 is the whole axis), kept as
    `storage` (f32 unless given); `symmetric` codes lie in [-(2^(b-1) - 1),
    2^(b-1) - 1], with less than 8 bits also at -2^(b-1), and have no zero
    points:

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

def QC_CodebookAttr : QC_GroupedEncoding<"Codebook", "codebook"> {
  let summary = "codes that pick values from a table, in groups";
  let description = [{
    value = table[code] * scale. The table has 2 to 256 values, a code as many
    bits as they need; the scales are kept as `storage` (f32 unless given) or,
    with `nested = N`, as 8-bit codes of which N along the axis of the groups
    share an f32 (double quantization). `group` as in #qc.affine:

        #qc.codebook<[-1.0, 0.0, 1.0], group = [32, 1], storage = f16>
        #qc.codebook<[-1.0, 1.0], group = [64, 1], nested = 256>

    Formats by name are nf4_dq, fp4, fp4_dq, ternary and binary.
  }];
  let parameters = (ins
    "::mlir::DenseF32ArrayAttr":$values,
    ArrayRefParameter<"int64_t">:$group,
    OptionalParameter<"::mlir::Type">:$storage,
    DefaultValuedParameter<"int64_t", "0">:$nested);
  let assemblyFormat = [{
    `<` custom<Table>($values) `,` `group` `=` `[` $group `]`
    `` custom<Scales>($storage, $nested) `>`
  }];
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    static void addFormats(::mlir::qc::QCDialect &dialect);
  }];
}

def QC_MinifloatAttr : QC_GroupedEncoding<"Minifloat", "minifloat"> {
  let summary = "floats of 4 to 8 bits in groups";
  let description = [{
    value = element * scale. Elements are e4m3 (FP8, no infinity), e5m2, e2m3,
    e3m2 or e2m1; scales f32, f16, bf16, e8m0 (a power of two: the MX formats of
    OCP Microscaling 1.0) or e4m3 (times one f32 of the tensor: NVFP4). `group`
    as in #qc.affine:

        #qc.minifloat<e4m3, group = [-1, 1], scale = f32>
        #qc.minifloat<e2m1, group = [32, 1], scale = e8m0>      MXFP4

    Formats by name are e4m3, e5m2, mxfp8_e4m3, mxfp8_e5m2, mxfp6_e2m3,
    mxfp6_e3m2, mxfp4 and nvfp4.
  }];
  let parameters = (ins
    StringRefParameter<>:$element,
    ArrayRefParameter<"int64_t">:$group,
    StringRefParameter<>:$scale);
  let assemblyFormat = [{
    `<` custom<Word>($element) `,` `group` `=` `[` $group `]` `,`
    `scale` `=` custom<Word>($scale) `>`
  }];
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    static void addFormats(::mlir::qc::QCDialect &dialect);
  }];
}

def QC_GGMLAttr : QC_GroupedEncoding<"GGML", "ggml"> {
  let summary = "a block format of GGML";
  let description = [{
    Blocks of 32, 64 or 256 elements along one axis, as the table in
    docs/Spec.md describes; `group` is a block's extent, 1 on all other axes.
    The axis is a whole number of blocks: GGUF has no others. The components are
    those that the block's bytes are split into.

        #qc.ggml<q4_K, group = [256, 1]>

    q4_0 q4_1 q5_0 q5_1 q8_0 q2_K q3_K q4_K q5_K q6_K iq4_nl iq4_xs tq1_0 tq2_0
    are formats by name; mxfp4 and nvfp4 have that name in #qc.minifloat.
  }];
  let parameters = (ins
    StringRefParameter<>:$format,
    ArrayRefParameter<"int64_t">:$group);
  let assemblyFormat = [{
    `<` custom<Word>($format) `,` `group` `=` `[` $group `]` `>`
  }];
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    static void addFormats(::mlir::qc::QCDialect &dialect);
    /// The axis that the blocks lie along.
    int64_t getAxis() const;
  }];
}

#endif // QC_DIALECT_QC_IR_QCENCODINGS_TD
