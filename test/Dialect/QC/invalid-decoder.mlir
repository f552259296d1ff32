// Each constraint of the ops of language models.
// RUN: qc-opt %s -split-input-file -verify-diagnostics

func.func @embedding_c1(%tokens: tensor<?xi32>, %table: tensor<64x512xf32>) {
  // expected-error@+1 {{embedding_c1: expected tokens [T], a table [H, V] and a result [T, H]}}
  %x = qc.embedding %tokens, %table : tensor<?xi32>, tensor<64x512xf32> -> tensor<?x512xf32>
  return
}

// -----

func.func @rope_c1(%x: tensor<?x8x8xf32>, %cos: tensor<?x5xf32>) {
  // expected-error@+1 {{rope_c1: expected an input [T, heads, size] and angles [T, pairs]}}
  %y = qc.rope %x, %cos, %cos : tensor<?x8x8xf32>, tensor<?x5xf32>, tensor<?x5xf32>
  return
}

// -----

func.func @kv_append_c1(%c: tensor<?x5x2x4x?x8xf16>, %k: tensor<?x3x8xf32>, %at: tensor<?xi32>) {
  // expected-error@+1 {{kv_append_c1: expected a cache}}
  %y = qc.kv_append %c, %k, %k at %at in %at {layer = 0 : i64}
    : tensor<?x5x2x4x?x8xf16>, tensor<?x3x8xf32>, tensor<?xi32>
  return
}

// -----

func.func @kv_append_c1_no_scale(%c: tensor<?x5x2x4x?x8xi8>, %k: tensor<?x4x8xf32>, %at: tensor<?xi32>) {
  // expected-error@+1 {{kv_append_c1: expected a cache [sequences, layers, 2, heads, context, size], of i8 with 4 bytes more for a scale}}
  %y = qc.kv_append %c, %k, %k at %at in %at {layer = 0 : i64}
    : tensor<?x5x2x4x?x8xi8>, tensor<?x4x8xf32>, tensor<?xi32>
  return
}

// -----

func.func @kv_append_c2(%c: tensor<?x5x2x4x?x8xf16>, %k: tensor<?x4x8xf32>, %at: tensor<?xi32>) {
  // expected-error@+1 {{kv_append_c2: layer 5 of a cache of 5 layers}}
  %y = qc.kv_append %c, %k, %k at %at in %at {layer = 5 : i64}
    : tensor<?x5x2x4x?x8xf16>, tensor<?x4x8xf32>, tensor<?xi32>
  return
}

// -----

func.func @attention_c1(%q: tensor<?x6x8xf32>, %c: tensor<?x5x2x4x?x8xf16>, %at: tensor<?xi32>) {
  // expected-error@+1 {{attention_c1: expected a cache}}
  %y = qc.attention %q, %c at %at in %at {layer = 0 : i64, scale = 1.0 : f32}
    : tensor<?x6x8xf32>, tensor<?x5x2x4x?x8xf16>, tensor<?xi32>
  return
}

// -----

func.func @attention_c2(%q: tensor<?x8x8xf32>, %c: tensor<?x5x2x4x?x8xf16>, %at: tensor<?xi32>) {
  // expected-error@+1 {{attention_c2: layer -1 of a cache of 5 layers}}
  %y = qc.attention %q, %c at %at in %at {layer = -1 : i64, scale = 1.0 : f32}
    : tensor<?x8x8xf32>, tensor<?x5x2x4x?x8xf16>, tensor<?xi32>
  return
}

// -----

func.func @attention_c3(%q: tensor<?x8x8xf32>, %c: tensor<?x5x2x4x?x8xf16>, %at: tensor<?xi32>) {
  // expected-error@+1 {{attention_c3: a negative window or soft cap}}
  %y = qc.attention %q, %c at %at in %at {layer = 0 : i64, scale = 1.0 : f32, window = -2 : i64}
    : tensor<?x8x8xf32>, tensor<?x5x2x4x?x8xf16>, tensor<?xi32>
  return
}

// -----

func.func @unpack_blocks_c1(%bytes: tensor<18431xi8>) {
  // expected-error@+1 {{unpack_blocks_c1: 'tensor<18431xi8>' are no blocks of}}
  %w = qc.unpack_blocks %bytes : tensor<18431xi8> -> tensor<64x512xf32, #qc.ggml<q4_0, group = [32, 1]>>
  return
}
