//===- QCModelOps.td - Levels 0 to 2: model, observed, QDQ --*- tablegen -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QC_DIALECT_QC_IR_QCMODELOPS_TD
#define QC_DIALECT_QC_IR_QCMODELOPS_TD

include "qc/Dialect/QC/IR/QCEncodings.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

class QC_Unary<string mnemonic, list<Trait> traits = []>
    : QC_Op<mnemonic, !listconcat([Pure, AllShapesMatch<["input", "result"]>],
                                  traits)>;

def QC_ParameterOp : QC_Op<"parameter", [Pure]> {
  let summary = "a tensor of trained values, kept in a file";
  let description = [{
    The value is `length` little-endian bytes at `offset` of `file`, row-major,
    in the element type of the result. No pass reads the bytes: ops on a
    parameter stay in the IR until the materializer runs them.

    ```mlir
    %w = qc.parameter "conv1.weight" {file = "net.onnx", offset = 412 : i64,
         length = 1728 : i64} : tensor<16x3x3x3xf32>
    ```
    Constraints: parameter_c1 (static shape), parameter_c2 (length equals the
    bytes of the shape), parameter_c3 (offset is not negative).
  }];
  let arguments = (ins StrAttr:$name, StrAttr:$file, I64Attr:$offset,
                       I64Attr:$length);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$name attr-dict `:` type($result)";
  let hasVerifier = 1;
}

def QC_ChannelAffineOp
    : QC_Op<"channel_affine", [Pure, AllTypesMatch<["input", "result"]>]> {
  let summary = "y = x * scale[c] + shift[c] along one axis";
  let description = [{
    An inference-time batch normalization: `scale` = gamma / sqrt(var + eps),
    `shift` = beta - mean * scale. Multiply, then add. Folded into a preceding
    convolution by `--qc-fold-channel-affine`.

    ```mlir
    %y = qc.channel_affine %x, %s, %b {axis = 1 : i64}
       : tensor<?x16x32x32xf32>, tensor<16xf32>, tensor<16xf32>
    ```
    Constraints: channel_affine_c1 (axis inside the rank), channel_affine_c2
    (scale and shift have the length of that axis).
  }];
  let arguments = (ins RankedTensorOf<[F32]>:$input, RankedTensorOf<[F32]>:$scale,
                       RankedTensorOf<[F32]>:$shift, I64Attr:$axis);
  let results = (outs RankedTensorOf<[F32]>:$result);
  let assemblyFormat = [{
    $input `,` $scale `,` $shift attr-dict `:` type($input) `,` type($scale)
    `,` type($shift)
  }];
  let hasVerifier = 1;
}

def QC_UnaryOp : QC_Unary<"unary", [AllTypesMatch<["input", "result"]>]> {
  let summary = "an elementary function, elementwise";
  let description = [{
    y = f(x) with f one of the functions of qc::numerics::Unary: exp, log, erf,
    tanh, sigmoid, gelu, gelu_tanh, silu, sin, cos, sqrt. Its bits are defined
    by that description on every target.

    ```mlir
    %y = qc.unary "gelu" %x : tensor<?x384xf32>
    ```
    Constraint: unary_c1 (the function is known).
  }];
  let arguments = (ins StrAttr:$function, RankedTensorOf<[F32]>:$input);
  let results = (outs RankedTensorOf<[F32]>:$result);
  let assemblyFormat = "$function $input attr-dict `:` type($input)";
  let hasVerifier = 1;
}

def QC_SoftmaxOp : QC_Unary<"softmax", [AllTypesMatch<["input", "result"]>]> {
  let summary = "softmax over the last axis";
  let description = [{
    y = exp(x - max) / sum(exp(x - max)) over the last axis, in the order of
    qc::numerics (16 partial sums, then a fixed tree).

    ```mlir
    %y = qc.softmax %x : tensor<?x12xf32>
    ```
  }];
  let arguments = (ins RankedTensorOf<[F32]>:$input);
  let results = (outs RankedTensorOf<[F32]>:$result);
  let assemblyFormat = "$input attr-dict `:` type($input)";
}

def QC_LayerNormOp
    : QC_Unary<"layer_norm", [AllTypesMatch<["input", "result"]>]> {
  let summary = "layer normalization over the last axis";
  let description = [{
    y = (x - mean) / sqrt(var + epsilon) * gamma + beta over the last axis.

    ```mlir
    %y = qc.layer_norm %x, %gamma, %beta {epsilon = 1.0e-12 : f32}
       : tensor<?x384xf32>, tensor<384xf32>, tensor<384xf32>
    ```
    Constraint: layer_norm_c1 (gamma, beta have the length of the last axis).
  }];
  let arguments = (ins RankedTensorOf<[F32]>:$input, RankedTensorOf<[F32]>:$gamma,
                       RankedTensorOf<[F32]>:$beta, F32Attr:$epsilon);
  let results = (outs RankedTensorOf<[F32]>:$result);
  let assemblyFormat = [{
    $input `,` $gamma `,` $beta attr-dict `:` type($input) `,` type($gamma) `,`
    type($beta)
  }];
  let hasVerifier = 1;
}

def QC_RMSNormOp : QC_Unary<"rms_norm", [AllTypesMatch<["input", "result"]>]> {
  let summary = "root mean square normalization over the last axis";
  let description = [{
    y = x / sqrt(mean(x * x) + epsilon) * gamma over the last axis.

    ```mlir
    %y = qc.rms_norm %x, %gamma {epsilon = 1.0e-5 : f32}
       : tensor<?x64xf32>, tensor<64xf32>
    ```
    Constraint: rms_norm_c1 (gamma has the length of the last axis).
  }];
  let arguments = (ins RankedTensorOf<[F32]>:$input, RankedTensorOf<[F32]>:$gamma,
                       F32Attr:$epsilon);
  let results = (outs RankedTensorOf<[F32]>:$result);
  let assemblyFormat = [{
    $input `,` $gamma attr-dict `:` type($input) `,` type($gamma)
  }];
  let hasVerifier = 1;
}

def QC_ObserveOp : QC_Op<"observe", [AllTypesMatch<["input", "result"]>]> {
  let summary = "passes a tensor on and counts its values";
  let description = [{
    Level 1. The value is unchanged; running the level adds every element to
    the histogram called `name` of the statistics file.

    ```mlir
    %1 = qc.observe "conv1" %0 : tensor<?x32x32x16xf32>
    ```
  }];
  let arguments = (ins StrAttr:$name, RankedTensorOf<[F32]>:$input);
  let results = (outs RankedTensorOf<[F32]>:$result);
  let assemblyFormat = "$name $input attr-dict `:` type($input)";
}

def QC_QuantizeOp : QC_Unary<"quantize"> {
  let summary = "values to codes of an encoding";
  let description = [{
    A static affine encoding: code = sat(rne(x / scale) + zero_point), NaN to
    the zero point. Any other encoding finds its scales from the data first
    (`algorithm` minmax or mse): weights at compile time, run-time activation
    scales when the model runs.

    ```mlir
    %q = qc.quantize %x : tensor<?x64xf32>
      -> tensor<?x64xf32, #qc.affine<i8, scale = 0.05, zero_point = -3>>
    %w = qc.quantize %p {algorithm = "mse"} : tensor<64x10xf32>
      -> tensor<64x10xf32, #qc.affine<i8, group = [-1, 1], symmetric>>
    ```
    Constraints: quantize_c1 (the input has no encoding), quantize_c2 (the
    result has one), quantize_c3 (the shape suits the encoding).
  }];
  let arguments = (ins RankedTensorOf<[F32]>:$input,
                       DefaultValuedStrAttr<StrAttr, "minmax">:$algorithm);
  let results = (outs RankedTensorOf<[F32]>:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
}

def QC_PruneOp : QC_Unary<"prune", [AllTypesMatch<["input", "result"]>]> {
  let summary = "a weight whose least values are zero";
  let description = [{
    The axes `channels` of the weight, merged, are the outputs of a matrix W,
    the other ones, in their order, its inputs. Of W those elements become zero
    that have the least magnitudes: a share of all elements (`50%`), all but n
    of each m consecutive inputs (`2:4`), or a share of all blocks of rows x
    columns by the mean of their squares (`16x1:50%`); of equal ones the first.
    Shares are rounded down, the last run or block of an axis may be smaller.

    ```mlir
    %p = qc.prune %w to "2:4" {channels = array<i64: 1>} : tensor<64x32xf32>
    ```
    Constraints: prune_c1 (the sparsity is one), prune_c2 (a static shape
    without an encoding), prune_c3 (the channels are axes in ascending order).
  }];
  let arguments = (ins RankedTensorOf<[F32]>:$input, StrAttr:$sparsity,
                       DenseI64ArrayAttr:$channels);
  let results = (outs RankedTensorOf<[F32]>:$result);
  let assemblyFormat = "$input `to` $sparsity attr-dict `:` type($input)";
  let hasVerifier = 1;
}

def QC_DequantizeOp : QC_Unary<"dequantize"> {
  let summary = "codes of an encoding back to values";
  let description = [{
    x = decode(code): for affine encodings f32(code - zero_point) * scale.

    ```mlir
    %x = qc.dequantize %q
      : tensor<?x64xf32, #qc.affine<i8, scale = 0.05, zero_point = -3>>
      -> tensor<?x64xf32>
    ```
    Constraints: dequantize_c1 (the input has an encoding), dequantize_c2 (the
    result has none).
  }];
  let arguments = (ins RankedTensorOf<[F32]>:$input);
  let results = (outs RankedTensorOf<[F32]>:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
}

def QC_ComponentOp : QC_Op<"component", [Pure]> {
  let summary = "one plain tensor of an encoded one";
  let description = [{
    The component called `name` ("data", "scale", "zero") of an encoded tensor.

    ```mlir
    %d = qc.component %q "data"
      : tensor<?x64xf32, #qc.affine<i8, scale = 0.05>> -> tensor<?x64xi8>
    ```
    Constraint: component_c1 (the encoding has it, with the result's type).
  }];
  let arguments = (ins RankedTensorOf<[F32]>:$input, StrAttr:$name);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = [{
    $input $name attr-dict `:` type($input) `->` type($result)
  }];
  let hasVerifier = 1;
  let hasFolder = 1;
}

def QC_AssembleOp : QC_Op<"assemble", [Pure]> {
  let summary = "an encoded tensor from its components";
  let description = [{
    The operands are the components in the order of the encoding.

    ```mlir
    %q = qc.assemble %d, %s : tensor<64x10xi8>, tensor<10xf32>
      -> tensor<64x10xf32, #qc.affine<i8, group = [-1, 1], symmetric>>
    ```
    Constraint: assemble_c1 (number and types of the components).
  }];
  let arguments = (ins Variadic<AnyRankedTensor>:$components);
  let results = (outs RankedTensorOf<[F32]>:$result);
  let assemblyFormat = [{
    $components attr-dict `:` type($components) `->` type($result)
  }];
  let hasVerifier = 1;
}

#endif // QC_DIALECT_QC_IR_QCMODELOPS_TD
