// RUN: qc-opt %s --qc-fuse --qc-verify-encodings | FileCheck %s

// --qc-fuse where both sides of an op are codes.

!x = tensor<?x8x8x4xf32, #qc.affine<i8, scale = 0.1>>
!y = tensor<?x8x8x4xf32, #qc.affine<i8, scale = 0.2, zero_point = -128>>
!w = tensor<3x3x4x4xf32, #qc.affine<i8, group = [-1, -1, -1, 1], symmetric>>
!v = tensor<?x8x8x4xf32>

// CHECK-LABEL: func @conv
// CHECK-SAME: (%[[XQ:.*]]: tensor<{{[^)]*}}, %[[N:.*]]: index)
func.func @conv(%xq: !x, %n: index) -> !y {
  %zero = arith.constant 0.0 : f32
  // CHECK-DAG: %[[B:.*]] = qc.parameter "b"
  // CHECK-DAG: %[[WQ:.*]] = qc.quantize %{{.*}} : tensor<3x3x4x4xf32>
  %p = qc.parameter "w" {file = "f", offset = 0 : i64, length = 576 : i64} : tensor<3x3x4x4xf32>
  %b = qc.parameter "b" {file = "f", offset = 576 : i64, length = 16 : i64} : tensor<4xf32>
  %wq = qc.quantize %p : tensor<3x3x4x4xf32> -> !w
  %w = qc.dequantize %wq : !w -> tensor<3x3x4x4xf32>
  %x = qc.dequantize %xq : !x -> !v
  %pad = tensor.pad %x low[0, 1, 1, 0] high[0, 1, 1, 0] {
  ^bb0(%i: index, %j: index, %k: index, %l: index):
    tensor.yield %zero : f32
  } : !v to tensor<?x10x10x4xf32>
  %e = tensor.empty(%n) : !v
  %init = linalg.broadcast ins(%b : tensor<4xf32>) outs(%e : !v) dimensions = [0, 1, 2]
  %c = linalg.conv_2d_nhwc_hwcf {dilations = dense<1> : tensor<2xi64>, strides = dense<1> : tensor<2xi64>}
    ins(%pad, %w : tensor<?x10x10x4xf32>, tensor<3x3x4x4xf32>) outs(%init : !v) -> !v
  %s = arith.addf %c, %x : !v
  %z = tensor.splat %zero[%n] : !v
  %r = arith.maximumf %s, %z : !v
  %yq = qc.quantize %r : !v -> !y
  // CHECK: %[[I:.*]] = qc.quantize_bias %[[B]], %[[WQ]] {input_scale = 1.000000e-01 : f32}
  // CHECK: %[[Y:.*]] = qc.conv2d %[[XQ]], %[[WQ]] bias %[[I]] residual %[[XQ]] {
  // CHECK-SAME: low = 0.000000e+00 : f32, pads = array<i64: 1, 1, 1, 1>
  // CHECK-NEXT: return %[[Y]]
  return %yq : !y
}

// A residual that is no codes is added as a value; the sum is not requantized.
// CHECK-LABEL: func @float_residual
// CHECK-SAME: (%[[XQ:.*]]: tensor<{{[^)]*}}, %[[V:.*]]: tensor<?x8x8x4xf32>)
func.func @float_residual(%xq: !x, %v: !v) -> !y {
  %zero = arith.constant 0.0 : f32
  %c0 = arith.constant 0 : index
  %n = tensor.dim %v, %c0 : !v
  %p = qc.parameter "w" {file = "f", offset = 0 : i64, length = 64 : i64} : tensor<1x1x4x4xf32>
  %wq = qc.quantize %p : tensor<1x1x4x4xf32> -> tensor<1x1x4x4xf32, #qc.affine<i8, group = [-1, -1, -1, 1], symmetric>>
  %w = qc.dequantize %wq : tensor<1x1x4x4xf32, #qc.affine<i8, group = [-1, -1, -1, 1], symmetric>> -> tensor<1x1x4x4xf32>
  %x = qc.dequantize %xq : !x -> !v
  %z = tensor.splat %zero[%n] : !v
  %c = linalg.conv_2d_nhwc_hwcf {dilations = dense<1> : tensor<2xi64>, strides = dense<1> : tensor<2xi64>}
    ins(%x, %w : !v, tensor<1x1x4x4xf32>) outs(%z : !v) -> !v
  // CHECK: %[[C:.*]] = qc.conv2d %[[XQ]], %{{.*}} -> tensor<?x8x8x4xf32>
  // CHECK: %[[S:.*]] = arith.addf %[[C]], %[[V]]
  // CHECK: qc.quantize %[[S]]
  %s = arith.addf %c, %v : !v
  %yq = qc.quantize %s : !v -> !y
  return %yq : !y
}

// CHECK-LABEL: func @add
// CHECK-SAME: (%[[XQ:.*]]: tensor<{{[^)]*}}, %[[YQ:.*]]: tensor<
func.func @add(%xq: !x, %yq: !y, %n: index) -> !y {
  %zero = arith.constant 0.0 : f32
  %x = qc.dequantize %xq : !x -> !v
  %y = qc.dequantize %yq : !y -> !v
  %s = arith.addf %x, %y : !v
  %z = tensor.splat %zero[%n] : !v
  %r = arith.maximumf %s, %z : !v
  // CHECK: %[[S:.*]] = qc.add %[[XQ]], %[[YQ]] {low = 0.000000e+00 : f32}
  // CHECK-NEXT: return %[[S]]
  %q = qc.quantize %r : !v -> !y
  return %q : !y
}

// CHECK-LABEL: func @lookup
// CHECK-SAME: (%[[XQ:.*]]: tensor<
func.func @lookup(%xq: !x) -> (!y, !y) {
  %x = qc.dequantize %xq : !x -> !v
  %f = qc.unary "sigmoid" %x : !v
  // CHECK-DAG: qc.lookup "sigmoid" %[[XQ]]
  %q = qc.quantize %f : !v -> !y
  // CHECK-DAG: qc.lookup "identity" %[[XQ]]
  %r = qc.quantize %x : !v -> !y
  return %q, %r : !y, !y
}

// CHECK-LABEL: func @pooling
// CHECK-SAME: (%[[XQ:.*]]: tensor<
func.func @pooling(%xq: tensor<1x8x8x4xf32, #qc.affine<i8, scale = 0.1>>) -> tensor<1x1x1x4xf32, #qc.affine<i8, scale = 0.2>> {
  %window = tensor.empty() : tensor<2x2xf32>
  %least = arith.constant dense<0xFF800000> : tensor<1x4x4x4xf32>
  %x = qc.dequantize %xq : tensor<1x8x8x4xf32, #qc.affine<i8, scale = 0.1>> -> tensor<1x8x8x4xf32>
  // CHECK: %[[M:.*]] = qc.pool2d "max" %[[XQ]] {{.*}} -> tensor<1x4x4x4xf32, #qc.affine<i8, scale = 1.000000e-01>>
  %m = linalg.pooling_nhwc_max {dilations = dense<1> : tensor<2xi64>, strides = dense<2> : tensor<2xi64>}
    ins(%x, %window : tensor<1x8x8x4xf32>, tensor<2x2xf32>) outs(%least : tensor<1x4x4x4xf32>) -> tensor<1x4x4x4xf32>
  %whole = tensor.empty() : tensor<4x4xf32>
  %zeros = arith.constant dense<0.0> : tensor<1x1x1x4xf32>
  %count = arith.constant dense<16.0> : tensor<1x1x1x4xf32>
  %s = linalg.pooling_nhwc_sum {dilations = dense<1> : tensor<2xi64>, strides = dense<1> : tensor<2xi64>}
    ins(%m, %whole : tensor<1x4x4x4xf32>, tensor<4x4xf32>) outs(%zeros : tensor<1x1x1x4xf32>) -> tensor<1x1x1x4xf32>
  %a = arith.divf %s, %count : tensor<1x1x1x4xf32>
  // CHECK: qc.pool2d "average" %[[M]] {{.*}} -> tensor<1x1x1x4xf32, #qc.affine<i8, scale = 2.000000e-01>>
  %q = qc.quantize %a : tensor<1x1x1x4xf32> -> tensor<1x1x1x4xf32, #qc.affine<i8, scale = 0.2>>
  return %q : tensor<1x1x1x4xf32, #qc.affine<i8, scale = 0.2>>
}

// Bytes move, not values; padding is the code of its value.
// CHECK-LABEL: func @movement
// CHECK-SAME: (%[[XQ:.*]]: tensor<
func.func @movement(%xq: tensor<8x4xf32, #qc.affine<i8, scale = 0.5, zero_point = 3>>) -> tensor<6x6xf32> {
  %two = arith.constant 2.0 : f32
  %e = tensor.empty() : tensor<4x8xf32>
  %x = qc.dequantize %xq : tensor<8x4xf32, #qc.affine<i8, scale = 0.5, zero_point = 3>> -> tensor<8x4xf32>
  // CHECK-DAG: %[[CODE:.*]] = arith.constant 7 : i8
  // CHECK-DAG: %[[D:.*]] = qc.component %[[XQ]] "data"
  // CHECK: %[[T:.*]] = linalg.transpose ins(%[[D]] : tensor<8x4xi8>)
  %t = linalg.transpose ins(%x : tensor<8x4xf32>) outs(%e : tensor<4x8xf32>) permutation = [1, 0]
  // CHECK: %[[S:.*]] = tensor.extract_slice %[[T]][0, 2] [4, 6] [1, 1]
  %s = tensor.extract_slice %t[0, 2] [4, 6] [1, 1] : tensor<4x8xf32> to tensor<4x6xf32>
  // CHECK: %[[P:.*]] = tensor.pad %[[S]]
  // CHECK: tensor.yield %[[CODE]] : i8
  %p = tensor.pad %s low[1, 0] high[1, 0] {
  ^bb0(%i: index, %j: index):
    tensor.yield %two : f32
  } : tensor<4x6xf32> to tensor<6x6xf32>
  // CHECK: %[[A:.*]] = qc.assemble %[[P]]
  // CHECK: %[[Y:.*]] = qc.dequantize %[[A]]
  // CHECK: return %[[Y]]
  return %p : tensor<6x6xf32>
}

// 0.1 is the value of no code here: the values are padded.
// CHECK-LABEL: func @pad_between_codes
func.func @pad_between_codes(%xq: tensor<4xf32, #qc.affine<i8, scale = 0.5>>) -> tensor<6xf32> {
  %value = arith.constant 0.1 : f32
  %x = qc.dequantize %xq : tensor<4xf32, #qc.affine<i8, scale = 0.5>> -> tensor<4xf32>
  // CHECK: tensor.pad %{{.*}} low[1] high[1]
  // CHECK: tensor<4xf32> to tensor<6xf32>
  %p = tensor.pad %x low[1] high[1] {
  ^bb0(%i: index):
    tensor.yield %value : f32
  } : tensor<4xf32> to tensor<6xf32>
  return %p : tensor<6xf32>
}

// Rows that come from two axes have a scale each.
// CHECK-LABEL: func @run_time_scales
// CHECK-SAME: (%[[X:.*]]: tensor<2x3x8xf32>)
func.func @run_time_scales(%x: tensor<2x3x8xf32>) -> tensor<2x3x4xf32> {
  // CHECK-DAG: %[[XQ:.*]] = qc.quantize %[[X]]
  // CHECK-DAG: %[[B:.*]] = qc.parameter "b"
  // CHECK-DAG: %[[WQ:.*]] = qc.quantize %{{.*}} : tensor<8x4xf32>
  %p = qc.parameter "w" {file = "f", offset = 0 : i64, length = 128 : i64} : tensor<8x4xf32>
  %b = qc.parameter "b" {file = "f", offset = 128 : i64, length = 16 : i64} : tensor<4xf32>
  %wq = qc.quantize %p : tensor<8x4xf32> -> tensor<8x4xf32, #qc.affine<i8, group = [-1, 1], symmetric>>
  %w = qc.dequantize %wq : tensor<8x4xf32, #qc.affine<i8, group = [-1, 1], symmetric>> -> tensor<8x4xf32>
  %xq = qc.quantize %x : tensor<2x3x8xf32> -> tensor<2x3x8xf32, #qc.affine<i8, group = [1, 1, -1], symmetric>>
  %xd = qc.dequantize %xq : tensor<2x3x8xf32, #qc.affine<i8, group = [1, 1, -1], symmetric>> -> tensor<2x3x8xf32>
  %rows = tensor.collapse_shape %xd [[0, 1], [2]] : tensor<2x3x8xf32> into tensor<6x8xf32>
  %zeros = arith.constant dense<0.0> : tensor<6x4xf32>
  %m = linalg.matmul ins(%rows, %w : tensor<6x8xf32>, tensor<8x4xf32>) outs(%zeros : tensor<6x4xf32>) -> tensor<6x4xf32>
  %y = tensor.expand_shape %m [[0, 1], [2]] output_shape [2, 3, 4] : tensor<6x4xf32> into tensor<2x3x4xf32>
  %e = tensor.empty() : tensor<2x3x4xf32>
  %bb = linalg.broadcast ins(%b : tensor<4xf32>) outs(%e : tensor<2x3x4xf32>) dimensions = [0, 1]
  // CHECK: %[[Y:.*]] = qc.matmul %[[XQ]], %[[WQ]] bias %[[B]]
  // CHECK-NEXT: return %[[Y]]
  %s = arith.addf %y, %bb : tensor<2x3x4xf32>
  return %s : tensor<2x3x4xf32>
}

// Weights that come as codes, as in a model that was quantized elsewhere.
// CHECK-LABEL: func @imported
// CHECK-SAME: (%[[XQ:.*]]: tensor<
func.func @imported(%xq: tensor<2x8xf32, #qc.affine<i8, scale = 0.1>>) -> (tensor<2x4xf32>, tensor<2x4xf32>) {
  // CHECK-DAG: %[[D:.*]] = qc.parameter "w"
  // CHECK-DAG: %[[S:.*]] = qc.parameter "s"
  // CHECK-DAG: %[[SAME:.*]] = arith.constant dense<5.000000e-01> : tensor<4xf32>
  %w = qc.parameter "w" {file = "f", offset = 0 : i64, length = 32 : i64} : tensor<4x8xi8>
  %s = qc.parameter "s" {file = "f", offset = 64 : i64, length = 16 : i64} : tensor<4xf32>
  %x = qc.dequantize %xq : tensor<2x8xf32, #qc.affine<i8, scale = 0.1>> -> tensor<2x8xf32>
  %e = tensor.empty() : tensor<8x4xf32>
  %zeros = arith.constant dense<0.0> : tensor<2x4xf32>
  %aq = qc.assemble %w, %s : tensor<4x8xi8>, tensor<4xf32> -> tensor<4x8xf32, #qc.affine<i8, group = [1, -1], symmetric>>
  %a = qc.dequantize %aq : tensor<4x8xf32, #qc.affine<i8, group = [1, -1], symmetric>> -> tensor<4x8xf32>
  %at = linalg.transpose ins(%a : tensor<4x8xf32>) outs(%e : tensor<8x4xf32>) permutation = [1, 0]
  // CHECK: %[[T:.*]] = linalg.transpose ins(%[[D]] : tensor<4x8xi8>)
  // CHECK: %[[A:.*]] = qc.assemble %[[T]], %[[S]] : {{.*}} -> tensor<8x4xf32, #qc.affine<i8, group = [-1, 1], symmetric>>
  // CHECK: qc.matmul %[[XQ]], %[[A]]
  %y = linalg.matmul ins(%x, %at : tensor<2x8xf32>, tensor<8x4xf32>) outs(%zeros : tensor<2x4xf32>) -> tensor<2x4xf32>
  %bq = qc.assemble %w : tensor<4x8xi8> -> tensor<4x8xf32, #qc.affine<i8, scale = 0.5>>
  %b = qc.dequantize %bq : tensor<4x8xf32, #qc.affine<i8, scale = 0.5>> -> tensor<4x8xf32>
  %bt = linalg.transpose ins(%b : tensor<4x8xf32>) outs(%e : tensor<8x4xf32>) permutation = [1, 0]
  // CHECK: %[[B:.*]] = qc.assemble %{{.*}}, %[[SAME]]
  // CHECK: qc.matmul %[[XQ]], %[[B]]
  %z = linalg.matmul ins(%x, %bt : tensor<2x8xf32>, tensor<8x4xf32>) outs(%zeros : tensor<2x4xf32>) -> tensor<2x4xf32>
  return %y, %z : tensor<2x4xf32>, tensor<2x4xf32>
}

// A table of codes with zero points, transposed to be looked up in: so are the
// codes. Two codes of 4 bits to a byte are not.
// CHECK-LABEL: func @table
func.func @table(%tokens: tensor<3xi32>) -> (tensor<3x8xf32>, tensor<3x8xf32>) {
  // CHECK-DAG: %[[W:.*]] = qc.parameter "w"
  // CHECK-DAG: %[[Z:.*]] = qc.parameter "z"
  // CHECK-DAG: %[[S:.*]] = qc.parameter "s"
  %w = qc.parameter "w" {file = "f", offset = 0 : i64, length = 32 : i64} : tensor<4x8xi8>
  %z = qc.parameter "z" {file = "f", offset = 32 : i64, length = 4 : i64} : tensor<4xi8>
  %s = qc.parameter "s" {file = "f", offset = 64 : i64, length = 16 : i64} : tensor<4xf32>
  %e = tensor.empty() : tensor<8x4xf32>
  %q = qc.assemble %w, %z, %s : tensor<4x8xi8>, tensor<4xi8>, tensor<4xf32> -> tensor<4x8xf32, #qc.affine<i8, group = [1, -1]>>
  %f = qc.dequantize %q : tensor<4x8xf32, #qc.affine<i8, group = [1, -1]>> -> tensor<4x8xf32>
  %t = linalg.transpose ins(%f : tensor<4x8xf32>) outs(%e : tensor<8x4xf32>) permutation = [1, 0]
  // CHECK: %[[T:.*]] = linalg.transpose ins(%[[W]] : tensor<4x8xi8>)
  // CHECK: %[[A:.*]] = qc.assemble %[[T]], %[[Z]], %[[S]] : {{.*}} -> tensor<8x4xf32, #qc.affine<i8, group = [-1, 1]>>
  // CHECK: qc.embedding %{{.*}}, %[[A]]
  %y = qc.embedding %tokens, %t : tensor<3xi32>, tensor<8x4xf32> -> tensor<3x8xf32>
  %n = qc.parameter "n" {file = "f", offset = 96 : i64, length = 16 : i64} : tensor<4x4xi8>
  %nq = qc.assemble %n, %s : tensor<4x4xi8>, tensor<4xf32> -> tensor<4x8xf32, #qc.affine<i4, group = [1, -1], symmetric>>
  %nf = qc.dequantize %nq : tensor<4x8xf32, #qc.affine<i4, group = [1, -1], symmetric>> -> tensor<4x8xf32>
  %nt = linalg.transpose ins(%nf : tensor<4x8xf32>) outs(%e : tensor<8x4xf32>) permutation = [1, 0]
  // CHECK: linalg.transpose ins(%{{.*}} : tensor<4x8xf32>)
  %v = qc.embedding %tokens, %nt : tensor<3xi32>, tensor<8x4xf32> -> tensor<3x8xf32>
  return %y, %v : tensor<3x8xf32>, tensor<3x8xf32>
}

// Heads: reshapes and transposes of codes become the op's axes, the scale its
// alpha, the quantization of its result its end.
#a = #qc.affine<i8, scale = 0.1, zero_point = 5>
#b = #qc.affine<i8, scale = 0.2>
// CHECK-LABEL: func @heads
// CHECK-SAME: (%[[Q:.*]]: tensor<2x7x4x8xf32, {{.*}}>, %[[K:.*]]: tensor<2x7x4x8xf32,
func.func @heads(%qq: tensor<2x7x4x8xf32, #a>, %kq: tensor<2x7x4x8xf32, #b>) -> tensor<2x4x7x7xf32, #a> {
  %q = qc.dequantize %qq : tensor<2x7x4x8xf32, #a> -> tensor<2x7x4x8xf32>
  %k = qc.dequantize %kq : tensor<2x7x4x8xf32, #b> -> tensor<2x7x4x8xf32>
  %qe = tensor.empty() : tensor<2x4x7x8xf32>
  %ke = tensor.empty() : tensor<2x4x8x7xf32>
  %qt = linalg.transpose ins(%q : tensor<2x7x4x8xf32>) outs(%qe : tensor<2x4x7x8xf32>) permutation = [0, 2, 1, 3]
  %kt = linalg.transpose ins(%k : tensor<2x7x4x8xf32>) outs(%ke : tensor<2x4x8x7xf32>) permutation = [0, 2, 3, 1]
  %qc = tensor.collapse_shape %qt [[0, 1], [2], [3]] : tensor<2x4x7x8xf32> into tensor<8x7x8xf32>
  %kc = tensor.collapse_shape %kt [[0, 1], [2], [3]] : tensor<2x4x8x7xf32> into tensor<8x8x7xf32>
  %zeros = arith.constant dense<0.0> : tensor<8x7x7xf32>
  %m = linalg.batch_matmul ins(%qc, %kc : tensor<8x7x8xf32>, tensor<8x8x7xf32>) outs(%zeros : tensor<8x7x7xf32>) -> tensor<8x7x7xf32>
  %e = tensor.expand_shape %m [[0, 1], [2], [3]] output_shape [2, 4, 7, 7] : tensor<8x7x7xf32> into tensor<2x4x7x7xf32>
  %four = arith.constant dense<4.0> : tensor<2x4x7x7xf32>
  // CHECK: %[[Y:.*]] = qc.batch_matmul %[[Q]], %[[K]] {alpha = 2.500000e-01 : f32, lhs_perm = array<i64: 0, 2, 1, 3>, rhs_perm = array<i64: 0, 2, 3, 1>}
  // CHECK-SAME: -> tensor<2x4x7x7xf32, #qc.affine<i8, scale = 1.000000e-01, zero_point = 5>>
  // CHECK-NEXT: return %[[Y]]
  %s = arith.divf %e, %four : tensor<2x4x7x7xf32>
  %y = qc.quantize %s : tensor<2x4x7x7xf32> -> tensor<2x4x7x7xf32, #a>
  return %y : tensor<2x4x7x7xf32, #a>
}

// The result is quantized before its batch axes are split.
// CHECK-LABEL: func @context
// CHECK-SAME: (%[[P:.*]]: tensor<2x4x7x7xf32, {{.*}}>, %[[V:.*]]: tensor<2x7x4x8xf32,
func.func @context(%pq: tensor<2x4x7x7xf32, #a>, %vq: tensor<2x7x4x8xf32, #b>) -> tensor<2x4x7x8xf32, #a> {
  %p = qc.dequantize %pq : tensor<2x4x7x7xf32, #a> -> tensor<2x4x7x7xf32>
  %v = qc.dequantize %vq : tensor<2x7x4x8xf32, #b> -> tensor<2x7x4x8xf32>
  %ve = tensor.empty() : tensor<2x4x7x8xf32>
  %vt = linalg.transpose ins(%v : tensor<2x7x4x8xf32>) outs(%ve : tensor<2x4x7x8xf32>) permutation = [0, 2, 1, 3]
  %pc = tensor.collapse_shape %p [[0, 1], [2], [3]] : tensor<2x4x7x7xf32> into tensor<8x7x7xf32>
  %vc = tensor.collapse_shape %vt [[0, 1], [2], [3]] : tensor<2x4x7x8xf32> into tensor<8x7x8xf32>
  %zeros = arith.constant dense<0.0> : tensor<8x7x8xf32>
  %m = linalg.batch_matmul ins(%pc, %vc : tensor<8x7x7xf32>, tensor<8x7x8xf32>) outs(%zeros : tensor<8x7x8xf32>) -> tensor<8x7x8xf32>
  %mq = qc.quantize %m : tensor<8x7x8xf32> -> tensor<8x7x8xf32, #a>
  %md = qc.dequantize %mq : tensor<8x7x8xf32, #a> -> tensor<8x7x8xf32>
  %e = tensor.expand_shape %md [[0, 1], [2], [3]] output_shape [2, 4, 7, 8] : tensor<8x7x8xf32> into tensor<2x4x7x8xf32>
  // CHECK: %[[Y:.*]] = qc.batch_matmul %[[P]], %[[V]] {alpha = 1.000000e+00 : f32, lhs_perm = array<i64: 0, 1, 2, 3>, rhs_perm = array<i64: 0, 2, 1, 3>}
  // CHECK-NEXT: return %[[Y]]
  %y = qc.quantize %e : tensor<2x4x7x8xf32> -> tensor<2x4x7x8xf32, #a>
  return %y : tensor<2x4x7x8xf32, #a>
}

// A right factor with a zero point has no integer form.
// CHECK-LABEL: func @right_zero_point
// CHECK: qc.batch_matmul %{{.*}} : tensor<2x4x4xf32>, tensor<2x4x4xf32> -> tensor<2x4x4xf32>
func.func @right_zero_point(%aq: tensor<2x4x4xf32, #a>) -> tensor<2x4x4xf32> {
  %a = qc.dequantize %aq : tensor<2x4x4xf32, #a> -> tensor<2x4x4xf32>
  %zeros = arith.constant dense<0.0> : tensor<2x4x4xf32>
  %m = linalg.batch_matmul ins(%a, %a : tensor<2x4x4xf32>, tensor<2x4x4xf32>) outs(%zeros : tensor<2x4x4xf32>) -> tensor<2x4x4xf32>
  return %m : tensor<2x4x4xf32>
}
