//===- QCFusedOps.td - Level 3: fused operations ------------*- tablegen -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One op, several arithmetics: the encodings of the operands say which.
//   x static i8, w i8 per channel -> integer sum, result i8 (requantized) or f32
//   x i8 with a scale per row     -> integer sum, result f32
//   x f32, w any encoding         -> decoded weights, float sum
//   x f32, w f32                  -> float
//
//===----------------------------------------------------------------------===//

#ifndef QC_DIALECT_QC_IR_QCFUSEDOPS_TD
#define QC_DIALECT_QC_IR_QCFUSEDOPS_TD

include "qc/Dialect/QC/IR/QCEncodings.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

/// The epilogue that contractions share: after the sum and the bias comes the
/// residual, then the activation, then the clamp to [low, high] (real values),
/// then, for an encoded result, quantization.
class QC_Contraction<string mnemonic>
    : QC_Op<mnemonic, [Pure, AttrSizedOperandSegments]>;

def QC_Conv2DOp : QC_Contraction<"conv2d"> {
  let summary = "2-D convolution with an epilogue";
  let description = [{
    input [N, H, W, C], filter [KH, KW, C / groups, F], result [N, OH, OW, F];
    pads = [top, left, bottom, right] hold the value zero (the zero point of an
    encoded input).

    Integer arithmetic (input static i8, filter i8 per channel, bias i32):

        acc = bias[f] + sum (x - zx) * w[..., f]
        t = f32(acc) * m[f],  m[f] = f32(f32(sx * sw[f]) / sy)
        t = t + f32(r - zr) * f32(sr / sy)              with a residual
        y = rne(clamp(t, lo, hi)) + zy

    lo, hi are the tighter of the code range and `low`, `high` divided by sy,
    relative to the zero point. With an `activation`: m[f] = f32(sx * sw[f]),
    the residual is f32(r - zr) * sr, t = activation(t), then t = t / sy. A
    plain f32 result: m[f] = f32(sx * sw[f]), no requantization, the residual
    is f32. A plain f32 input: t = sum + bias[f], bias f32.

    ```mlir
    %y = qc.conv2d %x, %w bias %b {strides = array<i64: 1, 1>,
        dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>,
        groups = 1 : i64, low = 0.0 : f32}
      : tensor<1x8x8x3xf32>, tensor<3x3x3x16xf32>, tensor<16xf32>
      -> tensor<1x8x8x16xf32>
    ```
    Constraints: conv2d_c1 (ranks), conv2d_c2 (channels, groups), conv2d_c3
    (result shape), conv2d_c4 (bias and its type), conv2d_c5 (residual has the
    result's shape), conv2d_c6 (the sum cannot overflow 32 bits).
  }];
  let arguments = (ins RankedTensorOf<[F32]>:$input, RankedTensorOf<[F32]>:$filter,
                       Optional<RankedTensorOf<[F32, I32]>>:$bias,
                       Optional<RankedTensorOf<[F32]>>:$residual,
                       DenseI64ArrayAttr:$strides, DenseI64ArrayAttr:$dilations,
                       DenseI64ArrayAttr:$pads, I64Attr:$groups,
                       OptionalAttr<StrAttr>:$activation,
                       OptionalAttr<F32Attr>:$low, OptionalAttr<F32Attr>:$high);
  let results = (outs RankedTensorOf<[F32]>:$result);
  let assemblyFormat = [{
    $input `,` $filter (`bias` $bias^)? (`residual` $residual^)? attr-dict `:`
    type($input) `,` type($filter) (`,` type($bias)^)?
    (`residual` type($residual)^)? `->` type($result)
  }];
  let hasVerifier = 1;
}

def QC_MatMulOp : QC_Contraction<"matmul"> {
  let summary = "product with a weight matrix, with an epilogue";
  let description = [{
    input [..., M, K], weight [K, N], result [..., M, N]; the epilogue of
    qc.conv2d with one output channel a column. An input with a scale per row
    (run-time activation scales): t = f32(acc) * f32(sx[m] * sw[n]) + bias[n],
    bias f32.

    ```mlir
    %y = qc.matmul %x, %w bias %b : tensor<?x64xf32>, tensor<64x10xf32>,
        tensor<10xf32> -> tensor<?x10xf32>
    ```
    Constraints: matmul_c1 (ranks), matmul_c2 (inner sizes), matmul_c3 (result
    shape), matmul_c4 (bias and its type), matmul_c5 (residual), matmul_c6 (the
    sum cannot overflow 32 bits).
  }];
  let arguments = (ins RankedTensorOf<[F32]>:$input, RankedTensorOf<[F32]>:$weight,
                       Optional<RankedTensorOf<[F32, I32]>>:$bias,
                       Optional<RankedTensorOf<[F32]>>:$residual,
                       OptionalAttr<StrAttr>:$activation,
                       OptionalAttr<F32Attr>:$low, OptionalAttr<F32Attr>:$high);
  let results = (outs RankedTensorOf<[F32]>:$result);
  let assemblyFormat = [{
    $input `,` $weight (`bias` $bias^)? (`residual` $residual^)? attr-dict `:`
    type($input) `,` type($weight) (`,` type($bias)^)?
    (`residual` type($residual)^)? `->` type($result)
  }];
  let hasVerifier = 1;
}

def QC_BatchMatMulOp : QC_Op<"batch_matmul", [Pure]> {
  let summary = "product of two run-time tensors";
  let description = [{
    lhs [B..., M, K], rhs [B..., K, N] with equal batch sizes, result
    [B..., M, N], times `alpha`. `lhs_perm` and `rhs_perm` name the axes of the
    operands that play (B..., M, K) and (B..., K, N): a transpose costs no copy.

    Integer arithmetic (both operands static i8, rhs with zero point 0):

        acc = sum (a - za) * b
        t = f32(acc) * m,  m = f32(f32(sa * sb) * alpha)
        y = t, or y = rne(clamp(f32(acc) * f32(m / sy), lo, hi)) + zy

    lo, hi are the code range relative to the zero point.

    ```mlir
    %y = qc.batch_matmul %q, %k {lhs_perm = array<i64: 0, 2, 1, 3>,
        rhs_perm = array<i64: 0, 2, 3, 1>, alpha = 0.125 : f32}
      : tensor<1x7x4x32xf32>, tensor<1x7x4x32xf32> -> tensor<1x4x7x7xf32>
    ```
    Constraints: batch_matmul_c1 (equal ranks of 2 to 4, permutations),
    batch_matmul_c2 (sizes), batch_matmul_c3 (no encoding, or static 8-bit
    operands, zero point 0 on the right, and no or a static 8-bit encoding of
    the result), batch_matmul_c4 (the sum cannot overflow 32 bits).
  }];
  let arguments = (ins RankedTensorOf<[F32]>:$lhs, RankedTensorOf<[F32]>:$rhs,
                       DenseI64ArrayAttr:$lhs_perm, DenseI64ArrayAttr:$rhs_perm,
                       F32Attr:$alpha);
  let results = (outs RankedTensorOf<[F32]>:$result);
  let assemblyFormat = [{
    $lhs `,` $rhs attr-dict `:` type($lhs) `,` type($rhs) `->` type($result)
  }];
  let hasVerifier = 1;
}

def QC_Pool2DOp : QC_Op<"pool2d", [Pure]> {
  let summary = "max or average pooling";
  let description = [{
    input [N, H, W, C], result [N, OH, OW, C]. `kind` is max or average. Windows
    are clipped to the image; an average divides by the clipped size, or with
    `include_pad` by the whole window. Static i8 in and out: the integer sum s
    of (x - zx), y = sat(rne(f32(s) * f32(sx / sy) / f32(count)) + zy); a
    maximum needs equal encodings and compares codes.

    ```mlir
    %y = qc.pool2d "max" %x {kernel = array<i64: 2, 2>,
        strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>,
        pads = array<i64: 0, 0, 0, 0>}
      : tensor<1x8x8x16xf32> -> tensor<1x4x4x16xf32>
    ```
    Constraints: pool2d_c1 (kind), pool2d_c2 (ranks, batch and channels),
    pool2d_c3 (a maximum keeps the encoding).
  }];
  let arguments = (ins StrAttr:$kind, RankedTensorOf<[F32]>:$input,
                       DenseI64ArrayAttr:$kernel, DenseI64ArrayAttr:$strides,
                       DenseI64ArrayAttr:$dilations, DenseI64ArrayAttr:$pads,
                       UnitAttr:$include_pad);
  let results = (outs RankedTensorOf<[F32]>:$result);
  let assemblyFormat = [{
    $kind $input attr-dict `:` type($input) `->` type($result)
  }];
  let hasVerifier = 1;
}

def QC_AddOp : QC_Op<"add", [Pure]> {
  let summary = "sum of two 8-bit tensors";
  let description = [{
    All operands static i8: t = f32(a - za) * f32(sa / sy);
    t = t + f32(b - zb) * f32(sb / sy); y = rne(clamp(t, lo, hi)) + zy.

    ```mlir
    %y = qc.add %a, %b {low = 0.0 : f32}
      : tensor<4xf32, #qc.affine<i8, scale = 0.1>>,
        tensor<4xf32, #qc.affine<i8, scale = 0.2>>
      -> tensor<4xf32, #qc.affine<i8, scale = 0.3>>
    ```
    Constraints: add_c1 (equal shapes), add_c2 (static 8-bit encodings).
  }];
  let arguments = (ins RankedTensorOf<[F32]>:$lhs, RankedTensorOf<[F32]>:$rhs,
                       OptionalAttr<F32Attr>:$low, OptionalAttr<F32Attr>:$high);
  let results = (outs RankedTensorOf<[F32]>:$result);
  let assemblyFormat = [{
    $lhs `,` $rhs attr-dict `:` type($lhs) `,` type($rhs) `->` type($result)
  }];
  let hasVerifier = 1;
}

def QC_LookupOp : QC_Op<"lookup", [Pure]> {
  let summary = "an elementary function between two 8-bit encodings";
  let description = [{
    y = quantize(f(clamp(dequantize(x)))) as a table of 256 entries; `function`
    is identity (a change of scale) or a function of qc.unary.

    ```mlir
    %y = qc.lookup "sigmoid" %x : tensor<4xf32, #qc.affine<i8, scale = 0.1>>
      -> tensor<4xf32, #qc.affine<i8, scale = 0.004, zero_point = -128>>
    ```
    Constraints: lookup_c1 (equal shapes), lookup_c2 (static 8-bit encodings),
    lookup_c3 (the function is known).
  }];
  let arguments = (ins StrAttr:$function, RankedTensorOf<[F32]>:$input,
                       OptionalAttr<F32Attr>:$low, OptionalAttr<F32Attr>:$high);
  let results = (outs RankedTensorOf<[F32]>:$result);
  let assemblyFormat = [{
    $function $input attr-dict `:` type($input) `->` type($result)
  }];
  let hasVerifier = 1;
}

def QC_QuantizeBiasOp : QC_Op<"quantize_bias", [Pure]> {
  let summary = "a float bias in units of the integer sum";
  let description = [{
    bias_i32[f] = rne(bias[f] / f32(input_scale * sw[f])), sw the scales of
    the encoded weights. A value outside 32 bits is an error when it is run.

    ```mlir
    %i = qc.quantize_bias %b, %w {input_scale = 0.05 : f32}
      : tensor<10xf32>,
        tensor<64x10xf32, #qc.affine<i8, group = [-1, 1], symmetric>>
      -> tensor<10xi32>
    ```
  }];
  let arguments = (ins RankedTensorOf<[F32]>:$bias, RankedTensorOf<[F32]>:$weight,
                       F32Attr:$input_scale);
  let results = (outs RankedTensorOf<[I32]>:$result);
  let assemblyFormat = [{
    $bias `,` $weight attr-dict `:` type($bias) `,` type($weight) `->`
    type($result)
  }];
}

#endif // QC_DIALECT_QC_IR_QCFUSEDOPS_TD
