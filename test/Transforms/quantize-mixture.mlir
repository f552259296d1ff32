// RUN: qc-opt %s "--qc-quantize=precision=q4_K_M" | FileCheck %s
// RUN: qc-opt %s "--qc-quantize=precision=Q4_K_M layer=token_embd=q4_K;blk.0.attn_v=keep" 2>&1 | FileCheck %s --check-prefix=LAYER
// RUN: not qc-opt %s "--qc-quantize=precision=Q4_K_M layer=output=q8_0" 2>&1 | FileCheck %s --check-prefix=NAMES
// RUN: sed s/attn_v/conv/ %s > %t.mlir
// RUN: not qc-opt %t.mlir "--qc-quantize=precision=Q4_K_M" 2>&1 | FileCheck %s --check-prefix=PARTS

// The embedding is the head, and both read one table.
// CHECK-LABEL: func @main
// CHECK-DAG: %[[CODES:.*]] = qc.quantize %{{.*}} : tensor<64x512xf32> -> tensor<64x512xf32, #qc.ggml<q8_0, group = [32, 1]>>
// CHECK-DAG: %[[TABLE:.*]] = qc.dequantize %[[CODES]]
// CHECK-DAG: %[[V:.*]] = qc.quantize %{{.*}} -> tensor<256x64xf32, #qc.ggml<q6_K, group = [256, 1]>>
// CHECK-DAG: %[[W:.*]] = qc.dequantize %[[V]]
// CHECK: qc.embedding %{{.*}}, %[[TABLE]]
// CHECK: linalg.matmul ins(%{{.*}}, %[[W]]
// CHECK: linalg.matmul ins(%{{.*}}, %[[TABLE]]

// LAYER: remark: {{.*}}embedding 'token_embd' stays in float: ggml_c3: q4_K has blocks of 256, which do not divide axis 0 of size 64
// LAYER-NOT: qc.quantize
// NAMES: error: found no layer that matches 'output', nearest are 'token_embd'
// PARTS: error: found the mixture Q4_K_M for layer 'blk.0.conv', expected a language model of layers that it knows
func.func @main(%tokens: tensor<?xi32>, %x: tensor<4x256xf32>, %y: tensor<4x64xf32>, %s: tensor<4x64xf32>, %l: tensor<4x512xf32>)
    -> (tensor<?x64xf32>, tensor<4x64xf32>, tensor<4x512xf32>) {
  %table = qc.parameter "t" {file = "f", offset = 0 : i64, length = 131072 : i64} : tensor<64x512xf32>
  %w = qc.parameter "w" {file = "f", offset = 131072 : i64, length = 65536 : i64} : tensor<256x64xf32>
  %e = qc.embedding %tokens, %table : tensor<?xi32>, tensor<64x512xf32> -> tensor<?x64xf32> loc("token_embd")
  %v = linalg.matmul ins(%x, %w : tensor<4x256xf32>, tensor<256x64xf32>) outs(%s : tensor<4x64xf32>) -> tensor<4x64xf32> loc("blk.0.attn_v")
  %h = linalg.matmul ins(%y, %table : tensor<4x64xf32>, tensor<64x512xf32>) outs(%l : tensor<4x512xf32>) -> tensor<4x512xf32> loc("token_embd")
  return %e, %v, %h : tensor<?x64xf32>, tensor<4x64xf32>, tensor<4x512xf32>
}
