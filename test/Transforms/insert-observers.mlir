// RUN: qc-opt %s --qc-insert-observers | FileCheck %s

// What a layer reads is observed: inputs, and values after the whole epilogue,
// not the sums inside it. What feeds no layer is not.
// CHECK-LABEL: func @chain
// CHECK-SAME: %[[X:.*]]: tensor<1x8x8x4xf32> {qc.name = "image"}
func.func @chain(%x: tensor<1x8x8x4xf32> {qc.name = "image"}) -> tensor<1x8x8x4xf32> {
  %w = qc.parameter "w" {file = "f", offset = 0 : i64, length = 64 : i64} : tensor<1x1x4x4xf32>
  %zeros = arith.constant dense<0.0> : tensor<1x8x8x4xf32>
  // CHECK: %[[O:.*]] = qc.observe "image" %[[X]]
  // CHECK: linalg.conv_2d_nhwc_hwcf {{.*}} ins(%[[O]],
  %c1 = linalg.conv_2d_nhwc_hwcf {dilations = dense<1> : tensor<2xi64>, strides = dense<1> : tensor<2xi64>}
    ins(%x, %w : tensor<1x8x8x4xf32>, tensor<1x1x4x4xf32>) outs(%zeros : tensor<1x8x8x4xf32>) -> tensor<1x8x8x4xf32> loc("conv1")
  // CHECK-NEXT: %[[R1:.*]] = arith.maximumf
  %r1 = arith.maximumf %c1, %zeros : tensor<1x8x8x4xf32> loc("relu")
  // CHECK-NEXT: %[[O1:.*]] = qc.observe "relu" %[[R1]]
  // CHECK-NEXT: linalg.conv_2d_nhwc_hwcf {{.*}} ins(%[[O1]],
  %c2 = linalg.conv_2d_nhwc_hwcf {dilations = dense<1> : tensor<2xi64>, strides = dense<1> : tensor<2xi64>}
    ins(%r1, %w : tensor<1x8x8x4xf32>, tensor<1x1x4x4xf32>) outs(%zeros : tensor<1x8x8x4xf32>) -> tensor<1x8x8x4xf32> loc("conv2")
  // The residual is read as codes, too.
  // CHECK-NEXT: arith.addf %{{.*}}, %[[O1]]
  %a = arith.addf %c2, %r1 : tensor<1x8x8x4xf32> loc("add")
  // CHECK-NEXT: %[[R2:.*]] = arith.maximumf
  // CHECK-NEXT: qc.observe "relu#1" %[[R2]]
  %r2 = arith.maximumf %a, %zeros : tensor<1x8x8x4xf32> loc("relu")
  // CHECK-NEXT: linalg.conv_2d_nhwc_hwcf
  %c3 = linalg.conv_2d_nhwc_hwcf {dilations = dense<1> : tensor<2xi64>, strides = dense<1> : tensor<2xi64>}
    ins(%r2, %w : tensor<1x8x8x4xf32>, tensor<1x1x4x4xf32>) outs(%zeros : tensor<1x8x8x4xf32>) -> tensor<1x8x8x4xf32> loc("conv3")
  // CHECK-NEXT: return
  return %c3 : tensor<1x8x8x4xf32>
}

// Padding and max pooling keep the codes of what they read.
// CHECK-LABEL: func @through_pooling
func.func @through_pooling(%x: tensor<1x8x8x4xf32> {qc.name = "image"}) -> tensor<1x4x4x4xf32> {
  %zero = arith.constant 0.0 : f32
  %least = arith.constant 0xFF800000 : f32
  %w = qc.parameter "w" {file = "f", offset = 0 : i64, length = 576 : i64} : tensor<3x3x4x4xf32>
  %window = tensor.empty() : tensor<2x2xf32>
  %low = arith.constant dense<0xFF800000> : tensor<1x4x4x4xf32>
  %zeros = arith.constant dense<0.0> : tensor<1x4x4x4xf32>
  // CHECK: qc.observe "image"
  // CHECK-NOT: qc.observe
  %m = linalg.pooling_nhwc_max {dilations = dense<1> : tensor<2xi64>, strides = dense<2> : tensor<2xi64>}
    ins(%x, %window : tensor<1x8x8x4xf32>, tensor<2x2xf32>) outs(%low : tensor<1x4x4x4xf32>) -> tensor<1x4x4x4xf32>
  %p = tensor.pad %m low[0, 1, 1, 0] high[0, 1, 1, 0] {
  ^bb0(%i: index, %j: index, %k: index, %l: index):
    tensor.yield %zero : f32
  } : tensor<1x4x4x4xf32> to tensor<1x6x6x4xf32>
  %c = linalg.conv_2d_nhwc_hwcf {dilations = dense<1> : tensor<2xi64>, strides = dense<1> : tensor<2xi64>}
    ins(%p, %w : tensor<1x6x6x4xf32>, tensor<3x3x4x4xf32>) outs(%zeros : tensor<1x4x4x4xf32>) -> tensor<1x4x4x4xf32>
  return %c : tensor<1x4x4x4xf32>
}

// Sums of run-time tensors have no weights: nothing asks for codes.
// CHECK-LABEL: func @no_layer
// CHECK-NOT: qc.observe
func.func @no_layer(%x: tensor<4x4xf32>) -> tensor<4x4xf32> {
  %y = arith.addf %x, %x : tensor<4x4xf32>
  return %y : tensor<4x4xf32>
}

// A product of two activations asks for both, where they come from.
// CHECK-LABEL: func @product
// CHECK-SAME: (%[[A:.*]]: tensor<2x4x8xf32>{{.*}}, %[[B:.*]]: tensor<2x4x8xf32>
func.func @product(%a: tensor<2x4x8xf32> {qc.name = "a"}, %b: tensor<2x4x8xf32> {qc.name = "b"}) -> tensor<2x4x4xf32> {
  // CHECK-DAG: %[[OA:.*]] = qc.observe "a" %[[A]]
  // CHECK-DAG: %[[NB:.*]] = math.absf %[[B]]
  // CHECK-DAG: %[[OB:.*]] = qc.observe "abs" %[[NB]]
  // CHECK: %[[T:.*]] = linalg.transpose ins(%[[OB]] :
  // CHECK: linalg.batch_matmul ins(%[[OA]], %[[T]] :
  // CHECK-NOT: qc.observe
  %zeros = arith.constant dense<0.0> : tensor<2x4x4xf32>
  %e = tensor.empty() : tensor<2x8x4xf32>
  %n = math.absf %b : tensor<2x4x8xf32> loc("abs")
  %t = linalg.transpose ins(%n : tensor<2x4x8xf32>) outs(%e : tensor<2x8x4xf32>) permutation = [0, 2, 1]
  %y = linalg.batch_matmul ins(%a, %t : tensor<2x4x8xf32>, tensor<2x8x4xf32>) outs(%zeros : tensor<2x4x4xf32>) -> tensor<2x4x4xf32>
  return %y : tensor<2x4x4xf32>
}

// A constant that is repeated along free axes is no activation.
// CHECK-LABEL: func @repeated
// CHECK-SAME: (%[[X:.*]]: tensor<?x4x8xf32>
func.func @repeated(%x: tensor<?x4x8xf32> {qc.name = "x"}, %w: tensor<?x8x4xf32> {qc.name = "w"}) -> tensor<?x4x4xf32> {
  // CHECK: %[[B:.*]] = linalg.broadcast
  // CHECK-NOT: qc.observe {{.*}} %[[B]]
  // CHECK: %[[S:.*]] = arith.addf %{{.*}}, %[[B]]
  // CHECK-NEXT: qc.observe "sum" %[[S]]
  %c0 = arith.constant 0 : index
  %v = arith.constant dense<[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]> : tensor<8xf32>
  %zero = arith.constant 0.0 : f32
  %n = tensor.dim %x, %c0 : tensor<?x4x8xf32>
  %e = tensor.empty(%n) : tensor<?x4x8xf32>
  %b = linalg.broadcast ins(%v : tensor<8xf32>) outs(%e : tensor<?x4x8xf32>) dimensions = [0, 1]
  %s = arith.addf %x, %b : tensor<?x4x8xf32> loc("sum")
  %z = tensor.splat %zero[%n] : tensor<?x4x4xf32>
  %y = linalg.batch_matmul ins(%s, %w : tensor<?x4x8xf32>, tensor<?x8x4xf32>) outs(%z : tensor<?x4x4xf32>) -> tensor<?x4x4xf32>
  return %y : tensor<?x4x4xf32>
}
