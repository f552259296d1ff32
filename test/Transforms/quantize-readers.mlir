// RUN: %python %S/Inputs/make_stats.py %t.stats x=-1:3:8 norm=0:4:8 relu=0:4:8
// RUN: qc-opt %s "--qc-quantize=stats=%t.stats" | FileCheck %s

// What a float op computes stays float for those who want no codes: the
// residual of a sum that is not quantized itself.
// CHECK-LABEL: func @float_value
// CHECK: %[[N:.*]] = qc.layer_norm
// CHECK: %[[Q:.*]] = qc.quantize %[[N]]
// CHECK: %[[D:.*]] = qc.dequantize %[[Q]]
// CHECK: %[[M:.*]] = linalg.matmul ins(%[[D]],
// CHECK: arith.addf %[[M]], %[[N]]
func.func @float_value(%x: tensor<2x8xf32> {qc.name = "x"}) -> tensor<2x8xf32> {
  %one = arith.constant dense<1.0> : tensor<8xf32>
  %zeros = arith.constant dense<0.0> : tensor<2x8xf32>
  %w = qc.parameter "w" {file = "f", offset = 0 : i64, length = 256 : i64} : tensor<8x8xf32>
  %n = qc.layer_norm %x, %one, %one {epsilon = 1.0e-5 : f32} : tensor<2x8xf32>, tensor<8xf32>, tensor<8xf32> loc("norm")
  %m = linalg.matmul ins(%n, %w : tensor<2x8xf32>, tensor<8x8xf32>) outs(%zeros : tensor<2x8xf32>) -> tensor<2x8xf32> loc("fc")
  %y = arith.addf %m, %n : tensor<2x8xf32>
  return %y : tensor<2x8xf32>
}

// What an integer layer makes there is only as codes.
// CHECK-LABEL: func @codes
// CHECK: %[[R:.*]] = arith.maximumf
// CHECK: %[[Q:.*]] = qc.quantize %[[R]]
// CHECK: %[[D:.*]] = qc.dequantize %[[Q]]
// CHECK: %[[M:.*]] = linalg.matmul ins(%[[D]],
// CHECK: arith.addf %[[M]], %[[D]]
func.func @codes(%x: tensor<2x8xf32> {qc.name = "x"}) -> tensor<2x8xf32> {
  %zeros = arith.constant dense<0.0> : tensor<2x8xf32>
  %v = qc.parameter "v" {file = "f", offset = 256 : i64, length = 256 : i64} : tensor<8x8xf32>
  %w = qc.parameter "w" {file = "f", offset = 0 : i64, length = 256 : i64} : tensor<8x8xf32>
  %c = linalg.matmul ins(%x, %v : tensor<2x8xf32>, tensor<8x8xf32>) outs(%zeros : tensor<2x8xf32>) -> tensor<2x8xf32> loc("fc1")
  %r = arith.maximumf %c, %zeros : tensor<2x8xf32> loc("relu")
  %m = linalg.matmul ins(%r, %w : tensor<2x8xf32>, tensor<8x8xf32>) outs(%zeros : tensor<2x8xf32>) -> tensor<2x8xf32> loc("fc2")
  %y = arith.addf %m, %r : tensor<2x8xf32>
  return %y : tensor<2x8xf32>
}
