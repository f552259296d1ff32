// RUN: qc-opt %s --qc-channels-last | FileCheck %s

// The transposes between the layers cancel; one stays at each border.
// CHECK-LABEL: func @conv_relu_conv
// CHECK-SAME: (%[[X:.*]]: tensor<?x3x8x8xf32>,
func.func @conv_relu_conv(%x: tensor<?x3x8x8xf32>, %e: tensor<?x4x8x8xf32>) -> tensor<?x4x8x8xf32> {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %n = tensor.dim %x, %c0 : tensor<?x3x8x8xf32>
  %w = qc.parameter "w" {file = "f", offset = 0 : i64, length = 432 : i64} : tensor<4x3x3x3xf32>
  %d = qc.parameter "d" {file = "f", offset = 512 : i64, length = 144 : i64} : tensor<4x3x3xf32>
  %b = qc.parameter "b" {file = "f", offset = 704 : i64, length = 16 : i64} : tensor<4xf32>
  // CHECK: %[[T:.*]] = linalg.transpose ins(%[[X]] : {{.*}} permutation = [0, 2, 3, 1]
  // CHECK: %[[P:.*]] = tensor.pad %[[T]] low[0, 1, 1, 0] high[0, 1, 1, 0]
  %p = tensor.pad %x low[0, 0, 1, 1] high[0, 0, 1, 1] {
  ^bb0(%i: index, %j: index, %k: index, %l: index):
    tensor.yield %zero : f32
  } : tensor<?x3x8x8xf32> to tensor<?x3x10x10xf32>
  %empty = tensor.empty(%n) : tensor<?x4x8x8xf32>
  %init = linalg.broadcast ins(%b : tensor<4xf32>) outs(%empty : tensor<?x4x8x8xf32>) dimensions = [0, 2, 3]
  // CHECK: %[[F:.*]] = linalg.transpose ins(%{{.*}} : tensor<4x3x3x3xf32>) {{.*}} permutation = [2, 3, 1, 0]
  // CHECK: %[[B:.*]] = linalg.broadcast ins(%{{.*}} : tensor<4xf32>) outs(%{{.*}} : tensor<?x8x8x4xf32>) dimensions = [0, 1, 2]
  // CHECK: %[[C:.*]] = linalg.conv_2d_nhwc_hwcf {{.*}} ins(%[[P]], %[[F]] : {{.*}}) outs(%[[B]] :
  %c = linalg.conv_2d_nchw_fchw {dilations = dense<1> : tensor<2xi64>, strides = dense<1> : tensor<2xi64>}
    ins(%p, %w : tensor<?x3x10x10xf32>, tensor<4x3x3x3xf32>) outs(%init : tensor<?x4x8x8xf32>) -> tensor<?x4x8x8xf32>
  %z = tensor.splat %zero[%n] : tensor<?x4x8x8xf32>
  // CHECK: %[[R:.*]] = arith.maximumf %[[C]], %{{.*}} : tensor<?x8x8x4xf32>
  %r = arith.maximumf %c, %z : tensor<?x4x8x8xf32>
  // CHECK: %[[P2:.*]] = tensor.pad %[[R]] low[0, 1, 1, 0]
  %p2 = tensor.pad %r low[0, 0, 1, 1] high[0, 0, 1, 1] {
  ^bb0(%i: index, %j: index, %k: index, %l: index):
    tensor.yield %zero : f32
  } : tensor<?x4x8x8xf32> to tensor<?x4x10x10xf32>
  // CHECK: %[[D:.*]] = linalg.depthwise_conv_2d_nhwc_hwc {{.*}} ins(%[[P2]],
  %y = linalg.depthwise_conv_2d_nchw_chw {dilations = dense<1> : tensor<2xi64>, strides = dense<1> : tensor<2xi64>}
    ins(%p2, %d : tensor<?x4x10x10xf32>, tensor<4x3x3xf32>) outs(%init : tensor<?x4x8x8xf32>) -> tensor<?x4x8x8xf32>
  // CHECK: %[[Y:.*]] = linalg.transpose ins(%[[D]] : {{.*}} permutation = [0, 3, 1, 2]
  // CHECK: return %[[Y]]
  return %y : tensor<?x4x8x8xf32>
}

// With one channel the image is reshaped; after global pooling, too.
// CHECK-LABEL: func @unit_axes
// CHECK-NOT: linalg.transpose ins(%{{.*}} : tensor<1x
func.func @unit_axes(%x: tensor<1x1x8x8xf32>) -> tensor<1x4xf32> {
  %zero = arith.constant 0.0 : f32
  %w = qc.parameter "w" {file = "f", offset = 0 : i64, length = 144 : i64} : tensor<4x1x3x3xf32>
  %init = arith.constant dense<0.0> : tensor<1x4x6x6xf32>
  // CHECK: linalg.conv_2d_nhwc_hwcf
  %c = linalg.conv_2d_nchw_fchw {dilations = dense<1> : tensor<2xi64>, strides = dense<1> : tensor<2xi64>}
    ins(%x, %w : tensor<1x1x8x8xf32>, tensor<4x1x3x3xf32>) outs(%init : tensor<1x4x6x6xf32>) -> tensor<1x4x6x6xf32>
  %window = tensor.empty() : tensor<6x6xf32>
  %start = arith.constant dense<0.0> : tensor<1x4x1x1xf32>
  // CHECK: %[[S:.*]] = linalg.pooling_nhwc_sum
  %s = linalg.pooling_nchw_sum {dilations = dense<1> : tensor<2xi64>, strides = dense<1> : tensor<2xi64>}
    ins(%c, %window : tensor<1x4x6x6xf32>, tensor<6x6xf32>) outs(%start : tensor<1x4x1x1xf32>) -> tensor<1x4x1x1xf32>
  // CHECK: %[[Y:.*]] = tensor.collapse_shape %[[S]]
  // CHECK-NEXT: return %[[Y]]
  %y = tensor.collapse_shape %s [[0], [1, 2, 3]] : tensor<1x4x1x1xf32> into tensor<1x4xf32>
  return %y : tensor<1x4xf32>
}

// CHECK-LABEL: func @grouped
func.func @grouped(%x: tensor<1x8x6x6xf32>) -> tensor<1x4x4x4xf32> {
  %w = qc.parameter "w" {file = "f", offset = 0 : i64, length = 576 : i64} : tensor<2x2x4x3x3xf32>
  %b = qc.parameter "b" {file = "f", offset = 704 : i64, length = 16 : i64} : tensor<4xf32>
  %e = tensor.empty() : tensor<1x4x4x4xf32>
  %bb = linalg.broadcast ins(%b : tensor<4xf32>) outs(%e : tensor<1x4x4x4xf32>) dimensions = [0, 2, 3]
  %init = tensor.expand_shape %bb [[0], [1, 2], [3], [4]] output_shape [1, 2, 2, 4, 4] : tensor<1x4x4x4xf32> into tensor<1x2x2x4x4xf32>
  // CHECK: %[[X:.*]] = tensor.expand_shape %{{.*}} {{\[}}[0], [1], [2], [3, 4]] {{.*}} into tensor<1x6x6x2x4xf32>
  // CHECK: %[[F:.*]] = linalg.transpose {{.*}} permutation = [0, 1, 3, 4, 2]
  // CHECK: %[[C:.*]] = linalg.conv_2d_nhwgc_gfhwc {{.*}} ins(%[[X]], %[[F]] :
  // CHECK: tensor.collapse_shape %[[C]] {{\[}}[0], [1], [2], [3, 4]]
  %xs = tensor.expand_shape %x [[0], [1, 2], [3], [4]] output_shape [1, 2, 4, 6, 6] : tensor<1x8x6x6xf32> into tensor<1x2x4x6x6xf32>
  %c = linalg.conv_2d_ngchw_gfchw {dilations = dense<1> : tensor<2xi64>, strides = dense<1> : tensor<2xi64>}
    ins(%xs, %w : tensor<1x2x4x6x6xf32>, tensor<2x2x4x3x3xf32>) outs(%init : tensor<1x2x2x4x4xf32>) -> tensor<1x2x2x4x4xf32>
  %y = tensor.collapse_shape %c [[0], [1, 2], [3], [4]] : tensor<1x2x2x4x4xf32> into tensor<1x4x4x4xf32>
  return %y : tensor<1x4x4x4xf32>
}

// Slices, padding of channels, concatenation and reductions pass transposes on.
// CHECK-LABEL: func @movement
func.func @movement(%x: tensor<1x8x8x4xf32>, %e: tensor<1x4x8x8xf32>) -> tensor<1x12xf32> {
  %zero = arith.constant 0.0 : f32
  %t = linalg.transpose ins(%x : tensor<1x8x8x4xf32>) outs(%e : tensor<1x4x8x8xf32>) permutation = [0, 3, 1, 2]
  // CHECK: tensor.extract_slice %{{.*}}[0, 0, 0, 0] [1, 4, 4, 4] [1, 2, 2, 1]
  %s = tensor.extract_slice %t[0, 0, 0, 0] [1, 4, 4, 4] [1, 1, 2, 2] : tensor<1x4x8x8xf32> to tensor<1x4x4x4xf32>
  // CHECK: tensor.pad %{{.*}} low[0, 0, 0, 2] high[0, 0, 0, 2]
  %p = tensor.pad %s low[0, 2, 0, 0] high[0, 2, 0, 0] {
  ^bb0(%i: index, %j: index, %k: index, %l: index):
    tensor.yield %zero : f32
  } : tensor<1x4x4x4xf32> to tensor<1x8x4x4xf32>
  // CHECK: tensor.concat dim(3)
  %c = tensor.concat dim(1) %p, %s : (tensor<1x8x4x4xf32>, tensor<1x4x4x4xf32>) -> tensor<1x12x4x4xf32>
  %init = arith.constant dense<0.0> : tensor<1x12xf32>
  // CHECK: linalg.reduce ins(%{{.*}} : tensor<1x4x4x12xf32>) outs(%{{.*}} : tensor<1x12xf32>) dimensions = [1, 2]
  %r = linalg.reduce ins(%c : tensor<1x12x4x4xf32>) outs(%init : tensor<1x12xf32>) dimensions = [2, 3]
    (%a: f32, %b: f32) {
      %sum = arith.addf %a, %b : f32
      linalg.yield %sum : f32
    }
  // CHECK-NOT: linalg.transpose
  // CHECK: return
  return %r : tensor<1x12xf32>
}

// Nothing here is an image of a layer.
// CHECK-LABEL: func @no_images
// CHECK-NEXT: linalg.transpose {{.*}} permutation = [0, 2, 1, 3]
// CHECK-NEXT: math.exp %{{.*}} : tensor<2x3x5x4xf32>
func.func @no_images(%x: tensor<2x5x3x4xf32>, %e: tensor<2x3x5x4xf32>) -> tensor<2x3x5x4xf32> {
  %t = linalg.transpose ins(%x : tensor<2x5x3x4xf32>) outs(%e : tensor<2x3x5x4xf32>) permutation = [0, 2, 1, 3]
  %y = math.exp %t : tensor<2x3x5x4xf32>
  return %y : tensor<2x3x5x4xf32>
}

// The rows of the weight are put in the order of the NHWC image.
// CHECK-LABEL: func @flatten
// CHECK-SAME: (%[[X:.*]]: tensor<2x4x4x8xf32>, %{{.*}})
func.func @flatten(%x: tensor<2x4x4x8xf32>, %e: tensor<2x8x4x4xf32>) -> tensor<2x10xf32> {
  %w = qc.parameter "w" {file = "f", offset = 0 : i64, length = 5120 : i64} : tensor<128x10xf32>
  %zeros = arith.constant dense<0.0> : tensor<2x10xf32>
  %t = linalg.transpose ins(%x : tensor<2x4x4x8xf32>) outs(%e : tensor<2x8x4x4xf32>) permutation = [0, 3, 1, 2]
  %f = tensor.collapse_shape %t [[0], [1, 2, 3]] : tensor<2x8x4x4xf32> into tensor<2x128xf32>
  // CHECK: %[[S:.*]] = tensor.expand_shape %{{.*}} {{\[}}[0, 1, 2], [3]] output_shape [8, 4, 4, 10]
  // CHECK: %[[T:.*]] = linalg.transpose ins(%[[S]] : {{.*}} permutation = [1, 2, 0, 3]
  // CHECK: %[[W:.*]] = tensor.collapse_shape %[[T]] {{\[}}[0, 1, 2], [3]]
  // CHECK: %[[F:.*]] = tensor.collapse_shape %[[X]] {{\[}}[0], [1, 2, 3]]
  // CHECK: linalg.matmul {qc.moved_rows} ins(%[[F]], %[[W]] :
  %y = linalg.matmul ins(%f, %w : tensor<2x128xf32>, tensor<128x10xf32>) outs(%zeros : tensor<2x10xf32>) -> tensor<2x10xf32>
  return %y : tensor<2x10xf32>
}

// A loop over elements, and a bias of [C, 1, 1].
// CHECK-LABEL: func @generic
func.func @generic(%x: tensor<2x1x1x8xf32>, %b: tensor<8x1x1xf32>) -> tensor<2x8x1x1xf32> {
  %e = tensor.empty() : tensor<2x8x1x1xf32>
  %t = linalg.transpose ins(%x : tensor<2x1x1x8xf32>) outs(%e : tensor<2x8x1x1xf32>) permutation = [0, 3, 1, 2]
  // CHECK: %[[V:.*]] = tensor.collapse_shape %{{.*}} {{\[}}[0, 1, 2]] : tensor<8x1x1xf32> into tensor<8xf32>
  // CHECK: linalg.broadcast ins(%[[V]] : {{.*}} dimensions = [0, 1, 2]
  %bb = linalg.broadcast ins(%b : tensor<8x1x1xf32>) outs(%e : tensor<2x8x1x1xf32>) dimensions = [0]
  // CHECK: linalg.generic {{.*}} ins(%{{.*}}, %{{.*}} : tensor<2x1x1x8xf32>, tensor<2x1x1x8xf32>)
  %y = linalg.generic {indexing_maps = [affine_map<(a, b, c, d) -> (a, b, c, d)>, affine_map<(a, b, c, d) -> (a, b, c, d)>, affine_map<(a, b, c, d) -> (a, b, c, d)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
    ins(%t, %bb : tensor<2x8x1x1xf32>, tensor<2x8x1x1xf32>) outs(%e : tensor<2x8x1x1xf32>) {
  ^bb0(%p: f32, %q: f32, %o: f32):
    %s = arith.remf %p, %q : f32
    linalg.yield %s : f32
  } -> tensor<2x8x1x1xf32>
  return %y : tensor<2x8x1x1xf32>
}

// Codes as plain bytes, of models that compute with those: the transpose moves
// past where they are taken out and put together again.
// CHECK-LABEL: func @codes
// CHECK-SAME: (%[[X:.*]]: tensor<2x5x4x8xf32>)
func.func @codes(%x: tensor<2x5x4x8xf32>) -> tensor<2x8x5x4xf32> {
  %e = tensor.empty() : tensor<2x8x5x4xf32>
  %t = linalg.transpose ins(%x : tensor<2x5x4x8xf32>) outs(%e : tensor<2x8x5x4xf32>) permutation = [0, 3, 1, 2]
  // CHECK: %[[Q:.*]] = qc.quantize %[[X]]
  %q = qc.quantize %t : tensor<2x8x5x4xf32> -> tensor<2x8x5x4xf32, #qc.affine<i8, scale = 0.5>>
  // CHECK: %[[B:.*]] = qc.component %[[Q]] "data" : {{.*}} -> tensor<2x5x4x8xi8>
  %b = qc.component %q "data" : tensor<2x8x5x4xf32, #qc.affine<i8, scale = 0.5>> -> tensor<2x8x5x4xi8>
  // CHECK: %[[A:.*]] = qc.assemble %[[B]] : tensor<2x5x4x8xi8>
  %a = qc.assemble %b : tensor<2x8x5x4xi8> -> tensor<2x8x5x4xf32, #qc.affine<i8, scale = 0.25>>
  // CHECK: %[[D:.*]] = qc.dequantize %[[A]]
  // CHECK: %[[Y:.*]] = linalg.transpose ins(%[[D]]
  %d = qc.dequantize %a : tensor<2x8x5x4xf32, #qc.affine<i8, scale = 0.25>> -> tensor<2x8x5x4xf32>
  return %d : tensor<2x8x5x4xf32>
}
