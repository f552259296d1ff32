//===- QCDecoderOps.td - Ops of language models, levels 0-3 -*- tablegen -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A step of a decoder takes tokens of one or several sequences: token i stands
// at `positions[i]` of the sequence `sequences[i]`. What earlier tokens left is
// in a cache [sequences, layers, 2, heads, context, head size], keys at index 0
// of the third axis, values at 1. The cache is functional: an append gives the
// cache with the new rows, and the old one may not be used after it.
//
// A row of a cache of i8 has 4 bytes more than the head size: the codes of
// #qc.affine<i8, group = [1, head size], scale = f32>, then their scale.
//
//===----------------------------------------------------------------------===//

#ifndef QC_DIALECT_QC_IR_QCDECODEROPS_TD
#define QC_DIALECT_QC_IR_QCDECODEROPS_TD

include "qc/Dialect/QC/IR/QCEncodings.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def QC_IndexVector : RankedTensorOf<[I32]>;
def QC_Cache : RankedTensorOf<[F32, F16, BF16, I8]>;

def QC_EmbeddingOp : QC_Op<"embedding", [Pure]> {
  let summary = "columns of a table, one for each token";
  let description = [{
    y[i, k] = table[k, tokens[i]]; zeros for a token outside the table. The
    table is [hidden, vocabulary], as the weight of a head that shares it.

    ```mlir
    %y = qc.embedding %tokens, %table
      : tensor<?xi32>, tensor<64x512xf32> -> tensor<?x64xf32>
    ```
    Constraint: embedding_c1 (a vector of tokens, a matrix, and a result with
    its rows).
  }];
  let arguments = (ins QC_IndexVector:$tokens, RankedTensorOf<[F32]>:$table);
  let results = (outs RankedTensorOf<[F32]>:$result);
  let assemblyFormat = [{
    $tokens `,` $table attr-dict `:` type($tokens) `,` type($table) `->`
    type($result)
  }];
  let hasVerifier = 1;
}

def QC_RopeOp : QC_Op<"rope", [Pure, AllTypesMatch<["input", "result"]>]> {
  let summary = "rotary position embedding";
  let description = [{
    Turns pairs of elements of each head by the angles of its token (Su et al.,
    RoFormer, 2021, arXiv:2104.09864). `input` is [tokens, heads, head size],
    `cos` and `sin` [tokens, pairs]. Pair p of the first 2 * pairs elements is
    (p, p + pairs), or (2p, 2p + 1) if `interleaved`; the others stay. For a
    pair (a, b): (a * cos - b * sin, b * cos + a * sin), each product and each
    sum rounded.

    ```mlir
    %y = qc.rope %x, %cos, %sin
      : tensor<?x8x8xf32>, tensor<?x4xf32>, tensor<?x4xf32>
    ```
    Constraint: rope_c1 (the shapes fit each other).
  }];
  let arguments = (ins RankedTensorOf<[F32]>:$input, RankedTensorOf<[F32]>:$cos,
                       RankedTensorOf<[F32]>:$sin, UnitAttr:$interleaved);
  let results = (outs RankedTensorOf<[F32]>:$result);
  let assemblyFormat = [{
    $input `,` $cos `,` $sin attr-dict `:` type($input) `,` type($cos) `,`
    type($sin)
  }];
  let hasVerifier = 1;
}

def QC_KVAppendOp
    : QC_Op<"kv_append", [Pure, AllTypesMatch<["cache", "result"]>,
                          AllTypesMatch<["keys", "values"]>,
                          AllTypesMatch<["positions", "sequences"]>]> {
  let summary = "keys and values of new tokens, put into the cache";
  let description = [{
    cache[sequences[i], layer, 0, h, positions[i], :] = keys[i, h, :], and the
    values at index 1, rounded to the cache's type; in a cache of i8, encoded
    with the scale that the row's largest magnitude gives. A token whose
    position or sequence is outside the cache is left out.

    ```mlir
    %c1 = qc.kv_append %c0, %k, %v at %positions in %sequences {layer = 3 : i64}
      : tensor<?x5x2x4x?x8xf16>, tensor<?x4x8xf32>, tensor<?xi32>
    ```
    Constraints: kv_append_c1 (the shapes fit each other), kv_append_c2 (the
    cache has the layer).
  }];
  let arguments = (ins QC_Cache:$cache, RankedTensorOf<[F32]>:$keys,
                       RankedTensorOf<[F32]>:$values, QC_IndexVector:$positions,
                       QC_IndexVector:$sequences, I64Attr:$layer);
  let results = (outs QC_Cache:$result);
  let assemblyFormat = [{
    $cache `,` $keys `,` $values `at` $positions `in` $sequences attr-dict `:`
    type($cache) `,` type($keys) `,` type($positions)
  }];
  let hasVerifier = 1;
}

def QC_AttentionOp
    : QC_Op<"attention", [Pure, AllTypesMatch<["queries", "result"]>,
                          AllTypesMatch<["positions", "sequences"]>]> {
  let summary = "attention of tokens to what their sequences hold";
  let description = [{
    For query head h of token i at position p, key head g = h / (heads / key
    heads) and the positions t in (p - window, p] (all up to p for a window of
    0): s[t] = (queries[i, h, :] . keys[g, t, :]) * scale; with a soft cap c,
    s[t] = c * tanh(s[t] / c); y[i, h, :] = sum of softmax(s)[t] *
    values[g, t, :]. The dot products and the last sum are those of f32
    products, whose order targets may choose.

    ```mlir
    %y = qc.attention %q, %c1 at %positions in %sequences
      {layer = 3 : i64, scale = 0.35355339 : f32}
      : tensor<?x8x8xf32>, tensor<?x5x2x4x?x8xf16>, tensor<?xi32>
    ```
    Constraints: attention_c1 (the shapes fit each other, query heads are a
    multiple of key heads), attention_c2 (the cache has the layer), attention_c3
    (window and soft cap are not negative).
  }];
  let arguments = (ins RankedTensorOf<[F32]>:$queries, QC_Cache:$cache,
                       QC_IndexVector:$positions, QC_IndexVector:$sequences,
                       I64Attr:$layer, F32Attr:$scale,
                       DefaultValuedAttr<I64Attr, "0">:$window,
                       DefaultValuedAttr<F32Attr, "0.0f">:$soft_cap);
  let results = (outs RankedTensorOf<[F32]>:$result);
  let assemblyFormat = [{
    $queries `,` $cache `at` $positions `in` $sequences attr-dict `:`
    type($queries) `,` type($cache) `,` type($positions)
  }];
  let hasVerifier = 1;
}

def QC_UnpackBlocksOp : QC_Op<"unpack_blocks", [Pure]> {
  let summary = "bytes in the blocks of GGML as an encoded tensor";
  let description = [{
    The components of a matrix [K, N] whose columns lie in the bytes one after
    another, each as blocks along K: the rows of a GGUF tensor [N, K].

    ```mlir
    %w = qc.unpack_blocks %bytes : tensor<18432xi8>
      -> tensor<64x512xf32, #qc.ggml<q4_0, group = [32, 1]>>
    ```
    Constraint: unpack_blocks_c1 (a matrix of blocks along its first axis, and
    as many bytes).
  }];
  let arguments = (ins RankedTensorOf<[I8]>:$bytes);
  let results = (outs RankedTensorOf<[F32]>:$result);
  let assemblyFormat = "$bytes attr-dict `:` type($bytes) `->` type($result)";
  let hasVerifier = 1;
}

#endif // QC_DIALECT_QC_IR_QCDECODEROPS_TD
