// RUN: qc-opt %s "--qc-quantize=" 2>&1 | FileCheck %s
// RUN: %python %S/Inputs/make_stats.py %t.stats x=-1:3:8
// RUN: qc-opt %s "--qc-quantize=stats=%t.stats" 2>&1 | FileCheck %s --check-prefix=STATIC

// Products with a stack of weights have no kernel for scales by row.
// CHECK: remark: {{.*}}layer 'heads' stays in float: a stack of weights needs calibration statistics for 8-bit activations
// CHECK: remark: {{.*}}layer 'repeated' stays in float: its weight is repeated for each sample
// CHECK-LABEL: func @main
// CHECK-NOT: qc.quantize
// CHECK: return

// STATIC-LABEL: func @main
// STATIC: qc.quantize %{{.*}} #qc.affine<i8, scale = 0.0156862754, zero_point = -64>>
func.func @main(%x: tensor<3x5x8xf32> {qc.name = "x"}) -> tensor<3x5x4xf32> {
  %w = qc.parameter "w" {file = "f", offset = 0 : i64, length = 384 : i64} : tensor<3x8x4xf32>
  %zeros = arith.constant dense<0.0> : tensor<3x5x4xf32>
  %y = linalg.batch_matmul ins(%x, %w : tensor<3x5x8xf32>, tensor<3x8x4xf32>) outs(%zeros : tensor<3x5x4xf32>) -> tensor<3x5x4xf32> loc("heads")
  return %y : tensor<3x5x4xf32>
}

// A stack for each of a free number of samples is no constant.
func.func @repeated(%x: tensor<?x5x8xf32> {qc.name = "x"}, %n: index) -> tensor<?x5x4xf32> {
  %zero = arith.constant 0.0 : f32
  %w = qc.parameter "w" {file = "f", offset = 0 : i64, length = 128 : i64} : tensor<8x4xf32>
  %e = tensor.empty(%n) : tensor<?x8x4xf32>
  %b = linalg.broadcast ins(%w : tensor<8x4xf32>) outs(%e : tensor<?x8x4xf32>) dimensions = [0]
  %i = tensor.empty(%n) : tensor<?x5x4xf32>
  %f = linalg.fill ins(%zero : f32) outs(%i : tensor<?x5x4xf32>) -> tensor<?x5x4xf32>
  %y = linalg.batch_matmul ins(%x, %b : tensor<?x5x8xf32>, tensor<?x8x4xf32>) outs(%f : tensor<?x5x4xf32>) -> tensor<?x5x4xf32> loc("repeated")
  return %y : tensor<?x5x4xf32>
}
