//===- QCKernelOps.td - Levels 4 and 5: kernels -------------*- tablegen -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QC_DIALECT_QC_IR_QCKERNELOPS_TD
#define QC_DIALECT_QC_IR_QCKERNELOPS_TD

include "qc/Dialect/QC/IR/QCEncodings.td"
include "mlir/Dialect/LLVMIR/LLVMTypes.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def QC_PackOp : QC_Op<"pack", [Pure]> {
  let summary = "weights in the layout of a kernel";
  let description = [{
    Level 4. `layout` is one of
      contract  filter [KH, KW, C, F] or weight [K, N] of i8, f32 or an
                encoding: panels of 16 columns (KernelSlots.h), `groups` of them
      groups    weight [K, N] of an encoding (GroupPacking.h)
      sparse    weight [K, N] of a sparse encoding of 8 bits (SparsePacking.h)
      depthwise [taps, C], plain
      plain     in the order of the operand, for a provider that packs itself
    The bytes of the result are what the kernel reads.

    ```mlir
    %p = qc.pack "contract" %w {groups = 1 : i64, run = 64 : i64}
      : tensor<64x10xi8> -> tensor<1024xi8>
    ```
    Constraint: pack_c1 (the layout is known and fits the operand).
  }];
  let arguments = (ins StrAttr:$layout, AnyRankedTensor:$input,
                       DefaultValuedAttr<I64Attr, "1">:$groups,
                       DefaultValuedAttr<I64Attr, "0">:$run);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = [{
    $layout $input attr-dict `:` type($input) `->` type($result)
  }];
  let hasVerifier = 1;
}

def QC_FoldMultiplierOp
    : QC_Op<"fold_multiplier",
            [Pure, AllTypesMatch<["weight_scale", "result"]>]> {
  let summary = "m[c] = f32(f32(sx * sw[c]) / sy)";
  let description = [{
    Without `output_scale` the division is left out.

    ```mlir
    %m = qc.fold_multiplier %s {input_scale = 0.05 : f32,
        output_scale = 0.1 : f32} : tensor<10xf32>
    ```
  }];
  let arguments = (ins RankedTensorOf<[F32]>:$weight_scale, F32Attr:$input_scale,
                       OptionalAttr<F32Attr>:$output_scale);
  let results = (outs RankedTensorOf<[F32]>:$result);
  let assemblyFormat = "$weight_scale attr-dict `:` type($weight_scale)";
}

def QC_FoldZeroPointOp : QC_Op<"fold_zero_point", [Pure]> {
  let summary = "bias[n] - zero_point * sum over k of w[k, n]";
  let description = [{
    `weight` holds plain i8 codes, its last axis the output channels. Wraps
    modulo 2^32 as the kernel's sum does. Without a bias it counts as zero.

    ```mlir
    %b2 = qc.fold_zero_point %w bias %b {zero_point = 125 : i64}
      : tensor<64x10xi8>, tensor<10xi32> -> tensor<10xi32>
    ```
  }];
  let arguments = (ins RankedTensorOf<[I8]>:$weight,
                       Optional<RankedTensorOf<[I32]>>:$bias,
                       I64Attr:$zero_point);
  let results = (outs RankedTensorOf<[I32]>:$result);
  let assemblyFormat = [{
    $weight (`bias` $bias^)? attr-dict `:` type($weight) (`,` type($bias)^)?
    `->` type($result)
  }];
}

def QC_TableOp : QC_Op<"table", [Pure]> {
  let summary = "the 256 entries of a qc.lookup";
  let description = [{
    Entry i is the stored byte for the stored byte i. `stored_offset` is 128
    where codes are stored as q + 128 (x86), else 0.

    ```mlir
    %t = qc.table "sigmoid" {input = #qc.affine<i8, scale = 0.1>,
        output = #qc.affine<i8, scale = 0.004>, stored_offset = 128 : i64}
      : tensor<256xi8>
    ```
  }];
  let arguments = (ins StrAttr:$function, QC_AffineAttr:$input,
                       QC_AffineAttr:$output, I64Attr:$stored_offset,
                       OptionalAttr<F32Attr>:$low, OptionalAttr<F32Attr>:$high);
  let results = (outs RankedTensorOf<[I8]>:$result);
  let assemblyFormat = "$function attr-dict `:` type($result)";
}

def QC_WeightOp : QC_Op<"weight", [Pure]> {
  let summary = "bytes of the library's weights";
  let description = [{
    What the materializer leaves: `offset` into the weights, aligned to 64.

    ```mlir
    %w = qc.weight {offset = 4096 : i64} : tensor<1024xi8>
    ```
  }];
  let arguments = (ins I64Attr:$offset);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "attr-dict `:` type($result)";
}

def QC_KernelOp : QC_Op<"kernel", [Pure, AttrSizedOperandSegments]> {
  let summary = "one launch of a generated kernel, on tensors";
  let description = [{
    Level 4. `key` is the text of a qc::KernelKey (one of the op `onednn` is
    computed by that library), or `@name` for a function of
    the module that holds an outlined linalg op. Slot i of the launch holds
    `constants[i]`, but for the slots that `tensor_slots` (the addresses of
    `tensors`), `size_slots` (the values of `sizes`) and `result_slots` (the
    addresses of the results) name. The launch has `parts` parts. `dims` are
    the dynamic sizes of the results, in order. With `in_place` = i the first
    result takes the place of tensors[i], which is changed.

    ```mlir
    %y = qc.kernel "lookup:u8" parts(%parts) tensors(%x, %t) sizes(%n)
        dims(%n) {constants = array<i64: 0, 0, 0, 0, 4096>,
         tensor_slots = array<i64: 0, 1>, size_slots = array<i64: 3>,
         result_slots = array<i64: 2>}
      : tensor<?xi8>, tensor<256xi8> -> tensor<?xi8>
    ```
    Constraints: kernel_c1 (as many slots as operands and results), kernel_c2
    (as many dims as dynamic sizes), kernel_c3 (what is changed in place has the
    type of the first result).
  }];
  let arguments = (ins StrAttr:$key, Index:$parts,
                       Variadic<AnyRankedTensor>:$tensors,
                       Variadic<Index>:$sizes, Variadic<Index>:$dims,
                       DenseI64ArrayAttr:$constants,
                       DenseI64ArrayAttr:$tensor_slots,
                       DenseI64ArrayAttr:$size_slots,
                       DenseI64ArrayAttr:$result_slots,
                       OptionalAttr<AnyAttr>:$encoding,
                       OptionalAttr<StrAttr>:$layer,
                       OptionalAttr<I64Attr>:$in_place);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let assemblyFormat = [{
    $key `parts` `(` $parts `)` `tensors` `(` $tensors `)`
    `sizes` `(` $sizes `)` (`dims` `(` $dims^ `)`)? attr-dict `:`
    type($tensors) `->` type($results)
  }];
  let hasVerifier = 1;
}

def QC_SymbolOp : QC_Op<"symbol", [Pure]> {
  let summary = "the size of a named dimension";
  let description = [{
    Levels 4 and 5. The size that the inputs of this run give to `name`, at most
    `max`.

    ```mlir
    %n = qc.symbol "batch" max 8
    ```
  }];
  let arguments = (ins StrAttr:$name, I64Attr:$max);
  let results = (outs Index:$result);
  let assemblyFormat = "$name `max` $max attr-dict";
}

def QC_BufferOp : QC_Op<"buffer", [Pure]> {
  let summary = "an address in the arena, the weights or a port";
  let description = [{
    Level 5. `space` is arena, weights, input or output; `offset` counts bytes
    into the arena or the weights, or is the number of the port.

    ```mlir
    %p = qc.buffer "arena" 4096
    ```
  }];
  let arguments = (ins StrAttr:$space, I64Attr:$offset);
  let results = (outs LLVM_AnyPointer:$result);
  let assemblyFormat = "$space $offset attr-dict `:` type($result)";
}

def QC_LaunchOp : QC_Op<"launch", [AttrSizedOperandSegments]> {
  let summary = "one launch of a generated kernel, on addresses";
  let description = [{
    Level 5. As qc.kernel, with addresses in the place of tensors.

    ```mlir
    qc.launch "lookup:u8" parts(%parts) buffers(%x, %t, %y) sizes(%n)
      {constants = array<i64: 0, 0, 0, 0, 4096>,
       buffer_slots = array<i64: 0, 1, 2>, size_slots = array<i64: 3>}
      : !llvm.ptr, !llvm.ptr, !llvm.ptr
    ```
    Constraint: launch_c1 (as many slots as operands).
  }];
  let arguments = (ins StrAttr:$key, Index:$parts,
                       Variadic<LLVM_AnyPointer>:$buffers,
                       Variadic<Index>:$sizes, DenseI64ArrayAttr:$constants,
                       DenseI64ArrayAttr:$buffer_slots,
                       DenseI64ArrayAttr:$size_slots,
                       OptionalAttr<AnyAttr>:$encoding,
                       OptionalAttr<StrAttr>:$layer);
  let assemblyFormat = [{
    $key `parts` `(` $parts `)` `buffers` `(` $buffers `)`
    `sizes` `(` $sizes `)` attr-dict `:` type($buffers)
  }];
  let hasVerifier = 1;
}

#endif // QC_DIALECT_QC_IR_QCKERNELOPS_TD
