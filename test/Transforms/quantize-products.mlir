// RUN: %python %S/Inputs/make_stats.py %t.stats a=-1:3:8 b=-2:2:8
// RUN: qc-opt %s "--qc-quantize=stats=%t.stats" | FileCheck %s
// RUN: qc-opt %s "--qc-quantize=stats=%t.stats layer=scores=keep" | FileCheck %s --check-prefix=KEEP
// RUN: qc-opt %s "--qc-quantize=" | FileCheck %s --check-prefix=KEEP
// RUN: qc-opt %s "--qc-quantize=precision=w8" | FileCheck %s --check-prefix=KEEP
// RUN: %python %S/Inputs/make_stats.py %t.less a=-1:3:8
// RUN: qc-opt %s "--qc-quantize=stats=%t.less" 2>&1 | FileCheck %s --check-prefix=LESS
// RUN: not qc-opt %s "--qc-quantize=stats=%t.less strict=true" 2>&1 | FileCheck %s --check-prefix=STRICT

// The right factor has its zero point at 0, the left one where it likes.
// CHECK-LABEL: func @main
// CHECK-SAME: (%[[A:.*]]: tensor<2x4x8xf32>{{.*}}, %[[B:.*]]: tensor<2x8x4xf32>
// CHECK-DAG: %[[AQ:.*]] = qc.quantize %[[A]] : {{.*}} #qc.affine<i8, scale = 0.0156862754, zero_point = -64>>
// CHECK-DAG: %[[AD:.*]] = qc.dequantize %[[AQ]]
// CHECK-DAG: %[[BQ:.*]] = qc.quantize %[[B]] : {{.*}} #qc.affine<i8, scale = {{[0-9.]+}}>>
// CHECK-DAG: %[[BD:.*]] = qc.dequantize %[[BQ]]
// CHECK: linalg.batch_matmul ins(%[[AD]], %[[BD]] :

// Without static scales products of activations stay as they are.
// KEEP-NOT: qc.quantize
// KEEP: return

// LESS: remark: {{.*}}layer 'scores' stays in float: the statistics have no tensor 'b'
// LESS-NOT: qc.quantize
// STRICT: error: {{.*}}layer 'scores' cannot be quantized
func.func @main(%a: tensor<2x4x8xf32> {qc.name = "a"}, %b: tensor<2x8x4xf32> {qc.name = "b"}) -> tensor<2x4x4xf32> {
  %zeros = arith.constant dense<0.0> : tensor<2x4x4xf32>
  %y = linalg.batch_matmul ins(%a, %b : tensor<2x4x8xf32>, tensor<2x8x4xf32>) outs(%zeros : tensor<2x4x4xf32>) -> tensor<2x4x4xf32> loc("scores")
  return %y : tensor<2x4x4xf32>
}
