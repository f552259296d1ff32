// RUN: qc-opt %s --qc-fold-channel-affine | FileCheck %s

// CHECK-LABEL: func @conv
// CHECK-SAME: (%[[X:.*]]: tensor<1x3x8x8xf32>)
func.func @conv(%x: tensor<1x3x8x8xf32>) -> tensor<1x4x6x6xf32> {
  // CHECK-DAG: %[[W:.*]] = qc.parameter "w"
  // CHECK-DAG: %[[S:.*]] = qc.parameter "s"
  // CHECK-DAG: %[[T:.*]] = qc.parameter "t"
  %w = qc.parameter "w" {file = "f", offset = 0 : i64, length = 432 : i64} : tensor<4x3x3x3xf32>
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<1x4x6x6xf32>
  %init = linalg.fill ins(%zero : f32) outs(%e : tensor<1x4x6x6xf32>) -> tensor<1x4x6x6xf32>
  // CHECK: %[[SB:.*]] = linalg.broadcast ins(%[[S]] : tensor<4xf32>) outs(%{{.*}} : tensor<4x3x3x3xf32>) dimensions = [1, 2, 3]
  // CHECK: %[[V:.*]] = arith.mulf %[[W]], %[[SB]]
  // CHECK: %[[B:.*]] = linalg.broadcast ins(%[[T]] : tensor<4xf32>) outs(%{{.*}} : tensor<1x4x6x6xf32>) dimensions = [0, 2, 3]
  // CHECK: %[[Y:.*]] = linalg.conv_2d_nchw_fchw {{.*}} ins(%[[X]], %[[V]] : {{.*}}) outs(%[[B]] :
  // CHECK: return %[[Y]]
  %c = linalg.conv_2d_nchw_fchw {dilations = dense<1> : tensor<2xi64>, strides = dense<1> : tensor<2xi64>}
    ins(%x, %w : tensor<1x3x8x8xf32>, tensor<4x3x3x3xf32>) outs(%init : tensor<1x4x6x6xf32>) -> tensor<1x4x6x6xf32>
  %s = qc.parameter "s" {file = "f", offset = 512 : i64, length = 16 : i64} : tensor<4xf32>
  %t = qc.parameter "t" {file = "f", offset = 576 : i64, length = 16 : i64} : tensor<4xf32>
  %y = qc.channel_affine %c, %s, %t {axis = 1 : i64} : tensor<1x4x6x6xf32>, tensor<4xf32>, tensor<4xf32>
  return %y : tensor<1x4x6x6xf32>
}

// A bias that is there already is scaled, too; two ops fold one after another.
// CHECK-LABEL: func @matmul_bias
func.func @matmul_bias(%x: tensor<2x8xf32>) -> tensor<2x4xf32> {
  // CHECK-DAG: %[[W:.*]] = qc.parameter "w"
  // CHECK-DAG: %[[S:.*]] = qc.parameter "s"
  // CHECK-DAG: %[[T:.*]] = qc.parameter "t"
  %w = qc.parameter "w" {file = "f", offset = 0 : i64, length = 128 : i64} : tensor<8x4xf32>
  %s = qc.parameter "s" {file = "f", offset = 512 : i64, length = 16 : i64} : tensor<4xf32>
  %t = qc.parameter "t" {file = "f", offset = 576 : i64, length = 16 : i64} : tensor<4xf32>
  %e = tensor.empty() : tensor<2x4xf32>
  %init = linalg.broadcast ins(%t : tensor<4xf32>) outs(%e : tensor<2x4xf32>) dimensions = [0]
  // CHECK: %[[V:.*]] = arith.mulf %[[W]], %{{.*}} : tensor<8x4xf32>
  // CHECK: %[[TS:.*]] = arith.mulf %[[T]], %[[S]]
  // CHECK: %[[U:.*]] = arith.addf %[[TS]], %[[T]]
  // CHECK: %[[B:.*]] = linalg.broadcast ins(%[[U]] : tensor<4xf32>)
  // CHECK: %[[Y:.*]] = linalg.matmul ins(%{{.*}}, %[[V]] : {{.*}}) outs(%[[B]] :
  // CHECK: return %[[Y]]
  %c = linalg.matmul ins(%x, %w : tensor<2x8xf32>, tensor<8x4xf32>) outs(%init : tensor<2x4xf32>) -> tensor<2x4xf32>
  %sb = linalg.broadcast ins(%s : tensor<4xf32>) outs(%e : tensor<2x4xf32>) dimensions = [0]
  %m = arith.mulf %c, %sb : tensor<2x4xf32>
  %y = arith.addf %m, %init : tensor<2x4xf32>
  return %y : tensor<2x4xf32>
}

// Each channel is its own group.
// CHECK-LABEL: func @depthwise
func.func @depthwise(%x: tensor<1x8x8x4xf32>) -> tensor<1x6x6x4xf32> {
  %w = qc.parameter "w" {file = "f", offset = 0 : i64, length = 144 : i64} : tensor<3x3x4xf32>
  %s = qc.parameter "s" {file = "f", offset = 512 : i64, length = 16 : i64} : tensor<4xf32>
  %cst = arith.constant dense<0.0> : tensor<1x6x6x4xf32>
  // CHECK: linalg.broadcast ins(%{{.*}} : tensor<4xf32>) outs(%{{.*}} : tensor<3x3x4xf32>) dimensions = [0, 1]
  // CHECK: arith.mulf %{{.*}} : tensor<3x3x4xf32>
  // CHECK: linalg.depthwise_conv_2d_nhwc_hwc
  // CHECK-NOT: qc.channel_affine
  %c = linalg.depthwise_conv_2d_nhwc_hwc {dilations = dense<1> : tensor<2xi64>, strides = dense<1> : tensor<2xi64>}
    ins(%x, %w : tensor<1x8x8x4xf32>, tensor<3x3x4xf32>) outs(%cst : tensor<1x6x6x4xf32>) -> tensor<1x6x6x4xf32>
  %y = qc.channel_affine %c, %s, %s {axis = 3 : i64} : tensor<1x6x6x4xf32>, tensor<4xf32>, tensor<4xf32>
  return %y : tensor<1x6x6x4xf32>
}

// The sum has another reader.
// CHECK-LABEL: func @two_readers
func.func @two_readers(%x: tensor<2x8xf32>, %init: tensor<2x4xf32>) -> (tensor<2x4xf32>, tensor<2x4xf32>) {
  %w = qc.parameter "w" {file = "f", offset = 0 : i64, length = 128 : i64} : tensor<8x4xf32>
  %s = qc.parameter "s" {file = "f", offset = 512 : i64, length = 16 : i64} : tensor<4xf32>
  %zeros = arith.constant dense<0.0> : tensor<2x4xf32>
  %c = linalg.matmul ins(%x, %w : tensor<2x8xf32>, tensor<8x4xf32>) outs(%zeros : tensor<2x4xf32>) -> tensor<2x4xf32>
  // CHECK: qc.channel_affine
  %y = qc.channel_affine %c, %s, %s {axis = 1 : i64} : tensor<2x4xf32>, tensor<4xf32>, tensor<4xf32>
  return %c, %y : tensor<2x4xf32>, tensor<2x4xf32>
}

// The weight is known only when the model runs.
// CHECK-LABEL: func @run_time_weight
func.func @run_time_weight(%x: tensor<2x8xf32>, %w: tensor<8x4xf32>) -> tensor<2x4xf32> {
  %s = qc.parameter "s" {file = "f", offset = 512 : i64, length = 16 : i64} : tensor<4xf32>
  %zeros = arith.constant dense<0.0> : tensor<2x4xf32>
  %c = linalg.matmul ins(%x, %w : tensor<2x8xf32>, tensor<8x4xf32>) outs(%zeros : tensor<2x4xf32>) -> tensor<2x4xf32>
  // CHECK: qc.channel_affine
  %y = qc.channel_affine %c, %s, %s {axis = 1 : i64} : tensor<2x4xf32>, tensor<4xf32>, tensor<4xf32>
  return %y : tensor<2x4xf32>
}

// The affine axis is not the channels.
// CHECK-LABEL: func @other_axis
func.func @other_axis(%x: tensor<4x8xf32>) -> tensor<4x4xf32> {
  %w = qc.parameter "w" {file = "f", offset = 0 : i64, length = 128 : i64} : tensor<8x4xf32>
  %s = qc.parameter "s" {file = "f", offset = 512 : i64, length = 16 : i64} : tensor<4xf32>
  %zeros = arith.constant dense<0.0> : tensor<4x4xf32>
  %c = linalg.matmul ins(%x, %w : tensor<4x8xf32>, tensor<8x4xf32>) outs(%zeros : tensor<4x4xf32>) -> tensor<4x4xf32>
  // CHECK: qc.channel_affine
  %y = qc.channel_affine %c, %s, %s {axis = 0 : i64} : tensor<4x4xf32>, tensor<4xf32>, tensor<4xf32>
  return %y : tensor<4x4xf32>
}
