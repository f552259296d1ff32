// RUN: qc-opt %s "--pass-pipeline=builtin.module(func.func(qc-remove-layers{layers=1}))" --mlir-print-debuginfo --mlir-print-local-scope | FileCheck %s
// RUN: qc-opt %s "--pass-pipeline=builtin.module(func.func(qc-remove-layers{layers=0,1}))" | FileCheck %s --check-prefix=LAST
// RUN: not qc-opt %s "--pass-pipeline=builtin.module(func.func(qc-remove-layers{layers=3}))" 2>&1 | FileCheck %s --check-prefix=NUMBER
// RUN: not qc-opt %s "--pass-pipeline=builtin.module(func.func(qc-remove-layers{layers=0,1,2}))" 2>&1 | FileCheck %s --check-prefix=ALL

// NUMBER: error: found layer 3, expected one of 3
// ALL: error: found no layer that stays

// Layer 2 reads what layer 0 gives, and takes its place in the cache.
// CHECK-LABEL: func @main
// CHECK-SAME: tensor<1x2x2x2x4x4xf16> {qc.state}{{.*}}-> (tensor<3x8xf32>, tensor<1x2x2x2x4x4xf16> {qc.state})
// CHECK: %[[C0:.*]] = qc.kv_append %{{.*}} {layer = 0 : i64}
// CHECK: qc.attention %{{.*}}, %[[C0]] {{.*}}{layer = 0 : i64
// CHECK: %[[A:.*]] = arith.addf %{{.*}}, %{{.*}} loc("out0")
// CHECK-NOT: arith.addf {{.*}} loc("out1")
// CHECK: %[[C1:.*]] = qc.kv_append %[[C0]], %{{.*}} {layer = 1 : i64}
// CHECK: qc.attention %{{.*}}, %[[C1]] {{.*}}{layer = 1 : i64
// CHECK: return %{{.*}}, %[[C1]]

// LAST-LABEL: func @main
// LAST-SAME: tensor<1x1x2x2x4x4xf16>
// LAST-COUNT-1: qc.attention
// LAST-NOT: qc.attention
// LAST: return
func.func @main(%x: tensor<3x8xf32>, %at: tensor<3xi32>, %in: tensor<3xi32>, %cache: tensor<1x3x2x2x4x4xf16> {qc.state}) -> (tensor<3x8xf32>, tensor<1x3x2x2x4x4xf16> {qc.state}) {
  %w = qc.parameter "w" {file = "f", offset = 0 : i64, length = 256 : i64} : tensor<8x8xf32>
  %zero = arith.constant dense<0.0> : tensor<3x8xf32>

  %q0 = tensor.expand_shape %x [[0], [1, 2]] output_shape [3, 2, 4] : tensor<3x8xf32> into tensor<3x2x4xf32>
  %c0 = qc.kv_append %cache, %q0, %q0 at %at in %in {layer = 0 : i64} : tensor<1x3x2x2x4x4xf16>, tensor<3x2x4xf32>, tensor<3xi32>
  %a0 = qc.attention %q0, %c0 at %at in %in {layer = 0 : i64, scale = 0.5 : f32} : tensor<3x2x4xf32>, tensor<1x3x2x2x4x4xf16>, tensor<3xi32>
  %f0 = tensor.collapse_shape %a0 [[0], [1, 2]] : tensor<3x2x4xf32> into tensor<3x8xf32>
  %s0 = arith.addf %f0, %x : tensor<3x8xf32>
  %m0 = linalg.matmul ins(%s0, %w : tensor<3x8xf32>, tensor<8x8xf32>) outs(%zero : tensor<3x8xf32>) -> tensor<3x8xf32>
  %y0 = arith.addf %m0, %s0 : tensor<3x8xf32> loc("out0")

  %q1 = tensor.expand_shape %y0 [[0], [1, 2]] output_shape [3, 2, 4] : tensor<3x8xf32> into tensor<3x2x4xf32>
  %c1 = qc.kv_append %c0, %q1, %q1 at %at in %in {layer = 1 : i64} : tensor<1x3x2x2x4x4xf16>, tensor<3x2x4xf32>, tensor<3xi32>
  %a1 = qc.attention %q1, %c1 at %at in %in {layer = 1 : i64, scale = 0.5 : f32} : tensor<3x2x4xf32>, tensor<1x3x2x2x4x4xf16>, tensor<3xi32>
  %f1 = tensor.collapse_shape %a1 [[0], [1, 2]] : tensor<3x2x4xf32> into tensor<3x8xf32>
  %s1 = arith.addf %f1, %y0 : tensor<3x8xf32>
  %m1 = linalg.matmul ins(%s1, %w : tensor<3x8xf32>, tensor<8x8xf32>) outs(%zero : tensor<3x8xf32>) -> tensor<3x8xf32>
  %y1 = arith.addf %m1, %s1 : tensor<3x8xf32> loc("out1")

  %q2 = tensor.expand_shape %y1 [[0], [1, 2]] output_shape [3, 2, 4] : tensor<3x8xf32> into tensor<3x2x4xf32>
  %c2 = qc.kv_append %c1, %q2, %q2 at %at in %in {layer = 2 : i64} : tensor<1x3x2x2x4x4xf16>, tensor<3x2x4xf32>, tensor<3xi32>
  %a2 = qc.attention %q2, %c2 at %at in %in {layer = 2 : i64, scale = 0.5 : f32} : tensor<3x2x4xf32>, tensor<1x3x2x2x4x4xf16>, tensor<3xi32>
  %f2 = tensor.collapse_shape %a2 [[0], [1, 2]] : tensor<3x2x4xf32> into tensor<3x8xf32>
  %s2 = arith.addf %f2, %y1 : tensor<3x8xf32>
  %m2 = linalg.matmul ins(%s2, %w : tensor<3x8xf32>, tensor<8x8xf32>) outs(%zero : tensor<3x8xf32>) -> tensor<3x8xf32>
  %y2 = arith.addf %m2, %s2 : tensor<3x8xf32> loc("out2")
  return %y2, %c2 : tensor<3x8xf32>, tensor<1x3x2x2x4x4xf16>
}
