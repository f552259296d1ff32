// The ops of language models print and round-trip.
// RUN: qc-opt %s | qc-opt | FileCheck %s

// CHECK-LABEL: func.func @step
func.func @step(%tokens: tensor<?xi32>, %table: tensor<64x512xf32>, %cos: tensor<?x4xf32>,
                %q: tensor<?x8x8xf32>, %k: tensor<?x4x8xf32>, %at: tensor<?xi32>,
                %cache: tensor<?x5x2x4x?x8xf16>) {
  // CHECK: qc.embedding %{{.*}}, %{{.*}} : tensor<?xi32>, tensor<64x512xf32> -> tensor<?x64xf32>
  %x = qc.embedding %tokens, %table : tensor<?xi32>, tensor<64x512xf32> -> tensor<?x64xf32>
  // CHECK: qc.rope %{{.*}} {interleaved} : tensor<?x8x8xf32>, tensor<?x4xf32>, tensor<?x4xf32>
  %r = qc.rope %q, %cos, %cos {interleaved} : tensor<?x8x8xf32>, tensor<?x4xf32>, tensor<?x4xf32>
  // CHECK: qc.kv_append %{{.*}}, %{{.*}}, %{{.*}} at %{{.*}} in %{{.*}} {layer = 3 : i64}
  %c = qc.kv_append %cache, %k, %k at %at in %at {layer = 3 : i64}
    : tensor<?x5x2x4x?x8xf16>, tensor<?x4x8xf32>, tensor<?xi32>
  // CHECK: qc.attention %{{.*}}, %{{.*}} at %{{.*}} in %{{.*}} {layer = 3 : i64, scale = 3.500000e-01 : f32, window = 16 : i64}
  %y = qc.attention %r, %c at %at in %at {layer = 3 : i64, scale = 0.35 : f32, window = 16 : i64}
    : tensor<?x8x8xf32>, tensor<?x5x2x4x?x8xf16>, tensor<?xi32>
  return
}

// CHECK-LABEL: func.func @codes
func.func @codes(%k: tensor<?x4x8xf32>, %at: tensor<?xi32>, %cache: tensor<?x5x2x4x?x12xi8>) {
  // CHECK: qc.kv_append {{.*}} : tensor<?x5x2x4x?x12xi8>, tensor<?x4x8xf32>, tensor<?xi32>
  %c = qc.kv_append %cache, %k, %k at %at in %at {layer = 3 : i64}
    : tensor<?x5x2x4x?x12xi8>, tensor<?x4x8xf32>, tensor<?xi32>
  return
}

// CHECK-LABEL: func.func @blocks
func.func @blocks(%bytes: tensor<18432xi8>) {
  // CHECK: qc.unpack_blocks %{{.*}} : tensor<18432xi8> -> tensor<64x512xf32, #qc.ggml<q4_0, group = [32, 1]>>
  %w = qc.unpack_blocks %bytes : tensor<18432xi8> -> tensor<64x512xf32, #qc.ggml<q4_0, group = [32, 1]>>
  return
}
