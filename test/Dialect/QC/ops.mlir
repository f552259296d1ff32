// RUN: qc-opt %s | qc-opt | FileCheck %s
// RUN: qc-opt %s --emit-bytecode | qc-opt | FileCheck %s

// CHECK-LABEL: func private @encodings(
// CHECK-SAME: tensor<4xf32, #qc.affine<i8, scale = 2.350000e-02, zero_point = -128>>
// CHECK-SAME: tensor<2x2x2x4xf32, #qc.affine<i8, group = [-1, -1, -1, 1], symmetric>>
// CHECK-SAME: tensor<256x10xf32, #qc.affine<i4, group = [128, 1], storage = f16>>
// CHECK-SAME: tensor<?x64xf32, #qc.affine<i8, group = [1, -1], symmetric>>
// CHECK-SAME: tensor<4xf32, #qc.float<bf16>>
// CHECK-SAME: tensor<64x4xf32, #qc.nf4<group = [32, 1]>>
// CHECK-SAME: tensor<64x4xf32, #qc.codebook<[-1.000000e+00, 0.000000e+00, 1.000000e+00], group = [32, 1], storage = f16>>
// CHECK-SAME: tensor<64x4xf32, #qc.codebook<[-1.000000e+00, 1.000000e+00], group = [32, 1], nested = 256>>
// CHECK-SAME: tensor<64x4xf32, #qc.minifloat<e4m3, group = [-1, 1], scale = f32>>
// CHECK-SAME: tensor<64x4xf32, #qc.minifloat<e2m1, group = [16, 1], scale = e4m3>>
// CHECK-SAME: tensor<512x4xf32, #qc.ggml<q4_K, group = [256, 1]>>
// CHECK-SAME: tensor<4x64xf32, #qc.ggml<iq4_nl, group = [1, 32]>>
func.func private @encodings(
    tensor<4xf32, #qc.affine<i8, scale = 0.0235, zero_point = -128>>,
    tensor<2x2x2x4xf32, #qc.affine<i8, group = [-1, -1, -1, 1], symmetric>>,
    tensor<256x10xf32, #qc.affine<i4, group = [128, 1], storage = f16>>,
    tensor<?x64xf32, #qc.affine<i8, group = [1, -1], symmetric>>,
    tensor<4xf32, #qc.float<bf16>>,
    tensor<64x4xf32, #qc.nf4<group = [32, 1]>>,
    tensor<64x4xf32, #qc.codebook<[-1.0, 0.0, 1.0], group = [32, 1], storage = f16>>,
    tensor<64x4xf32, #qc.codebook<[-1.0, 1.0], group = [32, 1], nested = 256>>,
    tensor<64x4xf32, #qc.minifloat<e4m3, group = [-1, 1], scale = f32>>,
    tensor<64x4xf32, #qc.minifloat<e2m1, group = [16, 1], scale = e4m3>>,
    tensor<512x4xf32, #qc.ggml<q4_K, group = [256, 1]>>,
    tensor<4x64xf32, #qc.ggml<iq4_nl, group = [1, 32]>>)

// CHECK-LABEL: func @model
func.func @model(%x: tensor<?x16x8x8xf32>, %v: tensor<16xf32>,
                 %m: tensor<?x16xf32>) {
  // CHECK: qc.parameter "w" {file = "net.onnx", length = 64 : i64, offset = 412 : i64} : tensor<16xf32>
  %w = qc.parameter "w" {file = "net.onnx", offset = 412 : i64,
      length = 64 : i64} : tensor<16xf32>
  // CHECK: qc.channel_affine %{{.*}}, %{{.*}}, %{{.*}} {axis = 1 : i64} : tensor<?x16x8x8xf32>, tensor<16xf32>, tensor<16xf32>
  %0 = qc.channel_affine %x, %w, %v {axis = 1 : i64}
    : tensor<?x16x8x8xf32>, tensor<16xf32>, tensor<16xf32>
  // CHECK: qc.unary "gelu" %{{.*}} : tensor<?x16xf32>
  %1 = qc.unary "gelu" %m : tensor<?x16xf32>
  // CHECK: qc.softmax %{{.*}} : tensor<?x16xf32>
  %2 = qc.softmax %1 : tensor<?x16xf32>
  // CHECK: qc.layer_norm %{{.*}}, %{{.*}}, %{{.*}} {epsilon = {{.*}} : f32}
  %3 = qc.layer_norm %2, %v, %w {epsilon = 1.0e-12 : f32}
    : tensor<?x16xf32>, tensor<16xf32>, tensor<16xf32>
  // CHECK: qc.rms_norm %{{.*}}, %{{.*}} {epsilon = {{.*}} : f32}
  %4 = qc.rms_norm %3, %v {epsilon = 1.0e-5 : f32}
    : tensor<?x16xf32>, tensor<16xf32>
  // CHECK: qc.observe "norm" %{{.*}} : tensor<?x16xf32>
  %5 = qc.observe "norm" %4 : tensor<?x16xf32>
  return
}

// CHECK-LABEL: func @qdq
func.func @qdq(%x: tensor<?x64xf32>, %p: tensor<64x10xf32>) {
  // CHECK: qc.quantize %{{.*}} : tensor<?x64xf32> -> tensor<?x64xf32, #qc.affine<i8, scale = 5.000000e-02, zero_point = -3>>
  %q = qc.quantize %x : tensor<?x64xf32>
    -> tensor<?x64xf32, #qc.affine<i8, scale = 0.05, zero_point = -3>>
  // CHECK: qc.prune %{{.*}} to "2:4" {channels = array<i64: 1>} : tensor<64x10xf32>
  %z = qc.prune %p to "2:4" {channels = array<i64: 1>} : tensor<64x10xf32>
  // CHECK: qc.quantize %{{.*}} {algorithm = "mse"}
  %w = qc.quantize %p {algorithm = "mse"} : tensor<64x10xf32>
    -> tensor<64x10xf32, #qc.affine<i8, group = [-1, 1], symmetric>>
  // CHECK: qc.dequantize
  %d = qc.dequantize %q
    : tensor<?x64xf32, #qc.affine<i8, scale = 0.05, zero_point = -3>>
    -> tensor<?x64xf32>
  // CHECK: qc.component %{{.*}} "data"
  %c = qc.component %w "data"
    : tensor<64x10xf32, #qc.affine<i8, group = [-1, 1], symmetric>>
    -> tensor<64x10xi8>
  // CHECK: qc.component %{{.*}} "scale"
  %s = qc.component %w "scale"
    : tensor<64x10xf32, #qc.affine<i8, group = [-1, 1], symmetric>>
    -> tensor<10xf32>
  // CHECK: qc.assemble %{{.*}}, %{{.*}} : tensor<64x10xi8>, tensor<10xf32>
  %a = qc.assemble %c, %s : tensor<64x10xi8>, tensor<10xf32>
    -> tensor<64x10xf32, #qc.affine<i8, group = [-1, 1], symmetric>>
  return
}

// CHECK-LABEL: func @fused_float
func.func @fused_float(%x: tensor<1x8x8x3xf32>, %f: tensor<3x3x3x16xf32>,
                       %b: tensor<16xf32>, %r: tensor<1x8x8x16xf32>,
                       %m: tensor<?x64xf32>, %w: tensor<64x16xf32>,
                       %q: tensor<1x7x4x32xf32>) {
  // CHECK: qc.conv2d %{{.*}}, %{{.*}} bias %{{.*}} residual %{{.*}} {
  // CHECK-SAME: low = 0.000000e+00 : f32
  %0 = qc.conv2d %x, %f bias %b residual %r {strides = array<i64: 1, 1>,
      dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>,
      groups = 1 : i64, low = 0.0 : f32}
    : tensor<1x8x8x3xf32>, tensor<3x3x3x16xf32>, tensor<16xf32>
    residual tensor<1x8x8x16xf32> -> tensor<1x8x8x16xf32>
  // CHECK: qc.matmul %{{.*}}, %{{.*}} bias %{{.*}} {activation = "gelu"}
  %1 = qc.matmul %m, %w bias %b {activation = "gelu"}
    : tensor<?x64xf32>, tensor<64x16xf32>, tensor<16xf32> -> tensor<?x16xf32>
  // CHECK: qc.batch_matmul
  %2 = qc.batch_matmul %q, %q {lhs_perm = array<i64: 0, 2, 1, 3>,
      rhs_perm = array<i64: 0, 2, 3, 1>, alpha = 0.125 : f32}
    : tensor<1x7x4x32xf32>, tensor<1x7x4x32xf32> -> tensor<1x4x7x7xf32>
  // CHECK: qc.pool2d "max"
  %3 = qc.pool2d "max" %0 {kernel = array<i64: 2, 2>,
      strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>,
      pads = array<i64: 0, 0, 0, 0>}
    : tensor<1x8x8x16xf32> -> tensor<1x4x4x16xf32>
  return
}

// CHECK-LABEL: func @fused_integer
func.func @fused_integer(
    %x: tensor<?x64xf32, #qc.affine<i8, scale = 0.1>>,
    %w: tensor<64x10xf32, #qc.affine<i8, group = [-1, 1], symmetric>>,
    %b: tensor<10xf32>, %n: index) {
  // CHECK: qc.quantize_bias %{{.*}}, %{{.*}} {input_scale = 1.000000e-01 : f32}
  %i = qc.quantize_bias %b, %w {input_scale = 0.1 : f32}
    : tensor<10xf32>,
      tensor<64x10xf32, #qc.affine<i8, group = [-1, 1], symmetric>>
    -> tensor<10xi32>
  // CHECK: qc.matmul
  %y = qc.matmul %x, %w bias %i
    : tensor<?x64xf32, #qc.affine<i8, scale = 0.1>>,
      tensor<64x10xf32, #qc.affine<i8, group = [-1, 1], symmetric>>,
      tensor<10xi32> -> tensor<?x10xf32, #qc.affine<i8, scale = 0.2>>
  // CHECK: qc.add
  %a = qc.add %y, %y {low = 0.0 : f32}
    : tensor<?x10xf32, #qc.affine<i8, scale = 0.2>>,
      tensor<?x10xf32, #qc.affine<i8, scale = 0.2>>
    -> tensor<?x10xf32, #qc.affine<i8, scale = 0.3>>
  // CHECK: qc.lookup "sigmoid"
  %l = qc.lookup "sigmoid" %a
    : tensor<?x10xf32, #qc.affine<i8, scale = 0.3>>
    -> tensor<?x10xf32, #qc.affine<i8, scale = 0.004, zero_point = -128>>
  return
}

// CHECK-LABEL: func @packed
func.func @packed(%w: tensor<64x10xi8>, %b: tensor<10xi32>,
                  %s: tensor<10xf32>) {
  // CHECK: qc.pack "contract" %{{.*}} {run = 64 : i64}
  %p = qc.pack "contract" %w {groups = 1 : i64, run = 64 : i64}
    : tensor<64x10xi8> -> tensor<1024xi8>
  // CHECK: qc.fold_multiplier
  %m = qc.fold_multiplier %s {input_scale = 0.05 : f32,
      output_scale = 0.1 : f32} : tensor<10xf32>
  // CHECK: qc.fold_zero_point %{{.*}} bias %{{.*}} {zero_point = 125 : i64}
  %z = qc.fold_zero_point %w bias %b {zero_point = 125 : i64}
    : tensor<64x10xi8>, tensor<10xi32> -> tensor<10xi32>
  // CHECK: qc.table "sigmoid"
  %t = qc.table "sigmoid" {input = #qc.affine<i8, scale = 0.1>,
      output = #qc.affine<i8, scale = 0.004>, stored_offset = 128 : i64}
    : tensor<256xi8>
  // CHECK: qc.weight {offset = 4096 : i64} : tensor<1024xi8>
  %o = qc.weight {offset = 4096 : i64} : tensor<1024xi8>
  // CHECK: qc.buffer "arena" 4096
  %a = qc.buffer "arena" 4096 : !llvm.ptr
  return
}
