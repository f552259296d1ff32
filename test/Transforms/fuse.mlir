// RUN: qc-opt %s --qc-fuse | FileCheck %s

// --qc-fuse on values; fuse-integer.mlir has codes.

// CHECK-LABEL: func @conv
// CHECK-SAME: (%[[X:.*]]: tensor<1x8x8x4xf32>)
func.func @conv(%x: tensor<1x8x8x4xf32>) -> tensor<1x4x4x4xf32> {
  %zero = arith.constant 0.0 : f32
  // CHECK-DAG: %[[W:.*]] = qc.parameter "w"
  // CHECK-DAG: %[[B:.*]] = qc.parameter "b"
  %w = qc.parameter "w" {file = "f", offset = 0 : i64, length = 576 : i64} : tensor<3x3x4x4xf32>
  %b = qc.parameter "b" {file = "f", offset = 576 : i64, length = 16 : i64} : tensor<4xf32>
  %pad = tensor.pad %x low[0, 0, 0, 0] high[0, 1, 1, 0] {
  ^bb0(%i: index, %j: index, %k: index, %l: index):
    tensor.yield %zero : f32
  } : tensor<1x8x8x4xf32> to tensor<1x9x9x4xf32>
  %e = tensor.empty() : tensor<1x4x4x4xf32>
  %init = linalg.broadcast ins(%b : tensor<4xf32>) outs(%e : tensor<1x4x4x4xf32>) dimensions = [0, 1, 2]
  %c = linalg.conv_2d_nhwc_hwcf {dilations = dense<1> : tensor<2xi64>, strides = dense<2> : tensor<2xi64>}
    ins(%pad, %w : tensor<1x9x9x4xf32>, tensor<3x3x4x4xf32>) outs(%init : tensor<1x4x4x4xf32>) -> tensor<1x4x4x4xf32>
  %zeros = arith.constant dense<0.0> : tensor<1x4x4x4xf32>
  %six = arith.constant dense<6.0> : tensor<1x4x4x4xf32>
  %r = arith.maximumf %c, %zeros : tensor<1x4x4x4xf32>
  // CHECK: %[[Y:.*]] = qc.conv2d %[[X]], %[[W]] bias %[[B]] {
  // CHECK-SAME: high = 6.000000e+00 : f32, low = 0.000000e+00 : f32, pads = array<i64: 0, 0, 1, 1>, strides = array<i64: 2, 2>
  // CHECK-NEXT: return %[[Y]]
  %y = arith.minimumf %r, %six : tensor<1x4x4x4xf32>
  return %y : tensor<1x4x4x4xf32>
}

// CHECK-LABEL: func @depthwise
func.func @depthwise(%x: tensor<1x8x8x4xf32>) -> tensor<1x6x6x4xf32> {
  %w = qc.parameter "w" {file = "f", offset = 0 : i64, length = 144 : i64} : tensor<3x3x4xf32>
  %zeros = arith.constant dense<0.0> : tensor<1x6x6x4xf32>
  // CHECK: %[[F:.*]] = tensor.expand_shape %{{.*}} {{\[}}[0], [1], [2, 3]] output_shape [3, 3, 1, 4]
  // CHECK: qc.conv2d %{{.*}}, %[[F]] {{.*}}groups = 4 : i64
  %y = linalg.depthwise_conv_2d_nhwc_hwc {dilations = dense<1> : tensor<2xi64>, strides = dense<1> : tensor<2xi64>}
    ins(%x, %w : tensor<1x8x8x4xf32>, tensor<3x3x4xf32>) outs(%zeros : tensor<1x6x6x4xf32>) -> tensor<1x6x6x4xf32>
  return %y : tensor<1x6x6x4xf32>
}

// CHECK-LABEL: func @grouped
// CHECK-SAME: (%[[X:.*]]: tensor<1x6x6x8xf32>)
func.func @grouped(%x: tensor<1x6x6x8xf32>) -> tensor<1x4x4x4xf32> {
  %w = qc.parameter "w" {file = "f", offset = 0 : i64, length = 576 : i64} : tensor<2x2x3x3x4xf32>
  %zeros = arith.constant dense<0.0> : tensor<1x4x4x2x2xf32>
  %xs = tensor.expand_shape %x [[0], [1], [2], [3, 4]] output_shape [1, 6, 6, 2, 4] : tensor<1x6x6x8xf32> into tensor<1x6x6x2x4xf32>
  // CHECK: %[[T:.*]] = linalg.transpose {{.*}} permutation = [2, 3, 4, 0, 1]
  // CHECK: %[[F:.*]] = tensor.collapse_shape %[[T]] {{.*}} into tensor<3x3x4x4xf32>
  // CHECK: qc.conv2d %[[X]], %[[F]] {{.*}}groups = 2 : i64
  %c = linalg.conv_2d_nhwgc_gfhwc {dilations = dense<1> : tensor<2xi64>, strides = dense<1> : tensor<2xi64>}
    ins(%xs, %w : tensor<1x6x6x2x4xf32>, tensor<2x2x3x3x4xf32>) outs(%zeros : tensor<1x4x4x2x2xf32>) -> tensor<1x4x4x2x2xf32>
  %y = tensor.collapse_shape %c [[0], [1], [2], [3, 4]] : tensor<1x4x4x2x2xf32> into tensor<1x4x4x4xf32>
  return %y : tensor<1x4x4x4xf32>
}

// The last of two convolutions takes the sum.
// CHECK-LABEL: func @two_branches
func.func @two_branches(%x: tensor<1x8x8x4xf32>) -> tensor<1x8x8x4xf32> {
  %v = qc.parameter "v" {file = "f", offset = 0 : i64, length = 64 : i64} : tensor<1x1x4x4xf32>
  %w = qc.parameter "w" {file = "f", offset = 64 : i64, length = 64 : i64} : tensor<1x1x4x4xf32>
  %zeros = arith.constant dense<0.0> : tensor<1x8x8x4xf32>
  // CHECK: %[[A:.*]] = qc.conv2d %{{.*}}, %{{.*}} {dilations
  %a = linalg.conv_2d_nhwc_hwcf {dilations = dense<1> : tensor<2xi64>, strides = dense<1> : tensor<2xi64>}
    ins(%x, %v : tensor<1x8x8x4xf32>, tensor<1x1x4x4xf32>) outs(%zeros : tensor<1x8x8x4xf32>) -> tensor<1x8x8x4xf32>
  %b = linalg.conv_2d_nhwc_hwcf {dilations = dense<1> : tensor<2xi64>, strides = dense<1> : tensor<2xi64>}
    ins(%x, %w : tensor<1x8x8x4xf32>, tensor<1x1x4x4xf32>) outs(%zeros : tensor<1x8x8x4xf32>) -> tensor<1x8x8x4xf32>
  // CHECK: %[[Y:.*]] = qc.conv2d %{{.*}}, %{{.*}} residual %[[A]]
  // CHECK-NEXT: return %[[Y]]
  %y = arith.addf %a, %b : tensor<1x8x8x4xf32>
  return %y : tensor<1x8x8x4xf32>
}

// CHECK-LABEL: func @matmul_gelu
func.func @matmul_gelu(%x: tensor<2x8xf32>) -> tensor<2x4xf32> {
  %w = qc.parameter "w" {file = "f", offset = 0 : i64, length = 128 : i64} : tensor<8x4xf32>
  %zeros = arith.constant dense<0.0> : tensor<2x4xf32>
  %m = linalg.matmul ins(%x, %w : tensor<2x8xf32>, tensor<8x4xf32>) outs(%zeros : tensor<2x4xf32>) -> tensor<2x4xf32>
  %root = arith.constant dense<1.41421354> : tensor<2x4xf32>
  %one = arith.constant dense<1.0> : tensor<2x4xf32>
  %half = arith.constant dense<0.5> : tensor<2x4xf32>
  %d = arith.divf %m, %root : tensor<2x4xf32>
  %f = qc.unary "erf" %d : tensor<2x4xf32>
  %p = arith.addf %f, %one : tensor<2x4xf32>
  %q = arith.mulf %m, %p : tensor<2x4xf32>
  // CHECK: %[[Y:.*]] = qc.matmul %{{.*}}, %{{.*}} {activation = "gelu"}
  // CHECK-NEXT: return %[[Y]]
  %y = arith.mulf %q, %half : tensor<2x4xf32>
  return %y : tensor<2x4xf32>
}

// CHECK-LABEL: func @weight_only
func.func @weight_only(%x: tensor<2x8xf32>) -> tensor<2x4xf32> {
  %p = qc.parameter "w" {file = "f", offset = 0 : i64, length = 128 : i64} : tensor<8x4xf32>
  %wq = qc.quantize %p : tensor<8x4xf32> -> tensor<8x4xf32, #qc.affine<i4, group = [4, 1], storage = f16>>
  %w = qc.dequantize %wq : tensor<8x4xf32, #qc.affine<i4, group = [4, 1], storage = f16>> -> tensor<8x4xf32>
  %zeros = arith.constant dense<0.0> : tensor<2x4xf32>
  // CHECK: qc.matmul %{{.*}}, %{{.*}} : tensor<2x8xf32>, tensor<8x4xf32, #qc.affine<i4, group = [4, 1], storage = f16>> -> tensor<2x4xf32>
  %y = linalg.matmul ins(%x, %w : tensor<2x8xf32>, tensor<8x4xf32>) outs(%zeros : tensor<2x4xf32>) -> tensor<2x4xf32>
  return %y : tensor<2x4xf32>
}

// Heads are split off again, transposes and the scale are taken up.
// CHECK-LABEL: func @attention
// CHECK-SAME: (%[[Q:.*]]: tensor<1x7x4x32xf32>, %[[K:.*]]: tensor<1x7x4x32xf32>)
func.func @attention(%q: tensor<1x7x4x32xf32>, %k: tensor<1x7x4x32xf32>) -> tensor<1x4x7x7xf32> {
  %e = tensor.empty() : tensor<1x4x7x32xf32>
  %f = tensor.empty() : tensor<1x4x32x7xf32>
  %qt = linalg.transpose ins(%q : tensor<1x7x4x32xf32>) outs(%e : tensor<1x4x7x32xf32>) permutation = [0, 2, 1, 3]
  %kt = linalg.transpose ins(%k : tensor<1x7x4x32xf32>) outs(%f : tensor<1x4x32x7xf32>) permutation = [0, 2, 3, 1]
  %qc = tensor.collapse_shape %qt [[0, 1], [2], [3]] : tensor<1x4x7x32xf32> into tensor<4x7x32xf32>
  %kc = tensor.collapse_shape %kt [[0, 1], [2], [3]] : tensor<1x4x32x7xf32> into tensor<4x32x7xf32>
  %zeros = arith.constant dense<0.0> : tensor<4x7x7xf32>
  %m = linalg.batch_matmul ins(%qc, %kc : tensor<4x7x32xf32>, tensor<4x32x7xf32>) outs(%zeros : tensor<4x7x7xf32>) -> tensor<4x7x7xf32>
  %y = tensor.expand_shape %m [[0, 1], [2], [3]] output_shape [1, 4, 7, 7] : tensor<4x7x7xf32> into tensor<1x4x7x7xf32>
  %four = arith.constant dense<4.0> : tensor<1x4x7x7xf32>
  // CHECK: qc.batch_matmul %[[Q]], %[[K]] {alpha = 2.500000e-01 : f32, lhs_perm = array<i64: 0, 2, 1, 3>, rhs_perm = array<i64: 0, 2, 3, 1>}
  %s = arith.divf %y, %four : tensor<1x4x7x7xf32>
  return %s : tensor<1x4x7x7xf32>
}

// CHECK-LABEL: func @pooling
func.func @pooling(%x: tensor<1x8x8x4xf32>) -> tensor<1x4x4x4xf32> {
  %least = arith.constant 0xFF800000 : f32
  %pad = tensor.pad %x low[0, 0, 0, 0] high[0, 1, 1, 0] {
  ^bb0(%i: index, %j: index, %k: index, %l: index):
    tensor.yield %least : f32
  } : tensor<1x8x8x4xf32> to tensor<1x9x9x4xf32>
  %window = tensor.empty() : tensor<3x3xf32>
  %init = arith.constant dense<0xFF800000> : tensor<1x4x4x4xf32>
  // CHECK: qc.pool2d "max" %{{.*}} {dilations = array<i64: 1, 1>, kernel = array<i64: 3, 3>, pads = array<i64: 0, 0, 1, 1>, strides = array<i64: 2, 2>}
  %y = linalg.pooling_nhwc_max {dilations = dense<1> : tensor<2xi64>, strides = dense<2> : tensor<2xi64>}
    ins(%pad, %window : tensor<1x9x9x4xf32>, tensor<3x3xf32>) outs(%init : tensor<1x4x4x4xf32>) -> tensor<1x4x4x4xf32>
  return %y : tensor<1x4x4x4xf32>
}

// A sum that starts from a run-time tensor, and one that is read twice.
// CHECK-LABEL: func @not_fused
func.func @not_fused(%x: tensor<2x8xf32>, %init: tensor<2x4xf32>) -> (tensor<2x4xf32>, tensor<2x4xf32>, tensor<2x4xf32>) {
  %w = qc.parameter "w" {file = "f", offset = 0 : i64, length = 128 : i64} : tensor<8x4xf32>
  %zeros = arith.constant dense<0.0> : tensor<2x4xf32>
  // CHECK: linalg.matmul
  %a = linalg.matmul ins(%x, %w : tensor<2x8xf32>, tensor<8x4xf32>) outs(%init : tensor<2x4xf32>) -> tensor<2x4xf32>
  // CHECK: %[[B:.*]] = qc.matmul
  // CHECK-NOT: low
  %b = linalg.matmul ins(%x, %w : tensor<2x8xf32>, tensor<8x4xf32>) outs(%zeros : tensor<2x4xf32>) -> tensor<2x4xf32>
  // CHECK: arith.maximumf %[[B]]
  %r = arith.maximumf %b, %zeros : tensor<2x4xf32>
  return %a, %b, %r : tensor<2x4xf32>, tensor<2x4xf32>, tensor<2x4xf32>
}
