// RUN: qc-opt %s "--qc-quantize=precision=w4-g4/2:4 layer=fc1=fp32/50%%;fc2=w8/8x1:50%%" | FileCheck %s
// RUN: qc-opt %s "--qc-quantize=precision=w4-g4/2:4 layer=fc1=fp32/50%%;fc2=w8/8x1:50%% sparse=false" | FileCheck %s --check-prefix=PLAIN
// RUN: qc-opt %s "--qc-quantize=precision=w8 layer=fc1=fp32" | FileCheck %s --check-prefix=DENSE
// RUN: not qc-opt %s "--qc-quantize=precision=w8/2:4 layer=fc1=q4_1/2:4" 2>&1 | FileCheck %s --check-prefix=ZERO
// RUN: not qc-opt %s "--qc-quantize=precision=binary/50%%" 2>&1 | FileCheck %s --check-prefix=BINARY
// RUN: %python %S/Inputs/make_stats.py %t.stats i=-1:3:4
// RUN: qc-opt %s "--qc-quantize=precision=fp32/50%% stats=%t.stats bias-correction=true" | FileCheck %s --check-prefix=BIAS

// A weight is pruned, then encoded; one that stays in float is only pruned.
// CHECK-LABEL: func @main
// CHECK: %[[V:.*]] = qc.parameter "v"
// CHECK: %[[P:.*]] = qc.prune %[[V]] to "50%" {channels = array<i64: 1>} : tensor<32x8xf32>
// CHECK: %[[W:.*]] = qc.parameter "w"
// CHECK: %[[R:.*]] = qc.prune %[[W]] to "8x1:50%" {channels = array<i64: 1>} : tensor<8x8xf32>
// CHECK: %[[Q:.*]] = qc.quantize %[[R]] {{.*}} #qc.sparse<#qc.affine<i8, group = [-1, 1], symmetric>, block = [1, 8], kept = 4>
// CHECK: %[[D:.*]] = qc.dequantize %[[Q]]
// CHECK: %[[F:.*]] = qc.parameter "f"
// The outputs of a filter are its last axis.
// CHECK: %[[S:.*]] = qc.prune %[[F]] to "2:4" {channels = array<i64: 3>} : tensor<3x3x4x2xf32>
// CHECK: %[[E:.*]] = qc.quantize %[[S]]
// CHECK: linalg.matmul ins(%{{.*}}, %[[P]] :
// CHECK: linalg.matmul ins(%{{.*}}, %[[D]] :

// PLAIN: %[[R:.*]] = qc.prune %{{.*}} to "8x1:50%"
// PLAIN: qc.quantize %[[R]] {{.*}}tensor<8x8xf32, #qc.affine<i8, group = [-1, 1], symmetric>>

// What a pruned filter lacks times the means of its inputs goes into the bias.
// BIAS: %[[F:.*]] = qc.parameter "f"
// BIAS: %[[S:.*]] = qc.prune %[[F]]
// BIAS: arith.subf %[[S]], %[[F]]
// BIAS: linalg.reduce
// BIAS: %[[B:.*]] = arith.negf
// BIAS: %[[OUT:.*]] = linalg.broadcast ins(%[[B]] :
// BIAS: linalg.conv_2d_nhwc_hwcf ins(%{{.*}}, %[[S]] : {{.*}}) outs(%[[OUT]] :

// DENSE-NOT: qc.prune
// DENSE: return

// ZERO: error: {{.*}}layer 'fc1': found q4_1/2:4, expected a format with an exact zero, which q4_1 has not
// BINARY: error: {{.*}}layer 'fc1': found binary/50%, expected a format with an exact zero, which binary has not
func.func @main(%x: tensor<4x32xf32> {qc.name = "x"}, %i: tensor<1x5x5x4xf32> {qc.name = "i"}) -> (tensor<4x8xf32>, tensor<1x3x3x2xf32>) {
  %v = qc.parameter "v" {file = "f", offset = 0 : i64, length = 1024 : i64} : tensor<32x8xf32>
  %w = qc.parameter "w" {file = "f", offset = 1024 : i64, length = 256 : i64} : tensor<8x8xf32>
  %f = qc.parameter "f" {file = "f", offset = 2048 : i64, length = 288 : i64} : tensor<3x3x4x2xf32>
  %zeros = arith.constant dense<0.0> : tensor<4x8xf32>
  %zero = arith.constant dense<0.0> : tensor<1x3x3x2xf32>
  %m = linalg.matmul ins(%x, %v : tensor<4x32xf32>, tensor<32x8xf32>) outs(%zeros : tensor<4x8xf32>) -> tensor<4x8xf32> loc("fc1")
  %n = linalg.matmul ins(%m, %w : tensor<4x8xf32>, tensor<8x8xf32>) outs(%zeros : tensor<4x8xf32>) -> tensor<4x8xf32> loc("fc2")
  %c = linalg.conv_2d_nhwc_hwcf ins(%i, %f : tensor<1x5x5x4xf32>, tensor<3x3x4x2xf32>) outs(%zero : tensor<1x3x3x2xf32>) -> tensor<1x3x3x2xf32> loc("conv")
  return %n, %c : tensor<4x8xf32>, tensor<1x3x3x2xf32>
}
