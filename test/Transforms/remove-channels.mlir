// RUN: qc-opt %s "--pass-pipeline=builtin.module(func.func(qc-remove-channels{channels=conv1=1,3;up=0}))" | FileCheck %s
// RUN: not qc-opt %s "--pass-pipeline=builtin.module(func.func(qc-remove-channels{channels=conv3=0}))" 2>&1 | FileCheck %s --check-prefix=OUTPUT
// RUN: not qc-opt %s "--pass-pipeline=builtin.module(func.func(qc-remove-channels{channels=norm=0}))" 2>&1 | FileCheck %s --check-prefix=MIXED
// RUN: not qc-opt %s "--pass-pipeline=builtin.module(func.func(qc-remove-channels{channels=conv1=4}))" 2>&1 | FileCheck %s --check-prefix=NUMBER
// RUN: not qc-opt %s "--pass-pipeline=builtin.module(func.func(qc-remove-channels{channels=conv1=0,1,2,3}))" 2>&1 | FileCheck %s --check-prefix=ALL
// RUN: not qc-opt %s "--pass-pipeline=builtin.module(func.func(qc-remove-channels{channels=conv7=0}))" 2>&1 | FileCheck %s --check-prefix=NAME

// OUTPUT: error: channels of layer 'conv3' cannot go: they are an output of the model
// MIXED: error: channels of layer 'norm' cannot go: they go through qc.rms_norm
// NUMBER: error: layer 'conv1': found channel '4', expected one of 4
// ALL: error: layer 'conv1': found all channels of {{.*}}, expected one that stays
// NAME: error: found no layer with weights called 'conv7'

// Through a bias, relu, padding, a depthwise convolution and a pooling into the
// sums of conv3; what they share with others stays as it is.
// CHECK-LABEL: func @main
// CHECK-DAG: %[[KEPT:.*]] = arith.constant dense<[0, 2]> : tensor<2xindex>
// CHECK-DAG: %[[W:.*]] = qc.parameter "w"
// CHECK: %[[SELECTED:.*]] = linalg.generic {{.*}} ins(%{{.*}} : tensor<2xindex>)
// CHECK: tensor.extract %[[W]]
// CHECK: linalg.broadcast ins(%{{.*}} : tensor<2xf32>) outs(%{{.*}} : tensor<?x6x6x2xf32>)
// CHECK: linalg.conv_2d_nhwc_hwcf {{.*}} ins(%{{.*}}, %[[SELECTED]] : tensor<?x8x8x3xf32>, tensor<3x3x3x2xf32>) outs(%{{.*}} : tensor<?x6x6x2xf32>)
// CHECK: arith.maximumf {{.*}} tensor<?x6x6x2xf32>
// CHECK: tensor.pad
// CHECK: tensor<?x6x6x2xf32> to tensor<?x8x8x2xf32>
// CHECK: linalg.depthwise_conv_2d_nhwc_hwc {{.*}} tensor<3x3x2xf32>) outs(%{{.*}} : tensor<?x6x6x2xf32>)
// CHECK: linalg.pooling_nhwc_max {{.*}} -> tensor<?x3x3x2xf32>
// CHECK: linalg.conv_2d_nhwc_hwcf {{.*}} tensor<1x1x2x5xf32>) outs(%{{.*}} : tensor<?x3x3x5xf32>)
func.func @main(%x: tensor<?x8x8x3xf32> {qc.name = "x"}, %t: tensor<4x8xf32>) -> (tensor<?x3x3x5xf32>, tensor<4x4xf32>, tensor<4x4xf32>) {
  %w = qc.parameter "w" {file = "f", offset = 0 : i64, length = 432 : i64} : tensor<3x3x3x4xf32>
  %b = qc.parameter "b" {file = "f", offset = 0 : i64, length = 16 : i64} : tensor<4xf32>
  %d = qc.parameter "d" {file = "f", offset = 0 : i64, length = 144 : i64} : tensor<3x3x4xf32>
  %v = qc.parameter "v" {file = "f", offset = 0 : i64, length = 80 : i64} : tensor<1x1x4x5xf32>
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %least = arith.constant 0xFF800000 : f32
  %n = tensor.dim %x, %c0 : tensor<?x8x8x3xf32>
  %e = tensor.empty(%n) : tensor<?x6x6x4xf32>
  %s = tensor.splat %zero[%n] : tensor<?x6x6x4xf32>
  %bias = linalg.broadcast ins(%b : tensor<4xf32>) outs(%e : tensor<?x6x6x4xf32>) dimensions = [0, 1, 2]
  %c = linalg.conv_2d_nhwc_hwcf {dilations = dense<1> : tensor<2xi64>, strides = dense<1> : tensor<2xi64>} ins(%x, %w : tensor<?x8x8x3xf32>, tensor<3x3x3x4xf32>) outs(%bias : tensor<?x6x6x4xf32>) -> tensor<?x6x6x4xf32> loc("conv1")
  %r = arith.maximumf %c, %s : tensor<?x6x6x4xf32>
  %p = tensor.pad %r low[0, 1, 1, 0] high[0, 1, 1, 0] {
  ^bb0(%i: index, %j: index, %k: index, %l: index):
    tensor.yield %zero : f32
  } : tensor<?x6x6x4xf32> to tensor<?x8x8x4xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?x6x6x4xf32>) -> tensor<?x6x6x4xf32>
  %q = linalg.depthwise_conv_2d_nhwc_hwc {dilations = dense<1> : tensor<2xi64>, strides = dense<1> : tensor<2xi64>} ins(%p, %d : tensor<?x8x8x4xf32>, tensor<3x3x4xf32>) outs(%f : tensor<?x6x6x4xf32>) -> tensor<?x6x6x4xf32> loc("depthwise")
  %window = tensor.empty() : tensor<2x2xf32>
  %o = tensor.empty(%n) : tensor<?x3x3x4xf32>
  %low = linalg.fill ins(%least : f32) outs(%o : tensor<?x3x3x4xf32>) -> tensor<?x3x3x4xf32>
  %m = linalg.pooling_nhwc_max {dilations = dense<1> : tensor<2xi64>, strides = dense<2> : tensor<2xi64>} ins(%q, %window : tensor<?x6x6x4xf32>, tensor<2x2xf32>) outs(%low : tensor<?x3x3x4xf32>) -> tensor<?x3x3x4xf32>
  %g = tensor.empty(%n) : tensor<?x3x3x5xf32>
  %h = linalg.fill ins(%zero : f32) outs(%g : tensor<?x3x3x5xf32>) -> tensor<?x3x3x5xf32>
  %y = linalg.conv_2d_nhwc_hwcf {dilations = dense<1> : tensor<2xi64>, strides = dense<1> : tensor<2xi64>} ins(%m, %v : tensor<?x3x3x4xf32>, tensor<1x1x4x5xf32>) outs(%h : tensor<?x3x3x5xf32>) -> tensor<?x3x3x5xf32> loc("conv3")

  // What two layers make together goes from both; floats of 16 bits stay such.
  // CHECK: %[[G:.*]] = qc.assemble %{{.*}} : tensor<8x5xbf16> -> tensor<8x5xf32, #qc.float<bf16>>
  // CHECK: qc.dequantize %[[G]]
  // CHECK: linalg.matmul {{.*}} tensor<8x5xf32>) outs(%{{.*}} : tensor<4x5xf32>)
  // CHECK: qc.unary "silu" %{{.*}} : tensor<4x5xf32>
  // CHECK: linalg.matmul {{.*}} tensor<8x5xf32>) outs(%{{.*}} : tensor<4x5xf32>)
  // CHECK: linalg.matmul ins(%{{.*}}, %{{.*}} : tensor<4x5xf32>, tensor<5x4xf32>)
  %gate = qc.parameter "g" {file = "f", offset = 0 : i64, length = 96 : i64} : tensor<8x6xbf16>
  %codes = qc.assemble %gate : tensor<8x6xbf16> -> tensor<8x6xf32, #qc.float<bf16>>
  %wide = qc.dequantize %codes : tensor<8x6xf32, #qc.float<bf16>> -> tensor<8x6xf32>
  %u = qc.parameter "u" {file = "f", offset = 0 : i64, length = 192 : i64} : tensor<8x6xf32>
  %z = qc.parameter "z" {file = "f", offset = 0 : i64, length = 96 : i64} : tensor<6x4xf32>
  %six = arith.constant dense<0.0> : tensor<4x6xf32>
  %four = arith.constant dense<0.0> : tensor<4x4xf32>
  %1 = linalg.matmul ins(%t, %wide : tensor<4x8xf32>, tensor<8x6xf32>) outs(%six : tensor<4x6xf32>) -> tensor<4x6xf32> loc("gate")
  %2 = qc.unary "silu" %1 : tensor<4x6xf32>
  %3 = linalg.matmul ins(%t, %u : tensor<4x8xf32>, tensor<8x6xf32>) outs(%six : tensor<4x6xf32>) -> tensor<4x6xf32> loc("up")
  %4 = arith.mulf %2, %3 : tensor<4x6xf32>
  %5 = linalg.matmul ins(%4, %z : tensor<4x6xf32>, tensor<6x4xf32>) outs(%four : tensor<4x4xf32>) -> tensor<4x4xf32> loc("down")

  // A norm needs them all.
  // CHECK: linalg.matmul {{.*}} tensor<8x6xf32>
  // CHECK: qc.rms_norm
  %gamma = arith.constant dense<1.0> : tensor<6xf32>
  %6 = linalg.matmul ins(%t, %u : tensor<4x8xf32>, tensor<8x6xf32>) outs(%six : tensor<4x6xf32>) -> tensor<4x6xf32> loc("norm")
  %7 = qc.rms_norm %6, %gamma {epsilon = 1.0e-6 : f32} : tensor<4x6xf32>, tensor<6xf32> loc("mix")
  %8 = linalg.matmul ins(%7, %z : tensor<4x6xf32>, tensor<6x4xf32>) outs(%four : tensor<4x4xf32>) -> tensor<4x4xf32>
  return %y, %5, %8 : tensor<?x3x3x5xf32>, tensor<4x4xf32>, tensor<4x4xf32>
}
